// The cascade as Python sees it: mitame._native.Cascade.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "cascade.h"
#include "cascade_graph.h"

namespace nb = nanobind;

namespace mitame::cascade {
namespace {

template <class T>
using Part = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
using Queries = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Ids = nb::ndarray<int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Distances = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Allow = nb::ndarray<const bool, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Edges = nb::ndarray<int32_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

constexpr int64_t kBlocksMost = 1 << 25;  // numbers of places, doubled, still fit into 32 bits

[[noreturn]] void wrong(const std::string& what) { throw std::invalid_argument(what); }

template <class T>
bool is_aligned(const T* address) {
  return reinterpret_cast<std::uintptr_t>(address) % alignof(T) == 0;
}

// The parts of an index, held as long as it lives; their lengths are checked here, once.
class Held {
 public:
  Held(const nb::dict& parts, const nb::dict& sizes) : sizes_(sizes), parts_(parts) {
    c_.rows = size("rows");
    c_.dimension = static_cast<int32_t>(size("dimension"));
    c_.projected = static_cast<int32_t>(size("projected"));
    c_.fours = static_cast<int32_t>(size("fours"));
    c_.twos = static_cast<int32_t>(size("twos"));
    c_.coarse = static_cast<int32_t>(size("coarse"));
    c_.root_blocks = static_cast<int32_t>(size("root_blocks"));
    c_.degree = static_cast<int32_t>(size("degree"));
    c_.distance = static_cast<Distance>(size("distance"));
    c_.lists.lists = c_.root_blocks * static_cast<int64_t>(kBlock);
    c_.lists.blocks = size("list_blocks");
    c_.table.lists = c_.lists.blocks * kBlock;
    c_.table.blocks = size("blocks");
    check_sizes();
    c_.padded = (c_.dimension + kLine - 1) / kLine * kLine;
    take();
    sizes_.reset();
    parts_.reset();
  }

  const Cascade& get() const { return c_; }

 private:
  int64_t size(const char* name) const {
    int64_t value = 0;
    if (!sizes_.contains(name)) wrong(std::string("size ") + name + " is missing");
    if (!nb::try_cast(sizes_[name], value, false))
      wrong(std::string("size ") + name + " is no whole number");
    if (value < 0 || value > INT32_MAX) wrong(std::string(name) + " is out of range");
    return value;
  }

  void check_sizes() const {
    if (c_.dimension < 1 || c_.dimension > 65536) wrong("dimension is out of range");
    if (c_.projected < 1 || c_.projected > kProjectedMost) wrong("projected is out of range");
    const int64_t width = int64_t{c_.fours} + c_.twos;
    if (c_.fours % 16 || c_.twos % 16 || c_.fours < 16 || width > kProjectedMost)
      wrong("short codes have a wrong width");
    if (c_.coarse < kLine || c_.coarse % kLine || c_.coarse > kProjectedMost)
      wrong("centres have a wrong width");
    if (c_.degree > 256) wrong("degree is out of range");
    if (c_.distance < Distance::squared || c_.distance > Distance::product)
      wrong("there is no such distance");
    if (c_.root_blocks > kBlocksMost || c_.lists.blocks > kBlocksMost ||
        c_.table.blocks > kBlocksMost)
      wrong("there are too many rows");
  }

  // The part itself, not the dictionary, is what is held: nobody can take it out again.
  template <class T>
  const T* part(const char* name, int64_t count) {
    if (!parts_.contains(name)) wrong(std::string("part ") + name + " is missing");
    Part<T> array;
    if (!nb::try_cast(parts_[name], array, false))
      wrong(std::string("part ") + name + " has another type");
    if (static_cast<int64_t>(array.size()) != count)
      wrong(std::string("part ") + name + " has " + std::to_string(array.size()) +
            " elements instead of " + std::to_string(count));
    if (!is_aligned(array.data())) wrong(std::string("part ") + name + " is not aligned");
    held_.emplace_back(array);
    return array.data();
  }

