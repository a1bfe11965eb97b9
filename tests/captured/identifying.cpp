#include "captured/identifying.hpp"

#include "compare/made_output.hpp"
#include <doctest/doctest.h>

namespace ulpscope {

std::set<std::string> kernels_of(const Recorded& recorded, const std::string& prefix,
                                 Output output) {
  const Observation seen{.problem = recorded.problem(),
                         .dout = recorded.dout(),
                         .tensors = {recorded.output(prefix, output)}};
  const Identification found = identify(seen, {.threads = 2, .ranked = 1});
  CHECK(found.changes().empty());
  std::set<std::string> kernels;
  for (const Match& match : found.ranking) {
    if (match.different() == 0 && match.as_it_is && match.chip == "h200") {
      kernels.insert(match.kernel);
    }
  }
  return kernels;
}

std::optional<Observation> made_with(const Recorded& recorded, const Recipe& recipe,
                                     std::string_view change, Output output) {
  const auto made = [&](const std::vector<SiteOverride>& overrides) {
    return test::made_output(recipe, recorded.problem(), recorded.dout(), overrides, output);
  };
  Observed changed = made({parse_override(change)});
  if (changed.codes == made({}).codes) return std::nullopt;
  return Observation{
      .problem = recorded.problem(), .dout = recorded.dout(), .tensors = {std::move(changed)}};
}

}  // namespace ulpscope
