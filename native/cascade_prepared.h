// A query turned to the rows' axes and rounded as each stage's codes need it.
// Include it in files of one instruction set only; everything here is local to that file.
#pragma once

#include <cstring>

#include "cascade.h"

namespace mitame::cascade {
namespace {

constexpr float kLongest = 1e10F;  // 127 times this, squared, is still a float

// A query against one table of short codes.
struct ShortQuery {
  const int8_t* four;
  const int8_t* two;
  float scale4, scale2, offset;
};

template <class V>
class Prepared {
 public:
  Prepared(const Cascade& cascade, Scratch& memory) : c_(cascade), m_(memory) {}

  // What the stages by short codes need; false where the query is not finite or too long for float.
  bool begin(const float* query) {
    const int32_t n = c_.padded;
    const bool centre = c_.distance != Distance::product;
    if (!V::finite(query, c_.dimension)) return false;
    for (int32_t i = 0; i < c_.dimension; ++i)
      m_.centred[i] = centre ? query[i] - c_.mean[i] : query[i];
    for (int32_t i = c_.dimension; i < n; ++i) m_.centred[i] = 0;
    scale_ = quantise(m_.centred, nullptr, n, m_.bytes);
    if (scale_ > kLongest) return false;
    zero_ = static_cast<float>(128 * V::sum(m_.bytes, n));
    std::memset(m_.z, 0, sizeof(float) * (kProjectedMost + kLine));
    turned_ = 0;
    turn_to(c_.coarse > c_.fours + c_.twos ? c_.coarse : c_.fours + c_.twos);
    prepare_short();
    return true;
  }

  // More coordinates, until there are as many.
  void turn_to(int32_t end) {
    end = end < c_.projected ? end : c_.projected;
    while (turned_ < end && turned_ < c_.finely) turn_finely();
    while (turned_ < end) turn_coarsely();
  }

  // What the later stages need.
  void finish() {
    if (!c_.nodes) return;
    turn_to(c_.projected);
    prepare_node();
    if (c_.residuals) prepare_residual();
  }

  const ShortQuery& lists() const { return lists_; }
  const ShortQuery& rows() const { return rows_; }

  // Twice the product with a centre, from the sum of products with its codes.
  float with_centre(int32_t sum) const {
    return 2 * centre_scale_ * static_cast<float>(sum - centre_zero_);
  }

 private:
  // The next coordinates with axes in 8 bits: sixteen, or as many blocks of them as go together.
  void turn_finely() {
    const std::ptrdiff_t n = c_.padded;
    const uint8_t* block = c_.rotation + turned_ * n;
    alignas(kLine) int32_t sums[kBlock * V::kTogether];
    if constexpr (V::kTogether > 1) {
      if (c_.finely - turned_ >= kBlock * V::kTogether) {
        V::blocks8(block, c_.padded, m_.bytes, sums);
        take(c_.finely, kBlock * V::kTogether, sums, zero_);
        return;
      }
    }
    V::block8(block, c_.padded / 4, m_.bytes, sums);
    take(c_.finely, kBlock, sums, zero_);
  }

  // The same with axes in 4 bits.
  void turn_coarsely() {
    const std::ptrdiff_t n = c_.padded;
    const uint8_t* block = c_.coarsely + (turned_ - c_.finely) * n / 2;
    alignas(kLine) int32_t sums[kBlock * V::kTogether], none[kBlock];
    if constexpr (V::kTogether > 1) {
      if (c_.projected - turned_ >= kBlock * V::kTogether) {
        V::blocks4(block, c_.padded, m_.bytes, sums);
        take(c_.projected, kBlock * V::kTogether, sums, 7.5F / 128 * zero_);
        return;
      }
    }
    V::block(block, c_.padded / 8, 0, m_.bytes, m_.bytes, sums, none);
    take(c_.projected, kBlock, sums, 7.5F / 128 * zero_);
  }

  // Coordinates from sums of products.
  void take(int32_t end, int32_t count, const int32_t* sums, float zero) {
    end = turned_ + count < end ? turned_ + count : end;
    for (; turned_ < end; ++turned_, ++sums)
      m_.z[turned_] =
          (static_cast<float>(*sums) - zero) * c_.rotation_steps[turned_] * scale_;
  }

