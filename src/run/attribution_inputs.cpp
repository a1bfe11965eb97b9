#include "attribution_inputs.hpp"

#include "ulpscope/run/kernel_name.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

ProblemOperands operands_of(const AttributeOptions& options) {
  ProblemOptions possible = options;
  const auto [recipe, chip] = kernel_and_chip(options.kernel);
  if (recipe.backward == nullptr) possible.backward = BackwardChoice::off;
  return load_operands(possible);
}

Problem problem_with_chip(const AttributeOptions& options, const ProblemOperands& operands) {
  Problem problem = problem_of(options, operands);
  const auto [recipe, chip] = kernel_and_chip(options.kernel);
  if (!options.multiprocessors) problem.launch.multiprocessors = chip.multiprocessors;
  return problem;
}

}  // namespace

AttributionInputs::AttributionInputs(const AttributeOptions& options)
    : operands_(operands_of(options)),
      problem_(problem_with_chip(options, operands_)),
      plan_(plan_of(options, problem_)) {
  if (operands_.dout) backward_ = backward_plan_of(options, plan_, problem_);
}

AttributionProblem AttributionInputs::problem() const {
  if (!backward_) return {.plan = plan_};
  return {.plan = plan_, .backward = &*backward_, .dout = operands_.dout->codes};
}

nlohmann::json AttributionInputs::header(const AttributeOptions& options,
                                         const char* schema) const {
  nlohmann::json result = summary_header("attribution", options.command);
  result["schema"] = schema;
  result["kernel"] = std::string(plan_.recipe->name);
  result["chip"] = std::string(plan_.chip->name);
  result["inputs"] = inputs_json(operands_);
  result["problem"] = problem_json(problem_, operands_.q, operands_.k);
  return result;
}

}  // namespace ulpscope
