#include <immintrin.h>

#include "near.h"

namespace mitame {
namespace {

inline float total(__m256 sums) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  half = _mm_add_ss(half, _mm_movehdup_ps(half));
  return _mm_cvtss_f32(half);
}

inline __m256 times(const float* a, const float* b, __m256 sums) {
  return _mm256_fmadd_ps(_mm256_loadu_ps(a), _mm256_loadu_ps(b), sums);
}

inline float product(const float* a, const float* b, std::size_t count) {
  __m256 one = _mm256_setzero_ps(), two = one, three = one, four = one;
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    one = times(a + i, b + i, one);
    two = times(a + i + 8, b + i + 8, two);
    three = times(a + i + 16, b + i + 16, three);
    four = times(a + i + 24, b + i + 24, four);
  }
  for (; i + 8 <= count; i += 8) one = times(a + i, b + i, one);
  float rest = 0.0F;
  for (; i < count; ++i) rest += a[i] * b[i];
  return total(_mm256_add_ps(_mm256_add_ps(one, two), _mm256_add_ps(three, four))) + rest;
}

}  // namespace

float product_avx2(const float* a, const float* b, std::size_t count) {
  return product(a, b, count);
}

std::size_t reaching_avx2(const float* rows, std::size_t width, std::int64_t first,
                          std::size_t count, const std::int64_t* owners, const float* question,
                          double bound, std::int64_t* out) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (product(rows + i * width, question, width) >= bound && owners[i] >= 0)
      out[found++] = first + static_cast<std::int64_t>(i);
  return found;
}

}  // namespace mitame
