#include "ulpscope/trace/record_row.hpp"

#include "ulpscope/trace/log.hpp"

#include "trace/records.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

bool equal(const Record& x, const Record& y) {
  return x.residue == y.residue && x.flags == y.flags && x.negative == y.negative;
}

SiteStatistics statistics_of(TileLog& tile) {
  HeadLog head;
  head.take(tile);
  SiteStatistics run{};
  head.fold_into(run);
  return run;
}

}  // namespace

TEST_CASE("a row gives back the records that it was given") {
  RecordRow records;
  records.resize(3);
  const Record exact = error(0);
  const Record minus = rounding_of(-1.0 / 3, bf16);
  const Record overflow = rounding_of(-1e300, fp16);
  records.set(0, exact);
  records.set(1, minus);
  records.set(2, overflow);
  CHECK(records.size() == 3);
  CHECK(equal(records[0], exact));
  CHECK(equal(records[1], minus));
  CHECK(equal(records[2], overflow));
}

TEST_CASE("a row of records counts as its records one by one") {
  RandomErrors random(11);
  constexpr int64_t columns = 300;
  TileLog by_row(4, columns, 1);
  TileLog one_by_one(4, columns, 1);
  for (int turn = 0; turn < 200; ++turn) {
    RecordRow records;
    records.resize(random.word() % (RecordRow::room + 1));
    const auto row = static_cast<int64_t>(random.word() % 4);
    const auto first = static_cast<int64_t>(random.word() % (columns - records.size()));
    for (size_t i = 0; i < records.size(); ++i) {
      const Record r = random.next();
      records.set(i, r);
      one_by_one.add(Site::scores, row, first + static_cast<int64_t>(i), r);
    }
    by_row.add_row(Site::scores, row, first, records);
  }
  CHECK((statistics_of(by_row) == statistics_of(one_by_one)));
}
