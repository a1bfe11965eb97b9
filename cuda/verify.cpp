// All checks against the card, in a row: gpu::verify.
#include "hardware/checks.hpp"

namespace ulpscope::gpu {

std::vector<ModelCheck> verify(const VerifyOptions& options) {
  device();
  std::vector<ModelCheck> checks;
  const cuda::Report report = [&](const ModelCheck& check) {
    checks.push_back(check);
    if (options.each) options.each(check);
  };
  const auto stopped = [&] { return options.stop != nullptr && options.stop->load(); };
  if (!stopped()) cuda::check_special_functions(report, nullptr);
  if (!stopped()) cuda::check_conversions(report, nullptr);
  if (!stopped()) cuda::check_arithmetic(options.triples, report);
  if (!stopped()) cuda::check_fused_sums(options.chip, options.sums, report, nullptr);
  return checks;
}

}  // namespace ulpscope::gpu
