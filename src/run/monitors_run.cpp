#include "ulpscope/run/monitors_run.hpp"

#include "ulpscope/analysis/head_monitor.hpp"
#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/error_tally.hpp"
#include "ulpscope/compare/judged_gradients.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/run/kernel_name.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <cmath>

#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

json head_json(const HeadMonitor& head, const Format& format) {
  json result{{"batch", head.batch},
              {"head", head.head},
              {"rows", head.rows},
              {"rows_not_finite", head.not_finite},
              {"pairs", head.pairs},
              {"largest_score", number_json(head.largest)},
              {"rows_by_maxima", head.rows_by_maxima},
              {"rows_equal", head.rows_equal()},
              {"rows_near", head.rows_near},
              {"rows_at_risk", head.rows_at_risk},
              {"powers_of_two", head.powers},
              {"median_residual", number_json(head.median_residual())},
              {"residual_log2_from", HeadMonitor::lowest_residual},
              {"rows_by_residual", head.rows_by_residual},
              {"mean_entropy", number_json(head.entropy)},
              {"mean_sink", number_json(head.sink)}};
  if (head.largest > 0) {
    result["ulp_at_largest"] = number_json(std::ldexp(1.0, ulp_exponent(format, head.largest)));
  }
  return result;
}

// How far a head's delta drifts from the exact one, row by row.
json drift_json(std::span<const uint32_t> delta, std::span<const double> exact) {
  CompensatedSum drift, magnitude;
  json cumulative = json::array();
  for (size_t row = 0; row < delta.size(); ++row) {
    const double error = static_cast<double>(bit_cast<float>(delta[row])) - exact[row];
    if (std::isfinite(error)) {
      drift.add(error);
      magnitude.add(std::abs(error));
    }
    cumulative.push_back(number_json(drift.value()));
  }
  const double share = magnitude.value() > 0 ? drift.value() / magnitude.value() : 0.0;
  return {{"drift", number_json(drift.value())},
          {"share", number_json(share)},
          {"cumulative", cumulative}};
}

// Adds every head's drift; false if the run was stopped.
bool add_drift(const MonitorsOptions& options, const Plan& plan, const Problem& problem,
               std::span<const uint16_t> dout, json& heads) {
  const BackwardPlan backward = make_backward_plan(plan, problem);
  const ReferenceOptions how{.threads = options.threads, .stop = options.stop};
  const JudgedOptions judged{
      .threads = options.threads, .logging = Logging::off, .stop = options.stop};
  const JudgedRun run = run_judged(plan, judged);
  if (!run.complete) return false;
  const GradientReference reference = gradient_reference(backward, dout, how);
  if (!reference.complete) return false;
  const auto gradients = run_judged_gradients(backward, dout, run, reference, judged);
  if (!gradients.complete) return false;
  const auto rows = static_cast<size_t>(problem.rows);
  for (size_t outer = 0; outer < heads.size(); ++outer) {
    heads[outer]["delta"] = drift_json(std::span(gradients.delta.codes).subspan(outer * rows, rows),
                                       std::span(reference.delta).subspan(outer * rows, rows));
  }
  return true;
}

}  // namespace

std::optional<json> run_monitors(const MonitorsOptions& options) {
  const HostFpGuard guard;
  const auto [recipe, chip] = kernel_and_chip(options.kernel);
  ProblemOptions possible = options;
  if (recipe.backward == nullptr) possible.backward = BackwardChoice::off;
  const ProblemOperands operands = load_operands(possible);
  Problem problem = problem_of(options, operands);
  if (!options.multiprocessors) problem.launch.multiprocessors = chip.multiprocessors;
  const Plan plan = make_plan(recipe, chip, problem, {});
  const int64_t count = plan.problem.batch * plan.problem.heads;
  const auto monitors = monitor_heads(plan, {.tolerance = options.tolerance,
                                             .sinks = options.sinks,
                                             .threads = options.threads,
                                             .progress =
                                                 [&](int64_t done) {
                                                   if (options.progress)
                                                     options.progress(done, count);
                                                 },
                                             .stop = options.stop});
  if (static_cast<int64_t>(monitors.size()) != count) return std::nullopt;
  json heads = json::array();
  for (const auto& head : monitors) heads.push_back(head_json(head, problem.format));
  if (operands.dout && !add_drift(options, plan, problem, operands.dout->codes, heads)) {
    return std::nullopt;
  }
  json result = summary_header("monitors", options.command);
  result["schema"] = "ulpscope.monitors/1";
  result["kernel"] = std::string(recipe.name);
  result["chip"] = std::string(chip.name);
  result["inputs"] = inputs_json(operands);
  result["problem"] = problem_json(problem, operands.q, operands.k);
  result["tolerance"] = options.tolerance;
  result["sinks"] = options.sinks;
  result["heads"] = heads;
  return result;
}

}  // namespace ulpscope
