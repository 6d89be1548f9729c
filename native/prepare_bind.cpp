// What Python calls to prepare pictures. Shapes are checked here, once, before anything is read;
// the work itself runs without the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/string.h>

#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

#include "prepare_color.h"
#include "prepare_normalise.h"
#include "prepare_resample.h"

namespace nb = nanobind;

namespace mitame {
namespace {

using PixelsIn = nb::ndarray<const std::uint8_t, nb::shape<-1, -1, 3>, nb::c_contig, nb::device::cpu>;
using PixelsOut = nb::ndarray<std::uint8_t, nb::shape<-1, -1, 3>, nb::c_contig, nb::device::cpu>;
using PlanesOut = nb::ndarray<float, nb::shape<3, -1, -1>, nb::c_contig, nb::device::cpu>;

template <typename Type, typename Shape>
using Table = nb::ndarray<const Type, Shape, nb::c_contig, nb::device::cpu>;
using Floats = Table<float, nb::shape<-1>>;
using FloatRows = Table<float, nb::shape<-1, -1>>;
using ByteRows = Table<std::uint8_t, nb::shape<-1, -1>>;
using FloatsOut = nb::ndarray<float, nb::shape<-1, -1>, nb::c_contig, nb::device::cpu>;
using BytesOut = nb::ndarray<std::uint8_t, nb::shape<-1, -1>, nb::c_contig, nb::device::cpu>;

constexpr std::size_t kLongest = std::size_t{1} << 24;  // pixels along a side, exact in float

Filter filter_named(const std::string& name) {
  if (name == "box") return Filter::box;
  if (name == "bilinear") return Filter::bilinear;
  if (name == "bicubic") return Filter::bicubic;
  if (name == "lanczos") return Filter::lanczos;
  throw std::invalid_argument("there is no filter '" + name + "'");
}

template <typename Array>
void check_sides(const Array& picture, const char* name) {
  for (int axis : {0, 1})
    if (picture.shape(axis) < 1 || picture.shape(axis) > kLongest)
      throw std::invalid_argument(std::string(name) + " must have 1 to 16,777,216 pixels a side");
}

void check_box(const Box& box, const Picture& picture) {
  const bool inside = box.left >= 0 && box.top >= 0 && box.left < box.right &&
                      box.top < box.bottom && box.right <= static_cast<float>(picture.width) &&
                      box.bottom <= static_cast<float>(picture.height);
  if (!inside) throw std::invalid_argument("the box must lie in the picture and have an area");
}

void resample_bound(const PixelsIn& pixels, const PixelsOut& out, const std::array<float, 4>& box,
                    const std::string& filter) {
  check_sides(pixels, "pixels");
  check_sides(out, "out");
  const int width = static_cast<int>(pixels.shape(1)), height = static_cast<int>(pixels.shape(0));
  const Picture picture{pixels.data(), width, height, std::ptrdiff_t{3} * width};
  const Box part{box[0], box[1], box[2], box[3]};
  check_box(part, picture);
  const Filter chosen = filter_named(filter);
  const int columns = static_cast<int>(out.shape(1)), rows = static_cast<int>(out.shape(0));
  std::uint8_t* target = out.data();
  nb::gil_scoped_release free;
  resample(picture, part, chosen, columns, rows, target);
}

void normalise_bound(const PixelsIn& pixels, const PlanesOut& out, const std::array<float, 3>& mean,
                     const std::array<float, 3>& scale) {
  if (pixels.shape(0) != out.shape(1) || pixels.shape(1) != out.shape(2))
    throw std::invalid_argument("pixels and out must be of one size");
  Normalising how{};
  for (int c = 0; c < 3; ++c) {
    how.mean[c] = mean[c];
    how.factor[c] = 1.0F / scale[c];
  }
  const std::uint8_t* source = pixels.data();
  const auto count = static_cast<std::ptrdiff_t>(pixels.shape(0) * pixels.shape(1));
  float* target = out.data();
  nb::gil_scoped_release free;
  normalise(source, count, how, target);
}

void mean_colors_bound(const PixelsIn& pixels, const PixelsOut& out, int step) {
  check_sides(pixels, "pixels");
  const auto width = static_cast<int>(pixels.shape(1)), height = static_cast<int>(pixels.shape(0));
  if (out.shape(0) != kSide || out.shape(1) != kSide)
    throw std::invalid_argument("out must be uint8[32, 32, 3]");
  if (step < 1 || step > height) throw std::invalid_argument("step must be 1 to the height");
  const Picture picture{pixels.data(), width, (height + step - 1) / step,
                        std::ptrdiff_t{3} * width * step};
  std::uint8_t* target = out.data();
  nb::gil_scoped_release free;
  mean_colors(picture, target);
}

void check_bins(std::int64_t levels, std::int64_t fine, std::int64_t coarse) {
  if (levels < 2 || levels > 64 || fine < 1 || fine > kMostBins || coarse < 1 || coarse > kMostBins)
    throw std::invalid_argument("there must be 2 to 64 levels and 1 to 256 bins");
}

void pack_shares_bound(const FloatRows& shares, int fine, const BytesOut& places,
                       const FloatsOut& values) {
  const std::size_t rows = shares.shape(0);
  const auto coarse = static_cast<std::int64_t>(shares.shape(1)) - fine;
  check_bins(2, fine, coarse);
  if (places.shape(0) != rows || values.shape(0) != rows || places.shape(1) != kSlots ||
      values.shape(1) != kSlots)
    throw std::invalid_argument("places and values must have 16 slots for each row of shares");
  for (std::size_t row = 0; row < rows; ++row)
    pack_shares(shares.data() + row * shares.shape(1), fine, static_cast<int>(coarse),
                places.data() + row * kSlots, values.data() + row * kSlots);
}

Palette palette_of(const FloatRows& lab, const ByteRows& places, const FloatRows& values,
                   const FloatRows& masks, const Table<std::uint16_t, nb::shape<-1>>& dither,
                   const Floats& centre, const std::array<int, 3>& counts,
                   const std::array<float, 3>& constants) {
  const auto [levels, fine, coarse] = counts;
  check_bins(levels, fine, coarse);
  const std::size_t colors = static_cast<std::size_t>(levels) * levels * levels;
  if (lab.shape(0) != colors || lab.shape(1) != 3 || places.shape(0) != colors ||
      places.shape(1) != kSlots || values.shape(0) != colors || values.shape(1) != kSlots ||
      masks.shape(0) > 64 || masks.shape(1) != kFields || dither.shape(0) != kFields ||
      centre.shape(0) != kFields)
    throw std::invalid_argument("the tables of a palette must agree");
  const auto regions = static_cast<int>(masks.shape(0));
  return {levels,        lab.data(),    places.data(), values.data(), fine,
          coarse,        dither.data(), centre.data(), masks.data(),  regions,
          constants[0],  constants[1],  constants[2]};
}

void describe_bound(const PixelsIn& fields,
                    const nb::ndarray<float, nb::shape<-1>, nb::c_contig, nb::device::cpu>& out,
                    const FloatRows& lab, const ByteRows& places, const FloatRows& values,
                    const FloatRows& masks, const Table<std::uint16_t, nb::shape<-1>>& dither,
                    const Floats& centre, const std::array<int, 3>& counts,
                    const std::array<float, 3>& constants) {
  const Palette palette = palette_of(lab, places, values, masks, dither, centre, counts, constants);
  if (fields.shape(0) != kSide || fields.shape(1) != kSide)
    throw std::invalid_argument("fields must be uint8[32, 32, 3]");
  if (out.shape(0) != static_cast<std::size_t>(palette.fine + palette.regions * palette.coarse))
    throw std::invalid_argument("out must have a float per bin");
  const std::uint8_t* source = fields.data();
  float* target = out.data();
  nb::gil_scoped_release free;
  describe(source, palette, target);
}

}  // namespace

void bind_prepare(nb::module_& module) {
  module.def("resample", &resample_bound, nb::arg("pixels").noconvert(), nb::arg("out").noconvert(),
             nb::arg("box"), nb::arg("filter"),
             "Fill out, uint8[rows, columns, 3], with a box (left, top, right, bottom) of pixels, "
             "uint8[height, width, 3], as Pillow resizes.");
  module.def("normalise", &normalise_bound, nb::arg("pixels").noconvert(),
             nb::arg("out").noconvert(), nb::arg("mean"), nb::arg("scale"),
             "Fill out, float32[3, height, width], with (x - mean) / scale of pixels, "
             "uint8[height, width, 3].");
  module.def("mean_colors", &mean_colors_bound, nb::arg("pixels").noconvert(),
             nb::arg("out").noconvert(), nb::arg("step"),
             "Fill out, uint8[32, 32, 3], with mean colours of every step-th row of pixels.");
  module.def("pack_shares", &pack_shares_bound, nb::arg("shares").noconvert(), nb::arg("fine"),
             nb::arg("places").noconvert(), nb::arg("values").noconvert(),
             "Fill places, uint8[n, 16], and values, float32[n, 16], with what is not zero in "
             "shares, float32[n, fine + coarse].");
  module.def("describe", &describe_bound, nb::arg("fields").noconvert(),
             nb::arg("out").noconvert(), nb::arg("lab").noconvert(), nb::arg("places").noconvert(),
             nb::arg("values").noconvert(), nb::arg("masks").noconvert(),
             nb::arg("dither").noconvert(), nb::arg("centre").noconvert(), nb::arg("counts"),
             nb::arg("constants"),
             "Fill out, float32[fine + regions * coarse], with the square roots of the histograms "
             "of fields, uint8[32, 32, 3]; counts are levels, fine, coarse; constants are the "
             "background's floor, the even border's width and the share of the whole.");
}

}  // namespace mitame
