#include "ulpscope/round/names.hpp"

#include "ulpscope/base/error.hpp"

#include <set>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("every mode is in the list once, under the name of the design") {
  const std::array names{"rne", "rna", "rnz", "rz", "ru", "rd", "ra", "ro"};
  std::set<Mode> modes;
  REQUIRE(mode_names.size() == names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    CHECK(mode_names[i].name == names[i]);
    CHECK_FALSE(mode_names[i].meaning.empty());
    modes.insert(mode_names[i].mode);
  }
  CHECK(modes.size() == names.size());
}

TEST_CASE("a name and its rounding find each other, saturating or not") {
  for (const auto& row : mode_names) {
    const Rounding rounding{row.mode};
    CHECK(rounding_named(row.name) == rounding);
    CHECK(rounding_name(rounding) == row.name);
    CHECK(rounding_named(rounding_name(saturating(rounding))) == saturating(rounding));
  }
  CHECK(rounding_name(saturating(toward_zero)) == "rz:sat");
}

TEST_CASE("what is no rounding is refused in a line that lists the modes") {
  for (const auto* name : {"", ":sat", "rn", "RNE", "rne ", "rne:", "rne:SAT", "rne:sat:sat"}) {
    CHECK_THROWS_AS(rounding_named(name), Error);
  }
  try {
    rounding_named("rn");
  } catch (const Error& error) {
    const std::string line = error.what();
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(line.find("'rn'") != std::string::npos);
    for (const auto& row : mode_names) CHECK(line.find(row.name) != std::string::npos);
  }
}
