#include "prepare_resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "cpu.h"

namespace mitame {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr std::size_t kKept = std::size_t{1} << 22;  // bytes, the most that a thread keeps of a kind

double sinc(double x) { return x == 0.0 ? 1.0 : std::sin(x * kPi) / (x * kPi); }

double support_of(Filter filter) {
  switch (filter) {
    case Filter::box:
      return 0.5;
    case Filter::bilinear:
      return 1.0;
    case Filter::bicubic:
      return 2.0;
    default:
      return 3.0;
  }
}

double value_of(Filter filter, double x) {
  const double away = std::fabs(x);
  switch (filter) {
    case Filter::box:
      return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
    case Filter::bilinear:
      return away < 1.0 ? 1.0 - away : 0.0;
    case Filter::bicubic: {  // Keys 1981, a = -0.5
      constexpr double a = -0.5;
      if (away < 1.0) return ((a + 2.0) * away - (a + 3.0)) * away * away + 1.0;
      if (away < 2.0) return (((away - 5.0) * away + 8.0) * away - 4.0) * a;
      return 0.0;
    }
    default:
      return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
  }
}

std::int32_t fixed(double value) {
  return static_cast<std::int32_t>((value < 0 ? -0.5 : 0.5) + value * (1 << kPrecision));
}

std::int32_t pair(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(a) & 0xFFFFU) |
                                   (static_cast<std::uint32_t>(b) << 16));
}

void fill_halves(Weights& weights) {
  weights.halves.resize(weights.weight.size());
  constexpr std::int32_t mask = (1 << kHalf) - 1;
  for (std::size_t at = 0; at < weights.weight.size(); at += kGroup) {
    const std::int32_t* w = &weights.weight[at];
    weights.halves[at] = pair(w[0] & mask, w[1] & mask);
    weights.halves[at + 1] = pair(w[2] & mask, w[3] & mask);
    weights.halves[at + 2] = pair(w[0] >> kHalf, w[1] >> kHalf);
    weights.halves[at + 3] = pair(w[2] >> kHalf, w[3] >> kHalf);
  }
}

void across(const Axis& axis, const std::uint8_t* in, std::ptrdiff_t in_stride, int, int rows,
            std::uint8_t* out, std::ptrdiff_t out_stride) {
  for (int y = 0; y < rows; ++y, in += in_stride, out += out_stride)
    for (int x = 0; x < axis.outputs; ++x) one_across(axis, x, in, out + 3 * x);
}

void down(const Axis& axis, const std::uint8_t* in, std::ptrdiff_t in_stride, int bytes,
          std::uint8_t* out, std::ptrdiff_t out_stride) {
  constexpr int strip = 256;  // bytes whose sums fit into the nearest cache
  std::uint32_t sums[strip];
  for (int y = 0; y < axis.outputs; ++y) {
    const std::int32_t* weight =
        axis.weight + static_cast<std::ptrdiff_t>(y) * axis.groups * kGroup;
    for (int start = 0; start < bytes; start += strip) {
      const int length = std::min(strip, bytes - start);
      std::fill_n(sums, length, 1U << (kPrecision - 1));
      for (int t = 0; t < axis.count[y]; ++t) {
        const std::uint8_t* row = in + (axis.first[y] + t) * in_stride + start;
        const auto factor = static_cast<std::uint32_t>(weight[t]);
        for (int i = 0; i < length; ++i) sums[i] += factor * row[i];
      }
      std::uint8_t* target = out + y * out_stride + start;
      for (int i = 0; i < length; ++i) {
        const std::int32_t value = static_cast<std::int32_t>(sums[i]) >> kPrecision;
        target[i] = static_cast<std::uint8_t>(std::clamp(value, 0, 255));
      }
    }
  }
}

const Passes& passes() {
#ifdef MITAME_HAS_AVX2
  const Kernel kernel = chosen_kernel();
  if (kernel == Kernel::avx2 || kernel == Kernel::avxvnni || kernel == Kernel::avx512)
    return avx2_passes;
#endif
  return portable_passes;
}

