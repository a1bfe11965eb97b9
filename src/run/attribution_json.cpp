#include "attribution_json.hpp"

#include "ulpscope/run/summary_writer.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
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

json effect_json(const SuspectEffect& effect, size_t part) {
  return {{"name", effect.suspect.name()},
          {"step", effect.suspect.step()},
          {"kind", effect.suspect.choice == nullptr ? "site" : "choice"},
          {"exact_here", figures_json(effect.left[part])},
          {"removed", figures_json(effect.removed[part])},
          {"exact_elsewhere", figures_json(effect.alone[part])},
          {"increment", figures_json(effect.increment[part])}};
}

std::vector<std::string_view> names_of(const Cause& cause) {
  std::vector<std::string_view> names;
  for (const auto& suspect : cause.suspects) names.push_back(suspect.name());
  return names;
}

std::string remedy_text(const TensorAttribution& t, size_t part, const Cause& cause) {
  const auto remedy = t.remedy(part);
  if (!remedy) return "no single step made exact removes it, for what it rounds is rounded again";
  const bool is_cause = cause.suspects.size() == 1 && cause.suspects[0] == remedy->suspect;
  return fmt::format("{} made exact leaves {:+.3f}",
                     is_cause ? "it alone" : std::string(remedy->suspect.name()) + " alone",
                     remedy->left.bias.mean);
}

std::string verdict(const TensorAttribution& t, size_t part) {
  const Bias& bias = t.kernel[part].bias;
  if (!t.biased(part)) return fmt::format("not biased (z {:+.1f}): nobody is accused", bias.z);
  const auto cause = t.cause(part);
  if (!cause) {
    return fmt::format("biased by {:+.3f} ulp (z {:+.1f}); no step brings half of it beyond doubt",
                       bias.mean, bias.z);
  }
  const bool alone = cause->suspects.size() == 1;
  return fmt::format(
      "{} {}: {} {:+.3f} of {:+.3f} ulp (z {:+.1f}); {}", fmt::join(names_of(*cause), ", "),
      alone ? "causes the bias" : "cause the bias together", alone ? "it brings" : "they bring",
      cause->brought, bias.mean, bias.z, remedy_text(t, part, *cause));
}

// Of the steps of a cause.
json increments_json(const TensorAttribution& t, size_t part, const Cause& cause) {
  json result = json::array();
  for (const Suspect& suspect : cause.suspects) {
    const auto effect = std::find_if(t.effects.begin(), t.effects.end(),
                                     [&](const auto& e) { return e.suspect == suspect; });
    result.push_back(figures_json(effect->increment[part]));
  }
  return result;
}

// The tensor as a whole is no head.
json part_json(const TensorAttribution& t, size_t part) {
  json result{{"biased", t.biased(part)},
              {"verdict", verdict(t, part)},
              {"kernel", figures_json(t.kernel[part])}};
  if (part > 0) result["head"] = part - 1;
  if (const auto cause = t.cause(part)) {
    result["cause"] = {{"steps", names_of(*cause)},
                       {"brought_ulp", number_json(cause->brought)},
                       {"increments", increments_json(t, part, *cause)}};
  }
  if (const auto remedy = t.remedy(part)) {
    result["remedy"] = {{"step", remedy->suspect.name()}, {"left", figures_json(remedy->left)}};
  }
  return result;
}

}  // namespace

json tensor_json(const TensorAttribution& t) {
  const size_t subject = t.subject();
  json result = part_json(t, subject);
  result["name"] = name_of(t.tensor);
  result["whole"] = figures_json(t.kernel.front());
  result["everything_exact"] = figures_json(t.exact[subject]);
  json steps = json::array();
  for (const auto& effect : t.effects) steps.push_back(effect_json(effect, subject));
  result["steps"] = steps;
  json heads = json::array();
  for (size_t part = 1; part < t.kernel.size(); ++part) heads.push_back(part_json(t, part));
  result["heads"] = heads;
  return result;
}

}  // namespace ulpscope