  // Few numbers on which all keys depend. Those of single rows are met at the search.
  const float* steps(const char* name, int64_t count) {
    const float* values = part<float>(name, count);
    for (int64_t i = 0; i < count; ++i)
      if (!std::isfinite(values[i])) wrong(std::string("part ") + name + " is not finite");
    return values;
  }

  Table table(const std::string& prefix, Table out) {
    const int64_t line = kLine * (c_.fours / 8 + c_.twos / 16);
    out.starts = part<int32_t>((prefix + "-starts").c_str(), out.lists + 1);
    out.codes = part<uint8_t>((prefix + "-codes").c_str(), out.blocks * line);
    out.norms = part<float>((prefix + "-norms").c_str(), out.blocks * kBlock);
    out.steps = steps((prefix + "-steps").c_str(), c_.fours + c_.twos);
    out.centres = part<uint8_t>((prefix + "-centres").c_str(), out.lists * c_.coarse);
    return out;
  }

  static int64_t blocks_of(int64_t count) { return (count + kBlock - 1) / kBlock; }

  void take() {
    const int64_t places = c_.table.blocks * kBlock;
    c_.mean = steps("mean", c_.padded);
    c_.finely = c_.projected < kFinely ? c_.projected : kFinely;
    c_.rotation = part<uint8_t>("rotation", blocks_of(c_.finely) * kBlock * c_.padded);
    const int64_t rest = blocks_of(c_.projected - c_.finely);
    c_.coarsely = part<uint8_t>("rotation-low", rest * kBlock / 2 * c_.padded);
    c_.rotation_steps = steps("rotation-steps", c_.projected);
    c_.centre_step = steps("centre-step", 1)[0];
    c_.roots = part<uint8_t>("roots", c_.lists.lists * c_.coarse);
    c_.root_norms = part<float>("root-norms", c_.lists.lists);
    c_.lists = table("list", c_.lists);
    c_.table = table("row", c_.table);
    c_.ids = part<int32_t>("ids", places);
    c_.nodes = part<uint8_t>("nodes", places * kNodeBytes);
    c_.node_steps = steps("node-steps", kNodeDims + kTail);
    c_.tails = parts_.contains("tails") ? part<uint8_t>("tails", places * kLine) : nullptr;
    c_.edges = c_.degree ? part<int32_t>("edges", places * c_.degree) : nullptr;
    c_.vectors = part<float>("vectors", c_.rows * c_.dimension);
    c_.inverses = parts_.contains("inverses") ? part<float>("inverses", c_.rows) : nullptr;
  }

