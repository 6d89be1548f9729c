#include "cpu.h"

#include <atomic>
#include <cstdint>
#include <stdexcept>

#if defined(__x86_64__) || defined(_M_X64)
#define MITAME_X86 1
#if defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

namespace mitame {
namespace {

#ifdef MITAME_X86

struct Registers {
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(std::uint32_t leaf, std::uint32_t subleaf) {
  Registers out;
#if defined(_MSC_VER)
  int values[4];
  __cpuid(values, 0);
  if (static_cast<std::uint32_t>(values[0]) < leaf) return out;
  __cpuidex(values, static_cast<int>(leaf), static_cast<int>(subleaf));
  out = {static_cast<std::uint32_t>(values[0]), static_cast<std::uint32_t>(values[1]),
         static_cast<std::uint32_t>(values[2]), static_cast<std::uint32_t>(values[3])};
#else
  // 0 where the processor does not know the leaf: then no bit is set.
  __get_cpuid_count(leaf, subleaf, &out.eax, &out.ebx, &out.ecx, &out.edx);
#endif
  return out;
}

// Which registers the operating system saves for a thread (Intel SDM vol. 1, 13.2).
std::uint64_t saved_state() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  std::uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
#endif
}

constexpr bool bit(std::uint32_t word, int place) { return ((word >> place) & 1U) != 0; }

// The bits are those of Intel SDM vol. 2A, CPUID: leaf 1, and leaf 7 with subleaves 0 and 1.
[[maybe_unused]] bool runs(Kernel kernel) {
  const Registers basic = cpuid(1, 0), more = cpuid(7, 0), extra = cpuid(7, 1);
  if (!bit(basic.ecx, 27)) return false;  // OSXSAVE: xgetbv may be asked
  const std::uint64_t saved = saved_state();
  const bool ymm = (saved & 0x6) == 0x6, zmm = (saved & 0xE6) == 0xE6;
  const bool avx2 = ymm && bit(basic.ecx, 28) && bit(basic.ecx, 12) && bit(basic.ecx, 23) &&
                    bit(basic.ecx, 29) && bit(more.ebx, 5);
  switch (kernel) {
    case Kernel::avx2:
      return avx2;
    case Kernel::avxvnni:
      return avx2 && more.eax >= 1 && bit(extra.eax, 4);
    case Kernel::avx512:
      return avx2 && zmm && bit(more.ebx, 16) && bit(more.ebx, 17) && bit(more.ebx, 30) &&
             bit(more.ebx, 31) && bit(more.ecx, 11);
    default:
      return false;
  }
}

#else

[[maybe_unused]] bool runs(Kernel kernel) { return kernel == Kernel::neon; }  // every 64-bit ARM has it

#endif

std::vector<Kernel> look() {
  std::vector<Kernel> found{Kernel::portable};
#ifdef MITAME_HAS_NEON
  if (runs(Kernel::neon)) found.push_back(Kernel::neon);
#endif
#ifdef MITAME_HAS_AVX2
  if (runs(Kernel::avx2)) found.push_back(Kernel::avx2);
#endif
#ifdef MITAME_HAS_AVXVNNI
  if (runs(Kernel::avxvnni)) found.push_back(Kernel::avxvnni);
#endif
#ifdef MITAME_HAS_AVX512
  if (runs(Kernel::avx512)) found.push_back(Kernel::avx512);
#endif
  return found;
}

std::atomic<Kernel>& choice() {
  static std::atomic<Kernel> chosen{usable_kernels().back()};
  return chosen;
}

}  // namespace

const char* name_of(Kernel kernel) {
  switch (kernel) {
    case Kernel::neon:
      return "neon";
    case Kernel::avx2:
      return "avx2";
    case Kernel::avxvnni:
      return "avxvnni";
    case Kernel::avx512:
      return "avx512";
    default:
      return "portable";
  }
}

const std::vector<Kernel>& usable_kernels() {
  static const std::vector<Kernel> kernels = look();
  return kernels;
}

Kernel chosen_kernel() { return choice().load(std::memory_order_relaxed); }

void choose_kernel(const std::string& name) {
  std::string usable;
  for (Kernel kernel : usable_kernels()) {
    if (name == name_of(kernel)) {
      choice().store(kernel, std::memory_order_relaxed);
      return;
    }
    usable += usable.empty() ? "" : ", ";
    usable += name_of(kernel);
  }
  throw std::invalid_argument("kernel '" + name + "' can't run here; usable: " + usable);
}

}  // namespace mitame
