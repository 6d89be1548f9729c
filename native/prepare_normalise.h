// From bytes to a network's input: uint8[pixels, 3] to float32[3, pixels], (x - mean) / scale.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mitame {

// `factor` is 1 / scale; what NumPy does in float32 is done in the same order, so results are equal.
struct Normalising {
  float mean[3], factor[3];
};

using Normalise = void (*)(const std::uint8_t* in, std::ptrdiff_t pixels, const Normalising& how,
                           float* out);

// The remaining pixels from `start`, one by one.
static inline void normalise_from(std::ptrdiff_t start, const std::uint8_t* in,
                                  std::ptrdiff_t pixels, const Normalising& how, float* out) {
  for (int c = 0; c < 3; ++c) {
    float* plane = out + c * pixels;
    for (std::ptrdiff_t i = start; i < pixels; ++i)
      plane[i] = (static_cast<float>(in[3 * i + c]) - how.mean[c]) * how.factor[c];
  }
}

void normalise(const std::uint8_t* in, std::ptrdiff_t pixels, const Normalising& how, float* out);
#ifdef MITAME_HAS_AVX2
void normalise_avx2(const std::uint8_t* in, std::ptrdiff_t pixels, const Normalising& how,
                    float* out);
#endif

}  // namespace mitame
