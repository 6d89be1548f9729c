// The cascade's sums on 512-bit registers: AVX-512 F, BW, VL, DQ and VNNI.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // GCC 12 warns of its own intrinsics
#endif
#include <immintrin.h>

#include "cascade_search.h"

namespace mitame::cascade {
namespace {

inline __m512i at(const void* address) { return _mm512_loadu_si512(address); }

inline __mmask16 rest16(int32_t n) { return static_cast<__mmask16>((1U << n) - 1U); }

struct Avx512 {
  static bool finite(const float* x, int32_t n) {
    __m512 wrong = _mm512_setzero_ps();
    int32_t i = 0;
    for (; i + 16 <= n; i += 16)
      wrong = _mm512_fmadd_ps(_mm512_loadu_ps(x + i), _mm512_setzero_ps(), wrong);
    if (i < n)
      wrong = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(rest16(n - i), x + i), _mm512_setzero_ps(),
                              wrong);
    return _mm512_cmp_ps_mask(wrong, _mm512_setzero_ps(), _CMP_NEQ_UQ) == 0;
  }

  static float scaled(const float* z, const float* steps, int32_t n, float* out) {
    __m512 most = _mm512_setzero_ps();
    for (int32_t i = 0; i < n; i += 16) {
      __m512 value = _mm512_loadu_ps(z + i);
      if (steps) value = _mm512_mul_ps(value, _mm512_loadu_ps(steps + i));
      _mm512_storeu_ps(out + i, value);
      most = _mm512_max_ps(most, _mm512_abs_ps(value));
    }
    return _mm512_reduce_max_ps(most);
  }

