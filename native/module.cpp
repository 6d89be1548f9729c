// mitame._native: what Python sees of the kernels.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "cpu.h"

namespace nb = nanobind;

namespace mitame {

// Each part of native/ adds its functions to the module by one such function.
void bind_cascade(nb::module_& module);
void bind_near(nb::module_& module);
void bind_numbers(nb::module_& module);
void bind_prepare(nb::module_& module);

namespace {

constexpr int kInterface = 2;  // raised with `mitame.native.INTERFACE`, which says when

std::vector<std::string> kernel_names() {
  std::vector<std::string> names;
  for (Kernel kernel : usable_kernels()) names.emplace_back(name_of(kernel));
  return names;
}

}  // namespace
}  // namespace mitame

NB_MODULE(_native, module) {
  // What is alive when the interpreter ends is freed with the process.
  nb::set_leak_warnings(false);
  module.attr("interface") = mitame::kInterface;
  module.def("kernel", [] { return std::string(mitame::name_of(mitame::chosen_kernel())); },
             "Name of the kernel that runs.");
  module.def("kernels", &mitame::kernel_names,
             "Names of the kernels that can run here, plainest first.");
  module.def("choose_kernel", &mitame::choose_kernel, nb::arg("name"),
             "Make every later call use this kernel; ValueError when it can't run here.");
  mitame::bind_cascade(module);
  mitame::bind_near(module);
  mitame::bind_numbers(module);
  mitame::bind_prepare(module);
}
