// An output as a kernel makes it, some of its sites rounded otherwise: what a user would hand to
// `identify`.
#pragma once

#include "ulpscope/attention/gradients.hpp"
#include "ulpscope/compare/identify.hpp"
#include "ulpscope/compare/judged_run.hpp"

#include <span>
#include <vector>

namespace ulpscope::test {

inline Observed made_output(const Recipe& recipe, const Problem& problem,
                            std::span<const uint16_t> dout,
                            const std::vector<SiteOverride>& overrides, Output output) {
  const Plan plan = make_plan(recipe, chip_named("h200"), problem, overrides);
  JudgedRun run = run_judged(plan, {.threads = 2, .logging = Logging::off});
  const Format format = plan.map[store_site(output)].format;
  if (output == Output::o) return {output, format, std::move(run.o)};
  if (output == Output::lse) return {output, fp32, std::move(run.lse)};
  for (auto& code : run.o) code = detail::widened(plan.map[Site::output_store].format, code);
  const Gradients gradients = run_backward(make_backward_plan(plan, problem),
                                           {.dout = dout, .o = run.o, .lse = run.statistic},
                                           {.threads = 2, .logging = Logging::off});
  Observed made{output, format,
                output == Output::dq   ? gradients.dq
                : output == Output::dk ? gradients.dk
                                       : gradients.dv};
  for (auto& code : made.codes) code = static_cast<uint32_t>(code_of(format, code));
  return made;
}

}  // namespace ulpscope::test
