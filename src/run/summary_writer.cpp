#include "ulpscope/run/summary_writer.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/run/version.hpp"
#include "ulpscope/trace/bias.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

using nlohmann::json;

namespace {

double residue_in_ulps(uint64_t residue) { return static_cast<double>(residue) / 4294967296.0; }

json histogram_json(const ResidueHistogram& histogram) {
  json edges = json::array();
  for (int bin = 0; bin <= ResidueHistogram::bins; ++bin) {
    edges.push_back(number_json(ResidueHistogram::lower_edge(bin)));
  }
  return {{"edges", edges}, {"counts", histogram.counts()}, {"zero", histogram.zero()}};
}

json heat_map_json(const HeatMapSums& map) {
  json rows = json::array();
  for (int64_t t = 0; t < map.tiles; ++t) {
    json row = json::array();
    for (int64_t c = 0; c < map.columns; ++c) {
      const auto& cell = map.cells[static_cast<size_t>(t * map.columns + c)];
      row.push_back(cell.count == 0 ? json("NaN")
                                    : json(static_cast<double>(cell.sum) / 4294967296.0 /
                                           static_cast<double>(cell.count)));
    }
    rows.push_back(row);
  }
  return {{"row_tile", map.row_tile},
          {"rows", map.tiles},
          {"columns", map.columns},
          {"mean_ulp", rows}};
}

// Larger runs have a row a head in `heads`, and no map of them.
constexpr size_t most_heads_mapped = 512;

// Heads and their features, as a heat map.
json head_map_json(const std::map<int64_t, HeadErrors>& heads) {
  json rows = json::array();
  for (const auto& [outer, head] : heads) {
    json row = json::array();
    for (const auto& feature : head.features) {
      row.push_back(feature.count == 0 ? json("NaN") : json(feature.mean));
    }
    rows.push_back(row);
  }
  return {{"row_tile", 1},
          {"rows", heads.size()},
          {"columns", heads.begin()->second.features.size()},
          {"mean_ulp", rows}};
}

json magnitudes_json(const MagnitudeCounts& counts) {
  json octaves = json::array();
  for (int octave = 0; octave < MagnitudeCounts::octaves; ++octave) {
    octaves.push_back(MagnitudeCounts::octave_edge(octave));
  }
  json binades = json::array();
  for (const auto& [binade, row] : counts.binades()) {
    if (binade == MagnitudeCounts::zero_binade) continue;
    binades.push_back({{"binade", binade}, {"counts", row}});
  }
  return {{"octaves", octaves}, {"binades", binades}};
}

std::string hex_bits(const Format& format, double value) {
  const uint64_t bits =
      round_pack(format, decode<uint128>(fp64, bit_cast<uint64_t>(value)), nearest_even).bits;
  return fmt::format("0x{:0{}x}", bits, (width(format) + 3) / 4);
}

json element_index(const RowIndex& index, const WorstError& error) {
  std::vector<int64_t> result(index.axes.size() + 1);
  result.back() = error.column;
  int64_t flat = error.outer * index.rows + error.row;
  for (size_t axis = index.axes.size(); axis-- > 0;) {
    result[axis] = flat % index.axes[axis];
    flat /= index.axes[axis];
  }
  return result;
}

}  // namespace

json number_json(double x) {
  if (std::isnan(x)) return "NaN";
  if (std::isinf(x)) return x > 0 ? "Infinity" : "-Infinity";
  return x;
}

json summary_header(const std::string& kind, const std::string& command) {
  return {{"schema", summary_schema},
          {"tool", {{"name", "ulpscope"}, {"version", version}}},
          {"kind", kind},
          {"command", command}};
}

json bias_json(const ErrorStatistics& statistics) {
  const HostFpGuard guard;
  const Moments& m = statistics.moments;
  const auto summary = summarise(statistics);
  return {{"count", m.count},
          {"skipped", m.skipped},
          {"mean_ulp", number_json(summary.by_value.mean)},
          {"stderr_ulp", number_json(summary.by_value.standard_error)},
          {"z", number_json(summary.by_value.z)},
          {"mean_away_ulp", number_json(summary.by_magnitude.mean)},
          {"stderr_away_ulp", number_json(summary.by_magnitude.standard_error)},
          {"z_away", number_json(summary.by_magnitude.z)},
          {"larger", m.larger},
          {"smaller", m.smaller},
          {"exact", m.count - m.skipped - m.larger - m.smaller},
          {"sign_z", number_json(summary.sign_z)},
          {"max_abs_ulp", residue_in_ulps(m.largest)}};
}

json statistics_json(const std::string& name, const Format& format,
                     const ErrorStatistics& statistics) {
  const HostFpGuard guard;
  const Moments& m = statistics.moments;
  json result = bias_json(statistics);
  result.update({{"name", name},
                 {"format", format_name(format)},
                 {"ties", m.ties},
                 {"ties_away", m.ties_away},
                 {"near_ties_above", m.near_ties_above},
                 {"near_ties_below", m.near_ties_below},
                 {"carry_out", m.carry_out},
                 {"round_carry", m.round_carry},
                 {"subnormal", m.subnormal},
                 {"underflow", m.underflow},
                 {"overflow", m.overflow},
                 {"histogram", histogram_json(m.histogram)}});
  return result;
}

json whole_json(const std::string& name, const Format& format, const std::vector<int64_t>& shape,
                const ErrorStatistics& statistics) {
  json result = statistics_json(name, format, statistics);
  for (const char* step_only : {"ties", "ties_away", "near_ties_above", "near_ties_below",
                                "carry_out", "round_carry", "subnormal", "underflow"}) {
    result.erase(step_only);
  }
  result["shape"] = shape;
  return result;
}

