#include "ulpscope/attention/recipe.hpp"

#include "ulpscope/attention/recipes/fa2_torch.hpp"
#include "ulpscope/base/error.hpp"

#include <set>
#include <string>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("every recipe is found by its name, and names differ") {
  std::set<std::string_view> names;
  for (const Recipe* recipe : recipes()) {
    CHECK(&recipe_named(recipe->name) == recipe);
    CHECK(names.insert(recipe->name).second);
    CHECK_FALSE(recipe->summary.empty());
    CHECK_FALSE(recipe->source.empty());
  }
  CHECK(names.contains("fa2-torch"));
}

TEST_CASE("an unknown kernel is refused with the known ones") {
  try {
    recipe_named("fa2");
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    const std::string text = error.what();
    CHECK(text.find("'fa2'") != std::string::npos);
    CHECK(text.find("fa2-torch") != std::string::npos);
  }
}

TEST_CASE("a recipe casts P and O to the format of the input and nothing else") {
  for (const Format& input : {bf16, fp16}) {
    const PrecisionMap map = precision_map(fa2_torch, input);
    for (const SiteRow& row : forward_sites()) {
      const bool narrow = row.site == Site::probability_cast || row.site == Site::output_store;
      CHECK(map[row.site] == Cast{narrow ? input : fp32, nearest_even});
    }
  }
}

TEST_CASE("a row without recordings has a caveat") {
  for (const Recipe* recipe : recipes()) {
    const bool unheld =
        recipe->source.starts_with("from source") || recipe->source.starts_with("generic");
    CHECK(recipe->caveat.empty() == !unheld);
  }
}

TEST_CASE("tile rows ascend, and end at the largest head size") {
  for (const Recipe* recipe : recipes()) {
    for (const auto tiles : {recipe->tiles, recipe->split.tiles}) {
      int64_t previous = 0;
      for (const TileRow& tile : tiles) {
        CHECK(tile.largest_dim > previous);
        CHECK(tile.rows > 0);
        CHECK(tile.keys >= 0);  // 0: all keys
        previous = tile.largest_dim;
      }
      CHECK(previous == (tiles.empty() ? 0 : tiles.back().largest_dim));
    }
  }
}

TEST_CASE("the first tile row is taken whose head size suffices, and whose keys and heads") {
  const TileRow tiles[] = {{.largest_dim = 64, .rows = 1, .keys = 2},
                           {.largest_dim = 128, .rows = 3, .keys = 4, .largest_keys = 10},
                           {.largest_dim = 128, .rows = 5, .keys = 6, .most_heads = 8},
                           {.largest_dim = 128, .rows = 7, .keys = 8}};
  const auto rows = [&](int64_t dim, int64_t keys, int64_t heads) {
    Problem p;
    p.dim = dim;
    p.keys = keys;
    p.launch = {.batch = 2, .heads = heads};
    return tile_row(tiles, p).rows;
  };
  CHECK(rows(1, 11, 9) == 1);
  CHECK(rows(64, 10, 9) == 1);
  CHECK(rows(65, 10, 9) == 3);
  CHECK(rows(65, 11, 4) == 5);
  CHECK(rows(65, 11, 5) == 7);
  CHECK_THROWS_WITH_AS(rows(129, 1, 1), doctest::Contains("head size 129"), Error);
}
