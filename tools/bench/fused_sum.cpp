// Speed of the tensor core's sum in multiply-adds, a tile of 64 rows by 64 columns with all
// operands in the caches: the columns on every instruction set, the lanes one sum at a time, the
// definition over codes that judges both; beside them plain binary32 dot products of the same
// data, and sums in the manner of published simulators.
//
//   ulpscope_bench --benchmark_filter=tile/
#include "ulpscope/attention/exact_products.hpp"
#include "ulpscope/attention/machine.hpp"

#include <string>

#include "float_dots.hpp"
#include "inputs.hpp"
#include "published_sums.hpp"
#include <benchmark/benchmark.h>
#include <hwy/highway.h>

namespace ulpscope::bench {
namespace {

constexpr int64_t rows = 64;

void report(benchmark::State& state, int64_t length) {
  state.counters["MAC/s"] = benchmark::Counter(static_cast<double>(rows * rows * length),
                                               benchmark::Counter::kIsIterationInvariantRate);
}

template <Format F>
Operand random_operand(uint64_t seed, int64_t length) {
  Operand operand =
      operand_rows(F, random_codes<F>(static_cast<size_t>(rows * length), seed), rows, length, 0);
  operand.pack();
  return operand;
}

// Every row of a with every row of b, many at a time.
template <Format F, Carries carries>
void tile_by_columns(benchmark::State& state, int64_t target) {
  hwy::SetSupportedTargetsForTest(target);
  const int64_t length = state.range(0);
  const FusedSum& sum = matrix_unit(chip_named("h200"), F).sum;
  const Operand a = random_operand<F>(1, length);
  const Operand b = random_operand<F>(2, length);
  ChainSums sums;
  for (auto _ : state) {
    for (int64_t i = 0; i < rows; ++i) {
      sums.start_at_zero(rows);
      run_chains<carries>(sum, {a, i, 0}, {b, 0, 0}, length, sums);
      benchmark::DoNotOptimize(sums);
    }
  }
  hwy::SetSupportedTargetsForTest(0);
  report(state, length);
}

// One sum after the other, by `sum_of(i, j)`.
template <class SumOf>
void tile_one_by_one(benchmark::State& state, const SumOf& sum_of) {
  for (auto _ : state) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < rows; ++j) benchmark::DoNotOptimize(sum_of(i, j));
    }
  }
  report(state, state.range(0));
}

template <Format F, Carries carries>
void tile_by_lanes(benchmark::State& state) {
  const int64_t length = state.range(0);
  const FusedSum& sum = matrix_unit(chip_named("h200"), F).sum;
  const Operand a = random_operand<F>(1, length);
  const Operand b = random_operand<F>(2, length);
  tile_one_by_one(state, [&](int64_t i, int64_t j) {
    return run_chain<carries>(sum, {a, i, 0}, {b, j, 0}, length, 0);
  });
}

template <Format F>
void tile_by_definition(benchmark::State& state) {
  const int64_t length = state.range(0);
  const FusedSum& sum = matrix_unit(chip_named("h200"), F).sum;
  const Operand a = random_operand<F>(1, length);
  const Operand b = random_operand<F>(2, length);
  tile_one_by_one(state, [&](int64_t i, int64_t j) {
    return fused_chain(sum, Factors{F, F}, 0, a.codes(i), b.codes(j), static_cast<int>(length));
  });
}

using PublishedSum = uint32_t (*)(const uint16_t*, const uint16_t*, int64_t);

