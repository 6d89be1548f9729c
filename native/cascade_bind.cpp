// The cascade as Python sees it: mitame._native.Cascade.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "cascade.h"
#include "cascade_graph.h"
#include "cascade_held.h"

namespace nb = nanobind;

namespace mitame::cascade {
namespace {

using Queries = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Ids = nb::ndarray<int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Distances = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Allow = nb::ndarray<const bool, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Edges = nb::ndarray<int32_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

Plan plan_of(const Cascade& c, int32_t roots, int32_t lists, int32_t shorts, int32_t beam,
             int32_t refined, int32_t exact) {
  const auto within = [](int64_t value, int64_t most) {
    return static_cast<int32_t>(value < 1 ? 1 : value > most ? most : value);
  };
  const int64_t places = c.table.blocks * kBlock + 1;
  return Plan{within(roots, c.lists.lists), within(lists, c.table.lists + 1),
              within(shorts, places), within(beam, places), within(refined, places),
              within(exact, places)};
}

void check_answer(const Cascade& c, const Queries& queries, const Ids& ids,
                  const Distances& distances) {
  if (static_cast<int64_t>(queries.shape(1)) != c.dimension)
    wrong("queries have another dimension");
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
               int32_t lists, int32_t shorts, int32_t beam, int32_t refined, int32_t exact,
               nb::object allow, int32_t threads) {
  const Cascade& c = held.get();
  check_answer(c, queries, ids, distances);
  Allow mask;
  const uint8_t* allow_at = allowed(c, allow, mask);
  const Plan plan = plan_of(c, roots, lists, shorts, beam, refined, exact);
  return run_search(c, plan, queries, ids, distances, allow_at, threads);
}

// What a search that was asked before needs to know: see Python's CascadeIndex.
struct Quick {
  Plan plan;
  int32_t threads;
};

Quick quick_of(const Held& held, int32_t roots, int32_t lists, int32_t shorts, int32_t beam,
               int32_t refined, int32_t exact, int32_t threads) {
  return Quick{plan_of(held.get(), roots, lists, shorts, beam, refined, exact), threads};
}

int32_t search_quick(const Held& held, Queries queries, Ids ids, Distances distances,
                     const Quick& quick) {
  check_answer(held.get(), queries, ids, distances);
  return run_search(held.get(), quick.plan, queries, ids, distances, nullptr, quick.threads);
}

// Fills int32[places][width] with the places nearest to each row, -1 after the last.
int32_t neighbours(const Held& held, Edges out, int32_t roots, int32_t lists, int32_t shorts,
                   int32_t beam, int32_t threads) {
  const Cascade& c = held.get();
  const int64_t places = c.table.blocks * kBlock;
  if (static_cast<int64_t>(out.shape(0)) != places) wrong("there must be a line for each place");
  const int32_t width = static_cast<int32_t>(out.shape(1));
  const Plan plan = plan_of(c, roots, lists, shorts, beam, 1, 1);
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
  if (!c.nodes) wrong("edges lead from node to node, and there are no nodes");
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
           nb::arg("distances").noconvert(), nb::arg("roots"), nb::arg("lists"), nb::arg("shorts"),
           nb::arg("beam"), nb::arg("refined"), nb::arg("exact"), nb::arg("allow").none(),
           nb::arg("threads"))
      .def("quick", &cascade::quick_of)
      .def("search_quick", &cascade::search_quick, nb::arg().noconvert(), nb::arg().noconvert(),
           nb::arg().noconvert(), nb::arg())
      .def("neighbours", &cascade::neighbours, nb::arg("out").noconvert(), nb::arg("roots"),
           nb::arg("lists"), nb::arg("shorts"), nb::arg("beam"), nb::arg("threads"))
      .def("prune", &cascade::prune, nb::arg("candidates").noconvert(),
           nb::arg("edges").noconvert(), nb::arg("slack"), nb::arg("threads"));
}

}  // namespace mitame
