// The passes of prepare_resample.h on 256-bit registers. Nothing of the standard library's templates may
// be used here: the linker could take this file's copy of one for a processor without AVX2.
#include <immintrin.h>

#include <cstring>

#include "prepare_resample.h"

namespace mitame {
namespace {

constexpr int kLoad = 16;  // bytes read for a group of four pixels, which are 12

// Pixels 0|1 and 2|3 of twelve bytes, as 16-bit pairs: r0 r1 g0 g1 b0 b1, then zeros.
inline __m256i first_pair() {
  return _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
}
inline __m256i second_pair() {
  return _mm256_broadcastsi128_si256(
      _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
}

// How many outputs from the left can be made with loads that stay inside of a row.
int safe_outputs(const Axis& axis, int width) {
  const std::ptrdiff_t reach = static_cast<std::ptrdiff_t>(axis.groups - 1) * kGroup * 3 + kLoad;
  int safe = axis.outputs;
  while (safe > 0 && axis.first[safe - 1] * std::ptrdiff_t{3} + reach > std::ptrdiff_t{3} * width)
    --safe;
  return safe;
}

inline __m256i both(const std::uint8_t* a, const std::uint8_t* b) {
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a));
  return _mm256_inserti128_si256(_mm256_castsi128_si256(low),
                                 _mm_loadu_si128(reinterpret_cast<const __m128i*>(b)), 1);
}

inline void store_pixel(std::uint8_t* out, __m128i bytes) {
  const int word = _mm_cvtsi128_si32(bytes);
  std::memcpy(out, &word, 4);  // the fourth byte is overwritten by the next pixel
}

// Two rows at once: one in each half of a register.
void two_across(const Axis& axis, int safe, const std::uint8_t* a, const std::uint8_t* b,
                std::uint8_t* out_a, std::uint8_t* out_b) {
  const __m256i pair01 = first_pair(), pair23 = second_pair();
  const __m256i half = _mm256_set1_epi32(1 << (kPrecision - 1));
  const std::ptrdiff_t step = static_cast<std::ptrdiff_t>(axis.groups) * kGroup;
  for (int x = 0; x < safe; ++x) {
    const std::int32_t* w = axis.halves + x * step;
    std::ptrdiff_t at = static_cast<std::ptrdiff_t>(axis.first[x]) * 3;
    __m256i low = half, high = _mm256_setzero_si256();
    for (int t = 0; t < axis.count[x]; t += kGroup, at += 3 * kGroup, w += kGroup) {
      const __m256i pixels = both(a + at, b + at);
      const __m256i p01 = _mm256_shuffle_epi8(pixels, pair01);
      const __m256i p23 = _mm256_shuffle_epi8(pixels, pair23);
      low = _mm256_add_epi32(low, _mm256_madd_epi16(p01, _mm256_set1_epi32(w[0])));
      low = _mm256_add_epi32(low, _mm256_madd_epi16(p23, _mm256_set1_epi32(w[1])));
      high = _mm256_add_epi32(high, _mm256_madd_epi16(p01, _mm256_set1_epi32(w[2])));
      high = _mm256_add_epi32(high, _mm256_madd_epi16(p23, _mm256_set1_epi32(w[3])));
    }
    const __m256i sum = _mm256_add_epi32(low, _mm256_slli_epi32(high, kHalf));
    const __m256i words = _mm256_srai_epi32(sum, kPrecision);
    const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(words, words), words);
    store_pixel(out_a + 3 * x, _mm256_castsi256_si128(bytes));
    store_pixel(out_b + 3 * x, _mm256_extracti128_si256(bytes, 1));
  }
}

void across(const Axis& axis, const std::uint8_t* in, std::ptrdiff_t in_stride, int width, int rows,
            std::uint8_t* out, std::ptrdiff_t out_stride) {
  const int safe = safe_outputs(axis, width);
  for (int y = 0; y < rows; y += 2) {
    const std::ptrdiff_t next = y + 1 < rows ? 1 : 0;  // a last single row is made twice
    const std::uint8_t *a = in + y * in_stride, *b = a + next * in_stride;
    std::uint8_t *out_a = out + y * out_stride, *out_b = out_a + next * out_stride;
    two_across(axis, safe, a, b, out_a, out_b);
    for (int x = safe; x < axis.outputs; ++x) {
      one_across(axis, x, a, out_a + 3 * x);
      one_across(axis, x, b, out_b + 3 * x);
    }
  }
}

inline __m256i eight(const std::uint8_t* bytes) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes)));
}

// 32 bytes of one output row.
inline __m256i strip(const std::uint8_t* in, std::ptrdiff_t stride, const std::int32_t* weight,
                     int count) {
  const __m256i half = _mm256_set1_epi32(1 << (kPrecision - 1));
  __m256i a = half, b = half, c = half, d = half;
  for (int t = 0; t < count; ++t, in += stride) {
    const __m256i factor = _mm256_set1_epi32(weight[t]);
    a = _mm256_add_epi32(a, _mm256_mullo_epi32(eight(in), factor));
    b = _mm256_add_epi32(b, _mm256_mullo_epi32(eight(in + 8), factor));
    c = _mm256_add_epi32(c, _mm256_mullo_epi32(eight(in + 16), factor));
    d = _mm256_add_epi32(d, _mm256_mullo_epi32(eight(in + 24), factor));
  }
  const __m256i ab = _mm256_packs_epi32(_mm256_srai_epi32(a, kPrecision),
                                        _mm256_srai_epi32(b, kPrecision));
  const __m256i cd = _mm256_packs_epi32(_mm256_srai_epi32(c, kPrecision),
                                        _mm256_srai_epi32(d, kPrecision));
  // Packing works within each half of a register: put the eight words back in order.
  return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(ab, cd),
                                     _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

void down(const Axis& axis, const std::uint8_t* in, std::ptrdiff_t in_stride, int bytes,
          std::uint8_t* out, std::ptrdiff_t out_stride) {
  for (int y = 0; y < axis.outputs; ++y, out += out_stride) {
    const std::uint8_t* rows = in + axis.first[y] * in_stride;
    const std::int32_t* weight =
        axis.weight + static_cast<std::ptrdiff_t>(y) * axis.groups * kGroup;
    for (int i = 0; i < bytes; i += 32) {
      const __m256i made = strip(rows + i, in_stride, weight, axis.count[y]);
      std::uint8_t whole[32];
      if (i + 32 <= bytes) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), made);
      } else {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(whole), made);
        std::memcpy(out + i, whole, static_cast<std::size_t>(bytes - i));
      }
    }
  }
}

}  // namespace

const Passes avx2_passes{across, down};

}  // namespace mitame
