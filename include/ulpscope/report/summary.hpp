// A summary.json, read once and checked: what page, figures, text and CSV are drawn from.
//
// The schema is "ulpscope.summary/1". `parse_summary` refuses everything a drawing would have to
// guess: another schema, a required field that is missing, a field of the wrong type, a histogram
// whose counts do not add up to the number of elements. The message names the field:
//
//   sites[3].histogram: counts, zero and skipped add up to 65535, but count is 65536
//
// Fields that do not apply are absent: counts are then empty and real numbers NaN, and both are
// shown as a dash. Non-finite numbers arrive as the strings "NaN", "Infinity", "-Infinity".
// Unknown fields are left alone, so that a newer writer can add some.
//
// Tested by tests/report/summary_test.cpp.
#pragma once

#include "ulpscope/report/attribution.hpp"
#include "ulpscope/report/comparison.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

// Elements by signed error in ulps, ascending. Exact zeros are in no bin, only in `zero`.
struct Histogram {
  std::vector<double> edges;  // one more than counts; -inf, ..., -1, ..., 0, ..., 1, ..., inf
  std::vector<uint64_t> counts;
  uint64_t zero = 0;
};

struct HeatMap {
  uint64_t row_tile = 1;                      // rows of the tensor in one row of the map
  std::vector<std::vector<double>> mean_ulp;  // [row tile][feature], all of one length
};

// Elements by the exponent of the exact value and the octave of their signed error.
struct MagnitudeMap {
  std::vector<double> octaves;   // lower edges of the error's magnitude, ulp, ascending from 0
  std::vector<int64_t> binades;  // ascending
  std::vector<std::vector<uint64_t>> counts;  // [binade][too small, large first; exact; too large]
};

// One head of an output.
struct HeadRow {
  std::vector<uint64_t> index;  // batch, head
  uint64_t count = 0;
  double mean_ulp = not_given, stderr_ulp = not_given, z = not_given, z_away = not_given;
  bool one_sided = false;
  uint64_t one_sided_features = 0;
};

// The rows of O whose scores have something in common.
struct RowKindRow {
  std::string name;
  uint64_t rows = 0, count = 0;
  double mean_ulp = not_given, stderr_ulp = not_given, z = not_given;
  double share = not_given;  // of the one-sided error; absent where nothing is called
};

struct WorstElement {
  std::vector<uint64_t> index;
  std::string bits;  // as written by the tool, "0xbf12"
  double value = not_given;
  double reference = not_given;
  double error_ulp = not_given;
};

// One rounding site or one output tensor.
struct Statistics {
  std::string name, format, mode, description;
  uint64_t count = 0, skipped = 0;
  double mean_ulp = not_given, stderr_ulp = not_given, z = not_given;
  double mean_away_ulp = not_given, stderr_away_ulp = not_given, z_away = not_given;
  double sign_z = not_given, max_abs_ulp = not_given;
  std::optional<uint64_t> larger, smaller, exact;
  std::optional<uint64_t> ties, ties_away, near_ties_above, near_ties_below;
  std::optional<uint64_t> carry_out, round_carry, subnormal, underflow, overflow;
  Histogram histogram;
  // Outputs only.
  std::vector<uint64_t> shape;
  std::optional<HeatMap> heat_map, head_map;
  std::optional<MagnitudeMap> magnitudes;
  std::vector<HeadRow> heads;
  std::vector<RowKindRow> row_kinds;
  std::vector<WorstElement> worst;

  bool is_called() const { return z >= called_z || z <= -called_z; }
};

enum class Status { unbiased, biased, equal, different, not_judged };

struct KernelRow {
  std::string name, description, variant, chip, chip_row;
  std::optional<uint64_t> tile_rows, tile_keys, splits;
};

struct InputRow {
  std::string tensor, file, layout, format, hash, note;
  std::vector<uint64_t> shape;
};

struct ProblemRow {
  uint64_t batch = 0, heads = 0, seq_q = 0, seq_k = 0, head_dim = 0;
  std::optional<uint64_t> kv_heads;
  std::optional<bool> causal;
  double scale = not_given;
  std::vector<uint64_t> launch;
  std::vector<std::pair<std::string, std::string>> others;  // fields this version does not know
};

struct FormatRow {
  std::string name, specials;
  int64_t exponent_bits = 0, trailing_bits = 0, bias = 0;
};

enum class CastOrigin { kernel, overridden };

struct CastRow {
  std::string site, format, mode, preset;  // preset: whose policy it is, round/presets.hpp
  CastOrigin origin = CastOrigin::kernel;
};

struct GradientReferenceRow {
  std::string name;
  std::optional<uint64_t> judged_rows, judged_keys;
  double max_difference_ulp = not_given;  // of dQ, dK and dV
};

struct ReferenceRow {
  std::string name, description;
  std::optional<uint64_t> judged_rows, judged_elements;
  double max_difference_ulp = not_given;
  std::optional<GradientReferenceRow> gradients;
};

// One kernel on one chip of a comparison of engines.
struct EngineRow {
  std::string name, description;
  std::string refusal;           // why it did not run; empty where it did
  std::string backward_refusal;  // why it has no gradients
  std::optional<uint64_t> tile_rows, tile_keys, splits;
};

// Engine a less engine b.
struct EnginePairRow {
  uint64_t different_bits = 0, skipped = 0;
  double mean_ulp = not_given, stderr_ulp = not_given, z = not_given, max_abs_ulp = not_given;
};

// Every two engines' outputs of one tensor.
struct EngineMatrix {
  std::string tensor;
  uint64_t elements = 0;
  std::vector<std::string> engines;
  std::vector<EnginePairRow> pairs;  // (0, 1), (0, 2), (1, 2), (0, 3), ...

  const EnginePairRow& pair(std::size_t a, std::size_t b) const {  // a < b
    return pairs[b * (b - 1) / 2 + a];
  }
};

struct Summary {
  std::string tool, version, kind, command;
  Status status = Status::unbiased;
  std::string verdict;
  std::vector<std::string> causes;    // sentences that say who is accused and what helps
  std::vector<std::string> reasons;   // sentences that say where and why
  std::optional<KernelRow> kernel;    // attention, gemm, attribution
  std::optional<ProblemRow> problem;  // attention, engines, attribution
  std::optional<ReferenceRow> reference;
  std::optional<ComparisonRow> comparison;  // compare; gemm, if asked for
  std::vector<DivisionRow> breakdown;       // compare
  std::optional<HistoryRow> history;        // compare, if asked for, and the next
  std::optional<FitRow> fit;
  std::vector<EngineRow> engines;  // engines
  std::vector<EngineMatrix> matrices;
  std::optional<AttributionRow> attribution;  // attribution; attention, if asked for, and the next
  std::optional<CuresRow> cures;
  std::vector<InputRow> inputs;
  std::vector<FormatRow> formats;
  std::vector<CastRow> casts;
  std::vector<Statistics> sites, outputs;
  std::vector<std::string> notes;  // what a reader has to know about the figures
};

std::string status_name(Status status);

// Throws Error(input) where the summary is not one that can be drawn.
Summary parse_summary(const nlohmann::json& summary);

}  // namespace ulpscope
