#include "ulpscope/trace/record_row.hpp"

#include "trace/records.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

bool equal(const Record& x, const Record& y) {
  return x.residue == y.residue && x.flags == y.flags && x.negative == y.negative;
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
