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

  // False where the query is not finite or too long for float.
  bool set(const float* query) {
    const int32_t n = c_.padded;
    const bool centre = c_.distance != Distance::product;
    if (!V::finite(query, c_.dimension)) return false;
    for (int32_t i = 0; i < c_.dimension; ++i)
      m_.centred[i] = centre ? query[i] - c_.mean[i] : query[i];
    for (int32_t i = c_.dimension; i < n; ++i) m_.centred[i] = 0;
    const float scale = quantise(m_.centred, nullptr, n, m_.bytes);
    if (scale > kLongest) return false;
    const int32_t zero = 128 * V::sum(m_.bytes, n);
    alignas(kLine) int32_t sums[kBlock], none[kBlock];
    int32_t i = 0;
    for (const uint8_t* block = c_.rotation; i < c_.finely; block += kBlock * n) {
      V::block8(block, n / 4, m_.bytes, sums);
      i = turn(i, c_.finely, sums, static_cast<float>(zero), scale);
    }
    for (const uint8_t* block = c_.coarsely; i < c_.projected; block += kBlock / 2 * n) {
      V::block(block, n / 8, 0, m_.bytes, m_.bytes, sums, none);
      i = turn(i, c_.projected, sums, 7.5F / 128 * static_cast<float>(zero), scale);
    }
    for (; i < kProjectedMost + kLine; ++i) m_.z[i] = 0;
    prepare();
    return true;
  }

  const ShortQuery& lists() const { return lists_; }
  const ShortQuery& rows() const { return rows_; }

  // Twice the product with a centre, from the sum of products with its codes.
  float with_centre(int32_t sum) const {
    return 2 * centre_scale_ * static_cast<float>(sum - centre_zero_);
  }

 private:
  // Sixteen coordinates from sums of products; returns where the next ones begin.
  int32_t turn(int32_t i, int32_t end, const int32_t* sums, float zero, float scale) {
    end = i + kBlock < end ? i + kBlock : end;
    for (; i < end; ++i, ++sums)
      m_.z[i] = (static_cast<float>(*sums) - zero) * c_.rotation_steps[i] * scale;
    return i;
  }

  // z * steps as whole numbers from -127 to 127; returns what one is worth. count: of 16.
  float quantise(const float* z, const float* steps, int32_t count, int8_t* out) {
    const float most = V::scaled(z, steps, count, m_.product);
    const float largest = most > 1e-30F ? most : 1e-30F;
    V::round(m_.product, count, 127.0F / largest, out);
    return largest / 127.0F;
  }

  void prepare() {
    centre_scale_ = quantise(m_.z, nullptr, c_.coarse, m_.centre) * c_.centre_step;
    centre_zero_ = 128 * V::sum(m_.centre, c_.coarse);
    lists_ = short_query(c_.lists.steps, m_.list4, m_.list2);
    rows_ = short_query(c_.table.steps, m_.row4, m_.row2);
    prepare_node();
    if (c_.residuals) prepare_residual();
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
    q.scale8 = 2 * quantise(m_.z, steps, kNode8, q.eight);
    q.offset = q.scale8 * 128.0F * static_cast<float>(V::sum(q.eight, kLine));
    q.scale4 = 2 * quantise(m_.z + kNode8, steps + kNode8, kNode4, t);
    q.offset += q.scale4 * 7.5F * static_cast<float>(V::sum(t, kNode4));
    std::memcpy(q.low + 32, t, 32);
    std::memcpy(q.high + 32, t + 32, 32);
    q.scale2 = 2 * quantise(m_.z + kNode8 + kNode4, steps + kNode8 + kNode4, kNode2, t);
    for (int plane = 0; plane < 4; ++plane) std::memcpy(q.pairs[plane], t + 60 * plane, 60);
    std::memset(t + kNode2, 0, sizeof t - kNode2);
    q.offset += q.scale2 * 1.5F * static_cast<float>(V::sum(t, 256));
    q.scale_tail = q.tail_offset = 0;
    if (!c_.tails) return;
    q.scale_tail = 2 * quantise(m_.z + kNodeDims, steps + kNodeDims, kTail, q.tail[0]);
    q.tail_offset = q.scale_tail * 1.5F * static_cast<float>(V::sum(q.tail[0], kTail));
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
};

}  // namespace
}  // namespace mitame::cascade
