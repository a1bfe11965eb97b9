#include "ulpscope/run/layout.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ulpscope {

namespace {

// Axes by letter, slowest first.
struct LayoutRow {
  Layout layout;
  std::string_view letters;
};
constexpr std::array layouts{
    LayoutRow{Layout::sd, "sd"},     LayoutRow{Layout::hsd, "hsd"},
    LayoutRow{Layout::shd, "shd"},   LayoutRow{Layout::bhsd, "bhsd"},
    LayoutRow{Layout::bshd, "bshd"}, LayoutRow{Layout::sbhd, "sbhd"},
};

std::string_view letters(Layout layout) { return layouts[static_cast<size_t>(layout)].letters; }

}  // namespace

Layout layout_named(const std::string& name) {
  std::string known;
  for (const auto& row : layouts) {
    if (row.letters == name) return row.layout;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.letters);
  }
  throw Error(ErrorKind::usage,
              fmt::format("unknown layout '{}': expected one of {}", name, known));
}

std::string layout_name(Layout layout) { return std::string(letters(layout)); }

std::vector<size_t> axes_of(Layout layout) {
  constexpr std::string_view order = "bhsd";
  std::vector<size_t> axes;
  for (const char letter : letters(layout)) axes.push_back(order.find(letter));
  return axes;
}

Sizes strides(const Sizes& sizes, Layout layout) {
  Sizes result{};
  int64_t step = 1;
  const auto axes = axes_of(layout);
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    result[*axis] = step;
    step *= sizes[*axis];
  }
  return result;
}

std::vector<size_t> row_offsets(const Sizes& sizes, Layout layout) {
  const Sizes stride = strides(sizes, layout);
  std::vector<size_t> offsets;
  for (int64_t b = 0; b < sizes[0]; ++b) {
    for (int64_t h = 0; h < sizes[1]; ++h) {
      for (int64_t s = 0; s < sizes[2]; ++s) {
        offsets.push_back(static_cast<size_t>(b * stride[0] + h * stride[1] + s * stride[2]));
      }
    }
  }
  return offsets;
}

template <class T>
std::vector<T> in_layout(const std::vector<T>& values, const Sizes& sizes, Layout layout) {
  std::vector<T> result(values.size());
  auto row = values.begin();
  for (const size_t offset : row_offsets(sizes, layout)) {
    std::copy_n(row, sizes[3], result.begin() + static_cast<int64_t>(offset));
    row += sizes[3];
  }
  return result;
}
template std::vector<uint32_t> in_layout(const std::vector<uint32_t>&, const Sizes&, Layout);
template std::vector<float> in_layout(const std::vector<float>&, const Sizes&, Layout);

template <class T>
std::vector<T> from_layout(const std::vector<T>& values, const Sizes& sizes, Layout layout) {
  std::vector<T> result(values.size());
  auto row = result.begin();
  for (const size_t offset : row_offsets(sizes, layout)) {
    std::copy_n(values.begin() + static_cast<int64_t>(offset), sizes[3], row);
    row += sizes[3];
  }
  return result;
}
template std::vector<uint64_t> from_layout(const std::vector<uint64_t>&, const Sizes&, Layout);

std::optional<Sizes> sizes_in(const std::vector<int64_t>& shape, Layout layout) {
  const auto axes = axes_of(layout);
  if (shape.size() != axes.size() && shape.size() + 1 != axes.size()) return std::nullopt;
  Sizes sizes{1, 1, 1, 1};
  for (size_t i = 0; i < shape.size(); ++i) sizes[axes[i]] = shape[i];
  return sizes;
}

std::vector<int64_t> shape_in_layout(const Sizes& sizes, Layout layout) {
  constexpr size_t dim = 3;
  std::vector<int64_t> shape;
  for (const size_t axis : axes_of(layout)) {
    if (axis != dim || sizes[dim] > 0) shape.push_back(sizes[axis]);
  }
  return shape;
}

}  // namespace ulpscope