  // z * steps as whole numbers from -127 to 127; returns what one is worth. count: of 16.
  float quantise(const float* z, const float* steps, int32_t count, int8_t* out) {
    const float most = V::scaled(z, steps, count, m_.product);
    const float largest = most > 1e-30F ? most : 1e-30F;
    V::round(m_.product, count, 127.0F / largest, out);
    return largest / 127.0F;
  }

  void prepare_short() {
    centre_scale_ = quantise(m_.z, nullptr, c_.coarse, m_.centre) * c_.centre_step;
    centre_zero_ = 128 * V::sum(m_.centre, c_.coarse);
    lists_ = short_query(c_.lists.steps, m_.list4, m_.list2);
    rows_ = short_query(c_.table.steps, m_.row4, m_.row2);
  }

  // Distances are |x|^2 - 2 q.x but for |q|^2, and - q.x for inner products: twice the product.
  ShortQuery short_query(const float* steps, int8_t* four, int8_t* two) {
    ShortQuery out{four, two, 0, 0, 0};
    std::memset(four, 0, c_.fours + kLine);
    std::memset(two, 0, c_.twos + kLine);
    out.scale4 = 2 * quantise(m_.z, steps, padded16(c_.fours), four);
    std::memset(four + c_.fours, 0, kLine);
    out.scale2 = 2 * quantise(m_.z + c_.fours, steps + c_.fours, c_.twos, two);
    const float four_sum = static_cast<float>(V::sum(four, padded64(c_.fours)));
    const float two_sum = static_cast<float>(V::sum(two, padded64(c_.twos)));
    out.offset = out.scale4 * 7.5F * four_sum + out.scale2 * 1.5F * two_sum;
    return out;
  }

  void prepare_node() {
    NodeQuery& q = m_.node;
    int8_t t[256];
    const float* steps = c_.node_steps;
    std::memset(q.eight, 0, sizeof q.eight);
    std::memset(q.low, 0, sizeof q.low);
    std::memset(q.high, 0, sizeof q.high);
    std::memset(q.pairs, 0, sizeof q.pairs);
    q.scales[0] = 2 * quantise(m_.z, steps, kNode8, q.eight);
    q.offset = q.scales[0] * 128.0F * static_cast<float>(V::sum(q.eight, kLine));
    q.scales[1] = 2 * quantise(m_.z + kNode8, steps + kNode8, kNode4, t);
    q.offset += q.scales[1] * 7.5F * static_cast<float>(V::sum(t, kNode4));
    std::memcpy(q.low + 32, t, 32);
    std::memcpy(q.high + 32, t + 32, 32);
    q.scales[2] = 2 * quantise(m_.z + kNode8 + kNode4, steps + kNode8 + kNode4, kNode2, t);
    for (int plane = 0; plane < 4; ++plane) std::memcpy(q.pairs[plane], t + 60 * plane, 60);
    std::memset(t + kNode2, 0, sizeof t - kNode2);
    q.offset += q.scales[2] * 1.5F * static_cast<float>(V::sum(t, 256));
    q.scales[3] = q.tail_offset = 0;
    if (!c_.tails) return;
    q.scales[3] = 2 * quantise(m_.z + kNodeDims, steps + kNodeDims, kTail, q.tail[0]);
    q.tail_offset = q.scales[3] * 1.5F * static_cast<float>(V::sum(q.tail[0], kTail));
  }

  void prepare_residual() {
    ResidualQuery& q = m_.residual;
    q.offset = 0;
    for (int32_t line = 0; line < c_.residual_lines; ++line) {
      const int32_t first = kNode8 + kResidual * line;
      int8_t* out = q.lines[line];
      // A residual's step is a quarter of the node's.
      q.scales[line] = 0.5F * quantise(m_.z + first, c_.node_steps + first, kResidual, out);
      q.offset += q.scales[line] * 7.5F * static_cast<float>(V::sum(out, kResidual));
    }
  }

  static int32_t padded16(int32_t n) { return (n + 15) / 16 * 16; }
  static int32_t padded64(int32_t n) { return (n + 63) / 64 * 64; }

  const Cascade& c_;
  Scratch& m_;
  ShortQuery lists_{}, rows_{};
  float centre_scale_ = 0;
  int32_t centre_zero_ = 0;
  int32_t turned_ = 0;  // coordinates that are there
  float scale_ = 0, zero_ = 0;
};

}  // namespace
}  // namespace mitame::cascade
