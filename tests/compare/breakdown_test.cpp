#include "ulpscope/compare/breakdown.hpp"

#include "ulpscope/compare/error_tally.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/trace/bias.hpp"

#include <cmath>
#include <limits>
#include <random>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr std::array divisions{Division::sign, Division::binade, Division::row_tile,
                               Division::feature, Division::head};

// Two tensors whose differences are a few ulps, with a hole and an infinity.
std::vector<std::vector<ComparedElement>> random_heads(const TensorGrid& grid) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> draw(-4.0, 4.0);
  std::vector<std::vector<ComparedElement>> heads;
  for (int64_t h = 0; h < grid.heads; ++h) {
    auto& head = heads.emplace_back();
    for (int64_t i = 0; i < grid.rows * grid.columns; ++i) {
      const double reference = draw(random);
      const double value = i % 3 == 0 ? reference : reference + draw(random) * 0x1p-8;
      head.push_back({value, reference, i % 3 != 0});
    }
    head[0].reference = std::numeric_limits<double>::infinity();
    head[1].reference = std::numeric_limits<double>::quiet_NaN();
    head[2] = {-0.0, 0.0, true};
  }
  return heads;
}

const Group& named(const std::vector<Group>& groups, const std::string& name) {
  for (const auto& group : groups) {
    if (group.name == name) return group;
  }
  FAIL("no group " << name);
  return groups.front();
}

}  // namespace

TEST_SUITE("breakdown") {
  TEST_CASE("every division holds every element once") {
    constexpr TensorGrid grid{.heads = 3, .rows = 20, .columns = 7};
    Breakdown breakdown(bf16, grid, 8);
    const auto heads = random_heads(grid);
    for (size_t h = 0; h < heads.size(); ++h) {
      breakdown.add_head(static_cast<int64_t>(h), heads[h]);
    }
    for (const auto division : divisions) {
      Moments all;
      uint64_t different = 0;
      for (const auto& group : breakdown.groups(division)) {
        all.merge(group.errors.moments);
        different += group.different;
      }
      CHECK(all.count == 3 * 20 * 7);
      CHECK(all.skipped == 3 * 2);
      CHECK(different == 3 * 93);
    }
  }

  TEST_CASE("one head is the tally of the tensor, clusters included") {
    constexpr TensorGrid grid{.heads = 2, .rows = 12, .columns = 5};
    const auto heads = random_heads(grid);
    ErrorTally tally(grid.rows, grid.columns, 4);
    for (int64_t row = 0; row < grid.rows; ++row) {
      std::vector<double> values;
      std::vector<double> references;
      for (int64_t c = 0; c < grid.columns; ++c) {
        const auto& e = heads[1][static_cast<size_t>(row * grid.columns + c)];
        values.push_back(e.value);
        references.push_back(e.reference);
      }
      tally.add_row(bf16, 1, row, values.data(), references.data(), nullptr);
    }
    tally.close_head();
    Breakdown breakdown(bf16, grid, 4);
    breakdown.add_head(1, heads[1]);
    const auto groups = breakdown.groups(Division::head);
    REQUIRE(groups.size() == 1);
    CHECK(groups[0].name == "1");
    CHECK((groups[0].errors == tally.statistics()));
  }

  TEST_CASE("the order of the heads leaves no trace") {
    constexpr TensorGrid grid{.heads = 4, .rows = 6, .columns = 9};
    const auto heads = random_heads(grid);
    Breakdown up(bf16, grid, 2);
    Breakdown down(bf16, grid, 2);
    for (size_t h = 0; h < 4; ++h) {
      up.add_head(static_cast<int64_t>(h), heads[h]);
      down.add_head(static_cast<int64_t>(3 - h), heads[3 - h]);
    }
    for (const auto division : divisions) {
      const auto a = up.groups(division);
      const auto b = down.groups(division);
      REQUIRE(a.size() == b.size());
      for (size_t i = 0; i < a.size(); ++i) CHECK((a[i].errors == b[i].errors));
    }
  }

  TEST_CASE("sign and binade are those of the reference") {
    const double infinity = std::numeric_limits<double>::infinity();
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const std::vector<ComparedElement> elements{{1.0, -1.5, true},     {0.0, 0.0, false},
                                                {2.0, 0x1p-127, true}, {3.0, 3.5, true},
                                                {1.0, infinity, true}, {1.0, nan, true}};
    Breakdown breakdown(bf16, {.heads = 1, .rows = 1, .columns = 6}, 128);
    breakdown.add_head(0, elements);
    const auto names = [&](Division division) {
      std::vector<std::string> result;
      for (const auto& group : breakdown.groups(division)) result.push_back(group.name);
      return result;
    };
    CHECK(names(Division::sign) == std::vector<std::string>{"-", "0", "+", "NaN"});
    CHECK(names(Division::binade) ==
          std::vector<std::string>{"zero", "subnormal", "2^0", "2^1", "infinite", "NaN"});
    CHECK(named(breakdown.groups(Division::sign), "+").errors.moments.count == 3);
  }

  TEST_CASE("a shift of one feature is called in that feature alone") {
    constexpr TensorGrid grid{.heads = 1, .rows = 256, .columns = 8};
    std::mt19937 random(5);
    std::vector<ComparedElement> elements;
    for (int64_t i = 0; i < grid.rows * grid.columns; ++i) {
      const double noise = random() % 2 == 0 ? 0x1p-7 : -0x1p-7;
      elements.push_back({1.0 + (i % 8 == 5 ? 0x1p-7 : noise), 1.0, true});
    }
    Breakdown breakdown(bf16, grid, 64);
    breakdown.add_head(0, elements);
    for (const auto& group : breakdown.groups(Division::feature)) {
      CHECK(is_one_sided(group) == (group.name == "5"));
    }
    const auto tiles = breakdown.groups(Division::row_tile);
    REQUIRE(tiles.size() == 4);
    CHECK(tiles[3].name == "192-255");
  }

  TEST_CASE("errors of one sign are not called where there are fewer than 25") {
    const auto group_of = [](int64_t rows) {
      Breakdown breakdown(bf16, {.heads = 1, .rows = rows, .columns = 1}, 128);
      const std::vector<ComparedElement> elements(static_cast<size_t>(rows),
                                                  {1.0 + 0x1p-7, 1.0, true});
      breakdown.add_head(0, elements);
      return breakdown.groups(Division::head).front();
    };
    CHECK(std::isinf(summarise(group_of(24).errors).by_value.z));
    CHECK_FALSE(is_one_sided(group_of(24)));
    CHECK(is_one_sided(group_of(25)));
  }

  TEST_CASE("a long axis is cut into no more groups than are kept") {
    constexpr TensorGrid grid{.heads = 1, .rows = 2, .columns = 3000};
    Breakdown breakdown(bf16, grid, 1);
    breakdown.add_head(0, std::vector<ComparedElement>(6000, {1.0, 1.0, false}));
    const auto features = breakdown.groups(Division::feature);
    CHECK(features.size() == 1000);
    CHECK(features[0].name == "0-2");
    CHECK(features[0].errors.moments.count == 6);
  }
}
