#include "prepare_normalise.h"

#include "cpu.h"

namespace mitame {

void normalise(const std::uint8_t* in, std::ptrdiff_t pixels, const Normalising& how, float* out) {
#ifdef MITAME_HAS_AVX2
  if (chosen_kernel() != Kernel::portable) return normalise_avx2(in, pixels, how, out);
#endif
  normalise_from(0, in, pixels, how, out);
}

}  // namespace mitame
