#include "ulpscope/run/monitors_run.hpp"

#include "ulpscope/analysis/head_monitor.hpp"
#include "ulpscope/analysis/weight_error.hpp"
#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/error_tally.hpp"
#include "ulpscope/compare/judged_gradients.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/run/kernel_name.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <cmath>

#include <fmt/format.h>
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

std::vector<double> errors_of(std::span<const uint32_t> delta, std::span<const double> exact) {
  std::vector<double> errors(delta.size());
  for (size_t row = 0; row < delta.size(); ++row) {
    errors[row] = static_cast<double>(bit_cast<float>(delta[row])) - exact[row];
  }
  return errors;
}

// How far a head's delta drifts from the exact one, row by row.
json drift_json(const std::vector<double>& errors) {
  CompensatedSum drift, magnitude;
  json cumulative = json::array();
  for (const double error : errors) {
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

// X of every token, (batch, rows, width); two axes serve every batch.
struct TokenInputs {
  std::vector<double> values;
  int64_t width = 0;
  int64_t batches = 0;
};

TokenInputs read_tokens(const MonitorsOptions& options, const Problem& problem) {
  const RegisterTensor x = open_registers(options.inputs, "x").read();
  const auto& shape = x.shape;
  const bool per_batch = shape.size() == 3 && shape[0] == problem.batch;
  const bool has_axes = shape.size() == 2 || per_batch;
  if (!has_axes || shape[shape.size() - 2] != problem.rows || shape.back() < 1) {
    throw Error(ErrorKind::input,
                fmt::format("{}: '{}' has shape {}: expected ({}, width) or ({}, {}, width), a "
                            "token a row of q",
                            x.file, x.tensor, shape_text(shape), problem.rows, problem.batch,
                            problem.rows));
  }
  TokenInputs tokens{.values = {}, .width = shape.back(), .batches = per_batch ? shape[0] : 1};
  for (const uint32_t value : x.values) {
    tokens.values.push_back(static_cast<double>(bit_cast<float>(value)));
  }
  return tokens;
}

// P K of every row of every head, exact: attention whose V is K.
std::vector<double> products_with_keys(const Plan& plan, const ReferenceOptions& how) {
  Plan with_keys = plan;
  with_keys.problem.v = plan.problem.k;
  with_keys.problem.descale.v = detail::one32;
  return forward_reference(with_keys, how).o;
}

// Adds what every head's drift makes of the gradient of W^Q.
void add_weight_errors(const MonitorsOptions& options, const Plan& plan, const Problem& problem,
                       const std::vector<std::vector<double>>& errors, json& heads) {
  if (options.rope) {
    throw Error(ErrorKind::usage,
                fmt::format("--rope {} and a tensor x: the gradient of W^Q is that of Q before its "
                            "rotation; expected a dump of rotated q and k, or one without x",
                            options.rope->recipe));
  }
  const TokenInputs tokens = read_tokens(options, problem);
  const auto pk = products_with_keys(plan, {.threads = options.threads, .stop = options.stop});
  const auto pk_size = static_cast<size_t>(problem.rows * problem.dim);
  const auto x_size = static_cast<size_t>(problem.rows * tokens.width);
  const auto per_batch = static_cast<size_t>(problem.heads);
  for (size_t outer = 0; outer < heads.size(); ++outer) {
    const size_t batch = tokens.batches > 1 ? outer / per_batch : 0;
    const WeightError error =
        weight_error({.pk = std::span(pk).subspan(outer * pk_size, pk_size),
                      .x = std::span(tokens.values).subspan(batch * x_size, x_size),
                      .errors = errors[outer],
                      .dim = problem.dim,
                      .width = tokens.width,
                      .alpha = static_cast<double>(bit_cast<float>(problem.scale))});
    heads[outer]["weight_error"] = {{"tokens", error.tokens},
                                    {"similarity", number_json(error.similarity)},
                                    {"effective_rank", number_json(error.effective_rank)},
                                    {"spectral_norm", number_json(error.spectral_norm)},
                                    {"largest", number_json(error.largest)}};
  }
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
  std::vector<std::vector<double>> errors;
  for (size_t outer = 0; outer < heads.size(); ++outer) {
    errors.push_back(errors_of(std::span(gradients.delta.codes).subspan(outer * rows, rows),
                               std::span(reference.delta).subspan(outer * rows, rows)));
    heads[outer]["delta"] = drift_json(errors.back());
  }
  if (has_operand(options.inputs, "x")) add_weight_errors(options, plan, problem, errors, heads);
  return true;
}

// The same heads with a local window; fewer if it was stopped.
json local_json(const MonitorsOptions& options, Plan plan, int64_t left) {
  plan.problem.mask = {.left = left, .right = 0};
  json heads = json::array();
  for (const auto& head : monitor_heads(plan, {.tolerance = options.tolerance,
                                              .sinks = options.sinks,
                                              .threads = options.threads,
                                              .progress = {},
                                              .stop = options.stop})) {
    heads.push_back(head_json(head, plan.problem.format));
  }
  return {{"window", {left, 0}}, {"heads", std::move(heads)}};
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
  if (options.compare_window) {
    result["local"] = local_json(options, plan, *options.compare_window);
    if (result["local"]["heads"].size() != heads.size()) return std::nullopt;
  }
  return result;
}

}  // namespace ulpscope
