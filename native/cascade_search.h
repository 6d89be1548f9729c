// The stages of a search, once for each kernel: V has the sums of products of its instruction set.
// Include it in one file per instruction set only; everything here is local to that file.
#pragma once

#include <cmath>
#include <cstring>

#include "cascade.h"

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

#if defined(__GNUC__) || defined(__clang__)
#define MITAME_PREFETCH(address) __builtin_prefetch(address)
#else
#define MITAME_PREFETCH(address) static_cast<void>(address)
#endif

namespace mitame::cascade {
namespace {

constexpr int kAhead = 3;          // rows that are asked for before they are needed
constexpr int kRowPrefetch = 512;  // bytes of a row: the processor follows the rest by itself
constexpr int kStep = 4;           // nodes whose neighbours are looked at together
constexpr int kExpanded = 1 << 30;
constexpr float kUnit = 4e-6F;     // how far from 1 the square of a length of 1 may be
constexpr float kLongest = 1e10F;  // 127 times this, squared, is still a float

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

// A query against one table of short codes.
struct ShortQuery {
  const int8_t* four;
  const int8_t* two;
  float scale4, scale2, offset;
};

template <class V>
class Search {
 public:
  Search(const Cascade& cascade, const Plan& plan, Scratch& memory)
      : c_(cascade), plan_(plan), m_(memory) {}

  Status search(const float* query, int32_t k, const uint8_t* allow, int64_t* ids,
                float* distances) {
    if (c_.distance == Distance::cosine && !is_unit(query)) return Status::unusual;
    const Status status = gather(query, allow);
    if (status != Status::ok) return status;
    int32_t few = beam_count_ < plan_.exact ? beam_count_ : plan_.exact;
    if (few < k && few < beam_count_) few = k < beam_count_ ? k : beam_count_;
    return rank(query, few, k, ids, distances);
  }

  Status places(const float* query, int32_t most, int32_t* places, int32_t* count) {
    const Status status = gather(query, nullptr);
    if (status != Status::ok) return status;
    *count = beam_count_ < most ? beam_count_ : most;
    for (int32_t i = 0; i < *count; ++i) places[i] = m_.beam[i].place;
    return Status::ok;
  }

  void scan(const float* query, int32_t k, const uint8_t* allow, int64_t* ids, float* distances) {
    int32_t count = 0;
    for (int64_t row = 0; row < c_.rows; ++row)
      if (!allow || allow[row]) insert(distance(query, row), static_cast<int32_t>(row), k, &count);
    answer(count, k, ids, distances);
  }

 private:
  // All stages before the exact one; the beam is then sorted.
  Status gather(const float* query, const uint8_t* allow) {
    if (!project(query)) return Status::unusual;
    Lowest<V> lowest = root_stage();
    const int32_t roots = take(lowest);
    Status status = list_stage(roots);
    if (status != Status::ok) return status;
    status = row_stage(allow);
    if (status != Status::ok) return status;
    if (c_.edges && !allow) {
      status = edge_stage();
      if (status != Status::ok) return status;
    }
    for (int32_t i = 0; i < beam_count_; ++i) m_.beam[i].place &= ~kExpanded;
    sort_hits(m_.beam, beam_count_);
    return Status::ok;
  }

  bool is_unit(const float* query) const {
    const float square = V::product(query, query, c_.dimension);
    return square > 1 - kUnit && square < 1 + kUnit;
  }

