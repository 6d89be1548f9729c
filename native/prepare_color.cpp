#include "prepare_color.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace mitame {
namespace {

constexpr double kGap = 1.5;  // the first averages are at least that much finer than the last

// One over `count` in 24-bit fixed point, as Pillow's Reduce.c works it out.
std::uint32_t reciprocal(std::uint32_t count) {
  return static_cast<std::uint32_t>(4294967296.0F / static_cast<float>(count << 8));
}

std::uint8_t average(std::uint32_t sum, std::uint32_t count) {
  const std::uint64_t rounded = sum + count / 2;
  return static_cast<std::uint8_t>((rounded * reciprocal(count)) >> 24);
}

// Averages of blocks of `across` x `down` pixels; blocks at the right and lower edge may be smaller.
class Averages {
 public:
  Averages(const Picture& picture, int across, int down)
      : picture_(picture),
        across_(across),
        down_(down),
        width_((picture.width + across - 1) / across),
        height_((picture.height + down - 1) / down),
        bytes_(static_cast<std::size_t>(width_) * height_ * 3) {
    const int strip = std::max(1, kStrip / across);  // blocks whose sums fit into the nearest cache
    sums_.resize(static_cast<std::size_t>(strip) * across * 3);
    for (int y = 0; y < height_; ++y)
      for (int x = 0; x < width_; x += strip) fill(x, std::min(x + strip, width_), y);
  }

  Picture picture() const {
    return {bytes_.data(), width_, height_, std::ptrdiff_t{3} * width_};
  }

 private:
  static constexpr int kStrip = 2048;  // pixels

  // Blocks [from, to) of a row of blocks.
  void fill(int from, int to, int y) {
    const int left = from * across_, right = std::min(to * across_, picture_.width);
    const int rows = std::min(down_, picture_.height - y * down_);
    const std::uint8_t* row = picture_.pixels + std::ptrdiff_t{3} * left +
                              static_cast<std::ptrdiff_t>(y) * down_ * picture_.stride;
    const int length = 3 * (right - left);
    std::fill_n(sums_.begin(), length, 0U);
    for (int r = 0; r < rows; ++r, row += picture_.stride)
      for (int i = 0; i < length; ++i) sums_[i] += row[i];
    std::uint8_t* out = &bytes_[(static_cast<std::size_t>(y) * width_ + from) * 3];
    for (int x = left; x < right; x += across_, out += 3)
      fold(&sums_[static_cast<std::size_t>(x - left) * 3], std::min(across_, right - x), rows, out);
  }

  static void fold(const std::uint32_t* from, int columns, int rows, std::uint8_t* out) {
    std::uint32_t sum[3] = {0, 0, 0};
    for (int i = 0; i < columns; ++i, from += 3)
      for (int c = 0; c < 3; ++c) sum[c] += from[c];
    const auto count = static_cast<std::uint32_t>(columns) * static_cast<std::uint32_t>(rows);
    for (int c = 0; c < 3; ++c) out[c] = average(sum[c], count);
  }

