// The lowest of many keys, and how memory is asked for before it is needed.
// Include it in files of one instruction set only; everything here is local to that file.
#pragma once

#include <cmath>
#include <cstring>

#include "cascade.h"

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

#if defined(__GNUC__) || defined(__clang__)
// Into the second-level cache: many more lines can be on their way there than into the first.
#define MITAME_PREFETCH(address) __builtin_prefetch(address, 0, 2)
#define MITAME_PREFETCH_NEAR(address) __builtin_prefetch(address, 0, 3)
#else
#define MITAME_PREFETCH(address) static_cast<void>(address)
#define MITAME_PREFETCH_NEAR(address) static_cast<void>(address)
#endif

namespace mitame::cascade {
namespace {

inline int lowest_bit(unsigned mask) {
#if defined(_MSC_VER) && !defined(__clang__)
  unsigned long at;
  _BitScanForward(&at, mask);
  return static_cast<int>(at);
#else
  return __builtin_ctz(mask);
#endif
}

inline void prefetch(const void* address, std::ptrdiff_t bytes) {
  const char* at = static_cast<const char*>(address);
  for (std::ptrdiff_t i = 0; i < bytes; i += kLine) MITAME_PREFETCH(at + i);
}

// What was asked for before, and is needed very soon.
inline void prefetch_near(const void* address, std::ptrdiff_t bytes) {
  const char* at = static_cast<const char*>(address);
  for (std::ptrdiff_t i = 0; i < bytes; i += kLine) MITAME_PREFETCH_NEAR(at + i);
}

// Keeps the `most` lowest keys of all that are pushed; among equal ones those that came first.
template <class V>
class Lowest {
 public:
  // count: of those that are there already.
  Lowest(float* keys, int32_t* places, int32_t most, int32_t count = 0)
      : keys_(keys),
        places_(places),
        most_(most),
        capacity_(2 * most > 64 ? 2 * most : 64),
        count_(count) {}

  float limit() const { return limit_; }
  int32_t count() const { return count_; }

  // mask: which of sixteen keys, for places from `first` on.
  void push(unsigned mask, const float* keys, int32_t first) {
    count_ = V::append(mask, keys, first, keys_, places_, count_);
    if (count_ >= capacity_) shrink();
  }

  void shrink() {
    if (count_ <= most_) return;
    const int32_t filled = (count_ + kBlock - 1) / kBlock * kBlock;
    for (int32_t i = count_; i < filled; ++i) keys_[i] = INFINITY;
    float low, high;
    V::ends(keys_, filled, &low, &high);
    cut(filled, low, high);
  }

 private:
  // Halves the range of keys until `most` are below, or no number is left between its ends: then
  // the upper end is the key that several have, and some of those are kept.
  void cut(int32_t filled, float low, float high) {
    int32_t ties = 0;
    float upper = high;
    for (int step = 0;; ++step) {
      // The last steps go through the order of floats, which surely ends.
      const float middle = step < 24 ? low + (upper - low) * 0.5F : between(low, upper);
      if (!(middle > low && middle < upper)) {
        if (step < 24) { step = 24; continue; }
        // Nothing lies between: all keys up to `low`, then those equal to `upper`.
        ties = most_ - V::count_below(keys_, filled, upper);
        break;
      }
      const int32_t below = V::count_below(keys_, filled, middle);
      if (below == most_) { upper = middle; break; }
      if (below < most_) low = middle; else upper = middle;
    }
    if (ties < 0) {  // `low` is a key that more have than there is room for
      upper = low;
      ties = most_ - V::count_below(keys_, filled, upper);
    }
    keep(upper, ties);
  }

  void keep(float upper, int32_t ties) {
    limit_ = upper;
    if (ties == 0) {
      count_ = V::keep_below(keys_, places_, count_, upper);
      return;
    }
    int32_t kept = 0;
    for (int32_t i = 0; i < count_; ++i) {
      const bool tied = keys_[i] == upper && ties > 0;
      ties -= tied;
      if (keys_[i] < upper || tied) {
        keys_[kept] = keys_[i];
        places_[kept++] = places_[i];
      }
    }
    count_ = kept;
  }

  static float between(float low, float high) {
    const int64_t a = ordered(low), b = ordered(high);
    return unordered(static_cast<int32_t>((a + b) >> 1));
  }
  static int32_t ordered(float value) {
    int32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits < 0 ? static_cast<int32_t>(0x80000000U - static_cast<uint32_t>(bits)) : bits;
  }
  static float unordered(int32_t order) {
    const uint32_t bits =
        order < 0 ? 0x80000000U - static_cast<uint32_t>(order) : static_cast<uint32_t>(order);
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

  float* keys_;
  int32_t* places_;
  int32_t most_, capacity_;
  int32_t count_;
  float limit_ = INFINITY;
};

}  // namespace
}  // namespace mitame::cascade
