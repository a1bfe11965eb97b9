#include "ulpscope/compare/error_tally.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr int64_t rows = 40;

// Feature 0 errs by -1/4 or -3/4 ulp in turn, feature 1 by as much either way; head 1 is exact.
ErrorTally tally_of(Heads heads) {
  ErrorTally whole(rows, 2, 8, heads);
  for (int64_t outer = 0; outer < 2; ++outer) {
    ErrorTally head(rows, 2, 8, heads);
    for (int64_t row = 0; row < rows; ++row) {
      const double size = outer == 1 ? 0.0 : row % 2 == 0 ? 0x1p-9 : 0x1.8p-8;
      const double references[2] = {1.0 + size, row % 4 < 2 ? 1.0 + size : 1.0 - size / 2};
      const double values[2] = {1.0, 1.0};
      head.add_row(bf16, outer, row, values, references, nullptr);
    }
    head.close_head();
    whole.merge(head);
  }
  return whole;
}

}  // namespace

TEST_SUITE("head errors") {
  TEST_CASE("each head and feature has the mean of its own errors") {
    const ErrorTally tally = tally_of(Heads::apart);
    REQUIRE(tally.heads().size() == 2);
    const HeadErrors& head = tally.heads().at(0);
    REQUIRE(head.features.size() == 2);
    CHECK(head.features[0].count == rows);
    CHECK(head.features[0].mean == -0.5);
    // 40 errors, 1/4 from their mean: 1/4 sqrt(40/39) / sqrt(40).
    CHECK(head.features[0].standard_error == doctest::Approx(0.25 / std::sqrt(39.0)));
    CHECK(head.features[0].one_sided);
    CHECK(head.features[1].mean == 0.0);
    CHECK_FALSE(head.features[1].one_sided);
    CHECK(tally.heads().at(1).features[0].mean == 0.0);
    CHECK((head.all.moments.sum == tally.statistics().moments.sum));
    CHECK(head.all.moments.count + tally.heads().at(1).all.moments.count ==
          tally.statistics().moments.count);
  }

  TEST_CASE("a tally keeps heads apart only where it was asked to") {
    CHECK(tally_of(Heads::together).heads().empty());
  }

  TEST_CASE("words carry heads and counts by magnitude") {
    const ErrorTally tally = tally_of(Heads::apart);
    WordWriter out;
    tally.write(out);
    ErrorTally read(rows, 2, 8, Heads::apart);
    WordReader in(out.words());
    read.read(in);
    CHECK(in.is_complete());
    CHECK(read.magnitudes() == tally.magnitudes());
    REQUIRE(read.heads().size() == 2);
    CHECK(read.heads().at(0).all == tally.heads().at(0).all);
    CHECK(read.heads().at(0).features[0].z == tally.heads().at(0).features[0].z);
    CHECK(read.heads().at(0).features[0].one_sided);
  }

  TEST_CASE("a list of heads that breaks off ends the reading") {
    WordWriter out;
    tally_of(Heads::apart).write(out);
    auto words = out.words();
    words.resize(words.size() / 2);
    ErrorTally read(rows, 2, 8, Heads::apart);
    WordReader in(words);
    read.read(in);
    CHECK_FALSE(in.is_complete());
  }
}
