#include "ulpscope/hardware/chip.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/hardware/fused_lanes.hpp"

#include <set>
#include <string>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("every chip is found by its name, and stands for a row of the table") {
  std::set<std::string_view> names;
  for (const Chip& chip : chips) {
    CHECK(&chip_named(chip.name) == &chip);
    CHECK(names.insert(chip.name).second);
    CHECK(chip.multiprocessors > 0);
    CHECK(chip_named(chip.row).row == chip.row);
  }
}

TEST_CASE("an unknown chip is refused with the known ones") {
  try {
    chip_named("H200");
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    const std::string text = error.what();
    CHECK(text.find("'H200'") != std::string::npos);
    for (const Chip& chip : chips) CHECK(text.find(chip.name) != std::string::npos);
  }
}

TEST_CASE("the h200 is sm90 by another name") {
  const Chip& h200 = chip_named("h200");
  const Chip& sm90 = chip_named("sm90");
  for (size_t i = 0; i < h200.units.size(); ++i) {
    CHECK(h200.units[i].sum == sm90.units[i].sum);
    CHECK(h200.units[i].input == sm90.units[i].input);
  }
  CHECK(h200.multiprocessors == 132);
}

TEST_CASE("Hopper sums sixteen bf16 products on a grid of 25 bits") {
  const MatrixUnit& unit = matrix_unit(chip_named("h200"), bf16);
  CHECK(unit.sum == FusedSum{.terms = 16, .fraction_bits = 25, .floor_exponent = -133});
  CHECK(unit.evidence == Evidence::verified);
}

TEST_CASE("every unit names its source, fits the lanes, and is the only one of its format") {
  for (const Chip& chip : chips) {
    bool ended = false;
    std::set<std::string> formats;
    for (const MatrixUnit& unit : chip.units) {
      if (unit.sum.terms == 0) {
        ended = true;
        continue;
      }
      CHECK_FALSE(ended);  // unused places come last
      CHECK_FALSE(unit.source.empty());
      CHECK(formats.insert(format_name(unit.input)).second);
      CHECK(&matrix_unit(chip, unit.input) == &unit);
      CHECK(fits_lanes(unit.sum, {unit.input, unit.input}));
      CHECK((unit.sum.result_fraction_bits == 23 || unit.sum.result_fraction_bits == 13));
      // A power of two, so that whole steps fill a padded operand.
      CHECK((unit.sum.terms & (unit.sum.terms - 1)) == 0);
      CHECK(unit.sum.terms <= 32);
    }
    CHECK_FALSE(formats.empty());
  }
}

TEST_CASE("a format that a chip's tensor cores do not take is refused with those they do") {
  try {
    matrix_unit(chip_named("sm80"), e4m3fn);
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    const std::string text = error.what();
    for (const auto* word : {"sm80", "e4m3fn", "bf16", "fp16", "tf32"}) {
      CHECK(text.find(word) != std::string::npos);
    }
  }
}
