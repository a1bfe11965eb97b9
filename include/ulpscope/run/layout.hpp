// How the axes of a tensor lie in memory, and tensors put into (batch, heads, seq, dim) order and
// back.
//
//   shape_in_layout({2, 8, 512, 64}, Layout::bshd)   // (2, 512, 8, 64)
//   in_layout(values, {2, 8, 512, 64}, Layout::bshd)
//
// The last axis, dim, is the last one in every layout. Tested by tests/run/layout_test.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ulpscope {

// The axes of a tensor in memory, slowest first.
enum class Layout { sd, hsd, shd, bhsd, bshd, sbhd };

Layout layout_named(const std::string& name);  // Error of kind usage lists the names
std::string layout_name(Layout layout);

// The place of each axis of the layout in (batch, heads, seq, dim): of shd 2, 1, 3.
std::vector<size_t> axes_of(Layout layout);

// Batch, heads, seq, dim; axes that a layout does not have are 1.
using Sizes = std::array<int64_t, 4>;

// Values in (batch, heads, seq, dim) order put back into a layout.
template <class T>
std::vector<T> in_layout(const std::vector<T>& values, const Sizes& sizes, Layout layout);

// And back.
template <class T>
std::vector<T> from_layout(const std::vector<T>& values, const Sizes& sizes, Layout layout);

// Elements between neighbours along batch, heads, seq and dim.
Sizes strides(const Sizes& sizes, Layout layout);

// Where every row of dim values begins in the layout, in (batch, heads, seq) order.
std::vector<size_t> row_offsets(const Sizes& sizes, Layout layout);

// The sizes of a tensor whose axes lie so, dim 1 where the last axis is missing, as of an LSE;
// nothing where the number of axes is another.
std::optional<Sizes> sizes_in(const std::vector<int64_t>& shape, Layout layout);

// The shape in a layout: dim is left out if it is 0.
std::vector<int64_t> shape_in_layout(const Sizes& sizes, Layout layout);

}  // namespace ulpscope
