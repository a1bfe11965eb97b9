#include "ulpscope/compare/error_tally.hpp"

#include "ulpscope/format/catalogue.hpp"

#include <cmath>
#include <limits>
#include <random>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr double one = 4294967296.0;

}  // namespace

TEST_SUITE("error tally") {
  TEST_CASE("an error is measured in ulps of the format at the reference") {
    const auto record = output_record(bf16, -4.71875, -4.703990459442139);
    CHECK(static_cast<double>(record.residue) / one == doctest::Approx(-0.4723).epsilon(1e-4));
    CHECK(record.negative);
    // Just below a power of two the ulp is half of that above it.
    CHECK(output_record(bf16, 1.0, 1.0 - 0x1p-9).residue == residue_one_ulp / 2);
    CHECK(output_record(bf16, 1.0, 1.0 + 0x1p-9).residue == -residue_one_ulp / 4);
  }

  TEST_CASE("below the normal numbers the ulp stays that of the subnormals") {
    CHECK(output_record(bf16, 0x1p-133, 0.0).residue == residue_one_ulp);
    CHECK(output_record(bf16, 0.0, 0x1p-134).residue == -residue_one_ulp / 2);
  }

  TEST_CASE("values that are not numbers have no error unless both agree") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();
    CHECK(has_error(output_record(bf16, nan, nan)));
    CHECK(has_error(output_record(bf16, infinity, infinity)));
    CHECK_FALSE(has_error(output_record(bf16, infinity, -infinity)));
    CHECK_FALSE(has_error(output_record(bf16, nan, 1.0)));
    CHECK(std::isnan(error_in_ulps(output_record(bf16, nan, 1.0))));
  }

  TEST_CASE("tallies of parts merge to the tally of the whole, whatever the order") {
    constexpr int64_t rows = 12;
    constexpr int64_t columns = 7;
    std::mt19937 random(1);
    std::uniform_real_distribution<double> draw(-2.0, 2.0);
    std::vector<double> values(rows * columns);
    std::vector<double> references(rows * columns);
    for (auto& x : values) x = draw(random);
    for (size_t i = 0; i < values.size(); ++i) references[i] = values[i] + draw(random) * 0x1p-8;
    const auto add = [&](ErrorTally& tally, int64_t row) {
      tally.add_row(bf16, 0, row, &values[static_cast<size_t>(row * columns)],
                    &references[static_cast<size_t>(row * columns)], nullptr);
    };
    ErrorTally whole(rows, columns, 4);
    for (int64_t r = 0; r < rows; ++r) add(whole, r);
    ErrorTally odd(rows, columns, 4);
    ErrorTally even(rows, columns, 4);
    for (int64_t r = rows; r-- > 0;) add(r % 2 == 0 ? even : odd, r);
    odd.merge(even);
    whole.close_head();
    odd.close_head();
    CHECK((odd.statistics().moments.sum == whole.statistics().moments.sum));
    CHECK((odd.statistics().columns.sums_squared == whole.statistics().columns.sums_squared));
    CHECK((odd.statistics().rows.sums_squared == whole.statistics().rows.sums_squared));
    REQUIRE(odd.worst().size() == ErrorTally::worst_kept);
    for (size_t i = 0; i < ErrorTally::worst_kept; ++i) {
      CHECK(odd.worst()[i].residue == whole.worst()[i].residue);
      CHECK(odd.worst()[i].row == whole.worst()[i].row);
      CHECK(odd.worst()[i].column == whole.worst()[i].column);
    }
    for (size_t i = 1; i < ErrorTally::worst_kept; ++i) {
      CHECK(std::llabs(odd.worst()[i - 1].residue) >= std::llabs(odd.worst()[i].residue));
    }
  }

  TEST_CASE("a heat map cell holds its rows' errors of one feature") {
    ErrorTally tally(4, 2, 2);
    const double references[2] = {1.0, 1.0};
    const double values[4][2] = {{1.0, 1.0 + 0x1p-7}, {1.0, 1.0}, {1.0 - 0x1p-7, 1.0}, {1.0, 1.0}};
    for (int64_t r = 0; r < 4; ++r) tally.add_row(bf16, 0, r, values[r], references, nullptr);
    const auto& cells = tally.heat_map().cells;
    REQUIRE(cells.size() == 4);
    CHECK((cells[0].sum == 0));
    CHECK((cells[1].sum == residue_one_ulp));
    CHECK((cells[2].sum == -residue_one_ulp));
    CHECK(cells[1].count == 2);
  }
}