  static void round(const float* x, int32_t n, float factor, int8_t* out) {
    const __m512 f = _mm512_set1_ps(factor);
    for (int32_t i = 0; i < n; i += 16) {
      const __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + i), f));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm512_cvtsepi32_epi8(whole));
    }
  }

  static int32_t sum(const int8_t* x, int32_t n) {
    __m512i out = _mm512_setzero_si512();
    for (int32_t i = 0; i < n; i += kLine)
      out = _mm512_dpbusd_epi32(out, _mm512_set1_epi8(1), at(x + i));
    return _mm512_reduce_add_epi32(out);
  }

  static int32_t dot(const uint8_t* a, const int8_t* b, int32_t n) {
    __m512i out = _mm512_setzero_si512();
    for (int32_t i = 0; i < n; i += kLine) out = _mm512_dpbusd_epi32(out, at(a + i), at(b + i));
    return _mm512_reduce_add_epi32(out);
  }

  // Upper halves and planes stay where they are in the byte: their sums are shifted at the end.
  static void block(const uint8_t* codes, int32_t fours, int32_t twos, const int8_t* four,
                    const int8_t* two, int32_t* out4, int32_t* out2) {
    const __m512i zero = _mm512_setzero_si512();
    const __m512i lower = _mm512_set1_epi8(15), upper = _mm512_set1_epi8(-16);
    __m512i low = zero, high = zero, low2 = zero, high2 = zero;
    for (int32_t i = 0; i < fours; i += 2, codes += 2 * kLine) {  // an even number of lines
      const __m512i v = at(codes), w = at(codes + kLine);
      low = _mm512_dpbusd_epi32(low, _mm512_and_si512(v, lower), word(four, 2 * i));
      high = _mm512_dpbusd_epi32(high, _mm512_and_si512(v, upper), word(four, 2 * i + 1));
      low2 = _mm512_dpbusd_epi32(low2, _mm512_and_si512(w, lower), word(four, 2 * i + 2));
      high2 = _mm512_dpbusd_epi32(high2, _mm512_and_si512(w, upper), word(four, 2 * i + 3));
    }
    low = _mm512_add_epi32(low, low2);
    high = _mm512_add_epi32(high, high2);
    __m512i p0 = zero, p1 = zero, p2 = zero, p3 = zero;
    for (int32_t i = 0; i < twos; ++i, codes += kLine) {
      const __m512i v = at(codes);
      p0 = _mm512_dpbusd_epi32(p0, _mm512_and_si512(v, _mm512_set1_epi8(3)), word(two, 4 * i));
      p1 = _mm512_dpbusd_epi32(p1, _mm512_and_si512(v, _mm512_set1_epi8(12)), word(two, 4 * i + 1));
      p2 = _mm512_dpbusd_epi32(p2, _mm512_and_si512(v, _mm512_set1_epi8(48)), word(two, 4 * i + 2));
      p3 = _mm512_dpbusd_epi32(p3, _mm512_and_si512(v, _mm512_set1_epi8(-64)),
                               word(two, 4 * i + 3));
    }
    _mm512_store_si512(out4, _mm512_add_epi32(low, _mm512_srai_epi32(high, 4)));
    const __m512i even = _mm512_add_epi32(p0, _mm512_srai_epi32(p2, 4));
    const __m512i odd = _mm512_add_epi32(_mm512_srai_epi32(p1, 2), _mm512_srai_epi32(p3, 6));
    _mm512_store_si512(out2, _mm512_add_epi32(even, odd));
  }

  static void block8(const uint8_t* codes, int32_t chunks, const int8_t* q, int32_t* out) {
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    for (int32_t i = 0; i < chunks; i += 4) {  // a multiple of 16
      const uint8_t* line = codes + kLine * static_cast<std::ptrdiff_t>(i);
      a = _mm512_dpbusd_epi32(a, at(line), word(q, i));
      b = _mm512_dpbusd_epi32(b, at(line + kLine), word(q, i + 1));
      c = _mm512_dpbusd_epi32(c, at(line + 2 * kLine), word(q, i + 2));
      d = _mm512_dpbusd_epi32(d, at(line + 3 * kLine), word(q, i + 3));
    }
    _mm512_store_si512(out, _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d)));
  }

  static constexpr int32_t kTogether = 4;

  // What block8 gives of so many blocks, one after the other: a word of the query is fetched once.
  static void blocks8(const uint8_t* codes, int32_t padded, const int8_t* q, int32_t* out) {
    const std::ptrdiff_t next = kBlock * static_cast<std::ptrdiff_t>(padded);
    __m512i sums[kTogether];
    for (__m512i& sum : sums) sum = _mm512_setzero_si512();
    for (int32_t i = 0; i < padded / 4; ++i, codes += kLine) {
      const __m512i four = word(q, i);
      for (int b = 0; b < kTogether; ++b)
        sums[b] = _mm512_dpbusd_epi32(sums[b], at(codes + b * next), four);
    }
    for (int b = 0; b < kTogether; ++b) _mm512_store_si512(out + kBlock * b, sums[b]);
  }

  // The same of block, for codes of 4 bits alone.
  static void blocks4(const uint8_t* codes, int32_t padded, const int8_t* q, int32_t* out) {
    const __m512i lower = _mm512_set1_epi8(15), upper = _mm512_set1_epi8(-16);
    const std::ptrdiff_t next = kBlock / 2 * static_cast<std::ptrdiff_t>(padded);
    __m512i low[kTogether], high[kTogether];
    for (int b = 0; b < kTogether; ++b) low[b] = high[b] = _mm512_setzero_si512();
    for (int32_t i = 0; i < padded / 8; ++i, codes += kLine) {
      const __m512i one = word(q, 2 * i), other = word(q, 2 * i + 1);
      for (int b = 0; b < kTogether; ++b) {
        const __m512i v = at(codes + b * next);
        low[b] = _mm512_dpbusd_epi32(low[b], _mm512_and_si512(v, lower), one);
        high[b] = _mm512_dpbusd_epi32(high[b], _mm512_and_si512(v, upper), other);
      }
    }
    for (int b = 0; b < kTogether; ++b)
      _mm512_store_si512(out + kBlock * b, _mm512_add_epi32(low[b], _mm512_srai_epi32(high[b], 4)));
  }

  static unsigned below(const float* norms, float base, float scale4, const int32_t* four,
                        float scale2, const int32_t* two, float limit, float* keys) {
    const __m512 norm = _mm512_loadu_ps(norms);
    __m512 key = _mm512_add_ps(norm, _mm512_set1_ps(base));
    key = _mm512_sub_ps(key, _mm512_mul_ps(_mm512_set1_ps(scale4),
                                           _mm512_cvtepi32_ps(_mm512_load_si512(four))));
    key = _mm512_sub_ps(key, _mm512_mul_ps(_mm512_set1_ps(scale2),
                                           _mm512_cvtepi32_ps(_mm512_load_si512(two))));
    _mm512_store_ps(keys, key);
    const __mmask16 real = _mm512_cmp_ps_mask(norm, _mm512_set1_ps(kFar), _CMP_LT_OQ);
    return _mm512_mask_cmp_ps_mask(real, key, _mm512_set1_ps(limit), _CMP_LT_OQ);
  }

  // Products with each group of coordinates. tail: or null, for rows without.
  static void node(const uint8_t* node, const uint8_t* tail, const NodeQuery& q, float* out) {
    const __m512i zero = _mm512_setzero_si512(), half = _mm512_set1_epi8(15),
                  pair = _mm512_set1_epi8(3);
    // The query is zero where a byte belongs to another group.
    const __m512i first = at(node), second = at(node + kLine);
    const __m512i eight = _mm512_dpbusd_epi32(zero, first, at(q.eight));
    __m512i four = _mm512_dpbusd_epi32(zero, _mm512_and_si512(first, half), at(q.low));
    four = _mm512_dpbusd_epi32(four, _mm512_and_si512(_mm512_srli_epi16(first, 4), half),
                               at(q.high));
    const __m512i two = pairs(second, pair, q.pairs);
    const __m512i rest = tail ? pairs(at(tail), pair, q.tail) : zero;
    const __m128 sums = _mm_cvtepi32_ps(totals(eight, four, two, rest));
    _mm_store_ps(out, _mm_mul_ps(sums, _mm_load_ps(q.scales)));
  }

  static void residual(const uint8_t* codes, int32_t lines, const int8_t (*q)[kResidual],
                       int32_t* out) {
    const __m512i half = _mm512_set1_epi8(15);
    for (int32_t line = 0; line < lines; ++line, codes += kLine) {
      const __m512i v = at(codes);
      __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_and_si512(v, half),
                                        at(q[line]));
      sum = _mm512_dpbusd_epi32(sum, _mm512_and_si512(_mm512_srli_epi16(v, 4), half),
                                at(q[line] + kLine));
      out[line] = _mm512_reduce_add_epi32(sum);
    }
  }

  static int32_t count_below(const float* keys, int32_t n, float limit) {
    const __m512 most = _mm512_set1_ps(limit);
    uint32_t out = 0;
    for (int32_t i = 0; i < n; i += 16)
      out += static_cast<uint32_t>(
          _mm_popcnt_u32(_mm512_cmp_ps_mask(_mm512_loadu_ps(keys + i), most, _CMP_LT_OQ)));
    return static_cast<int32_t>(out);
  }

  static void ends(const float* keys, int32_t n, float* low, float* high) {
    const __m512 far = _mm512_set1_ps(INFINITY);
    __m512 least = far, most = _mm512_set1_ps(-INFINITY);
    for (int32_t i = 0; i < n; i += 16) {
      const __m512 key = _mm512_loadu_ps(keys + i);
      least = _mm512_min_ps(key, least);
      most = _mm512_mask_max_ps(most, _mm512_cmp_ps_mask(key, far, _CMP_LT_OQ), key, most);
    }
    *low = _mm512_reduce_min_ps(least);
    *high = _mm512_reduce_max_ps(most);
  }

  static int32_t keep_below(float* keys, int32_t* places, int32_t n, float upper) {
    const __m512 limit = _mm512_set1_ps(upper);
    int32_t kept = 0;
    for (int32_t i = 0; i < n; i += 16) {
      const __mmask16 there = n - i >= 16 ? __mmask16{0xffff} : rest16(n - i);
      const __m512 key = _mm512_maskz_loadu_ps(there, keys + i);
      const __m512i place = _mm512_maskz_loadu_epi32(there, places + i);
      const __mmask16 keep = _mm512_mask_cmp_ps_mask(there, key, limit, _CMP_LT_OQ);
      _mm512_mask_compressstoreu_ps(keys + kept, keep, key);
      _mm512_mask_compressstoreu_epi32(places + kept, keep, place);
      kept += _mm_popcnt_u32(keep);
    }
    return kept;
  }

  static int32_t append(unsigned mask, const float* keys, int32_t first, float* to_keys,
                        int32_t* to_places, int32_t count) {
    const __mmask16 chosen = static_cast<__mmask16>(mask);
    const __m512i steps =
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    _mm512_mask_compressstoreu_ps(to_keys + count, chosen, _mm512_load_ps(keys));
    _mm512_mask_compressstoreu_epi32(to_places + count, chosen,
                                     _mm512_add_epi32(_mm512_set1_epi32(first), steps));
    return count + _mm_popcnt_u32(mask);
  }

  static float squared(const float* x, const float* y, int32_t n) {
    return sum_over(n, [&](int32_t i, __mmask16 m, __m512 sum) {
      const __m512 away =
          _mm512_sub_ps(_mm512_maskz_loadu_ps(m, x + i), _mm512_maskz_loadu_ps(m, y + i));
      return _mm512_fmadd_ps(away, away, sum);
    });
  }

  static float squared_scaled(const float* x, float factor, const float* y, int32_t n) {
    const __m512 f = _mm512_set1_ps(factor);
    return sum_over(n, [&](int32_t i, __mmask16 m, __m512 sum) {
      const __m512 away = _mm512_sub_ps(_mm512_mul_ps(_mm512_maskz_loadu_ps(m, x + i), f),
                                        _mm512_maskz_loadu_ps(m, y + i));
      return _mm512_fmadd_ps(away, away, sum);
    });
  }

  static float product(const float* x, const float* y, int32_t n) {
    return sum_over(n, [&](int32_t i, __mmask16 m, __m512 sum) {
      return _mm512_fmadd_ps(_mm512_maskz_loadu_ps(m, x + i), _mm512_maskz_loadu_ps(m, y + i), sum);
    });
  }

 private:
  static __m512i word(const int8_t* q, int32_t i) {
    int32_t out;
    std::memcpy(&out, q + 4 * static_cast<std::ptrdiff_t>(i), sizeof out);
    return _mm512_set1_epi32(out);
  }

  // The sums of four registers, beside each other.
  static __m128i totals(__m512i a, __m512i b, __m512i c, __m512i d) {
    const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    const __m512i all =
        _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    const __m256i half =
        _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  }

  static __m512i pairs(__m512i v, __m512i pair, const int8_t (*q)[kLine]) {
    const __m512i zero = _mm512_setzero_si512();
    __m512i a = _mm512_dpbusd_epi32(zero, _mm512_and_si512(v, pair), at(q[0]));
    __m512i b =
        _mm512_dpbusd_epi32(zero, _mm512_and_si512(_mm512_srli_epi16(v, 2), pair), at(q[1]));
    a = _mm512_dpbusd_epi32(a, _mm512_and_si512(_mm512_srli_epi16(v, 4), pair), at(q[2]));
    b = _mm512_dpbusd_epi32(b, _mm512_and_si512(_mm512_srli_epi16(v, 6), pair), at(q[3]));
    return _mm512_add_epi32(a, b);
  }

  template <class Add>
  static float sum_over(int32_t n, Add add) {
    __m512 a = _mm512_setzero_ps(), b = a, c = a, d = a;
    const __mmask16 all = 0xffff;
    int32_t i = 0;
    for (; i + 64 <= n; i += 64) {
      a = add(i, all, a);
      b = add(i + 16, all, b);
      c = add(i + 32, all, c);
      d = add(i + 48, all, d);
    }
    for (; i + 16 <= n; i += 16) a = add(i, all, a);
    if (i < n) b = add(i, rest16(n - i), b);
    return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d)));
  }
};

}  // namespace

const Kernel avx512_kernel = make_kernel<Avx512>();

}  // namespace mitame::cascade
