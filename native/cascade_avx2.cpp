// The cascade's sums with AVX2 alone.
#include "cascade_avx2.h"

namespace mitame::cascade {
namespace {

struct Products {
  // Adds products of unsigned and signed bytes, four at a time; the unsigned ones up to 128, so
  // that a sum of two products fits into 16 bits.
  static __m256i small(__m256i sum, __m256i bytes, __m256i query) {
    const __m256i twos = _mm256_maddubs_epi16(bytes, query);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(twos, _mm256_set1_epi16(1)));
  }

  // The same for all unsigned bytes: the top bit's part by itself.
  static __m256i any(__m256i sum, __m256i bytes, __m256i query) {
    const __m256i low = _mm256_and_si256(bytes, _mm256_set1_epi8(127));
    const __m256i top = _mm256_and_si256(_mm256_srli_epi16(bytes, 7), _mm256_set1_epi8(1));
    const __m256i tops = small(_mm256_setzero_si256(), top, query);
    return _mm256_add_epi32(small(sum, low, query), _mm256_slli_epi32(tops, 7));
  }
};

}  // namespace

const Kernel avx2_kernel = make_kernel<Wide<Products>>();

}  // namespace mitame::cascade
