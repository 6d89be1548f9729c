// The best nodes so far, and the walk along their edges to better ones.
// Include it in files of one instruction set only; everything here is local to that file.
#pragma once

#include <cstring>

#include "cascade_lowest.h"

namespace mitame::cascade {
namespace {

constexpr int kNear = 3;  // nodes that come near before they are judged
constexpr int kExpanded = 1 << 30;

template <class V>
class Beam {
 public:
  // width: how many it holds.
  Beam(const Cascade& cascade, Scratch& memory, int32_t width)
      : c_(cascade), m_(memory), width_(width) {}

  int32_t count() const { return count_; }

  // Asks for the nodes of the places that the scratch has, and for edges where they are followed.
  void ask(int32_t count, bool follows) const {
    if (!c_.nodes) return;
    for (int32_t i = 0; i < count; ++i) {
      ask_node(m_.places[i]);
      if (follows) prefetch(edges_at(m_.places[i]), 4 * c_.degree);
    }
  }

  // The best of the places that the scratch has, by their nodes where there are nodes.
  void fill(int32_t count) {
    const int32_t real = c_.nodes ? ask_nodes(count) : count;
    Lowest<V> best(m_.keys, m_.places, width_, real);
    best.shrink();
    count_ = best.count();
    for (int32_t i = 0; i < count_; ++i) m_.beam[i] = Hit{m_.keys[i], m_.places[i]};
  }

  // Follows edges from the best nodes on until none of the beam is left to follow.
  Status walk() {
    sort();
    forget_seen();
    for (int32_t i = 0; i < count_; ++i) add_seen(static_cast<uint32_t>(m_.beam[i].place));
    int32_t left = static_cast<int32_t>(m_.seen_mask / 2) - count_;
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
      while (at < count_ && (m_.beam[at].place & kExpanded)) ++at;
      int32_t* free = ready;
      ready = next;
      next = free;
      waiting = count;
    }
  }

  // Nearest first, and nothing else in their places.
  void sort() {
    for (int32_t i = 0; i < count_; ++i) m_.beam[i].place &= ~kExpanded;
    sort_hits(m_.beam, count_);
  }

 private:
  // Puts the nodes' keys in the place of those that the scratch has; returns how many are whole.
  int32_t ask_nodes(int32_t count) {
    int32_t real = 0;
    for (int32_t i = 0; i < count; ++i) {
      if (i + kNear < count) bring(m_.places[i + kNear]);
      const int32_t place = m_.places[i];
      const float key = node_key(place);
      if (!(key < kFar)) continue;  // a damaged norm
      m_.keys[real] = key;
      m_.places[real++] = place;
    }
    return real;
  }

  float node_key(int32_t place) const {
    const NodeQuery& q = m_.node;
    alignas(16) float parts[4];
    float norm;
    const uint8_t* node = node_at(place);
    V::node(node, c_.tails ? tail_at(place) : nullptr, q, parts);
    std::memcpy(&norm, node + kNodeBytes - sizeof norm, sizeof norm);
    const float key = norm + q.offset - parts[0] - parts[1] - parts[2];
    return c_.tails ? key + q.tail_offset - parts[3] : key;
  }

  // Follows the edges of the best nodes that were not followed yet; false where one is damaged.
  bool expand(int32_t at, int32_t* found, int32_t* count, int32_t* expanded) {
    int32_t i = at;
    for (; i < count_ && *expanded < kStep; ++i) {
      if (m_.beam[i].place & kExpanded) continue;
      if (!follow(m_.beam[i].place, found, count)) return false;
      m_.beam[i].place |= kExpanded;
      ++*expanded;
    }
    for (int32_t soon = 0; i < count_ && soon < kStep; ++i) {
      if (m_.beam[i].place & kExpanded) continue;
      prefetch(edges_at(m_.beam[i].place), 4 * c_.degree);
      ++soon;
    }
    return true;
  }

  // Gives places their place in the beam; returns the best that one got.
  int32_t judge(const int32_t* places, int32_t count) {
    int32_t lowest = count_;
    // Apart from joining, where nobody can guess which way it goes: what began would be lost.
    for (int32_t i = 0; i < count; ++i) {
      if (i + kNear < count) bring(places[i + kNear]);
      m_.found_keys[i] = node_key(places[i]);
    }
    for (int32_t i = 0; i < count; ++i) {
      const int32_t where = join(Hit{m_.found_keys[i], places[i]});
      if (where >= lowest + kStep || where == count_) continue;
      prefetch(edges_at(places[i]), 4 * c_.degree);  // it may be followed soon
      lowest = where < lowest ? where : lowest;
    }
    return lowest;
  }

  bool follow(int32_t place, int32_t* found, int32_t* count) {
    const int32_t* edges = edges_at(place);
    const int32_t places = static_cast<int32_t>(c_.table.blocks * kBlock);
    const int32_t first = *count;
    int32_t end = first;
    for (int32_t i = 0; i < c_.degree && edges[i] != -1; ++i) {
      if (edges[i] < 0 || edges[i] >= places) return false;
      found[end] = edges[i];  // without a branch: nobody can guess whether it was seen
      end += add_seen(static_cast<uint32_t>(edges[i]));
    }
    for (int32_t i = first; i < end; ++i) ask_node(found[i]);
    *count = end;
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
    if (!(hit.key < kFar)) return count_;
    int32_t last;
    if (count_ < width_) last = count_++;
    else if (hit.key >= m_.beam[count_ - 1].key) return count_;
    else last = count_ - 1;
    const int32_t at = rank_of(hit.key, last);
    std::memmove(m_.beam + at + 1, m_.beam + at, sizeof(Hit) * static_cast<std::size_t>(last - at));
    m_.beam[at] = hit;
    return at;
  }

  // How many of the first `count` are as near or nearer.
  int32_t rank_of(float key, int32_t count) const {
    const Hit* from = m_.beam;
    for (; count > 1; count -= count / 2)
      if (from[count / 2 - 1].key <= key) from += count / 2;
    return static_cast<int32_t>(from - m_.beam) + (count == 1 && from->key <= key);
  }

  void ask_node(int32_t place) const {
    prefetch(node_at(place), kNodeBytes);
    if (c_.tails) MITAME_PREFETCH(tail_at(place));
  }

  void bring(int32_t place) const {
    prefetch_near(node_at(place), kNodeBytes);
    if (c_.tails) MITAME_PREFETCH_NEAR(tail_at(place));
  }

  const uint8_t* node_at(int32_t place) const {
    return c_.nodes + static_cast<std::size_t>(place) * c_.node_bytes;
  }

  const uint8_t* tail_at(int32_t place) const {
    return c_.tails + static_cast<std::size_t>(place) * c_.tail_bytes;
  }

  const int32_t* edges_at(int32_t place) const {
    return c_.edges + static_cast<std::size_t>(place) * c_.degree;
  }

  const Cascade& c_;
  Scratch& m_;
  int32_t width_;
  int32_t count_ = 0;
};

}  // namespace
}  // namespace mitame::cascade
