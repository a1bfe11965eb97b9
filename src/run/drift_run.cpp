#include "ulpscope/run/drift_run.hpp"

#include "ulpscope/analysis/drift.hpp"
#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/judged_run.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/run/kernel_name.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

bool has_input(const DriftRunOptions& options) {
  return !options.inputs.input.empty() || !options.inputs.files.empty();
}

// The coefficient of every head of a problem; nothing if it was stopped.
std::vector<double> coefficients_of(const DriftRunOptions& options, const Plan& plan,
                                    std::span<const uint16_t> dout) {
  const ForwardReference reference =
      forward_reference(plan, {.threads = options.threads, .stop = options.stop});
  if (!reference.complete) return {};
  const JudgedRun run = run_judged(plan, {.threads = options.threads,
                                          .logging = Logging::off,
                                          .judging = Judging::off,
                                          .progress = {},
                                          .stop = options.stop});
  if (!run.complete) return {};
  const Format stored = plan.map[Site::output_store].format;
  const Problem& p = plan.problem;
  const auto head_size = static_cast<size_t>(p.rows * p.dim);
  std::vector<double> coefficients;
  for (size_t at = 0; at < run.o.size(); at += head_size) {
    CompensatedSum sum;
    for (size_t i = at; i < at + head_size; ++i) {
      const double error = double_value(stored, uint64_t{run.o[i]}) - reference.o[i];
      sum.add(double_value(p.format, uint64_t{dout[i]}) * error);
    }
    coefficients.push_back(sum.value());
  }
  return coefficients;
}

// One head as a problem of its own, in a launch that splits no keys.
Problem problem_of_law(const DriftRunOptions& options, const LawTensors& tensors,
                       const Chip& chip) {
  constexpr int64_t many_heads = 100'000;
  const LawShape& shape = options.shape;
  Problem problem{};
  problem.rows = shape.rows;
  problem.keys = shape.keys;
  problem.dim = shape.dim;
  problem.format = shape.format;
  problem.mask = options.mask;
  problem.scale = default_scale(shape.dim);
  problem.launch.batch = 1;
  problem.launch.heads = many_heads;
  problem.launch.multiprocessors = options.multiprocessors.value_or(chip.multiprocessors);
  problem.q = tensors.q;
  problem.k = tensors.k;
  problem.v = tensors.v;
  return problem;
}

std::vector<double> of_law(const DriftRunOptions& options, const KernelAndChip& kernel) {
  LawShape shape = options.shape;
  shape.heads = 1;
  std::vector<double> coefficients;
  for (int64_t step = 0; step < options.steps; ++step) {
    Law law = options.law;
    law.seed += static_cast<uint64_t>(step);
    const LawTensors tensors = draw(law, shape);
    const Plan plan =
        make_plan(kernel.recipe, kernel.chip, problem_of_law(options, tensors, kernel.chip), {});
    const auto one = coefficients_of(options, plan, tensors.dout);
    if (one.empty()) return {};
    coefficients.push_back(one[0]);
    if (options.progress) options.progress(step + 1, options.steps);
  }
  return coefficients;
}

std::vector<double> of_input(const DriftRunOptions& options, const KernelAndChip& kernel,
                             json& result) {
  if (!has_dout(options)) {
    throw Error(ErrorKind::usage, "drift of an input: found no tensor do, expected one, or --do");
  }
  const ProblemOperands operands = load_operands(options);
  Problem problem = problem_of(options, operands);
  if (!options.multiprocessors) problem.launch.multiprocessors = kernel.chip.multiprocessors;
  const Plan plan = make_plan(kernel.recipe, kernel.chip, problem, {});
  result["inputs"] = inputs_json(operands);
  result["problem"] = problem_json(problem, operands.q, operands.k);
  auto coefficients = coefficients_of(options, plan, operands.dout->codes);
  const auto most = static_cast<size_t>(options.steps);
  coefficients.resize(std::min(coefficients.size(), most));
  return coefficients;
}

json curve_json(const DriftCurve& curve) {
  json norms = json::array();
  for (const double x : curve.norm) norms.push_back(number_json(x));
  return {{"exponent", number_json(curve.exponent)}, {"spectral_norm", std::move(norms)}};
}

}  // namespace

std::optional<json> run_drift(const DriftRunOptions& options) {
  const HostFpGuard guard;
  if (options.steps < 1) throw Error(ErrorKind::usage, "drift needs a step at least");
  const KernelAndChip kernel = kernel_and_chip(options.kernel);
  json result = summary_header("drift", options.command);
  result["schema"] = "ulpscope.drift/1";
  result["kernel"] = std::string(kernel.recipe.name);
  result["chip"] = std::string(kernel.chip.name);
  const bool from_file = has_input(options);
  const auto coefficients = from_file ? of_input(options, kernel, result) : of_law(options, kernel);
  if (coefficients.empty()) return std::nullopt;
  const auto& law = law_table[static_cast<size_t>(options.law.kind)];
  result["source"] = from_file ? "input" : std::string(law.name);
  const int64_t dim = from_file ? result["problem"]["head_dim"].get<int64_t>() : options.shape.dim;
  const Drift drift = drift_of(coefficients, {.dim = dim, .width = dim, .seed = options.seed});
  result["steps"] = coefficients.size();
  result["coefficients"] = coefficients;
  result["cumulative"] = drift.cumulative;
  result["share"] = drift.share;
  result["curves"] = {{"shared", curve_json(drift.shared)},
                      {"random", curve_json(drift.random)},
                      {"flipped", curve_json(drift.flipped)}};
  return result;
}

}  // namespace ulpscope
