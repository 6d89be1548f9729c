// The two steps of the embedder `color` (mitame/embedders/color.py says what they mean): mean
// colours of 32 x 32 fields, and weighted histograms of them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "prepare_resample.h"

namespace mitame {

constexpr int kSide = 32;
constexpr int kFields = kSide * kSide;

// A colour has shares in few bins: at most so many of the fine and of the coarse ones. Packed, a
// row of shares is one line of the cache instead of six, and the table stays in the caches beside
// a network's weights.
constexpr int kFineSlots = 10, kCoarseSlots = 6, kSlots = kFineSlots + kCoarseSlots;
constexpr int kMostBins = 256;  // a bin's number is a byte

// The shares float32[fine + coarse] of one colour as places uint8[kSlots] and values
// float32[kSlots]. Throws std::invalid_argument when they are too many.
void pack_shares(const float* shares, int fine, int coarse, std::uint8_t* places, float* values);

// Mean colours, uint8[32, 32, 3]. First whole-number averages over blocks, then Pillow's filter
// `box`, as Image.resize with reducing_gap=1.5 does.
void mean_colors(const Picture& picture, std::uint8_t* out);

// What the histograms are made with; all arrays are float32 but for `dither`.
struct Palette {
  int levels;                  // of each channel; a colour's code is (r * levels + g) * levels + b
  const float* lab;            // [levels^3, 3]
  const std::uint8_t* places;  // [levels^3, kSlots], by pack_shares
  const float* values;         // [levels^3, kSlots]
  int fine, coarse;            // bins, at most kMostBins of each
  const std::uint16_t* dither;  // [1024], 0 to 254
  const float* centre;         // [1024], the weight of a field by its place
  const float* masks;          // [regions, 1024]
  int regions;
  float floor, even_border, whole_share;
};

// Square roots of the weighted shares, float32[fine + regions * coarse], of uint8[32, 32, 3].
void describe(const std::uint8_t* fields, const Palette& palette, float* out);

}  // namespace mitame
