#include "ulpscope/run/gemm_summary.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/run/summary_writer.hpp"
#include "ulpscope/trace/bias.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

double scale_value(uint32_t bits) { return static_cast<double>(bit_cast<float>(bits)); }

json input_json(const OneTensor& tensor) {
  return {{"tensor", tensor.info.name},           {"file", tensor.where},
          {"shape", tensor.info.shape},           {"layout", "as stored"},
          {"format", format_name(tensor.format)}, {"xxh3_128", tensor.hash}};
}

json kernel_json(const GemmPlan& plan) {
  std::string description(plan.recipe->summary);
  for (const auto& note : product_notes(plan)) description += "; " + note;
  return {{"name", plan.recipe->name},
          {"description", description},
          {"chip", plan.chip->name},
          {"chip_row", plan.chip->row},
          {"splits", plan.parts.size()}};
}

json product_json(const GemmRecord& record) {
  const GemmPlan& plan = record.plans[0];
  return {{"rows", record.a.info.shape[0]},        {"columns", record.b.info.shape[0]},
          {"k", record.a.info.shape[1]},           {"parts", plan.parts},
          {"group", plan.recipe->group},           {"scale_a", scale_value(plan.scales.a)},
          {"scale_b", scale_value(plan.scales.b)}, {"notes", product_notes(plan)}};
}

json verdict_json(const GemmRecord& record) {
  const HostFpGuard guard;
  const auto& product = record.products.of_plan[0];
  const auto summary = summarise(product.errors.statistics());
  const bool by_value = is_biased(summary.by_value);
  const bool biased = by_value || is_biased(summary.by_magnitude);
  const Bias& bias = biased && !by_value ? summary.by_magnitude : summary.by_value;
  const std::string text = fmt::format(
      "D of {} on {} carries {} one-sided error: mean {:+.4f} ulp{} (standard error {:.4f}, z "
      "{:+.1f}); {} of {} elements are not the exact product rounded once.",
      record.plans[0].recipe->name, record.plans[0].chip->name, biased ? "a" : "no", bias.mean,
      biased && !by_value ? " away from zero" : "", bias.standard_error, bias.z,
      product.not_nearest, product.d.size());
  return {{"status", biased ? "biased" : "unbiased"}, {"text", text}};
}

json outputs_json(const GemmRecord& record) {
  const std::vector<int64_t> shape{record.a.info.shape[0], record.b.info.shape[0]};
  json outputs = json::array();
  for (size_t p = 0; p < record.plans.size(); ++p) {
    const auto& product = record.products.of_plan[p];
    json output = output_json(product_name(record.plans, p), record.plans[p].output, shape,
                              {{shape[0]}, shape[0]}, product.errors);
    output["not_nearest"] = product.not_nearest;
    outputs.push_back(std::move(output));
  }
  return outputs;
}

uint64_t different_codes(const JudgedProduct& x, const JudgedProduct& y) {
  uint64_t different = 0;
  for (size_t i = 0; i < x.d.size(); ++i) different += x.d[i] != y.d[i];
  return different;
}

// Different bits between each two chips, in the order of the outputs.
json chips_json(const GemmRecord& record) {
  json rows = json::array();
  for (size_t p = 0; p < record.plans.size(); ++p) {
    const GemmPlan& plan = record.plans[p];
    std::vector<uint64_t> different;
    for (const auto& other : record.products.of_plan) {
      different.push_back(different_codes(record.products.of_plan[p], other));
    }
    rows.push_back({{"chip", plan.chip->name},
                    {"output", product_name(record.plans, p)},
                    {"terms", plan.unit->sum.terms},
                    {"fraction_bits", plan.unit->sum.fraction_bits},
                    {"result_fraction_bits", plan.unit->sum.result_fraction_bits},
                    {"different_bits", different}});
  }
  return rows;
}

json unable_json(const GemmRecord& record) {
  json names = json::array();
  for (const Chip* chip : record.unable) names.push_back(chip->name);
  return names;
}

}  // namespace

std::string product_name(std::span<const GemmPlan> plans, size_t plan) {
  return plan == 0 ? "d" : fmt::format("d_{}", plans[plan].chip->name);
}

json gemm_summary(const GemmRecord& record) {
  json summary = summary_header("gemm", record.command);
  const Format& input = record.plans[0].recipe->input;
  const Format& output = record.plans[0].output;
  summary["verdict"] = verdict_json(record);
  summary["kernel"] = kernel_json(record.plans[0]);
  summary["product"] = product_json(record);
  summary["inputs"] = {input_json(record.a), input_json(record.b)};
  summary["formats"] = json::array({format_json(input)});
  if (!(input == output)) summary["formats"].push_back(format_json(output));
  summary["reference"] = {
      {"name", "exact"},
      {"description", "A.B^T times the scales, in integers, once rounded to binary64"}};
  summary["outputs"] = outputs_json(record);
  summary["chips"] = chips_json(record);
  summary["chips_without_format"] = unable_json(record);
  return summary;
}

void add_comparison(json& summary, json comparison) {
  const auto different = comparison["different_bits"].get<uint64_t>();
  const auto elements = comparison["elements"].get<uint64_t>();
  const std::string of = comparison["b"].get<std::string>();
  summary["verdict"] = {
      {"status", different == 0 ? "equal" : "different"},
      {"text",
       different == 0
           ? fmt::format("All {} elements of D are those of {}, bit for bit.", elements, of)
           : fmt::format("{} of {} elements of D differ in bits from {}, {} in value.", different,
                         elements, of, comparison["different_values"].get<uint64_t>())}};
  summary["comparison"] = std::move(comparison);
}

}  // namespace ulpscope
