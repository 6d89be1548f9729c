// Which of many rows may be near to a question: those whose inner product with one of its vectors
// reaches a bound. For bounds that leave room for rounding: sums are made in whatever order is quick.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mitame {

// Rows of `width` floats, one after the other.
struct FloatTable {
  const float* data;
  std::size_t rows, width;

  const float* row(std::size_t number) const { return data + number * width; }
};

// Numbers of the rows from `first` to before `end` that reach the bound and have an owner, which
// is not negative.
void reaching(const FloatTable& rows, std::size_t first, std::size_t end,
              const std::int64_t* owners, const FloatTable& question, double bound,
              std::vector<std::int64_t>& out);

// Those of some numbers whose row, `shift` further on, reaches the bound; half its squared length
// is taken off where `halved`.
void sifted(const FloatTable& rows, std::int64_t shift, const std::vector<std::int64_t>& numbers,
            const FloatTable& question, double bound, bool halved,
            std::vector<std::int64_t>& out);

using Product = float (*)(const float* a, const float* b, std::size_t count);

#ifdef MITAME_HAS_AVX2
float product_avx2(const float* a, const float* b, std::size_t count);
// As `reaching` for `count` rows from `first` on; returns how many it has put into `out`.
std::size_t reaching_avx2(const float* rows, std::size_t width, std::int64_t first,
                          std::size_t count, const std::int64_t* owners, const float* question,
                          double bound, std::int64_t* out);
#endif

}  // namespace mitame