  bool project(const float* query) {
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
    list_query_ = short_query(c_.lists.steps, m_.list4, m_.list2);
    row_query_ = short_query(c_.table.steps, m_.row4, m_.row2);
    prepare_node();
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

  static int32_t padded16(int32_t n) { return (n + 15) / 16 * 16; }
  static int32_t padded64(int32_t n) { return (n + 63) / 64 * 64; }

  Lowest<V> root_stage() {
    Lowest<V> lowest(m_.keys, m_.places, plan_.roots);
    const std::size_t bytes = static_cast<std::size_t>(kBlock) * c_.coarse;
    alignas(kLine) int32_t sums[kBlock];
    alignas(kLine) float keys[kBlock];
    for (int32_t block = 0; block < c_.root_blocks; ++block) {
      V::block8(c_.roots + block * bytes, c_.coarse / 4, m_.centre, sums);
      const float* norms = c_.root_norms + block * kBlock;
      unsigned mask = 0;
      for (int i = 0; i < kBlock; ++i) {
        keys[i] = norms[i] - 2 * centre_scale_ * static_cast<float>(sums[i] - centre_zero_);
        mask |= static_cast<unsigned>(norms[i] < kFar && keys[i] < lowest.limit()) << i;
      }
      lowest.push(mask, keys, block * kBlock);
    }
    lowest.shrink();
    return lowest;
  }

  // Moves what is kept out of the way of the next stage; returns how many there are.
  int32_t take(Lowest<V>& lowest) {
    const int32_t count = lowest.count();
    int32_t best = 0;
    for (int32_t i = 1; i < count; ++i)
      if (m_.keys[i] < m_.keys[best]) best = i;
    std::memcpy(m_.chosen, m_.places, sizeof(int32_t) * count);
    if (count) {  // the nearest first, so that the limit falls soon
      m_.chosen[0] = m_.places[best];
      m_.chosen[best] = m_.places[0];
    }
    return count;
  }

  Status list_stage(int32_t roots) {
    Lowest<V> lowest(m_.keys, m_.places, plan_.lists);
    const Status status = table_stage(c_.lists, list_query_, roots, nullptr, lowest);
    lists_ = take(lowest);
    return status;
  }

  Status row_stage(const uint8_t* allow) {
    Lowest<V> lowest(m_.keys, m_.places, plan_.shorts);
    Status status = table_stage(c_.table, row_query_, lists_, allow, lowest);
    if (status != Status::ok) return status;
    const int32_t count = lowest.count();
    for (int32_t i = 0; i < count; ++i) ask_node(m_.places[i]);
    beam_count_ = 0;
    int32_t real = 0;
    for (int32_t i = 0; i < count; ++i) {
      const int32_t place = m_.places[i];
      const float key = node_key(place);
      if (!(key < kFar)) continue;  // a damaged norm
      m_.keys[real] = key;
      m_.places[real++] = place;
    }
    Lowest<V> best(m_.keys, m_.places, plan_.beam, real);
    best.shrink();
    beam_count_ = best.count();
    for (int32_t i = 0; i < beam_count_; ++i) m_.beam[i] = Hit{m_.keys[i], m_.places[i]};
    return Status::ok;
  }

  // The keys of all rows of the chosen lists, sixteen at a time.
  Status table_stage(const Table& table, const ShortQuery& q, int32_t chosen, const uint8_t* allow,
                     Lowest<V>& lowest) {
    const std::ptrdiff_t bytes = kLine * (c_.fours / 8 + c_.twos / 16);
    int64_t begin = 0, end = 0;
    int64_t left = table.blocks;  // lists that overlap could have more
    if (chosen && !range(table, m_.chosen[0], &begin, &end)) return Status::damaged;
    for (int32_t i = 0; i < chosen; ++i) {
      left -= end - begin;
      if (left < 0) return Status::damaged;
      int64_t next = 0, next_end = 0;
      if (i + 1 < chosen) {
        if (!range(table, m_.chosen[i + 1], &next, &next_end)) return Status::damaged;
        prefetch(centre_at(table, m_.chosen[i + 1]), c_.coarse);
        prefetch(table.norms + next * kBlock, (next_end - next) * kBlock * 4);
      }
      const float base = q.offset - 2 * centre_scale_ * static_cast<float>(
          V::dot(centre_at(table, m_.chosen[i]), m_.centre, c_.coarse) - centre_zero_);
      for (int64_t block = begin; block < end; ++block) {
        const int64_t ahead = next + (block - begin);
        if (ahead < next_end) prefetch(table.codes + ahead * bytes, bytes);
        block_stage(table, q, block, bytes, base, allow, lowest);
      }
      begin = next;
      end = next_end;
    }
    lowest.shrink();
    return Status::ok;
  }

  void block_stage(const Table& table, const ShortQuery& q, int64_t block, std::ptrdiff_t bytes,
                   float base, const uint8_t* allow, Lowest<V>& lowest) {
    alignas(kLine) int32_t four[kBlock], two[kBlock];
    alignas(kLine) float keys[kBlock];
    V::block(table.codes + block * bytes, c_.fours / 8, c_.twos / 16, q.four, q.two, four, two);
    unsigned mask = V::below(table.norms + block * kBlock, base, q.scale4, four, q.scale2, two,
                             lowest.limit(), keys);
    if (allow && mask) mask &= allowed(block * kBlock, allow, mask);
    if (mask) lowest.push(mask, keys, static_cast<int32_t>(block * kBlock));
  }

  unsigned allowed(int64_t first, const uint8_t* allow, unsigned mask) const {
    unsigned out = 0;
    for (; mask; mask &= mask - 1) {
      const int i = lowest_bit(mask);
      const int32_t id = c_.ids[first + i];
      if (id >= 0 && id < c_.rows && allow[id]) out |= 1U << i;
    }
    return out;
  }

  bool range(const Table& table, int32_t list, int64_t* begin, int64_t* end) const {
    if (list < 0 || list >= table.lists) return false;
    *begin = table.starts[list];
    *end = table.starts[list + 1];
    return 0 <= *begin && *begin <= *end && *end <= table.blocks;
  }

  const uint8_t* centre_at(const Table& table, int32_t list) const {
    return table.centres + static_cast<std::size_t>(list) * c_.coarse;
  }

  const uint8_t* node_at(int32_t place) const {
    return c_.nodes + static_cast<std::size_t>(place) * kNodeBytes;
  }

  float node_key(int32_t place) const {
    const NodeQuery& q = m_.node;
    alignas(16) int32_t sums[4];
    float norm;
    const uint8_t* node = node_at(place);
    V::node(node, c_.tails ? tail_at(place) : nullptr, q, sums);
    std::memcpy(&norm, node + kNodeBytes - sizeof norm, sizeof norm);
    const float key = norm + q.offset - q.scale8 * static_cast<float>(sums[0]) -
                      q.scale4 * static_cast<float>(sums[1]) -
                      q.scale2 * static_cast<float>(sums[2]);
    return c_.tails ? key + q.tail_offset - q.scale_tail * static_cast<float>(sums[3]) : key;
  }

  // Follows edges from the best nodes on until none of the beam is left to follow.
  Status edge_stage() {
    sort_hits(m_.beam, beam_count_);
    forget_seen();
    for (int32_t i = 0; i < beam_count_; ++i) add_seen(static_cast<uint32_t>(m_.beam[i].place));
    int32_t left = static_cast<int32_t>(m_.seen_mask / 2) - beam_count_;
    int32_t at = 0, waiting = 0;
    int32_t* ready = m_.found;
    int32_t* next = m_.found + kStep * c_.degree;
    // The neighbours of the next nodes are on their way from memory while those before are judged.
    for (;;) {
      int32_t count = 0, expanded = 0;
      if (left > 0 && !expand(at, next, &count, &expanded)) return Status::damaged;
      if (!waiting && !expanded) return Status::ok;
      left -= count;
      const int32_t lowest = judge(ready, waiting);
      at = lowest < at ? lowest : at;
      while (at < beam_count_ && (m_.beam[at].place & kExpanded)) ++at;
      int32_t* free = ready;
      ready = next;
      next = free;
      waiting = count;
    }
  }

  // Follows the edges of the best nodes that were not followed yet; false where one is damaged.
  bool expand(int32_t at, int32_t* found, int32_t* count, int32_t* expanded) {
    for (int32_t i = at; i < beam_count_ && *expanded < kStep; ++i) {
      if (m_.beam[i].place & kExpanded) continue;
      if (!follow(m_.beam[i].place, found, count)) return false;
      m_.beam[i].place |= kExpanded;
      ++*expanded;
    }
    return true;
  }

  // Gives places their place in the beam; returns the best that one got.
  int32_t judge(const int32_t* places, int32_t count) {
    int32_t lowest = beam_count_;
    for (int32_t i = 0; i < count; ++i) {
      const int32_t where = join(Hit{node_key(places[i]), places[i]});
      if (where >= lowest + kStep || where == beam_count_) continue;
      prefetch(edges_at(places[i]), 4 * c_.degree);  // it may be followed soon
      lowest = where < lowest ? where : lowest;
    }
    return lowest;
  }

  const int32_t* edges_at(int32_t place) const {
    return c_.edges + static_cast<std::size_t>(place) * c_.degree;
  }

  bool follow(int32_t place, int32_t* found, int32_t* count) {
    const int32_t* edges = edges_at(place);
    for (int32_t i = 0; i < c_.degree && edges[i] != -1; ++i) {
      if (edges[i] < 0 || edges[i] >= c_.table.blocks * kBlock) return false;
      if (!add_seen(static_cast<uint32_t>(edges[i]))) continue;
      found[(*count)++] = edges[i];
      ask_node(edges[i]);
    }
    return true;
  }

  // True where a place was not seen before: a bit for each where there are not too many.
  bool add_seen(uint32_t place) {
    if (m_.seen_bits) {
      uint32_t& word = m_.seen[place / 32];
      const uint32_t bit = 1U << place % 32;
      const bool fresh = !(word & bit);
      word |= bit;
      return fresh;
    }
    uint32_t i = (place * 2654435761U) >> 7 & m_.seen_mask;
    for (; m_.seen[i] != 0xffffffffU; i = (i + 1) & m_.seen_mask)
      if (m_.seen[i] == place) return false;
    m_.seen[i] = place;
    return true;
  }

  void forget_seen() {
    const std::size_t words = m_.seen_bits ? static_cast<std::size_t>(c_.table.blocks) / 2 + 1
                                           : static_cast<std::size_t>(m_.seen_mask) + 1;
    std::memset(m_.seen, m_.seen_bits ? 0 : 0xff, sizeof(uint32_t) * words);
  }

  // Where in the beam a hit now stands; past its end where it has no place there.
  int32_t join(Hit hit) {
    if (!(hit.key < kFar)) return beam_count_;
    int32_t i;
    if (beam_count_ < plan_.beam) i = beam_count_++;
    else if (hit.key >= m_.beam[beam_count_ - 1].key) return beam_count_;
    else i = beam_count_ - 1;
    for (; i > 0 && m_.beam[i - 1].key > hit.key; --i) m_.beam[i] = m_.beam[i - 1];
    m_.beam[i] = hit;
    return i;
  }

  void ask_node(int32_t place) const {
    prefetch(node_at(place), kNodeBytes);
    if (c_.tails) MITAME_PREFETCH(tail_at(place));
  }

  const uint8_t* tail_at(int32_t place) const {
    return c_.tails + static_cast<std::size_t>(place) * kLine;
  }

  Status rank(const float* query, int32_t few, int32_t k, int64_t* ids, float* distances) {
    int32_t rows = 0;
    for (int32_t i = 0; i < few; ++i) MITAME_PREFETCH(c_.ids + m_.beam[i].place);
    for (int32_t i = 0; i < few; ++i) {
      const int32_t id = c_.ids[m_.beam[i].place];
      if (id < 0 || id >= c_.rows) return Status::damaged;
      m_.beam[rows++].place = id;
    }
    for (int32_t i = 0; i < kAhead && i < rows; ++i) ask(m_.beam[i].place);
    int32_t count = 0;
    for (int32_t i = 0; i < rows; ++i) {
      if (i + kAhead < rows) ask(m_.beam[i + kAhead].place);
      insert(distance(query, m_.beam[i].place), m_.beam[i].place, k, &count);
    }
    answer(count, k, ids, distances);
    return count < k ? Status::few : Status::ok;
  }

  void ask(int32_t row) const {
    const std::ptrdiff_t bytes = 4 * static_cast<std::ptrdiff_t>(c_.dimension);
    prefetch(c_.vectors + static_cast<std::size_t>(row) * c_.dimension,
             bytes < kRowPrefetch ? bytes : kRowPrefetch);
  }

  // Inserts into the k nearest so far, by distance and then by row.
  void insert(float distance, int32_t row, int32_t k, int32_t* count) {
    const Hit hit{distance, row};
    if (*count == k && !nearer(hit, m_.ranked[k - 1])) return;
    int32_t i = *count;
    while (i > 0 && nearer(hit, m_.ranked[i - 1])) --i;
    // A row is here twice only where a part is damaged.
    if (i > 0 && m_.ranked[i - 1].place == row) return;
    if (*count < k) ++*count;
    for (int32_t j = *count - 1; j > i; --j) m_.ranked[j] = m_.ranked[j - 1];
    m_.ranked[i] = hit;
  }

  void answer(int32_t count, int32_t k, int64_t* ids, float* distances) const {
    for (int32_t i = 0; i < k; ++i) {
      ids[i] = i < count ? m_.ranked[i].place : -1;
      distances[i] = i < count ? m_.ranked[i].key : INFINITY;
    }
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
  const Plan& plan_;
  Scratch& m_;
  ShortQuery list_query_{}, row_query_{};
  float centre_scale_ = 0;
  int32_t centre_zero_ = 0;
  int32_t lists_ = 0, beam_count_ = 0;
};

// The coordinates that a node's codes stand for, float[kNodeDims].
void decode(const Cascade& c, int32_t place, float* out) {
  const uint8_t* node = c.nodes + static_cast<std::size_t>(place) * kNodeBytes;
  const float* steps = c.node_steps;
  for (int i = 0; i < kNode8; ++i) out[i] = (node[i] - 128.0F) * steps[i];
  for (int i = 0; i < 32; ++i) {
    out[kNode8 + i] = ((node[32 + i] & 15) - 7.5F) * steps[kNode8 + i];
    out[kNode8 + 32 + i] = ((node[32 + i] >> 4) - 7.5F) * steps[kNode8 + 32 + i];
  }
  const int first = kNode8 + kNode4;
  for (int plane = 0; plane < 4; ++plane)
    for (int i = 0; i < 60; ++i)
      out[first + 60 * plane + i] =
          (((node[kLine + i] >> (2 * plane)) & 3) - 1.5F) * steps[first + 60 * plane + i];
}

template <class V>
constexpr Kernel make_kernel() {
  return Kernel{
      [](const Cascade& c, const Plan& p, const float* query, int32_t k, const uint8_t* allow,
         Scratch& m, int64_t* ids, float* distances) {
        return Search<V>(c, p, m).search(query, k, allow, ids, distances);
      },
      [](const Cascade& c, const Plan& p, const float* query, int32_t most, Scratch& m,
         int32_t* places, int32_t* count) {
        return Search<V>(c, p, m).places(query, most, places, count);
      },
      [](const Cascade& c, const float* query, int32_t k, const uint8_t* allow, Scratch& m,
         int64_t* ids, float* distances) {
        const Plan plan{};
        Search<V>(c, plan, m).scan(query, k, allow, ids, distances);
      },
      &V::squared,
      &decode,
  };
}

}  // namespace
}  // namespace mitame::cascade
