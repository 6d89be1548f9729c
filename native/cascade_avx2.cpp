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

// Without an instruction that adds four products at once, sums stay in 16 bits while they fit, and
// sixteen rows go on together, so that a word of the query is fetched once.
struct Avx2 : Wide<Products> {
  static void block(const uint8_t* codes, int32_t fours, int32_t twos, const int8_t* four,
                    const int8_t* two, int32_t* out4, int32_t* out2) {
    const __m256i half = _mm256_set1_epi8(15), pair = _mm256_set1_epi8(3);
    Sums sums;
    for (int32_t i = 0; i < fours; ++i, codes += kLine) {
      const __m256i v = at(codes), w = at(codes + 32);
      const __m256i q = word(four, 2 * i), r = word(four, 2 * i + 1);
      sums.add(_mm256_and_si256(v, half), _mm256_and_si256(w, half), q);
      sums.add(shifted<4>(v, half), shifted<4>(w, half), r);
      if (i % kFours == kFours - 1) sums.widen();
    }
    sums.store(out4);
    for (int32_t i = 0; i < twos; ++i, codes += kLine) {
      const __m256i v = at(codes), w = at(codes + 32);
      sums.add(_mm256_and_si256(v, pair), _mm256_and_si256(w, pair), word(two, 4 * i));
      sums.add(shifted<2>(v, pair), shifted<2>(w, pair), word(two, 4 * i + 1));
      sums.add(shifted<4>(v, pair), shifted<4>(w, pair), word(two, 4 * i + 2));
      sums.add(shifted<6>(v, pair), shifted<6>(w, pair), word(two, 4 * i + 3));
      if (i % kTwos == kTwos - 1) sums.widen();
    }
    sums.store(out2);
  }

  // Sixteen codes as numbers of 16 bits have no top bit that would count as a sign.
  static void block8(const uint8_t* codes, int32_t chunks, const int8_t* q, int32_t* out) {
    __m256i sums[4];
    for (__m256i& sum : sums) sum = _mm256_setzero_si256();
    for (int32_t i = 0; i < chunks; ++i, codes += kLine) {
      const __m256i four = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(word(q, i)));
      for (int part = 0; part < 4; ++part) {
        const __m128i bytes =
            _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + 16 * part));
        sums[part] =
            _mm256_add_epi32(sums[part], _mm256_madd_epi16(_mm256_cvtepu8_epi16(bytes), four));
      }
    }
    for (int part = 0; part < 4; part += 2) {
      const __m256i rows = _mm256_hadd_epi32(sums[part], sums[part + 1]);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 4 * part),
                          _mm256_permute4x64_epi64(rows, 0xd8));
    }
  }

 private:
  // Lines whose sums fit into 16 bits: two times 2 * 15 * 127 each, or four times 2 * 3 * 127.
  static constexpr int32_t kFours = 4, kTwos = 10;

  struct Sums {
    __m256i small[2], wide[2];
    Sums() { clear(); }
    void clear() { small[0] = small[1] = wide[0] = wide[1] = _mm256_setzero_si256(); }
    void add(__m256i v, __m256i w, __m256i query) {
      small[0] = _mm256_add_epi16(small[0], _mm256_maddubs_epi16(v, query));
      small[1] = _mm256_add_epi16(small[1], _mm256_maddubs_epi16(w, query));
    }
    void widen() {
      const __m256i one = _mm256_set1_epi16(1);
      for (int side = 0; side < 2; ++side) {
        wide[side] = _mm256_add_epi32(wide[side], _mm256_madd_epi16(small[side], one));
        small[side] = _mm256_setzero_si256();
      }
    }
    void store(int32_t* out) {
      widen();
      for (int side = 0; side < 2; ++side)
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 8 * side), wide[side]);
      clear();
    }
  };

  template <int Bits>
  static __m256i shifted(__m256i v, __m256i mask) {
    return _mm256_and_si256(_mm256_srli_epi16(v, Bits), mask);
  }
};

}  // namespace

const Kernel avx2_kernel = make_kernel<Avx2>();

}  // namespace mitame::cascade
