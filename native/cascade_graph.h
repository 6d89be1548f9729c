// Work on all rows of a cascade: many queries on several cores, and the edges between rows.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "cascade.h"

namespace mitame::cascade {

using Work = std::function<void(int64_t begin, int64_t end)>;

// Calls work for shares of 0 to count, on several threads; returns when all is done.
void in_parallel(int64_t count, int32_t threads, int64_t share, const Work& work);

// For each place its edges, int32[places][degree] with -1 after the last, chosen among candidates,
// int32[places][width] with -1 after the last; these are places that exist.
void prune_all(const Cascade&, const int32_t* candidates, int32_t width, float slack,
               int32_t degree, int32_t threads, int32_t* edges);

}  // namespace mitame::cascade