// Most pictures of a collection have the same few sizes: the weights last used are kept, the latest
// first. The latest two stay where they are whatever is asked for next, as views need it.
class LastWeights {
 public:
  Axis get(Filter filter, int inputs, float from, float to, int outputs) {
    const Key key{filter, inputs, outputs, from, to};
    auto found = std::find_if(kept_.begin(), kept_.end(),
                              [&](const Kept& kept) { return kept.key == key; });
    if (found == kept_.end()) {
      found = kept_.end() - 1;
      found->key = Key{};  // of no weights, should making them fail
      found->weights = make_weights(filter, inputs, from, to, outputs);
      found->key = key;
    }
    std::rotate(kept_.begin(), found, found + 1);
    return view(kept_.front().weights);
  }
  void trim() {
    for (Kept& kept : kept_)
      if (kept.weights.weight.size() * sizeof(std::int32_t) > kKept) kept = Kept{};
  }

 private:
  struct Key {
    Filter filter = Filter::box;
    int inputs = 0, outputs = 0;
    float from = 0, to = 0;
    bool operator==(const Key& other) const {
      return filter == other.filter && inputs == other.inputs && outputs == other.outputs &&
             from == other.from && to == other.to;
    }
  };
  struct Kept {
    Key key;
    Weights weights;
  };
  std::array<Kept, 6> kept_;
};

// Memory for the rows in between; a thread keeps it, unless it is very much.
class Scratch {
 public:
  std::uint8_t* get(std::size_t bytes) {
    if (bytes > size_) {
      size_ = 0;
      memory_.reset(new std::uint8_t[bytes]);
      size_ = bytes;
    }
    return memory_.get();
  }
  void trim() {
    if (size_ > kKept) memory_.reset(), size_ = 0;
  }

 private:
  std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t size_ = 0;
};

}  // namespace

const Passes portable_passes{across, down};

Axis view(const Weights& weights) {
  return {static_cast<int>(weights.first.size()), weights.groups,        weights.first.data(),
          weights.count.data(),                   weights.weight.data(), weights.halves.data()};
}

Weights make_weights(Filter filter, int inputs, float from, float to, int outputs) {
  // Each step is in the type in which Pillow does it, so that the weights are the same.
  const double scale = static_cast<double>(to - from) / outputs;
  const double wide = std::max(scale, 1.0), support = support_of(filter) * wide;
  Weights out;
  out.first.resize(outputs);
  out.count.resize(outputs);
  int most = 0;
  for (int i = 0; i < outputs; ++i) {
    const double centre = from + (i + 0.5) * scale;
    const int first = std::clamp(static_cast<int>(centre - support + 0.5), 0, inputs - 1);
    const int end = std::min(inputs, static_cast<int>(centre + support + 0.5));
    out.first[i] = first;
    out.count[i] = std::max(1, end - first);
    most = std::max(most, out.count[i]);
  }
  out.groups = (most + kGroup - 1) / kGroup;
  out.weight.assign(static_cast<std::size_t>(outputs) * out.groups * kGroup, 0);
  std::vector<double> values(most);
  for (int i = 0; i < outputs; ++i) {
    const double centre = from + (i + 0.5) * scale;
    double sum = 0;
    for (int t = 0; t < out.count[i]; ++t) {
      values[t] = value_of(filter, (t + out.first[i] - centre + 0.5) * (1.0 / wide));
      sum += values[t];
    }
    std::int32_t* weight = &out.weight[static_cast<std::size_t>(i) * out.groups * kGroup];
    for (int t = 0; t < out.count[i]; ++t)
      weight[t] = fixed(sum != 0 ? values[t] / sum : values[t]);
  }
  fill_halves(out);
  return out;
}

void resample(const Picture& picture, const Box& box, Filter filter, int columns, int rows,
              std::uint8_t* out) {
  thread_local LastWeights weights;
  thread_local Scratch scratch;
  const Axis horizontal = weights.get(filter, picture.width, box.left, box.right, columns);
  const Axis vertical = weights.get(filter, picture.height, box.top, box.bottom, rows);
  // Only the rows that the box needs are made.
  const int first = vertical.first[0];
  const int needed = vertical.first[rows - 1] + vertical.count[rows - 1] - first;
  const std::ptrdiff_t bytes = static_cast<std::ptrdiff_t>(columns) * 3;
  const std::ptrdiff_t stride = bytes + kSlack;
  std::uint8_t* between = scratch.get(static_cast<std::size_t>(stride) * needed);
  const Passes& pass = passes();
  pass.across(horizontal, picture.pixels + first * picture.stride, picture.stride, picture.width,
              needed, between, stride);
  pass.down(vertical, between - first * stride, stride, static_cast<int>(bytes), out, bytes);
  scratch.trim();
  weights.trim();
}

}  // namespace mitame
