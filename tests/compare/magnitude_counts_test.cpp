#include "ulpscope/compare/magnitude_counts.hpp"

#include <limits>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

Record error(int64_t residue) {
  return {.residue = residue, .flags = Flag::none, .negative = false};
}

}  // namespace

TEST_SUITE("magnitude counts") {
  TEST_CASE("bins are octaves of the error on either side of none") {
    constexpr int exact = MagnitudeCounts::octaves;
    const auto bin = &MagnitudeCounts::bin_of;
    CHECK(bin(0) == exact);
    CHECK(bin(1) == exact + 1);
    CHECK(bin(residue_one_ulp / 16 - 1) == exact + 1);
    CHECK(bin(residue_one_ulp / 16) == exact + 2);
    CHECK(bin(-residue_one_ulp / 16) == exact - 2);
    CHECK(bin(residue_one_ulp / 2) == exact + 5);
    CHECK(bin(residue_one_ulp * 4) == exact + 8);
    CHECK(bin(std::numeric_limits<int64_t>::min()) == 0);
    CHECK(bin(std::numeric_limits<int64_t>::max()) == MagnitudeCounts::bins - 1);
    for (int octave = 1; octave < MagnitudeCounts::octaves; ++octave) {
      const auto edge = static_cast<int64_t>(MagnitudeCounts::octave_edge(octave) * 0x1p32);
      CHECK(bin(edge) == exact + 1 + octave);
      CHECK(bin(edge - 1) == exact + octave);
    }
  }

  TEST_CASE("elements are counted in the binade of the exact value, zeros apart") {
    MagnitudeCounts counts;
    counts.add(-4.7, error(-residue_one_ulp / 3));
    counts.add(4.0, error(0));
    counts.add(0.0, error(1));
    REQUIRE(counts.binades().size() == 2);
    const auto& row = counts.binades().at(2);
    CHECK(row[MagnitudeCounts::octaves] == 1);
    CHECK(row[MagnitudeCounts::octaves - 4] == 1);
    CHECK(counts.binades().contains(MagnitudeCounts::zero_binade));
    MagnitudeCounts twice = counts;
    twice.merge(counts);
    CHECK(twice.binades().at(2)[MagnitudeCounts::octaves] == 2);
  }
}
