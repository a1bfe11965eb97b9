#include "ulpscope/attention/machine.hpp"

#include <vector>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

struct Entry {
  Site site;
  int64_t row;
  int64_t column;
  Record record;
};

// A sink that keeps everything.
struct ListSink {
  static constexpr bool enabled = true;
  std::vector<Entry> entries{};
  void add(Site site, int64_t row, int64_t column, const Record& r) {
    entries.push_back({site, row, column, r});
  }
};

Operand random_operand(Random& random, const Format& f, int64_t length, int spread) {
  Operand operand(f, 1, length);
  for (int64_t k = 0; k < length; ++k) {
    const auto n = static_cast<int>(random.below(2 * spread + 1)) - spread;
    const double x = std::ldexp(random.bell(), n);
    const auto exact = decode<uint128>(fp64, bit_cast<uint64_t>(x));
    operand.set(0, k, round_pack(f, exact, nearest_even).bits);
  }
  return operand;
}

uint32_t by_codes(const FusedSum& sum, const Operand& a, const Operand& b, int64_t length,
                  uint32_t c) {
  return fused_chain(sum, Factors{a.format(), b.format()}, c, a.codes(0), b.codes(0),
                     static_cast<int>(length));
}

}  // namespace

TEST_CASE("a chain gives the bits of the definition, watched or not") {
  Random random(1);
  for (int turn = 0; turn < 4000; ++turn) {
    const Format formats[] = {bf16, fp16, e4m3fn, e5m2};
    const Format fb = formats[turn % 4];
    const Format fa = turn % 5 == 0 ? fp32 : fb;  // binary32 does not fit the lanes
    const FusedSum& sum = matrix_unit(chip_named("h200"), fb).sum;
    const int64_t length = 1 + random.below(100);
    const auto a = random_operand(random, fa, length, turn % 60);
    const auto b = random_operand(random, fb, length, turn % 60);
    const auto c = static_cast<uint32_t>(random.word());
    const uint32_t expected = by_codes(sum, a, b, length, c);
    REQUIRE(run_chain<Carries::ignore>(sum, {a, 0, 0}, {b, 0, 0}, length, c).value == expected);
    REQUIRE(run_chain<Carries::watch>(sum, {a, 0, 0}, {b, 0, 0}, length, c).value == expected);
  }
}

