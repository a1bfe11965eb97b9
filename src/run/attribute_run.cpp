#include "ulpscope/run/attribute_run.hpp"

#include "ulpscope/analysis/ablations.hpp"
#include "ulpscope/analysis/head_monitor.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/run/attention_verdict.hpp"
#include "ulpscope/run/output_folder.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <algorithm>

#include "attribution_inputs.hpp"
#include "attribution_json.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

// Why a bias may be there or not: how many rows have equal maxima with a weight beside them that
// breaks ties unseen (row_monitor.hpp). Heads together; empty if it was stopped.
std::optional<json> rows_json(const Plan& plan, const AttributeOptions& options) {
  const auto heads = monitor_heads(plan, {.threads = options.threads, .stop = options.stop});
  if (std::ssize(heads) != plan.problem.batch * plan.problem.heads) return std::nullopt;
  int64_t rows = 0, equal = 0, at_risk = 0;
  for (const HeadMonitor& head : heads) {
    rows += head.rows;
    equal += head.rows_equal();
    at_risk += head.rows_at_risk;
  }
  return json{{"watched", rows}, {"equal_maxima", equal}, {"at_risk", at_risk}};
}

// "O of head 0: output_store causes the bias: ..."; those that are biased, or that nobody is.
std::string attribution_verdict(const json& result) {
  std::string text;
  for (const json& tensor : result["tensors"]) {
    if (!tensor["biased"].get<bool>()) continue;
    const std::string head =
        tensor.contains("head") ? fmt::format(" of head {}", tensor["head"].get<int64_t>()) : "";
    text += fmt::format("{}{}{}: {}", text.empty() ? "" : ". ", tensor_title(tensor["name"]), head,
                        tensor["verdict"].get<std::string>());
  }
  return text.empty() ? "No tensor of " + result["kernel"].get<std::string>() +
                            " is biased, as a whole or in a head: nobody is accused."
                      : text + ".";
}

// The same as a summary.json, for a report.
json attribution_summary(const json& result) {
  json summary = summary_header("attribution", result["command"]);
  const bool biased = std::any_of(result["tensors"].begin(), result["tensors"].end(),
                                  [](const json& t) { return t["biased"].get<bool>(); });
  summary["verdict"] = {{"status", biased ? "biased" : "unbiased"},
                        {"text", attribution_verdict(result)}};
  summary["kernel"] = {{"name", result["kernel"]}, {"chip", result["chip"]}};
  summary["inputs"] = result["inputs"];
  summary["problem"] = result["problem"];
  summary["attribution"] = {{"rows", result["rows"]}, {"tensors", result["tensors"]}};
  return summary;
}

}  // namespace

std::optional<json> run_attribution(const AttributeOptions& options) {
  const HostFpGuard guard;
  std::optional<OutputFolder> folder;
  if (!options.out.empty()) folder.emplace(options.out);
  const AttributionInputs inputs(options);
  const auto rows = rows_json(inputs.plan(), options);
  if (!rows) return std::nullopt;
  const Attribution attribution =
      attribute(inputs.problem(),
                {.threads = options.threads, .progress = options.progress, .stop = options.stop});
  if (!attribution.complete) return std::nullopt;
  json result = inputs.header(options, "ulpscope.attribution/1");
  result["rows"] = *rows;
  result["tensors"] = json::array();
  for (const auto& tensor : attribution.tensors) result["tensors"].push_back(tensor_json(tensor));
  if (folder) {
    write_report(folder->path(), attribution_summary(result));
    folder->commit();
  }
  return result;
}

namespace {

json ablated_json(const Ablated& ablated) {
  const AblationRow& row = *ablated.row;
  json heads = json::array();
  for (const AblatedHead& head : ablated.heads) {
    heads.push_back({{"delta_drift", number_json(head.drift)},
                     {"delta_share", number_json(head.share)},
                     {"dq_norm", number_json(head.dq_norm)}});
  }
  json result{{"name", row.name},
              {"change", row.change},
              {"training_in_the_paper", row.training},
              {"heads", heads},
              {"equation_1_of_tolerance", number_json(ablated.worst)},
              {"equation_1_holds", !(ablated.worst > 1)}};
  if (!ablated.exact_heads.empty()) result["exact_heads"] = ablated.exact_heads;
  return result;
}

}  // namespace

std::optional<json> run_ablations(const AttributeOptions& options,
                                  const std::vector<int64_t>& heads) {
  const HostFpGuard guard;
  const AttributionInputs inputs(options);
  const AttributionProblem problem = inputs.problem();
  if (problem.backward == nullptr) {
    throw Error(ErrorKind::usage,
                fmt::format("--ablations with kernel {}: expected a kernel with a backward pass, "
                            "and a tensor 'do' in the input",
                            inputs.plan().recipe->name));
  }
  const Ablations ablations =
      ablate(problem, heads,
             {.threads = options.threads, .progress = options.progress, .stop = options.stop});
  if (!ablations.complete) return std::nullopt;
  json result = inputs.header(options, "ulpscope.ablations/1");
  result["ablations"] = json::array();
  for (const Ablated& row : ablations.rows) result["ablations"].push_back(ablated_json(row));
  return result;
}

}  // namespace ulpscope
