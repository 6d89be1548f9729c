// The cascade's sums with AVX-VNNI, whose products of bytes are summed without overflow.
#include "cascade_avx2.h"

namespace mitame::cascade {
namespace {

struct Products {
  static __m256i small(__m256i sum, __m256i bytes, __m256i query) {
    return _mm256_dpbusd_avx_epi32(sum, bytes, query);
  }
  static __m256i any(__m256i sum, __m256i bytes, __m256i query) {
    return _mm256_dpbusd_avx_epi32(sum, bytes, query);
  }
};

}  // namespace

const Kernel avxvnni_kernel = make_kernel<Wide<Products>>();

}  // namespace mitame::cascade