  nb::dict sizes_, parts_;  // only while this is made
  std::vector<nb::ndarray<>> held_;
  Cascade c_{};
};

Plan plan_of(const Cascade& c, int32_t roots, int32_t lists, int32_t shorts, int32_t beam,
             int32_t exact) {
  const auto within = [](int64_t value, int64_t most) {
    return static_cast<int32_t>(value < 1 ? 1 : value > most ? most : value);
  };
  const int64_t places = c.table.blocks * kBlock + 1;
  return Plan{within(roots, c.lists.lists), within(lists, c.table.lists + 1),
              within(shorts, places), within(beam, places), within(exact, places)};
}

void check_answer(const Cascade& c, const Queries& queries, const Ids& ids,
                  const Distances& distances) {
  if (static_cast<int64_t>(queries.shape(1)) != c.dimension) wrong("queries have another dimension");
  const bool fits = ids.shape(0) == queries.shape(0) && distances.shape(0) == queries.shape(0) &&
                    ids.shape(1) == distances.shape(1) && ids.shape(1) >= 1 &&
                    ids.shape(1) < (std::size_t{1} << 30);
  if (!fits) wrong("answers have another shape than queries");
  if (!is_aligned(queries.data()) || !is_aligned(ids.data()) || !is_aligned(distances.data()))
    wrong("queries or answers are not aligned");
}

const uint8_t* allowed(const Cascade& c, const nb::object& allow, Allow& held) {
  if (allow.is_none()) return nullptr;
  if (!nb::try_cast(allow, held, false) || static_cast<int64_t>(held.size()) != c.rows)
    wrong("allow must be bool[rows]");
  return reinterpret_cast<const uint8_t*>(held.data());
}

// Keeps the status that says most: damaged, then unusual, then few.
void worsen(std::atomic<int32_t>& worst, int32_t status) {
  constexpr int kSays[] = {0, 2, 3, 1};
  int32_t before = worst.load();
  while (kSays[status] > kSays[before] && !worst.compare_exchange_weak(before, status)) {
  }
}

// 0 where all went well, 1 where a query needs a closer look (not finite, not of length 1 for
// cosine, too long), 2 where a part is damaged, 3 where fewer than k were found.
int32_t run_search(const Cascade& c, const Plan& plan, const Queries& queries, const Ids& ids,
                   const Distances& distances, const uint8_t* allow, int32_t threads) {
  const int32_t k = static_cast<int32_t>(ids.shape(1));
  const Kernel& run = kernel();
  const float* q = queries.data();
  int64_t* out = ids.data();
  float* away = distances.data();
  const auto one = [&](int64_t i) {
    const Status status = run.search(c, plan, q + i * c.dimension, k, allow, scratch(c, plan, k),
                                     out + i * k, away + i * k);
    if (status == Status::unusual || status == Status::damaged) {
      std::fill_n(out + i * k, k, int64_t{-1});
      std::fill_n(away + i * k, k, INFINITY);
    }
    return static_cast<int32_t>(status);
  };
  const int64_t count = static_cast<int64_t>(queries.shape(0));
  nb::gil_scoped_release free;
  if (count == 1) return one(0);
  std::atomic<int32_t> worst{0};
  in_parallel(count, threads, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) worsen(worst, one(i));
  });
  return worst;
}

int32_t search(const Held& held, Queries queries, Ids ids, Distances distances, int32_t roots,
               int32_t lists, int32_t shorts, int32_t beam, int32_t exact, nb::object allow,
               int32_t threads) {
  const Cascade& c = held.get();
  check_answer(c, queries, ids, distances);
  Allow mask;
  const uint8_t* allow_at = allowed(c, allow, mask);
  const Plan plan = plan_of(c, roots, lists, shorts, beam, exact);
  return run_search(c, plan, queries, ids, distances, allow_at, threads);
}

// What a search that was asked before needs to know: see Python's CascadeIndex.
struct Quick {
  Plan plan;
  int32_t threads;
};

Quick quick_of(const Held& held, int32_t roots, int32_t lists, int32_t shorts, int32_t beam,
               int32_t exact, int32_t threads) {
  return Quick{plan_of(held.get(), roots, lists, shorts, beam, exact), threads};
}

int32_t search_quick(const Held& held, Queries queries, Ids ids, Distances distances,
                     const Quick& quick) {
  check_answer(held.get(), queries, ids, distances);
  return run_search(held.get(), quick.plan, queries, ids, distances, nullptr, quick.threads);
}

void scan(const Held& held, Queries queries, Ids ids, Distances distances, nb::object allow,
          int32_t threads) {
  const Cascade& c = held.get();
  check_answer(c, queries, ids, distances);
  Allow mask;
  const uint8_t* allow_at = allowed(c, allow, mask);
  const Plan plan{};
  const int32_t k = static_cast<int32_t>(ids.shape(1));
  const Kernel& run = kernel();
  nb::gil_scoped_release free;
  in_parallel(static_cast<int64_t>(queries.shape(0)), threads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      run.scan(c, queries.data() + i * c.dimension, k, allow_at, scratch(c, plan, k),
               ids.data() + i * k, distances.data() + i * k);
  });
}