// Bits are compared once, so that it is known what is measured.
void tile_like_published(benchmark::State& state, PublishedSum published) {
  const int64_t length = state.range(0);
  const auto a = random_codes<bf16>(static_cast<size_t>(rows * length), 1);
  const auto b = random_codes<bf16>(static_cast<size_t>(rows * length), 2);
  const FusedSum& sum = matrix_unit(chip_named("h200"), bf16).sum;
  for (int64_t i = 0; i < rows; ++i) {
    const uint16_t* const x = &a[static_cast<size_t>(i * length)];
    const uint16_t* const y = &b[static_cast<size_t>(i * length)];
    const uint32_t expected =
        fused_chain(sum, Factors{bf16, bf16}, 0, x, y, static_cast<int>(length));
    if (published(x, y, length) != expected) return state.SkipWithError("not the chip's bits");
  }
  tile_one_by_one(state, [&](int64_t i, int64_t j) {
    return published(&a[static_cast<size_t>(i * length)], &b[static_cast<size_t>(j * length)],
                     length);
  });
}

void tile_of_float_dots(benchmark::State& state, int64_t target) {
  hwy::SetSupportedTargetsForTest(target);
  const int64_t length = state.range(0);
  const Operand a = random_operand<bf16>(1, length);
  const Operand b = random_operand<bf16>(2, length);
  std::vector<float> sums(static_cast<size_t>(rows * rows));
  for (auto _ : state) {
    float_dots(a.terms(0).values, rows, b.terms(0).values, rows, length, sums.data());
    benchmark::DoNotOptimize(sums);
  }
  hwy::SetSupportedTargetsForTest(0);
  report(state, length);
}

// The exact dot products that a logged run takes beside its chains: a row at a time, and one.
void exact_rows(benchmark::State& state, int64_t target) {
  hwy::SetSupportedTargetsForTest(target);
  const int64_t length = state.range(0);
  const Operand a = random_operand<bf16>(1, length);
  const Operand b = random_operand<bf16>(2, length);
  ColumnTile tile;
  tile.measure(b, 0, rows, 0, length);
  ExactValues values;
  for (auto _ : state) {
    for (int64_t i = 0; i < rows; ++i) {
      ExactDots({a, i, 0}, {tile}, length).row(0, rows, values);
      benchmark::DoNotOptimize(values);
    }
  }
  hwy::SetSupportedTargetsForTest(0);
  report(state, length);
}
void exact_dots(benchmark::State& state) {
  const int64_t length = state.range(0);
  const Operand a = random_operand<bf16>(1, length);
  const Operand b = random_operand<bf16>(2, length);
  AlignedRows x(rows, length);
  AlignedRows y(rows, length);
  x.align(a, 0, 0);
  y.align(b, 0, 0);
  tile_one_by_one(state, [&](int64_t i, int64_t j) { return exact_dot(x, i, y, j, length); });
}

void lengths(benchmark::internal::Benchmark* bench) { bench->Arg(64)->Arg(128)->Arg(512); }

template <class... Arguments>
void add(const std::string& name, const Arguments&... arguments) {
  lengths(benchmark::RegisterBenchmark(("tile/" + name).c_str(), arguments...));
}

const bool registered = [] {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const std::string set = std::string("/") + hwy::TargetName(target);
    hwy::SetSupportedTargetsForTest(target);
    const bool columns = has_fused_columns();
    hwy::SetSupportedTargetsForTest(0);
    if (!columns) continue;
    add("float_dots" + set, tile_of_float_dots, target);
    add("columns/bf16" + set, tile_by_columns<bf16, Carries::ignore>, target);
    add("columns/fp16" + set, tile_by_columns<fp16, Carries::ignore>, target);
    add("columns/bf16/carries" + set, tile_by_columns<bf16, Carries::watch>, target);
    add("exact_dots/bf16" + set, exact_rows, target);
  }
  add("lanes/bf16", tile_by_lanes<bf16, Carries::ignore>);
  add("lanes/fp16", tile_by_lanes<fp16, Carries::ignore>);
  add("lanes/bf16/carries", tile_by_lanes<bf16, Carries::watch>);
  add("definition/bf16", tile_by_definition<bf16>);
  add("like_hawkeye/bf16", tile_like_published, sum_like_hawkeye);
  add("like_mma_sim/bf16", tile_like_published, sum_like_mma_sim);
  add("exact_dot/bf16", exact_dots);
  return true;
}();

}  // namespace
}  // namespace ulpscope::bench
