#include "ulpscope/trace/site.hpp"

#include "ulpscope/base/error.hpp"

#include <set>
#include <string>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("every site is found by its name, and names differ") {
  std::set<std::string_view> names;
  for (const SiteRow& row : site_table) {
    CHECK(site_named(row.name) == row.site);
    CHECK(row_of(row.site).name == row.name);
    CHECK(names.insert(row.name).second);
  }
}

TEST_CASE("names are snake_case and every step is described") {
  for (const SiteRow& row : site_table) {
    CAPTURE(std::string(row.name));
    CHECK_FALSE(row.name.empty());
    CHECK(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
          std::string_view::npos);
    CHECK_FALSE(row.step.empty());
  }
}

TEST_CASE("the names that command lines rely on") {
  CHECK(site_named("scores") == Site::scores);
  CHECK(site_named("probability_cast") == Site::probability_cast);
  CHECK(site_named("row_sum") == Site::row_sum);
  CHECK(site_named("output_accumulate") == Site::output_accumulate);
  CHECK(site_named("output_store") == Site::output_store);
  CHECK(site_table.front().site == Site::scores);
  CHECK(forward_sites().back().site == Site::output_store);
  CHECK(backward_sites().front().site == Site::delta);
  CHECK(forward_sites().size() + backward_sites().size() == site_count);
}

TEST_CASE("an unknown site is refused with the known ones") {
  for (const auto* name : {"", "Scores", "score", "scores "}) {
    try {
      site_named(name);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::usage);
      const std::string text = error.what();
      CHECK(text.find("'" + std::string(name) + "'") != std::string::npos);
      for (const SiteRow& row : site_table) CHECK(text.find(row.name) != std::string::npos);
    }
  }
}
