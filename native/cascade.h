// The cascade: what an index is made of, and what can be done with it.
//
// A query passes through stages, each of which looks at fewer rows more closely:
//
//   project   rotate the query; energy gathers in the leading coordinates, which are all that
//             the next two stages need: the others are turned after them
//   lists     nearest roots, then nearest lists among theirs
//   short     short codes of all rows of those lists, sixteen rows at a time
//   node      longer codes of the best of them; with edges, of their neighbours too
//   tail      codes of further coordinates, for the best of those
//   residual  what those codes left of most coordinates, for the first of them
//   exact     the float rows themselves, for the last few
//
// All sums of products of codes are whole numbers, and what is done with them in float is done in
// one order; so every kernel, and the NumPy one in mitame.engines.cascade, chooses the same rows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mitame::cascade {

constexpr int kBlock = 16;          // rows whose short codes are interleaved
constexpr int kLine = 64;           // bytes
constexpr int kNode8 = 32;          // coordinates of a node with 8 bits,
constexpr int kNode4 = 64;          // then with 4 bits,
constexpr int kNode2 = 240;         // then with 2 bits: 124 bytes, and the norm in the last four
constexpr int kNodeBytes = 128;
constexpr int kPlane = 60;          // coordinates of a node whose 2 bits are the lowest of a byte
constexpr int kCompared = kNode8 + kNode4 + kPlane;  // those that decide which edges are kept
constexpr int kNodeDims = kNode8 + kNode4 + kNode2;
constexpr int kTail = 256;          // coordinates of a tail, with 2 bits: one line
constexpr int kResidual = 2 * kLine;  // coordinates of a line of residuals, with 4 bits
constexpr int kResidualLines = 3;     // most lines that a row has; they begin after kNode8
constexpr int kFinely = kNode8 + kNode4;  // axes with 8 bits; those after it have 4
constexpr int kProjectedMost = kNodeDims + kTail;
constexpr int kStep = 4;            // nodes whose neighbours are looked at together
constexpr float kFar = 3.0e38f;     // the key of places that no row has

enum class Distance : int32_t { squared = 0, cosine = 1, product = 2 };

// A table of short codes: lists of rows (or of lists), each beginning at a block.
struct Table {
  const int32_t* starts;   // [lists + 1], in blocks, ascending
  const uint8_t* codes;    // [blocks][64 * (fours / 8 + twos / 16)]
  const float* norms;      // [blocks * 16], kFar where there is no row
  const float* steps;      // [fours + twos]
  const uint8_t* centres;  // [lists][coarse], signed + 128: what the codes are relative to
  int64_t lists;
  int64_t blocks;
};

// Pointers into parts that Python holds. Lengths were checked; what is in them was not: starts,
// ids and edges are checked where they are used.
struct Cascade {
  int64_t rows;
  int32_t dimension;
  int32_t padded;     // dimension rounded up to 64
  int32_t projected;  // coordinates of a projected query that are not always zero
  int32_t fours, twos;  // coordinates of a short code with 4 and with 2 bits
  int32_t coarse;       // coordinates of centres, a multiple of 64
  Distance distance;
  float centre_step;
  const float* mean;         // [padded]
  int32_t finely;  // of the projected, how many have axes in 8 bits; the rest has them in 4
  const uint8_t* rotation;   // [finely / 16][padded / 4][16][4], signed + 128
  const uint8_t* coarsely;   // [(projected - finely) / 16][padded / 8][16][4], two a byte
  const float* rotation_steps;  // [projected]
  const uint8_t* roots;      // [root blocks][coarse / 4][16][4], signed + 128
  const float* root_norms;   // [root blocks * 16]
  int32_t root_blocks;
  Table lists;  // of the roots: which lists they have
  Table table;  // of the lists: which rows they have
  const int32_t* ids;        // [blocks * 16]
  const uint8_t* nodes;      // [blocks * 16][node_bytes], or null: short codes choose exact rows
  int32_t node_bytes;        // from one node to the next: of a node, and its tail where it has one
  const float* node_steps;   // [kNodeDims + kTail]
  const uint8_t* tails;      // the first tail, behind its node, or apart in older indexes; or null
  int32_t tail_bytes;        // from one tail to the next
  const uint8_t* residuals;  // [blocks * 16][residual_lines * 64], or null
  int32_t residual_lines;
  const int32_t* edges;      // [blocks * 16][degree], -1 after the last, or null
  int32_t degree;
  const float* vectors;      // [rows][dimension]
  const float* inverses;     // [rows] 1 / length for cosine, or null where all are 1
};

