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
  for (const auto* name :
       {"", ":sat", "rn", "RNE", "rne ", "rne:", "rne:SAT", "rne:sat:", "rne::sat", "sr8"}) {
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

TEST_CASE("every policy's tokens are read back") {
  for (const auto overflow : {Overflow::standard, Overflow::infinity, Overflow::nan,
                              Overflow::saturate_finite, Overflow::saturate}) {
    for (const auto nan : {NanRule::canonical, NanRule::propagate, NanRule::all_ones}) {
      for (const auto flush : {Flush::none, Flush::inputs, Flush::outputs, Flush::both}) {
        const Rounding r{Mode::down, {overflow, nan, flush}};
        CHECK_MESSAGE(rounding_named(rounding_name(r)) == r, rounding_name(r));
        const Stochastic s{Variant::b, 12, r.policy};
        CHECK_MESSAGE(stochastic_named(stochastic_name(s)) == s, stochastic_name(s));
      }
    }
  }
}

TEST_CASE("a preset's name sets every axis") {
  CHECK(rounding_named("rz:cuda-satfinite") ==
        Rounding{Mode::toward_zero, {Overflow::saturate, NanRule::all_ones}});
  CHECK(rounding_name(rounding_named("rne:apfloat")) == "rne:propagate");
  CHECK(rounding_named("rne:ofp8-sat:ftz").policy ==
        Policy{Overflow::saturate, {}, Flush::outputs});
}

TEST_CASE("sr is exact, sr8 the first variant with 8 bits") {
  CHECK(stochastic_named("sr") == Stochastic{});
  CHECK(stochastic_named("sr8") == Stochastic{Variant::a, 8});
  CHECK(stochastic_named("sr64c:sat") == Stochastic{Variant::c, 64, {Overflow::saturate}});
  CHECK(stochastic_name(Stochastic{Variant::a, 8}) == "sr8a");
  for (const auto* name : {"", "s", "sr0", "sr65", "sr08", "sr8d", "sr8ab", "sr-1", "sra", "rne"}) {
    CHECK_THROWS_AS(stochastic_named(name), Error);
  }
}
