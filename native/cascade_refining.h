// The stage before the last: what nodes and tails left of most coordinates, in 4 bits.
// Include it in files of one instruction set only; everything here is local to that file.
#pragma once

#include "cascade_lowest.h"

namespace mitame::cascade {
namespace {

constexpr int kRefinedAhead = 6;  // rows whose residuals are asked for before they are needed

template <class V>
class Refining {
 public:
  Refining(const Cascade& cascade, Scratch& memory) : c_(cascade), m_(memory) {}

  // Gives the first of the beam better keys and moves the nearest few to the front; returns how
  // many of these there are.
  int32_t refine(int32_t count, int32_t few) {
    for (int32_t i = 0; i < kRefinedAhead && i < count; ++i) ask(m_.beam[i].place);
    int32_t real = 0;
    for (int32_t i = 0; i < count; ++i) {
      if (i + kRefinedAhead < count) ask(m_.beam[i + kRefinedAhead].place);
      const Hit hit{key(m_.beam[i]), m_.beam[i].place};
      if (hit.key < kFar) m_.beam[real++] = hit;  // a damaged step may give none
    }
    few = real < few ? real : few;
    part_hits(m_.beam, real, few);
    return few;
  }

 private:
  float key(const Hit& hit) const {
    const ResidualQuery& q = m_.residual;
    int32_t sums[kResidualLines];
    V::residual(residuals_at(hit.place), c_.residual_lines, q.lines, sums);
    float out = hit.key + q.offset;
    for (int32_t i = 0; i < c_.residual_lines; ++i)
      out = out - q.scales[i] * static_cast<float>(sums[i]);
    return out;
  }

  void ask(int32_t place) const {
    prefetch(residuals_at(place), kLine * static_cast<std::ptrdiff_t>(c_.residual_lines));
  }

  const uint8_t* residuals_at(int32_t place) const {
    return c_.residuals + static_cast<std::size_t>(place) * kLine * c_.residual_lines;
  }

  const Cascade& c_;
  Scratch& m_;
};

}  // namespace
}  // namespace mitame::cascade
