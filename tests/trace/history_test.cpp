#include "ulpscope/trace/history.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_SUITE("history") {
  TEST_CASE("a history keeps its row: all keys, its own feature, and what has neither") {
    HistorySink sink(1, 3);
    const Record record{residue_one_ulp / 2, Flag::inexact, false};
    for (int64_t row = 0; row < 3; ++row) {
      for (int64_t column = 0; column < 5; ++column) {
        sink.add(Site::scores, row, column, 0x100 + static_cast<uint32_t>(column), record);
      }
      sink.add(Site::rescale_factor, row, 0, 0x200, record);
      for (int64_t column = 0; column < 5; ++column) {
        sink.add(Site::normalise, row, column, 0x300 + static_cast<uint32_t>(column), record);
      }
    }
    REQUIRE(sink.steps().size() == 5 + 1 + 1);
    CHECK(sink.steps()[4].site == Site::scores);
    CHECK(sink.steps()[4].column == 4);
    CHECK(sink.steps()[4].value == 0x104);
    CHECK(sink.steps()[5].site == Site::rescale_factor);
    CHECK(sink.steps()[6].site == Site::normalise);
    CHECK(sink.steps()[6].value == 0x303);
    CHECK(sink.steps()[6].record.residue == residue_one_ulp / 2);
  }
}
