// What is the same for all kernels: memory, sorting, many queries at once, the edges of the graph.
#include "cascade.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "cascade_graph.h"
#include "cpu.h"

namespace mitame::cascade {
namespace {

constexpr int64_t kThreadsMost = 1024;
constexpr std::size_t kBitWords = 1 << 14;  // half a million places in 64 KiB

struct Memory {
  Scratch plain{};
  std::vector<float> floats;
  std::vector<int8_t> bytes;
  std::vector<int32_t> words;
  std::vector<Hit> hits;
  std::vector<uint32_t> seen;
};

// Hands out parts of one vector that was made large enough.
template <class T>
class Cutter {
 public:
  explicit Cutter(std::vector<T>& from, std::size_t total) {
    if (from.size() < total) from.resize(total);
    at_ = from.data();
  }
  T* take(std::size_t count) {
    T* out = at_;
    at_ += count;
    return out;
  }

 private:
  T* at_;
};

uint64_t power_above(uint64_t count) {
  uint64_t out = 1024;
  while (out < count) out *= 2;
  return out;
}

}  // namespace

Scratch& scratch(const Cascade& c, const Plan& plan, int32_t k) {
  static thread_local Memory memory;
  Scratch& out = memory.plain;
  const std::size_t padded = static_cast<std::size_t>(c.padded) + 64, z = kProjectedMost + 64;
  const int32_t kept = std::max({plan.roots, plan.lists, plan.shorts, plan.beam, 1});
  out.room = 2 * kept + 64 + 2 * kBlock;
  const std::size_t found = kStep * static_cast<std::size_t>(c.degree) + 4;
  Cutter<float> floats(memory.floats, padded + z + std::max(padded, z) + out.room + 16 + found);
  out.centred = floats.take(padded);
  out.z = floats.take(z);
  out.product = floats.take(std::max(padded, z));
  out.keys = floats.take(out.room + 16);
  out.found_keys = floats.take(found);
  const std::size_t four = c.fours + 128, two = c.twos + 128, coarse = c.coarse + 64;
  Cutter<int8_t> bytes(memory.bytes, padded + coarse + 2 * (four + two));
  out.bytes = bytes.take(padded);
  out.centre = bytes.take(coarse);
  out.row4 = bytes.take(four);
  out.row2 = bytes.take(two);
  out.list4 = bytes.take(four);
  out.list2 = bytes.take(two);
  const std::size_t chosen = std::max(plan.roots, plan.lists) + 1;
  Cutter<int32_t> words(memory.words, out.room + chosen + 2 * found);
  out.places = words.take(out.room);
  out.chosen = words.take(chosen);
  out.found = words.take(2 * found);
  // No more are ranked than the beam holds.
  const std::size_t beam = plan.beam + 1;
  const std::size_t ranked = std::min(plan.beam, std::max(k, plan.exact)) + 1;
  Cutter<Hit> hits(memory.hits, beam + ranked);
  out.beam = hits.take(beam);
  out.ranked = hits.take(ranked);
  if (c.edges) {
    // More than three times all places that there are never fills up either.
    const uint64_t all = 3 * static_cast<uint64_t>(c.table.blocks) * kBlock + 4 * found;
    const uint64_t some = 64 * static_cast<uint64_t>(plan.beam) + 4 * found;
    const uint64_t slots = power_above(std::min(all, some));
    const std::size_t bits = static_cast<std::size_t>(c.table.blocks) / 2 + 1;
    out.seen_bits = bits <= kBitWords;
    const std::size_t words = out.seen_bits ? bits : slots;
    if (memory.seen.size() < words) memory.seen.resize(words);
    out.seen = memory.seen.data();
    out.seen_mask = static_cast<uint32_t>(slots - 1);
  }
  return out;
}

void sort_hits(Hit* hits, int32_t count) {
  std::sort(hits, hits + count, [](const Hit& a, const Hit& b) { return nearer(a, b); });
}

void part_hits(Hit* hits, int32_t count, int32_t few) {
  if (few >= count) return;
  std::nth_element(hits, hits + few, hits + count,
                   [](const Hit& a, const Hit& b) { return nearer(a, b); });
}

const Kernel& kernel() {
  switch (chosen_kernel()) {
#if defined(MITAME_HAS_AVX512)
    case mitame::Kernel::avx512: return avx512_kernel;
#endif
#if defined(MITAME_HAS_AVXVNNI)
    case mitame::Kernel::avxvnni: return avxvnni_kernel;
#endif
#if defined(MITAME_HAS_AVX2)
    case mitame::Kernel::avx2: return avx2_kernel;
#endif
    default: return portable_kernel;
  }
}

void in_parallel(int64_t count, int32_t threads, int64_t share, const Work& work) {
  std::atomic<int64_t> next{0};
  std::exception_ptr failed;  // the first that was thrown: out of memory
  std::mutex failing;
  const auto run = [&] {
    try {
      for (int64_t begin = next.fetch_add(share); begin < count; begin = next.fetch_add(share))
        work(begin, std::min(begin + share, count));
    } catch (...) {
      next = count;
      const std::lock_guard<std::mutex> lock(failing);
      if (!failed) failed = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  const int64_t useful = std::min<int64_t>({threads, kThreadsMost, (count + share - 1) / share});
  try {
    for (int64_t i = 1; i < useful; ++i) others.emplace_back(run);
  } catch (const std::exception&) {  // the system has no more threads: fewer do the work
  }
  run();
  for (std::thread& other : others) other.join();
  if (failed) std::rethrow_exception(failed);
}

namespace {

// One row's candidates, decoded and sorted by how near they are.
class Pruner {
 public:
  Pruner(const Cascade& c, int32_t most)
      : c_(c),
        near_(kernel()),
        own_(kCompared),
        others_(static_cast<std::size_t>(most) * kCompared) {
    order_.reserve(most);
  }

  // Keeps a candidate unless one that was kept is nearer to it than the row is; then fills up with
  // the nearest that were passed over (Malkov and Yashunin 2018, section 4, algorithm 4).
  void prune(int32_t place, const int32_t* candidates, int32_t count, float slack, int32_t degree,
             int32_t* edges) {
    near_.decode(c_, place, own_.data());
    order_.clear();
    for (int32_t i = 0; i < count && candidates[i] >= 0; ++i) {
      if (candidates[i] == place) continue;
      float* other = decoded(i);
      near_.decode(c_, candidates[i], other);
      order_.push_back({near_.squared(own_.data(), other, kCompared), i});
    }
    sort_hits(order_.data(), static_cast<int32_t>(order_.size()));
    kept_.clear();
    passed_.clear();
    for (const Hit& hit : order_) {
      if (static_cast<int32_t>(kept_.size()) == degree) break;
      choose(hit, candidates, slack);
    }
    for (std::size_t i = 0; i < passed_.size() && static_cast<int32_t>(kept_.size()) < degree; ++i)
      kept_.push_back(passed_[i]);
    for (int32_t i = 0; i < degree; ++i)
      edges[i] = i < static_cast<int32_t>(kept_.size()) ? candidates[kept_[i]] : -1;
  }

 private:
  float* decoded(int32_t i) { return others_.data() + static_cast<std::size_t>(i) * kCompared; }

  void choose(const Hit& hit, const int32_t* candidates, float slack) {
    for (int32_t other : kept_) {
      if (candidates[other] == candidates[hit.place]) return;
      if (slack * near_.squared(decoded(other), decoded(hit.place), kCompared) < hit.key) {
        for (int32_t twin : passed_)
          if (candidates[twin] == candidates[hit.place]) return;
        passed_.push_back(hit.place);
        return;
      }
    }
    kept_.push_back(hit.place);
  }

  const Cascade& c_;
  const Kernel& near_;
  std::vector<float> own_, others_;
  std::vector<Hit> order_;
  std::vector<int32_t> kept_, passed_;
};

}  // namespace

void prune_all(const Cascade& c, const int32_t* candidates, int32_t width, float slack,
               int32_t degree, int32_t threads, int32_t* edges) {
  in_parallel(c.table.blocks * kBlock, threads, 256, [&](int64_t begin, int64_t end) {
    Pruner pruner(c, width);
    for (int64_t place = begin; place < end; ++place)
      pruner.prune(static_cast<int32_t>(place), candidates + place * width, width, slack, degree,
                   edges + place * degree);
  });
}

}  // namespace mitame::cascade
