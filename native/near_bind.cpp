// What Python calls to follow new rows. A call takes microseconds, less than giving the GIL back
// and waiting for it again: so it is kept.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "near.h"

namespace nb = nanobind;

namespace mitame {
namespace {

using Rows = nb::ndarray<const float, nb::shape<-1, -1>, nb::c_contig, nb::device::cpu>;
using Owners = nb::ndarray<const std::int64_t, nb::shape<-1>, nb::c_contig, nb::device::cpu>;

constexpr std::int64_t kFarthest = std::int64_t{1} << 62;  // sums with it stay in 64 bits

FloatTable table_of(const Rows& rows) { return {rows.data(), rows.shape(0), rows.shape(1)}; }

void check_question(const FloatTable& rows, const FloatTable& question) {
  if (question.rows < 1 || question.width != rows.width)
    throw std::invalid_argument("a question has vectors of the rows' length, at least one");
}

std::vector<std::int64_t> reaching_bound(const Rows& rows, std::size_t first, std::size_t end,
                                         const Owners& owners, const Rows& question,
                                         double bound) {
  const FloatTable table = table_of(rows), asked = table_of(question);
  check_question(table, asked);
  if (first > end || end > table.rows || end > owners.shape(0))
    throw std::invalid_argument("the rows asked for are not all there");
  std::vector<std::int64_t> found;
  reaching(table, first, end, owners.data(), asked, bound, found);
  return found;
}

std::vector<std::int64_t> sifted_bound(const Rows& rows, std::int64_t shift,
                                       const std::vector<std::int64_t>& numbers,
                                       const Rows& question, double bound, bool halved) {
  const FloatTable table = table_of(rows), asked = table_of(question);
  check_question(table, asked);
  const auto count = static_cast<std::int64_t>(table.rows);
  if (shift < -kFarthest || shift > kFarthest)
    throw std::invalid_argument("the shift is too far");
  for (const std::int64_t number : numbers)
    if (number < -shift || number >= count - shift)
      throw std::invalid_argument("the rows asked for are not all there");
  std::vector<std::int64_t> found;
  sifted(table, shift, numbers, asked, bound, halved, found);
  return found;
}

}  // namespace

void bind_near(nb::module_& module) {
  module.def("reaching", &reaching_bound, nb::arg("rows").noconvert(), nb::arg("first"),
             nb::arg("end"), nb::arg("owners").noconvert(), nb::arg("question").noconvert(),
             nb::arg("bound"),
             "Numbers of those of rows, float32[n, width], from first to before end, that have an "
             "owner, int64[n], which is not negative, and whose greatest inner product with one "
             "of question, float32[m, width], is at least the bound.");
  module.def("sifted", &sifted_bound, nb::arg("rows").noconvert(), nb::arg("shift"),
             nb::arg("numbers"), nb::arg("question").noconvert(), nb::arg("bound"),
             nb::arg("halved"),
             "Those of numbers whose row, that many and shift further, reaches the bound; less "
             "half its squared length where halved.");
}

}  // namespace mitame
