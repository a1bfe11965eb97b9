// Rows of an exact site, in vector registers, against the exact values one by one, bit for bit, on
// every instruction set: far exponents, cancellations, ties, zeros, subnormals, infinities, sums
// that lie where they began. And which instructions such a site runs.
#include "ulpscope/attention/exact_powers.hpp"
#include "ulpscope/attention/exact_products.hpp"
#include "ulpscope/attention/row_steps.hpp"
#include "ulpscope/hardware/ex2_row.hpp"

#include <cmath>

#include "attention/exact_rows.hpp"
#include "attention/problems.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// A sink that listens: every element goes one by one.
struct CountingSink {
  static constexpr bool enabled = true;
  int64_t records = 0;
  void add(Site, int64_t, int64_t, const Record&) { ++records; }
};

constexpr int64_t columns = 150;  // more than a block of records, and no whole number of blocks
constexpr int64_t length = 48;

uint64_t code_of_number(const Format& f, double x) {
  return round_pack(f, decode<uint128>(fp64, bit_cast<uint64_t>(x)), toward_zero).bits;
}

void fill(Random& random, Operand& operand, int spread) {
  for (int64_t r = 0; r < operand.rows(); ++r) {
    for (int64_t k = 0; k < length; ++k) {
      const auto n = static_cast<int>(random.below(2 * spread + 1)) - spread;
      const double x = std::ldexp(random.below(6) == 0 ? 0.0 : random.bell(), n);
      operand.set(r, k, code_of_number(operand.format(), x));
    }
  }
}

// The sums of an exact site, from `start` on and into its place, one by one or in registers.
struct Sums {
  const Plan& plan;
  const Operand& a;
  const ColumnTile& tile;
  int64_t chains_run = 0;

  template <class Sink>
  std::vector<uint32_t> run(std::vector<uint32_t> sums) {
    Sink sink;
    const Machine<Sink> machine(plan, sink);
    ChainSums returned;
    returned.start_at(sums.data(), columns);
    const auto chains = [&]() -> const ChainSums& {
      ++chains_run;
      return machine.chains({a, 0, 0}, {tile.operand(), 0, 0}, length, returned);
    };
    machine.at(Site::output_accumulate, [&](auto step) {
      keep_sums(step, {0, 0, columns}, sums.data(), chains, [&] {
        return ExactDots({a, 0, 0}, {tile, 0, sums.data()}, length);
      });
    });
    return sums;
  }
};

// Starts of all kinds; every third cancels its sum, as well as binary32 can.
std::vector<uint32_t> starts(Random& random, Sums& of, int spread) {
  auto sums = of.run<CountingSink>(std::vector<uint32_t>(columns, 0));
  for (size_t j = 0; j < sums.size(); ++j) {
    const auto n = static_cast<int>(random.below(2 * spread + 1)) - spread;
    if (j % 3 == 0) sums[j] ^= detail::sign_bit32;
    if (j % 3 == 1) sums[j] = bit_cast<uint32_t>(std::ldexp(static_cast<float>(random.bell()), n));
    if (j % 12 == 2) sums[j] = static_cast<uint32_t>(random.word());
  }
  return sums;
}

Plan exact_plan(const OwnedProblem& owned, Site site) {
  return plan_of(owned, {{site, exact_cast}});
}

}  // namespace

TEST_CASE("rows of exact sums are the exact sums one by one, whatever they begin with") {
  const auto owned = random_problem(1, {.rows = 2, .keys = 2, .dim = 8});
  const Plan plan = exact_plan(owned, Site::output_accumulate);
  on_every_instruction_set([&](bool) {
    Random random(2);
    int different = 0;
    for (const Format& fa : {bf16, fp32, e4m3fn, ieee_like(8, 15)}) {
      for (const int spread : {0, 3, 12, 40, 70}) {
        Operand a(fa, 1, length);
        Operand b(bf16, columns, length);
        fill(random, a, spread);
        fill(random, b, spread);
        if (spread == 12) b.set(7, 3, 0x7F80);  // an infinity
        if (spread == 40) a.set(0, 9, nan_bits<uint64_t>(fa));
        b.pack();
        ColumnTile tile;
        tile.measure(b, 0, columns, 0, length);
        Sums sums{plan, a, tile};
        const auto from = starts(random, sums, spread);
        different += sums.run<NullSink>(from) != sums.run<CountingSink>(from);
      }
    }
    CHECK(different == 0);
  });
}

