#include "ulpscope/run/mitigate_run.hpp"

#include "ulpscope/analysis/treatment.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/run/kernel_name.hpp"
#include "ulpscope/run/summary_writer.hpp"
#include "ulpscope/trace/bias.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

constexpr double residue_unit = 0x1p-32;

double spread(const Moments& m) {
  const auto n = static_cast<double>(m.count - m.skipped);
  if (n < 1) return 0;
  const double mean = static_cast<double>(m.sum) / n;
  const double variance = static_cast<double>(m.sum_squares) / n - mean * mean;
  return std::sqrt(std::max(variance, 0.0)) * residue_unit;
}

json errors_json(const ErrorStatistics& statistics) {
  const Moments& m = statistics.moments;
  const Bias bias = summarise(statistics).by_value;
  return {{"count", m.count - m.skipped},
          {"mean", number_json(bias.mean)},
          {"standard_error", number_json(bias.standard_error)},
          {"z", number_json(bias.z)},
          {"biased", is_biased(bias)},
          {"spread", number_json(spread(m))},
          {"largest", number_json(static_cast<double>(m.largest) * residue_unit)}};
}

json output_json(const OutputErrors& errors, bool has_dout) {
  json result{{"exact_p", errors_json(errors.exact)}, {"not_finite", errors.not_finite}};
  if (errors.rounded.moments.count > 0) result["rounded_p"] = errors_json(errors.rounded);
  if (has_dout) {
    const double magnitude = errors.drift_magnitude;
    result["delta_share"] = number_json(magnitude > 0 ? errors.drift / magnitude : 0.0);
  }
  return result;
}

std::string site_text(const SiteOverride& change) {
  const auto& [site, cast] = change;
  if (cast.source == Source::exact) return fmt::format("{}=exact", row_of(site).name);
  return fmt::format("{}={}:{}", row_of(site).name, format_name(cast.format), mode_name(cast));
}

json treatment_json(const Treatment& treatment, const std::vector<TreatedHead>& heads,
                    bool has_dout) {
  OutputErrors all;
  std::map<int, OutputErrors> by_maximum;
  json by_head = json::array();
  for (const TreatedHead& head : heads) {
    all.merge(head.all);
    for (const auto& [from, errors] : head.by_maximum) by_maximum[from].merge(errors);
    json one = output_json(head.all, has_dout);
    one["batch"] = head.batch;
    one["head"] = head.head;
    by_head.push_back(one);
  }
  json bins = json::array();
  for (const auto& [from, errors] : by_maximum) {
    json one = output_json(errors, has_dout);
    one["from"] = from;
    one["to"] = from + OutputWitness::bin;
    bins.push_back(one);
  }
  json sites = json::array();
  for (const auto& change : treatment.sites) sites.push_back(site_text(change));
  return {{"name", treatment.name}, {"maximum", description(treatment.maximum)},
          {"sites", sites},         {"all", output_json(all, has_dout)},
          {"heads", by_head},       {"by_maximum", bins}};
}

bool is_biased(const json& output) { return output["exact_p"]["biased"].get<bool>(); }

size_t biased_heads(const json& treatment) {
  const json& heads = treatment["heads"];
  return static_cast<size_t>(std::count_if(heads.begin(), heads.end(), is_biased));
}

bool fails(const json& treatment) {
  const json& all = treatment["all"];
  return all["not_finite"].get<uint64_t>() > 0 || is_biased(all) || biased_heads(treatment) > 0;
}

// "beta 7 (spread 0.44)", "beta 2 (-0.22 ulp)", "offset ln 2 (in 4 of 9 heads)"
std::string named(const json& treatment, double spread_before) {
  const json& all = treatment["all"];
  const std::string name = treatment["name"].get<std::string>();
  if (all["not_finite"].get<uint64_t>() > 0) return name + " (NaN)";
  if (is_biased(all)) {
    return fmt::format("{} ({:+.3f} ulp)", name, all["exact_p"]["mean"].get<double>());
  }
  if (fails(treatment)) {
    return fmt::format("{} (in {} of {} heads)", name, biased_heads(treatment),
                       treatment["heads"].size());
  }
  const double spread_now = all["exact_p"]["spread"].get<double>();
  return spread_now > 1.2 * spread_before ? fmt::format("{} (spread {:.2f})", name, spread_now)
                                          : name;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : text;
}