// Fills int32[places][width] with the places nearest to each row, -1 after the last.
int32_t neighbours(const Held& held, Edges out, int32_t roots, int32_t lists, int32_t shorts,
                   int32_t beam, int32_t threads) {
  const Cascade& c = held.get();
  const int64_t places = c.table.blocks * kBlock;
  if (static_cast<int64_t>(out.shape(0)) != places) wrong("there must be a line for each place");
  const int32_t width = static_cast<int32_t>(out.shape(1));
  const Plan plan = plan_of(c, roots, lists, shorts, beam, 1);
  const Kernel& run = kernel();
  std::atomic<int32_t> worst{0};
  nb::gil_scoped_release free;
  in_parallel(places, threads, 64, [&](int64_t begin, int64_t end) {
    std::vector<float> unit(c.dimension);
    for (int64_t place = begin; place < end; ++place) {
      int32_t* line = out.data() + place * width;
      int32_t count = 0;
      if (c.table.norms[place] < kFar) {
        const int32_t id = c.ids[place];
        if (id < 0 || id >= c.rows) {
          worsen(worst, static_cast<int32_t>(Status::damaged));
          std::fill_n(line, width, -1);
          continue;
        }
        const float* row = c.vectors + int64_t{id} * c.dimension;
        const float factor = c.inverses ? c.inverses[id] : 1.0F;
        for (int32_t i = 0; i < c.dimension; ++i) unit[i] = row[i] * factor;
        const Status status =
            run.places(c, plan, unit.data(), width, scratch(c, plan, 1), line, &count);
        worsen(worst, static_cast<int32_t>(status));
      }
      for (; count < width; ++count) line[count] = -1;
    }
  });
  return worst;
}

void prune(const Held& held, nb::ndarray<const int32_t, nb::ndim<2>, nb::c_contig> candidates,
           Edges edges, float slack, int32_t threads) {
  const Cascade& c = held.get();
  const int64_t places = c.table.blocks * kBlock;
  if (static_cast<int64_t>(candidates.shape(0)) != places ||
      static_cast<int64_t>(edges.shape(0)) != places)
    wrong("there must be a line for each place");
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (candidates.data()[i] >= places) wrong("a candidate is no place");
  nb::gil_scoped_release free;
  prune_all(c, candidates.data(), static_cast<int32_t>(candidates.shape(1)), slack,
            static_cast<int32_t>(edges.shape(1)), threads, edges.data());
}

}  // namespace
}  // namespace mitame::cascade

namespace mitame {

void bind_cascade(nb::module_& module) {
  using cascade::Held;
  nb::class_<cascade::Quick>(module, "Quick");
  nb::class_<Held>(module, "Cascade")
      .def(nb::init<const nb::dict&, const nb::dict&>(), nb::arg("parts"), nb::arg("sizes"))
      .def("search", &cascade::search, nb::arg("queries").noconvert(), nb::arg("ids").noconvert(),
           nb::arg("distances").noconvert(),
           nb::arg("roots"), nb::arg("lists"), nb::arg("shorts"), nb::arg("beam"), nb::arg("exact"),
           nb::arg("allow").none(), nb::arg("threads"))
      .def("quick", &cascade::quick_of)
      .def("search_quick", &cascade::search_quick, nb::arg().noconvert(), nb::arg().noconvert(),
           nb::arg().noconvert(), nb::arg())
      .def("scan", &cascade::scan, nb::arg("queries").noconvert(), nb::arg("ids").noconvert(),
           nb::arg("distances").noconvert(), nb::arg("allow").none(), nb::arg("threads"))
      .def("neighbours", &cascade::neighbours, nb::arg("out").noconvert(), nb::arg("roots"), nb::arg("lists"),
           nb::arg("shorts"), nb::arg("beam"), nb::arg("threads"))
      .def("prune", &cascade::prune, nb::arg("candidates").noconvert(),
           nb::arg("edges").noconvert(), nb::arg("slack"),
           nb::arg("threads"));
}

}  // namespace mitame
