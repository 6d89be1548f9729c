#include <immintrin.h>

#include "prepare_normalise.h"

namespace mitame {
namespace {

// Where one channel's byte of four pixels goes: into four 32-bit numbers.
inline __m256i channel(char at) {
  const char a = at, b = static_cast<char>(at + 3), c = static_cast<char>(at + 6),
             d = static_cast<char>(at + 9);
  return _mm256_broadcastsi128_si256(
      _mm_setr_epi8(a, -1, -1, -1, b, -1, -1, -1, c, -1, -1, -1, d, -1, -1, -1));
}

inline __m128i load(const std::uint8_t* bytes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

}  // namespace

void normalise_avx2(const std::uint8_t* in, std::ptrdiff_t pixels, const Normalising& how,
                    float* out) {
  const __m256i order[3] = {channel(0), channel(1), channel(2)};
  std::ptrdiff_t i = 0;
  // Eight pixels are 24 bytes, read as 12 and 12 with 4 bytes more each.
  for (; 3 * i + 28 <= 3 * pixels; i += 8) {
    const __m256i bytes = _mm256_inserti128_si256(_mm256_castsi128_si256(load(in + 3 * i)),
                                                  load(in + 3 * i + 12), 1);
    for (int c = 0; c < 3; ++c) {
      const __m256 value = _mm256_cvtepi32_ps(_mm256_shuffle_epi8(bytes, order[c]));
      const __m256 shifted = _mm256_sub_ps(value, _mm256_set1_ps(how.mean[c]));
      _mm256_storeu_ps(out + c * pixels + i, _mm256_mul_ps(shifted, _mm256_set1_ps(how.factor[c])));
    }
  }
  normalise_from(i, in, pixels, how, out);
}

}  // namespace mitame
