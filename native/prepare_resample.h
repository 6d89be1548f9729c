// Resizing of RGB pictures, bit for bit as Pillow does it (8 bits per channel, libImaging's
// Resample.c): weights in 22-bit fixed point, first along the rows, then along the columns, and
// rounded to bytes after each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mitame {

constexpr int kPrecision = 22;       // bits of a weight behind the point: 1.0 is 1 << 22
constexpr int kHalf = 11;            // a weight is (high << 11) + low, for products of 16 bits
constexpr int kGroup = 4;            // weights are kept in groups of four, filled up with zeros
constexpr std::ptrdiff_t kSlack = 32;  // bytes that a row in between may be written too far

enum class Filter { box, bilinear, bicubic, lanczos };

// How each output along one axis is made of inputs: output i is the sum over t < count[i] of
// weight[i * groups * 4 + t] * input[first[i] + t], shifted right by 22 bits.
struct Weights {
  int groups = 0;                  // of four weights per output; the most that any of them needs
  std::vector<std::int32_t> first, count, weight;
  std::vector<std::int32_t> halves;  // per group: low 0|1, low 2|3, high 0|1, high 2|3 (16 bits each)
};

// The weights for `outputs` values that show [from, to) of `inputs` values.
Weights make_weights(Filter filter, int inputs, float from, float to, int outputs);

// A view of weights without the standard library, so that files with flags of their own never
// bring a second copy of its templates into the module.
struct Axis {
  int outputs, groups;
  const std::int32_t *first, *count, *weight, *halves;
};
Axis view(const Weights& weights);

// The two passes. `across` makes `rows` rows of axis.outputs pixels; a row of `in` has `width`
// pixels, one of `out` room for kSlack bytes more. `down` makes axis.outputs rows of `bytes`
// bytes; it reads `in` up to kSlack bytes behind the last one of a row.
struct Passes {
  void (*across)(const Axis& axis, const std::uint8_t* in, std::ptrdiff_t in_stride, int width,
                 int rows, std::uint8_t* out, std::ptrdiff_t out_stride);
  void (*down)(const Axis& axis, const std::uint8_t* in, std::ptrdiff_t in_stride, int bytes,
               std::uint8_t* out, std::ptrdiff_t out_stride);
};
extern const Passes portable_passes;
#ifdef MITAME_HAS_AVX2
extern const Passes avx2_passes;
#endif

// One pixel of `across`, for the places where a kernel can't read as far as it would like to.
// Static, so that each file keeps its own copy, made with its own flags.
static inline void one_across(const Axis& axis, int x, const std::uint8_t* in, std::uint8_t* out) {
  const std::int32_t* weight = axis.weight + static_cast<std::ptrdiff_t>(x) * axis.groups * kGroup;
  const std::uint8_t* pixel = in + static_cast<std::ptrdiff_t>(axis.first[x]) * 3;
  std::uint32_t sums[3] = {1U << (kPrecision - 1), 1U << (kPrecision - 1), 1U << (kPrecision - 1)};
  for (int t = 0; t < axis.count[x]; ++t, pixel += 3) {
    const auto factor = static_cast<std::uint32_t>(weight[t]);
    for (int c = 0; c < 3; ++c) sums[c] += factor * pixel[c];
  }
  for (int c = 0; c < 3; ++c) {
    const std::int32_t value = static_cast<std::int32_t>(sums[c]) >> kPrecision;
    out[c] = static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
  }
}

// A box of a picture, uint8[height, width, 3], as uint8[rows, columns, 3] in `out`. The box must lie
// in the picture and have an area.
struct Picture {
  const std::uint8_t* pixels;
  int width, height;
  std::ptrdiff_t stride;  // bytes from a row to the next
};
struct Box {
  float left, top, right, bottom;
};
void resample(const Picture& picture, const Box& box, Filter filter, int columns, int rows,
              std::uint8_t* out);

}  // namespace mitame
