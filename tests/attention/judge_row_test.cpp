// Rows against the judge of one element, every field: results near and far from their exact values,
// cancelled to nothing, subnormal, special; on every instruction set.
#include "ulpscope/attention/judge_row.hpp"

#include "ulpscope/attention/judge.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "attention/exact_rows.hpp"
#include "attention/problems.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

uint32_t code(double x) { return bit_cast<uint32_t>(static_cast<float>(x)); }

// A block of results with the exact values that they are judged by.
struct Block {
  std::vector<uint32_t> results;
  ExactValues exact;

  void add(double result, double high, double low) {
    exact.high[results.size()] = high;
    exact.low[results.size()] = low;
    results.push_back(code(result));
  }
};

struct Tally {
  int64_t decided = 0;
  int64_t open = 0;
  int64_t different = 0;
};

void compare(const Format& f, const Block& block, Tally& tally) {
  RecordRow records;
  judge_row(f, block.results, block.exact, records);
  REQUIRE(records.size() == block.results.size());
  for (size_t i = 0; i < records.size(); ++i) {
    if (records.is_open(i)) {
      ++tally.open;
      continue;
    }
    ++tally.decided;
    const Record expected = judged(f, block.results[i], held_value(block.exact, i), Flag::none);
    tally.different += records[i].residue != expected.residue ||
                       records[i].flags != expected.flags ||
                       records[i].negative != expected.negative;
  }
}

// An exact value of up to 106 bits, and a result `off` ulps away, more or less.
void add_random(Random& random, const Format& f, Block& block, int exponent, double off) {
  const double sign = random.below(2) == 0 ? 1 : -1;
  double high = sign * std::ldexp(1 + random.uniform(), exponent);
  switch (random.below(6)) {
    case 0: high = sign * std::ldexp(1.0, exponent); break;          // a binade's lowest
    case 1: high = static_cast<float>(high); break;                  // a register's number
    case 2: high = sign * std::ldexp(2 - 0x1p-52, exponent); break;  // its highest
    case 3: high = std::ldexp(std::rint(std::ldexp(high, 54 - exponent)), exponent - 54); break;
    default: break;
  }
  const double unit = std::ldexp(1.0, std::ilogb(high) - 53);
  double low = unit * (2 * random.uniform() - 1);
  switch (random.below(5)) {
    case 0: low = 0; break;
    case 1: low = unit; break;
    case 2: low = std::ldexp(unit, -static_cast<int>(random.below(40))); break;
    case 3: low = -std::ldexp(unit, -static_cast<int>(random.below(40))); break;
    default: break;
  }
  const double sum = high + low;
  low = high - sum + low;
  high = sum;
  const double ulp = std::ldexp(1.0, std::max(exponent, emin(f)) - f.trailing_bits);
  double result = high + off * (2 * random.uniform() - 1) * ulp;
  if (random.below(40) == 0) result = 0;
  if (random.below(40) == 0) result = -result;
  if (random.below(40) == 0) result *= std::ldexp(1.0, static_cast<int>(random.below(60)) - 30);
  if (random.below(40) == 0) {
    high = 0;
    low = 0;
  }
  const auto exact = decode<uint128>(fp64, bit_cast<uint64_t>(result));
  block.add(bit_cast<float>(detail::store(f, exact, nearest_even).value), high, low);
}

}  // namespace

TEST_CASE("a row is judged as its elements are, in every format") {
  on_every_instruction_set([](bool) {
    for (const Format& f : {fp32, tf32, bf16, fp16, e4m3fn, e2m1fn}) {
      Random random(1);
      Tally tally;
      for (int turn = 0; turn < 4000; ++turn) {
        Block block;
        const auto size = 1 + random.below(RecordRow::room);
        const int center = random.below(2) == 0 ? 0 : emin(f);
        for (int64_t i = 0; i < size; ++i) {
          const auto exponent = center + static_cast<int>(random.below(40)) - 20;
          const double off = std::ldexp(1.0, static_cast<int>(random.below(20)) - 4);
          add_random(random, f, block, exponent, off);
        }
        compare(f, block, tally);
      }
      CAPTURE(format_name(f));
      CHECK(tally.different == 0);
      CHECK(tally.decided > 100'000);
    }
  });
}

TEST_CASE("the worked numbers of judged") {
  on_every_instruction_set([](bool) {
    Block block;
    block.add(1, 1, 0);
    block.add(1 + 0x1p-23, 1 + 0x1p-23 + 0x1p-24, 0);
    block.add(-1, -(1 + 0x1p-25), 0);
    block.add(2, 2 - 0x1p-24, 0);
    block.add(2 - 0x1p-23, 2, 0);
    block.add(1, 1, 0x1p-63);
    block.add(1 + 0x1p-23, 1, 0x1p-63);
    block.add(1 + 0x1p-23, 1, -0x1p-63);
    block.add(0, 0, 0);
    block.add(0x1p-149, 0, 0);
    block.add(0x1p-127, 0x1p-127, 0x1p-190);
    block.add(2, 2, -0x1p-60);
    Tally tally;
    compare(fp32, block, tally);
    CHECK(tally.different == 0);
    CHECK(tally.open == 0);
    RecordRow records;
    judge_row(fp32, block.results, block.exact, records);
    CHECK(records[1].residue == -residue_one_ulp / 2);
    CHECK(records[6].residue == residue_one_ulp - 1);
    CHECK(records[7].residue == residue_one_ulp);
  });
}

TEST_CASE("what has no error, and what lies too far off, is left to the scalar judge") {
  on_every_instruction_set([](bool) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    constexpr double infinity = std::numeric_limits<double>::infinity();
    Block block;
    block.add(infinity, 1, 0);
    block.add(-infinity, -0x1p128, 0);
    block.add(nan, 1, 0);
    block.add(1, nan, 0);
    block.add(1, infinity, nan);
    block.add(nan, nan, nan);
    block.add(0, 1.5, 0);            // 2^55 units
    block.add(0x1p-60, 1, 0x1p-53);  // bits below the units
    RecordRow records;
    judge_row(fp32, block.results, block.exact, records);
    for (size_t i = 0; i < records.size(); ++i) CHECK(records.is_open(i));
  });
}
