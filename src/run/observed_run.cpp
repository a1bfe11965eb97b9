#include "ulpscope/run/observed_run.hpp"

#include "ulpscope/report/text.hpp"
#include "ulpscope/run/kernel_name.hpp"
#include "ulpscope/trace/site.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

// "probability_cast=bf16:rz, output_store=fp32" -> both names, each once.
std::vector<std::string> steps_of(const std::string& change) {
  std::vector<std::string> steps;
  for (size_t at = 0; at < change.size();) {
    const size_t end = std::min(change.find(", ", at), change.size());
    const auto step = change.substr(at, change.find('=', at) - at);
    if (std::find(steps.begin(), steps.end(), step) == steps.end()) steps.push_back(step);
    at = std::min(end + 2, change.size());
  }
  return steps;
}

// Choices, which hold from the start, before all sites.
int64_t place_of(const std::string& change) {
  const std::string step = change.substr(0, change.find('='));
  const auto* const row = std::find_if(site_table.begin(), site_table.end(),
                                       [&](const SiteRow& r) { return r.name == step; });
  return row == site_table.end() ? -1 : row - site_table.begin();
}

// What was changed, in words of a change; empty for the kernel that was meant.
std::string change_of(const json& match, const Chip& meant) {
  const auto change = match["change"].get<std::string>();
  const auto chip = match["chip"].get<std::string>();
  if (chip != meant.name) {
    return fmt::format("accumulator={}{}{}", chip, change.empty() ? "" : ", ", change);
  }
  return match["as_it_is"].get<bool>() ? "" : change;
}

std::vector<json> candidates_of(const json& identification, const Chip& meant) {
  std::vector<json> all;
  for (const json& match : identification["ranking"]) {
    all.push_back({{"change", change_of(match, meant)},
                   {"different_bits", match["different_bits"]},
                   {"outputs", match["outputs"]}});
  }
  std::stable_sort(all.begin(), all.end(), [](const json& a, const json& b) {
    const auto key = [](const json& x) {
      return std::pair(x["different_bits"].get<int64_t>(),
                       place_of(x["change"].get<std::string>()));
    };
    return key(a) < key(b);
  });
  // The kernel as it is once, not in every layout that its library may pick.
  bool seen = false;
  std::erase_if(all, [&](const json& x) {
    return x["change"].get<std::string>().empty() && std::exchange(seen, true);
  });
  return all;
}

}  // namespace

std::optional<json> run_observed(const IdentifyRunOptions& options) {
  const auto identification = run_identify(options);
  if (!identification) return std::nullopt;
  const auto [recipe, chip] = kernel_and_chip(options.meant);
  const auto candidates = candidates_of(*identification, chip);
  std::vector<std::string> accused;
  bool clean = false;
  for (const json& candidate : candidates) {
    if (candidate["different_bits"] != 0) break;
    const auto change = candidate["change"].get<std::string>();
    clean = clean || change.empty();
    for (const auto& step : steps_of(change)) {
      if (std::find(accused.begin(), accused.end(), step) == accused.end()) accused.push_back(step);
    }
  }
  if (clean) accused.clear();
  json result{{"schema", "ulpscope.accusation/1"},
              {"kernel", recipe.name},
              {"chip", chip.name},
              {"clean", clean},
              {"accused", accused},
              {"elements", (*identification)["ranking"][0]["elements"]},
              {"candidates", candidates}};
  for (const char* field : {"tool", "command", "inputs", "observed", "tried"}) {
    result[field] = (*identification)[field];
  }
  return result;
}

namespace {

std::string verdict(const json& accusation) {
  const std::string all = grouped(accusation["elements"].get<uint64_t>());
  if (accusation["clean"].get<bool>()) {
    return fmt::format("nobody is accused: all {} elements agree\n", all);
  }
  const json& first = accusation["candidates"][0];
  const auto change = first["change"].get<std::string>();
  if (!accusation["accused"].empty()) {
    return fmt::format("accused: {} (change {} gives all {} elements)\n",
                       fmt::join(steps_of(change), " and "), change, all);
  }
  return fmt::format("unexplained: no change gives all {} elements; {} leaves {}\n", all,
                     change.empty() ? "the kernel as it is" : "change " + change,
                     grouped(first["different_bits"].get<uint64_t>()));
}

std::string outputs_text(const json& outputs) {
  std::string text;
  for (const json& output : outputs) {
    text += fmt::format("  {} {}", output["output"].get<std::string>(),
                        output["different_bits"].get<int64_t>());
  }
  return text;
}

}  // namespace

std::string observed_text(const json& accusation) {
  constexpr size_t most_lines = 8;
  std::string text = verdict(accusation);
  if (accusation["clean"].get<bool>()) return text;
  const json& candidates = accusation["candidates"];
  text += fmt::format("\n{:<40} {:>12}  of them\n", "change", "left");
  for (size_t i = 0; i < std::min(candidates.size(), most_lines); ++i) {
    const auto change = candidates[i]["change"].get<std::string>();
    text += fmt::format("{:<40} {:>12}{}\n", change.empty() ? "(the kernel)" : change,
                        grouped(candidates[i]["different_bits"].get<uint64_t>()),
                        outputs_text(candidates[i]["outputs"]));
  }
  return text + fmt::format("{} changes tried\n", accusation["tried"].get<int64_t>());
}

}  // namespace ulpscope
