// A kernel and a problem out of the options of `attribute`, resolved.
#pragma once

#include "ulpscope/analysis/attribution.hpp"
#include "ulpscope/run/attribute_run.hpp"

#include <optional>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

class AttributionInputs {
 public:
  // Without a backward pass of the kernel, `do` is left out.
  explicit AttributionInputs(const AttributeOptions& options);
  AttributionInputs(const AttributionInputs&) = delete;
  AttributionInputs& operator=(const AttributionInputs&) = delete;

  const Plan& plan() const { return plan_; }
  AttributionProblem problem() const;
  // What results open with.
  nlohmann::json header(const AttributeOptions& options, const char* schema) const;

 private:
  ProblemOperands operands_;
  Problem problem_;
  Plan plan_;
  std::optional<BackwardPlan> backward_;
};

}  // namespace ulpscope
