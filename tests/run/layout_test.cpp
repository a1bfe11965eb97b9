#include "ulpscope/run/layout.hpp"

#include "ulpscope/base/error.hpp"

#include <numeric>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr std::array every_layout{Layout::sd,   Layout::hsd,  Layout::shd,
                                  Layout::bhsd, Layout::bshd, Layout::sbhd};

}  // namespace

TEST_SUITE("layout") {
  TEST_CASE("a name is read back, and an unknown one lists all") {
    for (const Layout layout : every_layout) CHECK(layout_named(layout_name(layout)) == layout);
    CHECK_THROWS_WITH_AS(layout_named("hds"), doctest::Contains("sd, hsd, shd, bhsd, bshd, sbhd"),
                         Error);
  }

  TEST_CASE("an element of a layout is where its axes say") {
    CHECK(axes_of(Layout::sbhd) == std::vector<size_t>{2, 0, 1, 3});
    std::vector<uint64_t> values(24);  // (s, b, h, d) = (3, 2, 2, 2): element 10 is (1, 0, 1, 0)
    std::iota(values.begin(), values.end(), 0);
    const Sizes sizes{2, 2, 3, 2};
    CHECK(from_layout(values, sizes, Layout::sbhd)[1 * 6 + 1 * 2] == 10);
    CHECK(row_offsets(sizes, Layout::sbhd)[1 * 3 + 1] == 10);
  }

  TEST_CASE("what is put into a layout has its shape, and comes out of it again") {
    std::vector<uint32_t> values(24);
    std::iota(values.begin(), values.end(), 0);
    for (const Layout layout : {Layout::bhsd, Layout::bshd, Layout::sbhd}) {
      const Sizes sizes{2, 2, 3, 2};
      const auto laid = in_layout(values, sizes, layout);
      const auto back = from_layout(std::vector<uint64_t>(laid.begin(), laid.end()), sizes, layout);
      CHECK(std::vector<uint32_t>(back.begin(), back.end()) == values);
      CHECK(sizes_in(shape_in_layout(sizes, layout), layout) == sizes);
    }
    CHECK(shape_in_layout({1, 2, 3, 0}, Layout::shd) == std::vector<int64_t>{3, 2});
    CHECK(sizes_in({3, 2}, Layout::shd) == Sizes{1, 2, 3, 1});
    CHECK_FALSE(sizes_in({3}, Layout::shd));
  }
}
