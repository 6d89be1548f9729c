// The last stage: rows themselves, and their exact distances.
// Include it in files of one instruction set only; everything here is local to that file.
#pragma once

#include <cmath>

#include "cascade_lowest.h"

namespace mitame::cascade {
namespace {

constexpr int kAhead = 2;           // rows that are asked for before they are needed
constexpr int kRowPrefetch = 8192;  // bytes of a row: of longer ones the processor follows the rest

template <class V>
class Ranking {
 public:
  Ranking(const Cascade& cascade, Scratch& memory) : c_(cascade), m_(memory) {}

  // Asks for the numbers of rows that the first of the beam stand for.
  void ask_ids(int32_t count) const {
    for (int32_t i = 0; i < count; ++i) MITAME_PREFETCH(c_.ids + m_.beam[i].place);
  }

  // The k nearest among the first of the beam.
  Status rank(const float* query, int32_t few, int32_t k, int64_t* ids, float* distances) {
    int32_t rows = 0;
    for (int32_t i = 0; i < few; ++i) {
      const int32_t id = c_.ids[m_.beam[i].place];
      if (id < 0 || id >= c_.rows) return Status::damaged;
      m_.beam[rows++].place = id;
    }
    for (int32_t i = 0; i < kAhead && i < rows; ++i) ask(m_.beam[i].place);
    for (int32_t i = 0; i < rows; ++i) {
      if (i + kAhead < rows) ask(m_.beam[i + kAhead].place);
      const float away = distance(query, m_.beam[i].place);
      // A damaged row may have no distance; sorting needs one.
      m_.ranked[i] = Hit{away == away ? away : INFINITY, m_.beam[i].place};
    }
    sort_hits(m_.ranked, rows);
    const int32_t count = answer(rows, k, ids, distances);
    return count < k ? Status::few : Status::ok;
  }

 private:
  void ask(int32_t row) const {
    const std::ptrdiff_t bytes = 4 * static_cast<std::ptrdiff_t>(c_.dimension);
    prefetch(c_.vectors + static_cast<std::size_t>(row) * c_.dimension,
             bytes < kRowPrefetch ? bytes : kRowPrefetch);
  }

  // The first k of the ranked, padded; returns how many there are.
  int32_t answer(int32_t rows, int32_t k, int64_t* ids, float* distances) const {
    int32_t count = 0;
    for (int32_t i = 0; i < rows && count < k; ++i) {
      // A row is here twice only where a part is damaged.
      if (i > 0 && m_.ranked[i].place == m_.ranked[i - 1].place) continue;
      ids[count] = m_.ranked[i].place;
      distances[count++] = m_.ranked[i].key;
    }
    for (int32_t i = count; i < k; ++i) {
      ids[i] = -1;
      distances[i] = INFINITY;
    }
    return count;
  }

  float distance(const float* query, int64_t row) const {
    const float* x = c_.vectors + row * c_.dimension;
    if (c_.distance == Distance::product) return -V::product(x, query, c_.dimension);
    if (c_.distance == Distance::squared) return std::sqrt(V::squared(x, query, c_.dimension));
    const float inverse = c_.inverses ? c_.inverses[row] : 1.0F;
    if (inverse == 0.0F) return 1.0F;  // a row of zeros has no direction
    const float half = 0.5F * (c_.inverses ? V::squared_scaled(x, inverse, query, c_.dimension)
                                           : V::squared(x, query, c_.dimension));
    if (half > 0.49F && half < 0.51F && is_zero(x)) return 1.0F;
    return half < 2.0F ? half : 2.0F;
  }

  bool is_zero(const float* x) const {
    for (int32_t i = 0; i < c_.dimension; ++i)
      if (x[i] != 0.0F) return false;
    return true;
  }

  const Cascade& c_;
  Scratch& m_;
};

}  // namespace
}  // namespace mitame::cascade