TEST_CASE("an exact sum of nothing is the zero of its exact value, in its place too") {
  // The tensor core cuts 2^-30 off the first products; exactly, nothing is left.
  const auto owned = random_problem(1, {.rows = 2, .keys = 2, .dim = 8});
  const Plan plan = exact_plan(owned, Site::output_accumulate);
  Operand a(bf16, 1, length);
  Operand b(bf16, columns, length);
  a.set(0, 0, code16(bf16, 1.0));
  a.set(0, 1, code16(bf16, 0x1p-30));
  a.set(0, 20, code16(bf16, -0x1p-30));
  for (int64_t j = 0; j < columns; ++j) {
    for (const int64_t k : {0, 1, 20}) b.set(j, k, code16(bf16, 1.0));
  }
  b.pack();
  ColumnTile tile;
  tile.measure(b, 0, columns, 0, length);
  Sums sums{plan, a, tile};
  const std::vector<uint32_t> zeros(columns, 0);
  CHECK(sums.run<NullSink>(std::vector<uint32_t>(columns, 0xBF80'0000)) == zeros);
  CHECK(sums.chains_run == 0);
  ChainSums hardware;
  hardware.start_at(std::vector<uint32_t>(columns, 0xBF80'0000).data(), columns);
  run_chains<Carries::ignore>(plan.sum, {a, 0, 0}, {b, 0, 0}, length, hardware);
  CHECK(hardware[0].value != 0);
}

TEST_CASE("an exact site runs its chains where an element has no exact value, once a row") {
  const auto owned = random_problem(1, {.rows = 2, .keys = 2, .dim = 8});
  const Plan plan = exact_plan(owned, Site::output_accumulate);
  Random random(3);
  Operand a(bf16, 1, length);
  Operand b(bf16, columns, length);
  fill(random, a, 1);
  fill(random, b, 1);
  for (const bool infinite : {false, true}) {
    for (const int64_t j : {3, 70, 140}) b.set(j, 5, infinite ? 0x7F80 : 0x3F80);
    b.pack();
    ColumnTile tile;
    tile.measure(b, 0, columns, 0, length);
    Sums sums{plan, a, tile};
    const auto kept = sums.run<NullSink>(std::vector<uint32_t>(columns, 0));
    CHECK(sums.chains_run == (infinite ? 1 : 0));
    CHECK(is_finite(fp32, kept[70]) == !infinite);
    CHECK(is_finite(fp32, kept[71]));
  }
}

TEST_CASE("rows of exact powers are the exact powers one by one, infinities the instruction's") {
  const auto owned = random_problem(1, {.rows = 2, .keys = 2, .dim = 8});
  const Plan plan = exact_plan(owned, Site::probability);
  on_every_instruction_set([&](bool) {
    Random random(4);
    std::vector<uint32_t> x;
    for (int64_t i = 0; i < 4000; ++i) {
      const auto n = static_cast<int>(random.below(60)) - 48;
      x.push_back(random.below(4) == 0
                      ? static_cast<uint32_t>(random.word())
                      : bit_cast<uint32_t>(std::ldexp(static_cast<float>(random.bell()), n)));
    }
    for (const float one : {0.0F, -0.0F, -126.5F, -149.0F, -149.5F, -150.0F, -151.0F, 127.999F,
                            128.0F, 600.0F, -600.0F, 0x1p-43F, -INFINITY, INFINITY, NAN}) {
      x.push_back(bit_cast<uint32_t>(one));
    }
    const auto run = [&]<class Sink>(Sink sink) {
      auto powers = x;
      const Machine<Sink> machine(plan, sink);
      machine.at(Site::probability, [&](auto step) {
        apply_to_elements(
            step, {0, 0, static_cast<int64_t>(x.size())}, powers.data(),
            [&](std::span<uint32_t> row) { ex2_row(*plan.tables, row, Flush::none, row); },
            ExactPower{Power::of_two});
      });
      return powers;
    };
    CHECK(run(NullSink{}) == run(CountingSink{}));
  });
}