  Picture picture_;
  int across_, down_, width_, height_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint32_t> sums_;
};

using Fields = std::array<float, kFields>;
using Codes = std::array<std::int32_t, kFields>;

// A channel's 256 levels become fewer by an ordered dither.
void find_codes(const std::uint8_t* fields, const Palette& palette, Codes& codes) {
  for (int i = 0; i < kFields; ++i, fields += 3) {
    std::int32_t code = 0;
    for (int c = 0; c < 3; ++c) {
      const int level = (fields[c] * (palette.levels - 1) + palette.dither[i]) / 255;
      code = code * palette.levels + std::min(level, palette.levels - 1);
    }
    codes[i] = code;
  }
}

float upper_median(float* values, int count) {
  // NaN counts as the greatest: without an order among all values, the search would not end.
  std::nth_element(values, values + count / 2, values + count,
                   [](float a, float b) { return a < b || (a == a && b != b); });
  return values[count / 2];
}

struct Background {
  float color[3];
  float even;  // 1 where the border is of one colour, towards 0 where it is not
};

Background find_background(const Codes& codes, const Palette& palette) {
  constexpr int count = 4 * (kSide - 1);
  std::array<const float*, count> border{};
  int n = 0;
  for (int i = 0; i < kFields; ++i) {
    const int x = i % kSide, y = i / kSide;
    if (x == 0 || y == 0 || x == kSide - 1 || y == kSide - 1)
      border[n++] = palette.lab + std::ptrdiff_t{3} * codes[i];
  }
  Background out{};
  std::array<float, count> values{};
  for (int c = 0; c < 3; ++c) {
    for (int i = 0; i < count; ++i) values[i] = border[i][c];
    out.color[c] = upper_median(values.data(), count);
  }
  for (int i = 0; i < count; ++i) {
    values[i] = 0;
    for (int c = 0; c < 3; ++c) values[i] += std::fabs(border[i][c] - out.color[c]);
  }
  const float spread = upper_median(values.data(), count) / palette.even_border;
  out.even = 1 / (1 + spread * spread);
  return out;
}

void weigh(const Codes& codes, const Palette& palette, Fields& weights) {
  const Background background = find_background(codes, palette);
  const float slope = -0.5F / (palette.even_border * palette.even_border);
  const float most = (1 - palette.floor) * background.even;
  for (int i = 0; i < kFields; ++i) {
    const float* lab = palette.lab + std::ptrdiff_t{3} * codes[i];
    float distance = 0;
    for (int c = 0; c < 3; ++c) {
      const float away = lab[c] - background.color[c];
      distance += away * away;
    }
    weights[i] = palette.centre[i] * (1 - most * std::exp(distance * slope));
  }
}

void pack(const float* shares, int bins, int slots, std::uint8_t* places, float* values) {
  int used = 0;
  for (int b = 0; b < bins; ++b) {
    if (shares[b] == 0) continue;
    if (used == slots) throw std::invalid_argument("a colour has shares in too many bins");
    places[used] = static_cast<std::uint8_t>(b);
    values[used++] = shares[b];
  }
  for (; used < slots; ++used) places[used] = 0, values[used] = 0;
}

// Writes the square roots of the shares, which sum up to `share`, and returns where they end.
float* write_roots(const float* values, int bins, float share, float* out) {
  float sum = 0;
  for (int b = 0; b < bins; ++b) sum += values[b];
  for (int b = 0; b < bins; ++b) out[b] = std::sqrt(share / sum * values[b]);
  return out + bins;
}

}  // namespace

void mean_colors(const Picture& picture, std::uint8_t* out) {
  const double width = picture.width, height = picture.height;
  const int across = std::max(1, static_cast<int>(width / kSide / kGap));
  const int down = std::max(1, static_cast<int>(height / kSide / kGap));
  const auto right = static_cast<float>(width / across);
  const auto bottom = static_cast<float>(height / down);
  const Box box{0, 0, right, bottom};
  if (across == 1 && down == 1) return resample(picture, box, Filter::box, kSide, kSide, out);
  const Averages averages(picture, across, down);
  resample(averages.picture(), box, Filter::box, kSide, kSide, out);
}

void pack_shares(const float* shares, int fine, int coarse, std::uint8_t* places, float* values) {
  pack(shares, fine, kFineSlots, places, values);
  pack(shares + fine, coarse, kCoarseSlots, places + kFineSlots, values + kFineSlots);
}

void describe(const std::uint8_t* fields, const Palette& palette, float* out) {
  Codes codes;
  Fields weights;
  find_codes(fields, palette, codes);
  weigh(codes, palette, weights);
  // Every byte is a place in these, whatever the tables hold.
  std::array<float, kMostBins> whole{};
  std::vector<std::array<float, kMostBins>> regions(palette.regions);
  for (int i = 0; i < kFields; ++i) {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(codes[i]) * kSlots;
    const std::uint8_t* place = palette.places + row;
    const float* value = palette.values + row;
    for (int s = 0; s < kFineSlots; ++s) whole[place[s]] += weights[i] * value[s];
    for (int r = 0; r < palette.regions; ++r) {
      const float factor = palette.masks[r * kFields + i] * weights[i];
      if (factor == 0) continue;
      for (int s = kFineSlots; s < kSlots; ++s) regions[r][place[s]] += factor * value[s];
    }
  }
  out = write_roots(whole.data(), palette.fine, palette.whole_share, out);
  const float share = (1 - palette.whole_share) / static_cast<float>(palette.regions);
  for (const auto& region : regions) out = write_roots(region.data(), palette.coarse, share, out);
}

}  // namespace mitame
