// The parts of an index as Python hands them over: held, and checked.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "cascade.h"

namespace mitame::cascade {

namespace nb = nanobind;

template <class T>
using Part = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;

constexpr int64_t kBlocksMost = 1 << 25;  // numbers of places, doubled, still fit into 32 bits

[[noreturn]] inline void wrong(const std::string& what) { throw std::invalid_argument(what); }

template <class T>
bool is_aligned(const T* address) {
  return reinterpret_cast<std::uintptr_t>(address) % alignof(T) == 0;
}

// The parts of an index, held as long as it lives; their lengths are checked here, once.
class Held {
 public:
  Held(const nb::dict& parts, const nb::dict& sizes) : sizes_(sizes), parts_(parts) {
    c_.rows = size("rows");
    c_.dimension = static_cast<int32_t>(size("dimension"));
    c_.projected = static_cast<int32_t>(size("projected"));
    c_.fours = static_cast<int32_t>(size("fours"));
    c_.twos = static_cast<int32_t>(size("twos"));
    c_.coarse = static_cast<int32_t>(size("coarse"));
    c_.root_blocks = static_cast<int32_t>(size("root_blocks"));
    c_.degree = static_cast<int32_t>(size("degree"));
    c_.distance = static_cast<Distance>(size("distance"));
    c_.lists.lists = c_.root_blocks * static_cast<int64_t>(kBlock);
    c_.lists.blocks = size("list_blocks");
    c_.table.lists = c_.lists.blocks * kBlock;
    c_.table.blocks = size("blocks");
    check_sizes();
    c_.padded = (c_.dimension + kLine - 1) / kLine * kLine;
    take();
    sizes_.reset();
    parts_.reset();
  }

  const Cascade& get() const { return c_; }

 private:
  int64_t size(const char* name) const {
    int64_t value = 0;
    if (!sizes_.contains(name)) wrong(std::string("size ") + name + " is missing");
    if (!nb::try_cast(sizes_[name], value, false))
      wrong(std::string("size ") + name + " is no whole number");
    if (value < 0 || value > INT32_MAX) wrong(std::string(name) + " is out of range");
    return value;
  }

  void check_sizes() const {
    if (c_.dimension < 1 || c_.dimension > 65536) wrong("dimension is out of range");
    if (c_.projected < 1 || c_.projected > kProjectedMost) wrong("projected is out of range");
    const int64_t width = int64_t{c_.fours} + c_.twos;
    if (c_.fours % 16 || c_.twos % 16 || c_.fours < 16 || width > kProjectedMost)
      wrong("short codes have a wrong width");
    if (c_.coarse < kLine || c_.coarse % kLine || c_.coarse > kProjectedMost)
      wrong("centres have a wrong width");
    if (c_.degree > 256) wrong("degree is out of range");
    if (c_.distance < Distance::squared || c_.distance > Distance::product)
      wrong("there is no such distance");
    if (c_.root_blocks > kBlocksMost || c_.lists.blocks > kBlocksMost ||
        c_.table.blocks > kBlocksMost)
      wrong("there are too many rows");
  }

  // The part itself, not the dictionary, is what is held: nobody can take it out again.
  template <class T>
  const T* part(const char* name, int64_t count) {
    if (!parts_.contains(name)) wrong(std::string("part ") + name + " is missing");
    Part<T> array;
    if (!nb::try_cast(parts_[name], array, false))
      wrong(std::string("part ") + name + " has another type");
    if (static_cast<int64_t>(array.size()) != count)
      wrong(std::string("part ") + name + " has " + std::to_string(array.size()) +
            " elements instead of " + std::to_string(count));
    if (!is_aligned(array.data())) wrong(std::string("part ") + name + " is not aligned");
    held_.emplace_back(array);
    return array.data();
  }

  bool is_empty(const char* name) const {
    Part<uint8_t> array;
    return parts_.contains(name) && nb::try_cast(parts_[name], array, false) && !array.size();
  }

  // Few numbers on which all keys depend. Those of single rows are met at the search.
  const float* steps(const char* name, int64_t count) {
    const float* values = part<float>(name, count);
    for (int64_t i = 0; i < count; ++i)
      if (!std::isfinite(values[i])) wrong(std::string("part ") + name + " is not finite");
    return values;
  }

  Table table(const std::string& prefix, Table out) {
    const int64_t line = kLine * (c_.fours / 8 + c_.twos / 16);
    out.starts = part<int32_t>((prefix + "-starts").c_str(), out.lists + 1);
    out.codes = part<uint8_t>((prefix + "-codes").c_str(), out.blocks * line);
    out.norms = part<float>((prefix + "-norms").c_str(), out.blocks * kBlock);
    out.steps = steps((prefix + "-steps").c_str(), c_.fours + c_.twos);
    out.centres = part<uint8_t>((prefix + "-centres").c_str(), out.lists * c_.coarse);
    return out;
  }

  static int64_t blocks_of(int64_t count) { return (count + kBlock - 1) / kBlock; }

  void take() {
    const int64_t places = c_.table.blocks * kBlock;
    c_.mean = steps("mean", c_.padded);
    c_.finely = c_.projected < kFinely ? c_.projected : kFinely;
    c_.rotation = part<uint8_t>("rotation", blocks_of(c_.finely) * kBlock * c_.padded);
    const int64_t rest = blocks_of(c_.projected - c_.finely);
    c_.coarsely = part<uint8_t>("rotation-low", rest * kBlock / 2 * c_.padded);
    c_.rotation_steps = steps("rotation-steps", c_.projected);
    c_.centre_step = steps("centre-step", 1)[0];
    c_.roots = part<uint8_t>("roots", c_.lists.lists * c_.coarse);
    c_.root_norms = part<float>("root-norms", c_.lists.lists);
    c_.lists = table("list", c_.lists);
    c_.table = table("row", c_.table);
    c_.ids = part<int32_t>("ids", places);
    c_.node_steps = steps("node-steps", kNodeDims + kTail);
    c_.residual_lines = std::min(std::max(c_.projected - kNode8, 0) / kResidual, kResidualLines);
    const int64_t residuals = places * kLine * c_.residual_lines;
    c_.residuals = residuals && parts_.contains("residuals")
                       ? part<uint8_t>("residuals", residuals)
                       : nullptr;
    c_.edges = c_.degree ? part<int32_t>("edges", places * c_.degree) : nullptr;
    take_nodes(places);
    c_.vectors = part<float>("vectors", c_.rows * c_.dimension);
    c_.inverses = parts_.contains("inverses") ? part<float>("inverses", c_.rows) : nullptr;
  }

  // A tail lies behind its node; in older indexes tails are a part of their own.
  void take_nodes(int64_t places) {
    const bool apart = parts_.contains("tails"), behind = !apart && size("tail");
    c_.node_bytes = kNodeBytes + (behind ? kLine : 0);
    c_.tail_bytes = apart ? kLine : c_.node_bytes;
    // Edges lead from node to node, tails and residuals go on where nodes end.
    const bool none = !apart && !behind && !c_.residuals && !c_.edges && is_empty("nodes");
    c_.nodes = part<uint8_t>("nodes", none ? 0 : places * c_.node_bytes);
    if (apart) c_.tails = part<uint8_t>("tails", places * kLine);
    if (behind) c_.tails = c_.nodes + kNodeBytes;
    if (none) c_.nodes = nullptr;
  }

  nb::dict sizes_, parts_;  // only while this is made
  std::vector<nb::ndarray<>> held_;
  Cascade c_{};
};

}  // namespace mitame::cascade
