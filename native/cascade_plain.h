// What moves keys about, for kernels without an instruction for it.
// Include it in files of one instruction set only; everything here is local to that file.
#pragma once

#include <cmath>

#include "cascade_lowest.h"

namespace mitame::cascade {
namespace {

struct Plain {
  // Blocks of axes that go together: each by itself. With more there are blocks8 and blocks4.
  static constexpr int32_t kTogether = 1;

  // The lowest and the highest of n keys but those that are infinite; n is a multiple of 16.
  static void ends(const float* keys, int32_t n, float* low, float* high) {
    *low = INFINITY;
    *high = -INFINITY;
    for (int32_t i = 0; i < n; ++i) {
      *low = keys[i] < *low ? keys[i] : *low;
      *high = keys[i] > *high && keys[i] < INFINITY ? keys[i] : *high;
    }
  }

  // Moves those below `upper` together, in their order; returns how many there are.
  static int32_t keep_below(float* keys, int32_t* places, int32_t n, float upper) {
    int32_t kept = 0;
    for (int32_t i = 0; i < n; ++i) {
      keys[kept] = keys[i];
      places[kept] = places[i];
      kept += keys[kept] < upper;
    }
    return kept;
  }

  // Appends those of sixteen keys that the mask says, for places from `first` on.
  static int32_t append(unsigned mask, const float* keys, int32_t first, float* to_keys,
                        int32_t* to_places, int32_t count) {
    for (; mask; mask &= mask - 1) {
      const int i = lowest_bit(mask);
      to_keys[count] = keys[i];
      to_places[count++] = first + i;
    }
    return count;
  }
};

}  // namespace
}  // namespace mitame::cascade
