#include "ulpscope/run/attribute_run.hpp"

#include "ulpscope/analysis/attribution.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/run/kernel_name.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

json figures_json(const ErrorFigures& figures) {
  return {{"mean_ulp", number_json(figures.bias.mean)},
          {"stderr_ulp", number_json(figures.bias.standard_error)},
          {"z", number_json(figures.bias.z)},
          {"rms_ulp", number_json(figures.rms)}};
}

json site_json(const TensorAttribution& t, const SiteEffect& effect) {
  return {{"site", row_of(effect.site).name},
          {"step", row_of(effect.site).step},
          {"exact_here", figures_json(effect.left[t.subject])},
          {"exact_elsewhere", figures_json(effect.alone[t.subject])},
          {"bias_removed", number_json(t.bias_removed(effect))},
          {"bias_brought", number_json(t.bias_brought(effect))},
          {"error_removed", number_json(t.error_removed(effect))},
          {"error_brought", number_json(t.error_brought(effect))}};
}

std::string verdict(const TensorAttribution& t) {
  const Bias& bias = t.kernel[t.subject].bias;
  if (!t.biased()) {
    return fmt::format("not biased (z {:+.1f}): nobody is accused", bias.z);
  }
  if (!t.cause)
    return fmt::format("biased by {:+.3f} ulp, and no single site causes it", bias.mean);
  const auto name = row_of(t.cause->site).name;
  const double left = t.cause->left.bias.mean;
  if (t.cause->exact_at.size() == 1) {
    return fmt::format("{} causes it: exact there leaves {:+.3f} ulp of {:+.3f}", name, left,
                       bias.mean);
  }
  return fmt::format(
      "{} causes it: alone it brings {:+.3f} ulp of {:+.3f}; what it rounds is rounded again, but "
      "exact there and at the {} sites behind it leaves {:+.3f}",
      name, t.cause->alone.bias.mean, bias.mean, t.cause->exact_at.size() - 1, left);
}

json tensor_json(const TensorAttribution& t) {
  json sites = json::array();
  for (const auto& effect : t.sites) sites.push_back(site_json(t, effect));
  json result{{"name", name_of(t.tensor)},
              {"verdict", verdict(t)},
              {"biased", t.biased()},
              {"whole", figures_json(t.kernel.front())},
              {"kernel", figures_json(t.kernel[t.subject])},
              {"everything_exact", figures_json(t.exact[t.subject])},
              {"sites", sites}};
  if (t.subject > 0) result["head"] = t.subject - 1;
  if (t.cause) {
    json sites_made_exact = json::array();
    for (const Site site : t.cause->exact_at) sites_made_exact.push_back(row_of(site).name);
    result["cause"] = {{"site", row_of(t.cause->site).name},
                       {"exact_at", sites_made_exact},
                       {"left", figures_json(t.cause->left)}};
  }
  return result;
}

}  // namespace

std::optional<json> run_attribution(const AttributeOptions& options) {
  const HostFpGuard guard;
  const auto [recipe, chip] = kernel_and_chip(options.kernel);
  ProblemOptions possible = options;
  if (recipe.backward == nullptr) possible.backward = BackwardChoice::off;
  const ProblemOperands operands = load_operands(possible);
  Problem problem = problem_of(options, operands);
  if (!options.multiprocessors) problem.launch.multiprocessors = chip.multiprocessors;
  const Plan plan = make_plan(recipe, chip, problem, options.overrides);
  AttributionProblem given{.plan = plan};
  std::optional<BackwardPlan> backward;
  if (operands.dout) {
    backward = make_backward_plan(plan, problem);
    given.backward = &*backward;
    given.dout = operands.dout->codes;
  }
  const Attribution attribution = attribute(
      given, {.threads = options.threads, .progress = options.progress, .stop = options.stop});
  if (!attribution.complete) return std::nullopt;
  json tensors = json::array();
  for (const auto& tensor : attribution.tensors) tensors.push_back(tensor_json(tensor));
  json result = summary_header("attribution", options.command);
  result["schema"] = "ulpscope.attribution/1";
  result["kernel"] = std::string(recipe.name);
  result["chip"] = std::string(chip.name);
  result["inputs"] = inputs_json(operands);
  result["problem"] = problem_json(problem, operands.q, operands.k);
  result["tensors"] = tensors;
  return result;
}

}  // namespace ulpscope
