#include "ulpscope/round/presets.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/format/p3109.hpp"

#include <set>
#include <string_view>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("a preset is found by its name and no other") {
  std::set<std::string_view> names;
  for (const auto& row : presets) {
    names.insert(row.name);
    CHECK(find_preset(row.name, fp16) == row.policy);
  }
  CHECK(names.size() == presets.size());
  CHECK_FALSE(find_preset("cuda-", fp16).has_value());
  CHECK_FALSE(find_preset("", fp16).has_value());
}

TEST_CASE("P3109's overflow to infinity clamps in the finite domain") {
  CHECK(find_preset("p3109-ovfinf", format_named("binary8p3se"))->overflow == Overflow::standard);
  CHECK(find_preset("p3109-ovfinf", format_named("binary8p3sf"))->overflow ==
        Overflow::saturate_finite);
}

TEST_CASE("a policy has the name of the first authority that has it") {
  CHECK(preset_name({}) == "ieee");
  CHECK(preset_name({Overflow::saturate, NanRule::all_ones}) == "cuda-satfinite");
  CHECK_FALSE(preset_name({Overflow::nan, NanRule::propagate, Flush::both}).has_value());
}
