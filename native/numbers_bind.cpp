// What Python calls to read a vector that is written as JSON. It takes some 30 us, less than giving
// the GIL back and waiting for it again: so it is kept.
#include <nanobind/nanobind.h>

#include <stdexcept>
#include <vector>

#include "numbers.h"

namespace nb = nanobind;

namespace mitame {
namespace {

#if defined(MITAME_READS_NUMBERS)
nb::object numbers_of(const nb::bytes& text, std::size_t start) {
  if (start > text.size()) throw std::invalid_argument("the text ends before");
  std::vector<float> found;
  const char* at = read_numbers(text.c_str() + start, text.c_str() + text.size(), found);
  if (!at) return nb::none();
  const nb::bytes floats(found.data(), found.size() * sizeof(float));
  return nb::make_tuple(floats, static_cast<std::size_t>(at - text.c_str()));
}
#endif

}  // namespace

void bind_numbers([[maybe_unused]] nb::module_& module) {
#if defined(MITAME_READS_NUMBERS)
  module.def("read_numbers", &numbers_of, nb::arg("text"), nb::arg("start"),
             "Float32 bytes of the JSON array at a place of a text, and where it ends; else None.");
#endif
}

}  // namespace mitame
