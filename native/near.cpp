#include "near.h"

#include <algorithm>

#include "cpu.h"

namespace mitame {
namespace {

constexpr std::size_t kLanes = 8;

// Sums side by side, which a compiler puts into registers without being told.
float product_portable(const float* a, const float* b, std::size_t count) {
  float sums[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  for (; i < count; ++i) sums[0] += a[i] * b[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

Product chosen_product() {
#ifdef MITAME_HAS_AVX2
  if (chosen_kernel() != Kernel::portable) return product_avx2;
#endif
  return product_portable;
}

float greatest(Product product, const float* row, const FloatTable& question) {
  float best = product(row, question.data, question.width);
  for (std::size_t q = 1; q < question.rows; ++q)
    best = std::max(best, product(row, question.row(q), question.width));
  return best;
}

}  // namespace

void reaching(const FloatTable& rows, std::size_t first, std::size_t end,
              const std::int64_t* owners, const FloatTable& question, double bound,
              std::vector<std::int64_t>& out) {
#ifdef MITAME_HAS_AVX2
  if (question.rows == 1 && chosen_kernel() != Kernel::portable) {
    out.resize(end - first);
    out.resize(reaching_avx2(rows.row(first), rows.width, static_cast<std::int64_t>(first),
                             end - first, owners + first, question.data, bound, out.data()));
    return;
  }
#endif
  const Product product = chosen_product();
  for (std::size_t row = first; row < end; ++row)
    if (owners[row] >= 0 && greatest(product, rows.row(row), question) >= bound)
      out.push_back(static_cast<std::int64_t>(row));
}

void sifted(const FloatTable& rows, std::int64_t shift, const std::vector<std::int64_t>& numbers,
            const FloatTable& question, double bound, bool halved,
            std::vector<std::int64_t>& out) {
  const Product product = chosen_product();
  for (const std::int64_t number : numbers) {
    const float* row = rows.row(static_cast<std::size_t>(number + shift));
    double found = greatest(product, row, question);
    if (halved) found -= product(row, row, rows.width) / 2.0;
    if (found >= bound) out.push_back(number);
  }
}

}  // namespace mitame