json output_json(const std::string& name, const Format& format, const std::vector<int64_t>& shape,
                 const RowIndex& index, const ErrorTally& tally) {
  const HostFpGuard guard;
  json result = whole_json(name, format, shape, tally.statistics());
  result["row_tile"] = tally.heat_map().row_tile;
  if (tally.heat_map().columns > 1) result["heatmap"] = heat_map_json(tally.heat_map());
  const auto& heads = tally.heads();
  if (heads.size() > 1 && heads.size() <= most_heads_mapped && tally.heat_map().columns > 1) {
    result["head_map"] = head_map_json(heads);
  }
  if (!tally.magnitudes().binades().empty()) {
    result["magnitudes"] = magnitudes_json(tally.magnitudes());
  }
  json worst = json::array();
  for (const auto& error : tally.worst()) {
    worst.push_back({{"index", element_index(index, error)},
                     {"bits", hex_bits(format, error.value)},
                     {"value", number_json(error.value)},
                     {"reference", number_json(error.reference)},
                     {"error_ulp", static_cast<double>(error.residue) / 4294967296.0}});
  }
  result["worst"] = worst;
  return result;
}

json format_json(const Format& format) {
  return {{"name", format_name(format)},
          {"exponent_bits", format.exponent_bits},
          {"trailing_bits", format.trailing_bits},
          {"bias", format.bias},
          {"specials", specials_name(format)}};
}

json formats_json(const std::vector<Format>& formats) {
  json result = json::array();
  std::vector<Format> seen;
  for (const auto& format : formats) {
    if (std::find(seen.begin(), seen.end(), format) != seen.end()) continue;
    seen.push_back(format);
    result.push_back(format_json(format));
  }
  return result;
}

namespace {

json input_json(const Operand16& operand) {
  json result{{"tensor", operand.tensor},
              {"file", operand.file},
              {"shape", operand.shape},
              {"layout", layout_name(operand.layout)},
              {"format", format_name(operand.format)},
              {"xxh3_128", operand.hash}};
  if (!operand.note.empty()) result["note"] = operand.note;
  return result;
}

json input_json(const RegisterTensor& tensor) {
  return {{"tensor", tensor.tensor},
          {"file", tensor.file},
          {"shape", tensor.shape},
          {"format", format_name(tensor.format)},
          {"xxh3_128", tensor.hash}};
}

json value_of(uint32_t bits) { return number_json(static_cast<double>(bit_cast<float>(bits))); }

// What a reader is told of the terms of the scores; nothing where there are none.
json terms_json(const Problem& problem) {
  const ScoreTerms& terms = problem.terms;
  json result = json::object();
  if (terms.has(ScoreTerm::soft_cap)) result["softcap"] = value_of(terms.cap);
  if (terms.has(ScoreTerm::alibi)) {
    result["alibi"] = json::array();
    for (const uint32_t slope : terms.slopes) result["alibi"].push_back(value_of(slope));
  }
  if (terms.has(ScoreTerm::bias)) result["bias"] = terms.bias.sizes;
  return result;
}

}  // namespace

json inputs_json(const ProblemOperands& operands) {
  json result = json::array();
  for (const Operand16* operand : {&operands.q, &operands.k, &operands.v}) {
    result.push_back(input_json(*operand));
  }
  if (operands.dout) result.push_back(input_json(*operands.dout));
  if (operands.bias) result.push_back(input_json(*operands.bias));
  if (operands.slopes) result.push_back(input_json(*operands.slopes));
  return result;
}

json problem_json(const Problem& problem, const Operand16& q, const Operand16& k) {
  const auto scale = static_cast<double>(bit_cast<float>(problem.scale));
  const Mask& mask = problem.mask;
  json result{{"batch", q.sizes[0]},    {"heads", q.sizes[1]},
              {"kv_heads", k.sizes[1]}, {"seq_q", q.sizes[2]},
              {"seq_k", k.sizes[2]},    {"head_dim", q.sizes[3]},
              {"scale", scale},         {"launch", {problem.launch.batch, problem.launch.heads}}};
  if (problem.descale != Descale{}) {
    const auto factor = [](uint32_t bits) { return static_cast<double>(bit_cast<float>(bits)); };
    result["descale"] = {{"q", factor(problem.descale.q)},
                         {"k", factor(problem.descale.k)},
                         {"v", factor(problem.descale.v)}};
  }
  if (mask == no_mask || mask == causal_mask) {
    result["causal"] = mask == causal_mask;
  } else {
    result["window"] = {mask.left, mask.right};
  }
  result.update(terms_json(problem));
  return result;
}

json reference_json(const ReferenceReport& reference, const GradientReport* gradients) {
  json result{{"name", reference.name},
              {"description", reference.description},
              {"judged_rows", reference.judged_rows},
              {"judged_elements", reference.judged_elements},
              {"max_difference_ulp", reference.largest_difference_ulp}};
  if (gradients != nullptr) {
    result["gradients"] = {{"name", "wide"},
                           {"judged_rows", gradients->judged_rows},
                           {"judged_keys", gradients->judged_keys},
                           {"exact_rows", gradients->exact_rows},
                           {"max_difference_ulp",
                            {{"dq", gradients->dq_difference_ulp},
                             {"dk", gradients->dk_difference_ulp},
                             {"dv", gradients->dv_difference_ulp}}}};
  }
  return result;
}

}  // namespace ulpscope