// Against exact P, over all rows and in every head.
std::string verdict(const std::string& kernel, const json& treatments) {
  const json& before = treatments[0]["all"]["exact_p"];
  const double spread_before = before["spread"].get<double>();
  std::vector<std::string> clean, biased;
  for (size_t i = 1; i < treatments.size(); ++i) {
    (fails(treatments[i]) ? biased : clean).push_back(named(treatments[i], spread_before));
  }
  if (!fails(treatments[0])) {
    return fmt::format("O of {} carries no one-sided error here. What brings one: {}.", kernel,
                       joined(biased));
  }
  return fmt::format(
      "O of {} carries {:+.3f} ulp (spread {:.2f}). No one-sided error is left by: {}. One is left "
      "by: {}.",
      kernel, before["mean"].get<double>(), spread_before, joined(clean), joined(biased));
}

std::vector<Treatment> treatments_of(const MitigateOptions& options, const Plan& plan) {
  const Site site = options.site.empty() ? rounding_of_output(plan) : site_named(options.site);
  if (index(site) >= forward_sites().size()) {
    throw Error(ErrorKind::usage,
                fmt::format("--site {}: expected a site of the forward pass", options.site));
  }
  auto treatments = usual_treatments(plan, site);
  for (const auto& text : options.stable) {
    treatments.push_back({.name = text, .maximum = parse_stable(text)});
  }
  for (const auto& text : options.offsets) {
    treatments.push_back({.name = "offset " + text, .maximum = parse_offset(text)});
  }
  return treatments;
}

}  // namespace

std::optional<json> run_mitigate(const MitigateOptions& options) {
  const HostFpGuard guard;
  const auto [recipe, chip] = kernel_and_chip(options.kernel);
  const ProblemOperands operands = load_operands(options);
  Problem problem = problem_of(options, operands);
  if (!options.multiprocessors) problem.launch.multiprocessors = chip.multiprocessors;
  const Plan plan = plan_of(options, problem);
  if (options.first_row >= plan.problem.rows) {
    throw Error(ErrorKind::usage, fmt::format("--from-row {}: expected less than {}, the rows of a "
                                              "head",
                                              options.first_row, plan.problem.rows));
  }
  const auto treatments = treatments_of(options, plan);
  std::vector<Plan> plans;
  for (const auto& treatment : treatments) plans.push_back(treated(plan, treatment));

  const auto reference =
      forward_reference(plan, {.threads = options.threads, .stop = options.stop});
  if (!reference.complete) return std::nullopt;
  const bool has_dout = operands.dout.has_value();
  OutputWitness witness(
      plan, reference,
      has_dout ? std::span<const uint16_t>(operands.dout->codes) : std::span<const uint16_t>());
  json results = json::array();
  for (size_t i = 0; i < treatments.size(); ++i) {
    const auto heads = witness.errors(
        plans[i],
        {.first_row = options.first_row, .threads = options.threads, .stop = options.stop});
    if (!heads) return std::nullopt;
    results.push_back(treatment_json(treatments[i], *heads, has_dout));
    if (options.progress) {
      options.progress(static_cast<int64_t>(i) + 1, static_cast<int64_t>(treatments.size()));
    }
  }
  json result = summary_header("mitigate", options.command);
  result["schema"] = "ulpscope.mitigate/1";
  result["kernel"] = std::string(recipe.name);
  result["chip"] = std::string(chip.name);
  result["format"] = format_name(problem.format);
  result["inputs"] = inputs_json(operands);
  result["problem"] = problem_json(problem, operands.q, operands.k);
  json sites = json::array();
  for (const auto& change : options.overrides) sites.push_back(site_text(change));
  result["set"] = sites;
  result["first_row"] = options.first_row;
  result["seed"] = options.seed;
  result["verdict"] = verdict(std::string(recipe.name), results);
  result["treatments"] = results;
  return result;
}

}  // namespace ulpscope
