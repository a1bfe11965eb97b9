#include "ulpscope/run/explain_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/run/attribute_run.hpp"
#include "ulpscope/run/mitigate_run.hpp"
#include "ulpscope/run/output_folder.hpp"

#include <algorithm>
#include <cmath>

#include "explanation_text.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

using nlohmann::json;

namespace {

// What is called and no more than this share of what was there is a rest.
constexpr double largest_rest = 0.05;

// The same kernel on the same problem; of the forward pass alone, where no gradient is asked for.
template <class Options>
Options same_problem(const AttentionOptions& options, BackwardChoice backward) {
  Options same;
  static_cast<KernelOptions&>(same) = options;
  if (backward == BackwardChoice::off) same.backward = backward;
  same.threads = options.threads;
  same.command = options.command;
  same.progress = options.progress;
  same.stop = options.stop;
  return same;
}

bool is_called(const json& summary, const json& name) {
  const json& biased = summary.at("verdict").at("biased");
  return std::find(biased.begin(), biased.end(), name) != biased.end();
}

// The tensors that the verdict calls, and a biased delta, which the gradients come from.
json attribution_of(const json& summary, const json& attribution) {
  json tensors = json::array();
  for (const json& tensor : attribution.at("tensors")) {
    const bool of_delta = tensor.at("name") == "delta" && tensor.at("biased").get<bool>();
    if (is_called(summary, tensor.at("name")) || of_delta) tensors.push_back(tensor);
  }
  return {{"rows", attribution.at("rows")}, {"tensors", tensors}};
}

double magnitude(const json& errors) {
  const json& mean = errors.at("mean");
  return mean.is_number() ? std::fabs(mean.get<double>()) : 0;
}

// The largest mean that is called, in a head or over all.
double largest_called(const json& treatment) {
  double largest = 0;
  const auto consider = [&](const json& part) {
    const json& errors = part.at("exact_p");
    if (errors.at("biased").get<bool>()) largest = std::max(largest, magnitude(errors));
  };
  consider(treatment.at("all"));
  for (const json& head : treatment.at("heads")) consider(head);
  return largest;
}

const char* outcome_of(const json& treatment, double before) {
  if (treatment.at("all").at("not_finite").get<uint64_t>() > 0) return "not finite";
  const double left = largest_called(treatment);
  return left > largest_rest * before ? "left" : left > 0 ? "rest" : "removed";
}

json figures_of(const json& part) {
  const json& errors = part.at("exact_p");
  return {{"mean_ulp", errors.at("mean")},
          {"stderr_ulp", errors.at("standard_error")},
          {"z", errors.at("z")},
          {"spread_ulp", errors.at("spread")}};
}

// What the treatments leave of O in the part that the attribution speaks of.
json cures_of(const json& treatments, const json& o) {
  const auto part_of = [&](const json& treatment) -> const json& {
    return o.contains("head") ? treatment.at("heads").at(o.at("head").get<size_t>())
                              : treatment.at("all");
  };
  const double before = largest_called(treatments.front());
  json cures{{"before", figures_of(part_of(treatments.front()))}, {"treatments", json::array()}};
  if (o.contains("head")) cures["head"] = o.at("head");
  for (size_t i = 1; i < treatments.size(); ++i) {
    const json& treatment = treatments[i];
    const json& heads = treatment.at("heads");
    const auto biased = std::count_if(heads.begin(), heads.end(), [](const json& head) {
      return head.at("exact_p").at("biased").get<bool>();
    });
    cures["treatments"].push_back({{"name", treatment.at("name")},
                                   {"sites", treatment.at("sites")},
                                   {"maximum", treatment.at("maximum")},
                                   {"outcome", outcome_of(treatment, before)},
                                   {"left", figures_of(part_of(treatment))},
                                   {"all", figures_of(treatment.at("all"))},
                                   {"biased_heads", biased},
                                   {"heads", heads.size()},
                                   {"not_finite", treatment.at("all").at("not_finite")}});
  }
  return cures;
}

// A kernel that rounds O nowhere to 16 bits has no treatments, and says so.
std::optional<json> cures(const AttentionOptions& options, const json& o) {
  try {
    const auto result = run_mitigate(same_problem<MitigateOptions>(options, BackwardChoice::off));
    if (!result) return std::nullopt;
    return cures_of(result->at("treatments"), o);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::usage) throw;
    return json{{"refused", error.what()}};
  }
}

json with_nobody_accused(json summary) {
  json& verdict = summary["verdict"];
  verdict["causes"] = json::array({nobody_sentence(summary)});
  return summary;
}

}  // namespace

void require_explicable(const AttentionOptions& options) {
  if (options.explain == Explain::no || options.log == LogLevel::full) return;
  throw Error(ErrorKind::usage, fmt::format("--explain with --log {}: expected --log full, without "
                                            "which no output is judged",
                                            log_level_name(options.log)));
}

std::optional<json> explained(const AttentionOptions& options, json summary) {
  const HostFpGuard guard;
  if (options.explain == Explain::no || summary.at("verdict").contains("causes")) return summary;
  const json& biased = summary.at("verdict").at("biased");
  if (biased.empty()) return with_nobody_accused(std::move(summary));

  const bool gradients = biased.size() > 1 || biased.front() != "o";
  const auto attribution = run_attribution(same_problem<AttributeOptions>(
      options, gradients ? BackwardChoice::if_given : BackwardChoice::off));
  if (!attribution) return std::nullopt;
  summary["attribution"] = attribution_of(summary, *attribution);
  const json& tensors = summary["attribution"]["tensors"];
  if (is_called(summary, "o") && tensors.front().at("biased").get<bool>()) {
    auto found = cures(options, tensors.front());
    if (!found) return std::nullopt;
    summary["cures"] = std::move(*found);
  }
  json causes = json::array();
  for (const json& tensor : tensors) causes.push_back(cause_sentence(summary, tensor));
  summary["verdict"]["causes"] = causes;
  return summary;
}

std::optional<json> explained_later(const AttentionOptions& options,
                                    const std::filesystem::path& folder, const json& summary) {
  auto result = explained(options, summary);
  if (result && *result != summary) write_report(folder, *result);
  return result;
}

}  // namespace ulpscope
