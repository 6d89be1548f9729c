// The stages of a search, once for each kernel: V has the sums of products of its instruction set.
// Include it in one file per instruction set only; everything here is local to that file.
#pragma once

#include <cstring>

#include "cascade.h"
#include "cascade_beam.h"
#include "cascade_lowest.h"
#include "cascade_prepared.h"
#include "cascade_ranking.h"
#include "cascade_refining.h"

namespace mitame::cascade {
namespace {

constexpr float kUnit = 4e-6F;  // how far from 1 the square of a length of 1 may be

template <class V>
class Search {
 public:
  Search(const Cascade& cascade, const Plan& plan, Scratch& memory)
      : c_(cascade), plan_(plan), m_(memory), query_(cascade, memory),
        beam_(cascade, memory, plan.beam) {}

  Status search(const float* query, int32_t k, const uint8_t* allow, int64_t* ids,
                float* distances) {
    if (c_.distance == Distance::cosine && !is_unit(query)) return Status::unusual;
    const Status status = gather(query, allow);
    if (status != Status::ok) return status;
    const int32_t wanted = k > plan_.exact ? k : plan_.exact;
    Ranking<V> ranking(c_, m_);
    ranking.ask_ids(beam_.count() < 2 * wanted ? beam_.count() : 2 * wanted);
    const int32_t few = refine(wanted);
    return ranking.rank(query, few, k, ids, distances);
  }

  Status places(const float* query, int32_t most, int32_t* places, int32_t* count) {
    const Status status = gather(query, nullptr);
    if (status != Status::ok) return status;
    *count = beam_.count() < most ? beam_.count() : most;
    for (int32_t i = 0; i < *count; ++i) places[i] = m_.beam[i].place;
    return Status::ok;
  }

 private:
  // All stages before the exact one; the beam is then sorted.
  Status gather(const float* query, const uint8_t* allow) {
    if (!query_.begin(query)) return Status::unusual;
    Status status = list_stage(take(root_stage()));
    if (status != Status::ok) return status;
    int32_t count = 0;
    status = row_stage(allow, &count);
    if (status != Status::ok) return status;
    const bool follows = c_.edges && !allow;
    beam_.ask(count, follows);
    query_.finish();  // while they are on their way
    beam_.fill(count);
    if (follows) {
      status = beam_.walk();
      if (status != Status::ok) return status;
    }
    beam_.sort();
    return Status::ok;
  }

  // The nearest of the beam are then its first; returns how many, at most as many as are wanted.
  int32_t refine(int32_t wanted) {
    const int32_t count = beam_.count();
    if (!c_.residuals || plan_.refined <= wanted) return count < wanted ? count : wanted;
    const int32_t refined = plan_.refined < count ? plan_.refined : count;
    return Refining<V>(c_, m_).refine(refined, wanted);
  }

  bool is_unit(const float* query) const {
    const float square = V::product(query, query, c_.dimension);
    return square > 1 - kUnit && square < 1 + kUnit;
  }

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
        keys[i] = norms[i] - query_.with_centre(sums[i]);
        mask |= static_cast<unsigned>(norms[i] < kFar && keys[i] < lowest.limit()) << i;
      }
      lowest.push(mask, keys, block * kBlock);
    }
    lowest.shrink();
    return lowest;
  }

  // Moves what is kept out of the way of the next stage; returns how many there are.
  int32_t take(const Lowest<V>& lowest) {
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
    const Status status = table_stage(c_.lists, query_.lists(), roots, nullptr, lowest);
    lists_ = take(lowest);
    return status;
  }

  // count: of the places that the scratch then has.
  Status row_stage(const uint8_t* allow, int32_t* count) {
    Lowest<V> lowest(m_.keys, m_.places, plan_.shorts);
    const Status status = table_stage(c_.table, query_.rows(), lists_, allow, lowest);
    *count = lowest.count();
    return status;
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
      const int32_t sum = V::dot(centre_at(table, m_.chosen[i]), m_.centre, c_.coarse);
      const float base = q.offset - query_.with_centre(sum);
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

  const Cascade& c_;
  const Plan& plan_;
  Scratch& m_;
  Prepared<V> query_;
  Beam<V> beam_;
  int32_t lists_ = 0;
};

// The first coordinates that a node's codes stand for, float[kCompared].
void decode(const Cascade& c, int32_t place, float* out) {
  const uint8_t* node = c.nodes + static_cast<std::size_t>(place) * c.node_bytes;
  const float* steps = c.node_steps;
  for (int i = 0; i < kNode8; ++i) out[i] = (node[i] - 128.0F) * steps[i];
  for (int i = 0; i < 32; ++i) {
    out[kNode8 + i] = ((node[32 + i] & 15) - 7.5F) * steps[kNode8 + i];
    out[kNode8 + 32 + i] = ((node[32 + i] >> 4) - 7.5F) * steps[kNode8 + 32 + i];
  }
  const int first = kNode8 + kNode4;
  for (int i = 0; i < kPlane; ++i)
    out[first + i] = ((node[kLine + i] & 3) - 1.5F) * steps[first + i];
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
      &V::squared,
      &decode,
  };
}

}  // namespace
}  // namespace mitame::cascade
