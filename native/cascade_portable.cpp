// The cascade's sums in plain C++, for every processor; the compiler may vectorise them.
#include "cascade_plain.h"
#include "cascade_search.h"

namespace mitame::cascade {
namespace {

struct Portable : Plain {
  static bool finite(const float* x, int32_t n) {
    bool all = true;
    for (int32_t i = 0; i < n; ++i) all &= x[i] - x[i] == 0.0F;
    return all;
  }

  // Writes z * steps; returns the largest size among them.
  static float scaled(const float* z, const float* steps, int32_t n, float* out) {
    float most = 0;
    for (int32_t i = 0; i < n; ++i) {
      out[i] = steps ? z[i] * steps[i] : z[i];
      const float size = std::fabs(out[i]);
      most = size > most ? size : most;
    }
    return most;
  }

  static void round(const float* x, int32_t n, float factor, int8_t* out) {
    for (int32_t i = 0; i < n; ++i) {
      const float whole = std::nearbyint(x[i] * factor);
      out[i] = whole >= -127 && whole <= 127 ? static_cast<int8_t>(whole) : int8_t{-128};
    }
  }

  static int32_t sum(const int8_t* x, int32_t n) {
    int32_t out = 0;
    for (int32_t i = 0; i < n; ++i) out += x[i];
    return out;
  }

  static int32_t dot(const uint8_t* a, const int8_t* b, int32_t n) {
    int32_t out = 0;
    for (int32_t i = 0; i < n; ++i) out += static_cast<int32_t>(a[i]) * b[i];
    return out;
  }

  // Adds, for each of sixteen rows, four products of (byte >> shift) & mask with the query.
  static void four_products(const uint8_t* bytes, int shift, int mask, const int8_t* q,
                            int32_t* out) {
    for (int row = 0; row < kBlock; ++row)
      for (int i = 0; i < 4; ++i) out[row] += ((bytes[4 * row + i] >> shift) & mask) * q[i];
  }

  static void block(const uint8_t* codes, int32_t fours, int32_t twos, const int8_t* four,
                    const int8_t* two, int32_t* out4, int32_t* out2) {
    std::memset(out4, 0, sizeof(int32_t) * kBlock);
    std::memset(out2, 0, sizeof(int32_t) * kBlock);
    for (int32_t i = 0; i < fours; ++i, codes += kLine)
      for (int half = 0; half < 2; ++half)
        four_products(codes, 4 * half, 15, four + 8 * i + 4 * half, out4);
    for (int32_t i = 0; i < twos; ++i, codes += kLine)
      for (int plane = 0; plane < 4; ++plane)
        four_products(codes, 2 * plane, 3, two + 16 * i + 4 * plane, out2);
  }

  static void block8(const uint8_t* codes, int32_t chunks, const int8_t* q, int32_t* out) {
    std::memset(out, 0, sizeof(int32_t) * kBlock);
    for (int32_t i = 0; i < chunks; ++i) four_products(codes + kLine * i, 0, 255, q + 4 * i, out);
  }

  static unsigned below(const float* norms, float base, float scale4, const int32_t* four,
                        float scale2, const int32_t* two, float limit, float* keys) {
    unsigned mask = 0;
    for (int i = 0; i < kBlock; ++i) {
      keys[i] = norms[i] + base - scale4 * static_cast<float>(four[i]) -
                scale2 * static_cast<float>(two[i]);
      mask |= static_cast<unsigned>(norms[i] < kFar && keys[i] < limit) << i;
    }
    return mask;
  }

  // Products with each group of coordinates. tail: or null, for rows without.
  static void node(const uint8_t* node, const uint8_t* tail, const NodeQuery& q, float* out) {
    int32_t sums[4] = {dot(node, q.eight, kNode8), 0, 0, 0};
    for (int i = 32; i < 64; ++i) sums[1] += (node[i] & 15) * q.low[i] + (node[i] >> 4) * q.high[i];
    for (int plane = 0; plane < 4; ++plane)
      for (int i = 0; i < 60; ++i)
        sums[2] += ((node[kLine + i] >> (2 * plane)) & 3) * q.pairs[plane][i];
    for (int plane = 0; tail && plane < 4; ++plane)
      for (int i = 0; i < kLine; ++i) sums[3] += ((tail[i] >> (2 * plane)) & 3) * q.tail[plane][i];
    for (int i = 0; i < 4; ++i) out[i] = q.scales[i] * static_cast<float>(sums[i]);
  }

  // For each line of residuals the sum of products with 128 coordinates of the query.
  static void residual(const uint8_t* codes, int32_t lines, const int8_t (*q)[kResidual],
                       int32_t* out) {
    for (int32_t line = 0; line < lines; ++line, codes += kLine) {
      out[line] = 0;
      for (int i = 0; i < kLine; ++i)
        out[line] += (codes[i] & 15) * q[line][i] + (codes[i] >> 4) * q[line][kLine + i];
    }
  }

  static int32_t count_below(const float* keys, int32_t n, float limit) {
    int32_t out = 0;
    for (int32_t i = 0; i < n; ++i) out += keys[i] < limit;
    return out;
  }

  static float squared(const float* x, const float* y, int32_t n) {
    float sums[8] = {};
    int32_t i = 0;
    for (; i + 8 <= n; i += 8)
      for (int j = 0; j < 8; ++j) sums[j] += (x[i + j] - y[i + j]) * (x[i + j] - y[i + j]);
    for (; i < n; ++i) sums[0] += (x[i] - y[i]) * (x[i] - y[i]);
    return total(sums);
  }

  static float squared_scaled(const float* x, float factor, const float* y, int32_t n) {
    float sums[8] = {};
    int32_t i = 0;
    for (; i + 8 <= n; i += 8)
      for (int j = 0; j < 8; ++j) {
        const float away = x[i + j] * factor - y[i + j];
        sums[j] += away * away;
      }
    for (; i < n; ++i) sums[0] += (x[i] * factor - y[i]) * (x[i] * factor - y[i]);
    return total(sums);
  }

  static float product(const float* x, const float* y, int32_t n) {
    float sums[8] = {};
    int32_t i = 0;
    for (; i + 8 <= n; i += 8)
      for (int j = 0; j < 8; ++j) sums[j] += x[i + j] * y[i + j];
    for (; i < n; ++i) sums[0] += x[i] * y[i];
    return total(sums);
  }

 private:
  static float total(const float* sums) {
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) +
           ((sums[1] + sums[5]) + (sums[3] + sums[7]));
  }
};

}  // namespace

const Kernel portable_kernel = make_kernel<Portable>();

}  // namespace mitame::cascade
