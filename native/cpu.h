// Which instruction sets this processor has, and which kernel runs.
#pragma once

#include <string>
#include <vector>

namespace mitame {

// From the plainest to the best; a kernel of a later one may use all that an earlier one has on
// the same architecture.
//
//   portable  C++ alone
//   neon      64-bit ARM with NEON
//   avx2      x86-64 with AVX2, FMA, F16C and POPCNT
//   avxvnni   avx2 and AVX-VNNI: products of bytes on 256-bit registers
//   avx512    AVX-512 F, BW, VL, DQ and VNNI
enum class Kernel { portable, neon, avx2, avxvnni, avx512 };

// Name of a kernel as MITAME_KERNEL takes it.
const char* name_of(Kernel kernel);

// The kernels that were compiled in and that processor and operating system can run, plainest first.
const std::vector<Kernel>& usable_kernels();

// The kernel that runs: the best usable one until choose_kernel() says otherwise. The functions of
// native/ ask at each call, so that a choice holds at once for all threads.
Kernel chosen_kernel();

// Make every later call use this kernel. Throws std::invalid_argument, naming the usable ones, when
// there is no such kernel or it can't run here.
void choose_kernel(const std::string& name);

}  // namespace mitame
