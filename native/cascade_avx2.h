// The cascade's sums on 256-bit registers, with AVX-VNNI or without: D has the products of bytes.
#pragma once

#include <immintrin.h>

#include "cascade_plain.h"
#include "cascade_search.h"

namespace mitame::cascade {
namespace {

inline __m256i at(const void* address) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(address));
}

inline int32_t total(__m256i v) {
  __m128i x = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
}

inline float total(__m256 v) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps(x, x, 1)));
}

template <class D>
struct Wide : Plain {
  static bool finite(const float* x, int32_t n) {
    __m256 wrong = _mm256_setzero_ps();
    int32_t i = 0;
    for (; i + 8 <= n; i += 8)
      wrong = _mm256_fmadd_ps(_mm256_loadu_ps(x + i), _mm256_setzero_ps(), wrong);
    float rest = total(wrong);
    for (; i < n; ++i) rest += x[i] * 0.0F;
    return rest == 0.0F;
  }

  static float scaled(const float* z, const float* steps, int32_t n, float* out) {
    const __m256 sign = _mm256_set1_ps(-0.0F);
    __m256 most = _mm256_setzero_ps();
    for (int32_t i = 0; i < n; i += 8) {
      __m256 value = _mm256_loadu_ps(z + i);
      if (steps) value = _mm256_mul_ps(value, _mm256_loadu_ps(steps + i));
      _mm256_storeu_ps(out + i, value);
      most = _mm256_max_ps(most, _mm256_andnot_ps(sign, value));
    }
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps(most, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_shuffle_ps(x, x, 1)));
  }

  static void round(const float* x, int32_t n, float factor, int8_t* out) {
    const __m256 f = _mm256_set1_ps(factor);
    for (int32_t i = 0; i < n; i += 16) {
      const __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i), f));
      const __m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i + 8), f));
      const __m256i pairs = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                       _mm_packs_epi16(_mm256_castsi256_si128(pairs),
                                       _mm256_extracti128_si256(pairs, 1)));
    }
  }

  static int32_t sum(const int8_t* x, int32_t n) {
    __m256i out = _mm256_setzero_si256();
    for (int32_t i = 0; i < n; i += 32)
      out = D::small(out, _mm256_set1_epi8(1), at(x + i));
    return total(out);
  }

  static int32_t dot(const uint8_t* a, const int8_t* b, int32_t n) {
    __m256i x = _mm256_setzero_si256(), y = x;
    for (int32_t i = 0; i < n; i += kLine) {
      x = D::any(x, at(a + i), at(b + i));
      y = D::any(y, at(a + i + 32), at(b + i + 32));
    }
    return total(_mm256_add_epi32(x, y));
  }

  static void block(const uint8_t* codes, int32_t fours, int32_t twos, const int8_t* four,
                    const int8_t* two, int32_t* out4, int32_t* out2) {
    const __m256i half = _mm256_set1_epi8(15), pair = _mm256_set1_epi8(3);
    for (int side = 0; side < 2; ++side) {
      __m256i a = _mm256_setzero_si256(), b = a;
      const uint8_t* at_codes = codes + 32 * side;
      for (int32_t i = 0; i < fours; ++i, at_codes += kLine) {
        const __m256i v = at(at_codes);
        a = D::small(a, _mm256_and_si256(v, half), word(four, 2 * i));
        a = D::small(a, _mm256_and_si256(_mm256_srli_epi16(v, 4), half), word(four, 2 * i + 1));
      }
      for (int32_t i = 0; i < twos; ++i, at_codes += kLine) {
        const __m256i v = at(at_codes);
        b = D::small(b, _mm256_and_si256(v, pair), word(two, 4 * i));
        b = D::small(b, _mm256_and_si256(_mm256_srli_epi16(v, 2), pair), word(two, 4 * i + 1));
        b = D::small(b, _mm256_and_si256(_mm256_srli_epi16(v, 4), pair), word(two, 4 * i + 2));
        b = D::small(b, _mm256_and_si256(_mm256_srli_epi16(v, 6), pair), word(two, 4 * i + 3));
      }
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out4 + 8 * side), a);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out2 + 8 * side), b);
    }
  }

  static void block8(const uint8_t* codes, int32_t chunks, const int8_t* q, int32_t* out) {
    __m256i a = _mm256_setzero_si256(), b = a;
    for (int32_t i = 0; i < chunks; ++i) {
      a = D::any(a, at(codes + kLine * static_cast<std::ptrdiff_t>(i)), word(q, i));
      b = D::any(b, at(codes + kLine * static_cast<std::ptrdiff_t>(i) + 32), word(q, i));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), a);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 8), b);
  }

  static unsigned below(const float* norms, float base, float scale4, const int32_t* four,
                        float scale2, const int32_t* two, float limit, float* keys) {
    unsigned mask = 0;
    for (int i = 0; i < kBlock; i += 8) {
      const __m256 norm = _mm256_loadu_ps(norms + i);
      __m256 key = _mm256_add_ps(norm, _mm256_set1_ps(base));
      key = _mm256_sub_ps(key, _mm256_mul_ps(_mm256_set1_ps(scale4),
                                             _mm256_cvtepi32_ps(at(four + i))));
      key = _mm256_sub_ps(key, _mm256_mul_ps(_mm256_set1_ps(scale2),
                                             _mm256_cvtepi32_ps(at(two + i))));
      _mm256_storeu_ps(keys + i, key);
      const __m256 real = _mm256_cmp_ps(norm, _mm256_set1_ps(kFar), _CMP_LT_OQ);
      const __m256 near = _mm256_cmp_ps(key, _mm256_set1_ps(limit), _CMP_LT_OQ);
      mask |= static_cast<unsigned>(_mm256_movemask_ps(_mm256_and_ps(real, near))) << i;
    }
    return mask;
  }

  // Products with each group of coordinates. tail: or null, for rows without.
  static void node(const uint8_t* node, const uint8_t* tail, const NodeQuery& q, float* out) {
    const __m256i zero = _mm256_setzero_si256(), half = _mm256_set1_epi8(15);
    const int32_t eight = total(D::any(zero, at(node), at(q.eight)));
    const __m256i v = at(node + 32);
    __m256i four = D::small(zero, _mm256_and_si256(v, half), at(q.low + 32));
    four = D::small(four, _mm256_and_si256(_mm256_srli_epi16(v, 4), half), at(q.high + 32));
    const int32_t two = pairs(node + kLine, q.pairs), rest = tail ? pairs(tail, q.tail) : 0;
    const __m128 sums = _mm_cvtepi32_ps(_mm_setr_epi32(eight, total(four), two, rest));
    _mm_store_ps(out, _mm_mul_ps(sums, _mm_load_ps(q.scales)));
  }

  static void residual(const uint8_t* codes, int32_t lines, const int8_t (*q)[kResidual],
                       int32_t* out) {
    const __m256i half = _mm256_set1_epi8(15);
    for (int32_t line = 0; line < lines; ++line, codes += kLine) {
      __m256i sum = _mm256_setzero_si256();
      for (int side = 0; side < kLine; side += 32) {
        const __m256i v = at(codes + side);
        sum = D::small(sum, _mm256_and_si256(v, half), at(q[line] + side));
        sum = D::small(sum, _mm256_and_si256(_mm256_srli_epi16(v, 4), half),
                       at(q[line] + kLine + side));
      }
      out[line] = total(sum);
    }
  }

  static int32_t count_below(const float* keys, int32_t n, float limit) {
    __m256i out = _mm256_setzero_si256();
    for (int32_t i = 0; i < n; i += 8)
      out = _mm256_sub_epi32(out, _mm256_castps_si256(_mm256_cmp_ps(
                                      _mm256_loadu_ps(keys + i), _mm256_set1_ps(limit),
                                      _CMP_LT_OQ)));
    return total(out);
  }

  static float squared(const float* x, const float* y, int32_t n) {
    return sum_over(
        n,
        [&](int32_t i, __m256 sum) {
          const __m256 away = _mm256_sub_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(y + i));
          return _mm256_fmadd_ps(away, away, sum);
        },
        [&](int32_t i) { return (x[i] - y[i]) * (x[i] - y[i]); });
  }

  static float squared_scaled(const float* x, float factor, const float* y, int32_t n) {
    return sum_over(
        n,
        [&](int32_t i, __m256 sum) {
          const __m256 away =
              _mm256_sub_ps(_mm256_mul_ps(_mm256_loadu_ps(x + i), _mm256_set1_ps(factor)),
                            _mm256_loadu_ps(y + i));
          return _mm256_fmadd_ps(away, away, sum);
        },
        [&](int32_t i) { return (x[i] * factor - y[i]) * (x[i] * factor - y[i]); });
  }

  static float product(const float* x, const float* y, int32_t n) {
    return sum_over(
        n,
        [&](int32_t i, __m256 sum) {
          return _mm256_fmadd_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(y + i), sum);
        },
        [&](int32_t i) { return x[i] * y[i]; });
  }

 protected:
  static __m256i word(const int8_t* q, int32_t i) {
    int32_t out;
    std::memcpy(&out, q + 4 * static_cast<std::ptrdiff_t>(i), sizeof out);
    return _mm256_set1_epi32(out);
  }

 private:
  static int32_t pairs(const uint8_t* bytes, const int8_t (*q)[kLine]) {
    const __m256i pair = _mm256_set1_epi8(3);
    __m256i out = _mm256_setzero_si256();
    for (int side = 0; side < kLine; side += 32) {
      const __m256i v = at(bytes + side);
      out = D::small(out, _mm256_and_si256(v, pair), at(q[0] + side));
      out = D::small(out, _mm256_and_si256(_mm256_srli_epi16(v, 2), pair), at(q[1] + side));
      out = D::small(out, _mm256_and_si256(_mm256_srli_epi16(v, 4), pair), at(q[2] + side));
      out = D::small(out, _mm256_and_si256(_mm256_srli_epi16(v, 6), pair), at(q[3] + side));
    }
    return total(out);
  }

  template <class Add, class One>
  static float sum_over(int32_t n, Add add, One one) {
    __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a;
    int32_t i = 0;
    for (; i + 32 <= n; i += 32) {
      a = add(i, a);
      b = add(i + 8, b);
      c = add(i + 16, c);
      d = add(i + 24, d);
    }
    for (; i + 8 <= n; i += 8) a = add(i, a);
    float out = total(_mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d)));
    for (; i < n; ++i) out += one(i);
    return out;
  }
};

}  // namespace
}  // namespace mitame::cascade