TEST_CASE("infinities, NaN and overflows are done by the definition") {
  const FusedSum& sum = matrix_unit(chip_named("h200"), bf16).sum;
  Operand a(bf16, 1, 16);
  Operand b(bf16, 1, 16);
  a.set(0, 0, code16(bf16, 0x1p100));
  b.set(0, 0, code16(bf16, 0x1p28));
  CHECK(run_chain<Carries::watch>(sum, {a, 0, 0}, {b, 0, 0}, 16, 0).value == 0x7F80'0000);
  CHECK(run_chain<Carries::ignore>(sum, {a, 0, 0}, {b, 0, 0}, 16, 0xFF80'0000).value ==
        0xFF80'0000);
  b.set(0, 1, 0x7F80);
  CHECK(run_chain<Carries::ignore>(sum, {a, 0, 0}, {b, 0, 0}, 16, 0).value == fused_sum_nan);
}

TEST_CASE("a chain may start inside an operand") {
  Random random(2);
  const FusedSum& sum = matrix_unit(chip_named("h200"), bf16).sum;
  const auto a = random_operand(random, bf16, 64, 2);
  const auto b = random_operand(random, bf16, 64, 2);
  const uint32_t expected =
      fused_chain(sum, Factors{bf16, bf16}, 0x3F80'0000, a.codes(0, 16), b.codes(0, 32), 32);
  CHECK(run_chain<Carries::ignore>(sum, {a, 0, 16}, {b, 0, 32}, 32, 0x3F80'0000).value == expected);
}

TEST_CASE("many chains with one row are that many single chains, packed or not") {
  Random random(3);
  constexpr int64_t rows = 300;  // more than are computed at a time
  constexpr int64_t length = 96;
  for (int turn = 0; turn < 120; ++turn) {
    const Format formats[] = {bf16, fp16, e4m3fn, e5m2};
    const Format fb = formats[turn % 4];
    const Format fa = turn % 5 == 0 ? fp32 : fb;  // binary32 does not fit the columns
    const FusedSum& sum = matrix_unit(chip_named("h200"), fb).sum;
    const Operand a = random_operand(random, fa, length, turn);
    Operand b(fb, rows, length);
    for (int64_t j = 0; j < rows; ++j) {
      const Operand row = random_operand(random, fb, length, turn);
      for (int64_t k = 0; k < length; ++k) b.set(j, k, row.codes(0)[k]);
    }
    if (turn % 6 == 0) b.set(40, 3, exponent_mask(fb));  // a row that is special, or large
    if (turn % 3 != 0) b.pack();
    const int64_t first = random.below(50);
    const int64_t count = random.below(rows - first);
    const int64_t from = random.below(40);
    std::vector<uint32_t> start(static_cast<size_t>(count));
    for (auto& c : start) c = static_cast<uint32_t>(random.word());
    ChainSums sums;
    sums.start_at(start.data(), count);
    const int64_t chain_length = 1 + random.below(length - from);
    // What lies before and behind the chain within its steps meets zeros.
    Operand part(fa, 1, length);
    for (int64_t k = from; k < from + chain_length; ++k) part.set(0, k, a.codes(0)[k]);
    run_chains<Carries::watch>(sum, {part, 0, from}, {b, first, from}, chain_length, sums);
    REQUIRE(sums.size() == count);
    for (int64_t j = 0; j < count; ++j) {
      const auto expected = run_chain<Carries::watch>(sum, {part, 0, from}, {b, first + j, from},
                                                      chain_length, start[static_cast<size_t>(j)]);
      REQUIRE(sums[j].value == expected.value);
      REQUIRE(sums[j].flags == expected.flags);
    }
  }
}

TEST_CASE("a watched chain tells of a carry") {
  const FusedSum& sum = matrix_unit(chip_named("h200"), bf16).sum;
  Operand a(bf16, 1, 16);
  Operand b(bf16, 1, 16);
  a.set(0, 0, code16(bf16, 1.5));
  b.set(0, 0, code16(bf16, 1.0));
  const auto run = [&](uint32_t c) {
    return run_chain<Carries::watch>(sum, {a, 0, 0}, {b, 0, 0}, 16, c).flags;
  };
  CHECK(run(0x3F40'0000) == Flag::carry_out);  // 1.5 + 0.75 = 2.25
  CHECK(run(0x3E80'0000) == Flag::none);       // 1.5 + 0.25
  CHECK(run(0xBF40'0000) == Flag::none);       // 1.5 - 0.75
}

TEST_CASE("a step rounds by its site's cast and writes the rounding down") {
  auto owned = random_problem(1, {.rows = 2, .keys = 2, .dim = 8});
  const Plan plan = plan_of(owned, {{Site::rescale, {bf16, toward_zero}}});
  ListSink sink;
  const Machine<ListSink> machine(plan, sink);
  CHECK(machine.mode(Site::rescale) == Mode::toward_zero);
  machine.at(Site::rescale, [&](auto step) {
    CHECK(step.format() == bf16);
    CHECK(step(3, 5, register_value(0xC096'8717)) == 0xC096'0000);
  });
  REQUIRE(sink.entries.size() == 1);
  const Entry& entry = sink.entries[0];
  CHECK(entry.site == Site::rescale);
  CHECK(entry.row == 3);
  CHECK(entry.column == 5);
  CHECK(entry.record.residue == int64_t{0x8717} << 16);
  CHECK(entry.record.negative);
}

TEST_CASE("an instruction's result is rounded by the site and judged by the exact value") {
  auto owned = random_problem(1, {.rows = 2, .keys = 2, .dim = 8});
  const Plan plan = plan_of(owned);
  ListSink sink;
  const Machine<ListSink> machine(plan, sink);
  const Exact<uint64_t> exact{
      .significand = (uint64_t{1} << 25) + 1, .exponent = -25, .kind = Kind::finite};
  CHECK(machine.one_hardware(Site::lse, 1, 0x3F80'0000, [&] { return exact; }) == 0x3F80'0000);
  REQUIRE(sink.entries.size() == 1);
  CHECK(sink.entries[0].record.residue == -residue_one_ulp / 4);
  CHECK(sink.entries[0].column == 0);
}

TEST_CASE("with nobody listening the exact value is not asked for") {
  auto owned = random_problem(1, {.rows = 2, .keys = 2, .dim = 8});
  const Plan plan = plan_of(owned);
  NullSink sink;
  const Machine<NullSink> machine(plan, sink);
  bool asked = false;
  machine.one_hardware(Site::lse, 0, 0x3F80'0000, [&] {
    asked = true;
    return exact_zero<uint64_t>(false);
  });
  CHECK_FALSE(asked);
}