// How many a stage hands on; refined: how many of the beam have their residuals looked at.
struct Plan {
  int32_t roots, lists, shorts, beam, refined, exact;
};

struct Hit {
  float key;
  int32_t place;
};

inline bool nearer(const Hit& a, const Hit& b) {
  return a.key < b.key || (a.key == b.key && a.place < b.place);
}

enum class Status : int32_t { ok = 0, unusual = 1, damaged = 2, few = 3 };

struct NodeQuery {
  alignas(kLine) int8_t eight[kLine];    // against bytes 0 to 31
  alignas(kLine) int8_t low[kLine];      // against low halves of bytes 32 to 63
  alignas(kLine) int8_t high[kLine];     // against high halves
  alignas(kLine) int8_t pairs[4][kLine]; // against bits 0-1, 2-3, 4-5, 6-7 of bytes 64 to 123
  alignas(kLine) int8_t tail[4][kLine];
  alignas(16) float scales[4];  // of the 8-bit, 4-bit and 2-bit coordinates, and of the tail
  float offset, tail_offset;
};

// Each line has a scale of its own, as a query's later coordinates are much smaller.
struct ResidualQuery {
  alignas(kLine) int8_t lines[kResidualLines][kResidual];  // against low halves, then high ones
  float scales[kResidualLines];
  float offset;
};

// Memory of one thread for its queries, used again and again. Plain pointers: files of an
// instruction set must not contain code of the standard library's templates, which the linker could
// take for a processor without that set.
struct Scratch {
  float* centred;    // [padded]
  float* z;          // [kProjectedMost + 64]
  float* product;    // [padded or kProjectedMost + 64, the larger]
  int8_t* bytes;     // [padded]
  int8_t* centre;    // [coarse]
  int8_t* row4;      // short codes' query: [fours + 64], then of lists
  int8_t* row2;
  int8_t* list4;
  int8_t* list2;
  float* keys;       // [room + 16], as sixteen are read at a time
  int32_t* places;   // [room]
  int32_t* chosen;   // [lists of the plan]
  int32_t room;      // at least twice what any stage keeps, and two blocks
  Hit* beam;         // [beam + 1]
  Hit* ranked;       // [the larger of exact and k, + 1]
  uint32_t* seen;    // [seen_mask + 1]
  uint32_t seen_mask;  // one less than twice as many places as are looked at
  bool seen_bits;      // seen has a bit for each place, instead of a table of places
  int32_t* found;    // [2 * kStep * degree]
  float* found_keys;  // [kStep * degree]
  NodeQuery node;
  ResidualQuery residual;
};

// This thread's memory, large enough for a plan and k.
Scratch& scratch(const Cascade&, const Plan&, int32_t k);

void sort_hits(Hit* hits, int32_t count);

// Moves the nearest few to the front, in no order.
void part_hits(Hit* hits, int32_t count, int32_t few);

// What a kernel of one instruction set offers.
struct Kernel {
  // The k nearest rows of one query: ids [k] and distances [k], padded with -1 and infinity.
  // allow: [rows], or null. query: of length 1 for cosine.
  Status (*search)(const Cascade&, const Plan&, const float* query, int32_t k, const uint8_t* allow,
                   Scratch&, int64_t* ids, float* distances);
  // Places of the rows that are nearest to a query by their nodes, best first; returns how many.
  Status (*places)(const Cascade&, const Plan&, const float* query, int32_t most, Scratch&,
                   int32_t* places, int32_t* count);
  // Squared distance of float[n] and float[n].
  float (*squared)(const float*, const float*, int32_t n);
  // The first coordinates that the codes of a node stand for, float[kCompared].
  void (*decode)(const Cascade&, int32_t place, float* out);
};

extern const Kernel portable_kernel;
#if defined(MITAME_HAS_AVX2)
extern const Kernel avx2_kernel;
#endif
#if defined(MITAME_HAS_AVXVNNI)
extern const Kernel avxvnni_kernel;
#endif
#if defined(MITAME_HAS_AVX512)
extern const Kernel avx512_kernel;
#endif

const Kernel& kernel();

}  // namespace mitame::cascade
