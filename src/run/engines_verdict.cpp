#include "engines_verdict.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/trace/bias.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

using nlohmann::json;

namespace {

// "A, B and 3 more".
std::string listed(const std::vector<std::string>& names) {
  constexpr size_t shown = 5;
  const auto end = names.begin() + static_cast<long>(std::min(shown, names.size()));
  const auto text = fmt::format("{}", fmt::join(names.begin(), end, ", "));
  return names.size() <= shown ? text : fmt::format("{} and {} more", text, names.size() - shown);
}

// The engines whose tensor is biased, by value or else by magnitude.
std::vector<std::string> biased_outputs(const EnginesRecord& record,
                                        const EngineTensorResult& tensor) {
  std::vector<std::string> names;
  for (const auto& output : tensor.outputs) {
    const auto summary = summarise(output.errors);
    const bool by_value = is_biased(summary.by_value);
    if (!by_value && !is_biased(summary.by_magnitude)) continue;
    const Bias& bias = by_value ? summary.by_value : summary.by_magnitude;
    names.push_back(fmt::format("{} ({:+.4f} ulp{}, z {:+.1f})",
                                engine_name(record.engines[output.engine].choice), bias.mean,
                                by_value ? "" : " away from zero", bias.z));
  }
  return names;
}

// Elements with different bits between every two engines, over the tensors that both have.
std::vector<std::vector<uint64_t>> all_different_bits(const EnginesRecord& record) {
  const size_t n = record.engines.size();
  std::vector<std::vector<uint64_t>> different(n, std::vector<uint64_t>(n));
  for (const auto& tensor : record.results.tensors) {
    for (const auto& pair : tensor.pairs) {
      const size_t a = tensor.outputs[pair.a].engine;
      const size_t b = tensor.outputs[pair.b].engine;
      different[a][b] += pair.different_bits;
      different[b][a] += pair.different_bits;
    }
  }
  return different;
}

// Which engines agree in every bit of every tensor that they share.
std::string agreement_text(const EnginesRecord& record) {
  const auto different = all_different_bits(record);
  std::vector<std::vector<size_t>> groups;
  for (size_t i = 0; i < record.engines.size(); ++i) {
    if (record.engines[i].plan == nullptr) continue;
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& members) {
      return std::all_of(members.begin(), members.end(),
                         [&](size_t member) { return different[member][i] == 0; });
    });
    if (group == groups.end()) {
      groups.push_back({i});
    } else {
      group->push_back(i);
    }
  }
  std::vector<std::string> equal;
  for (const auto& group : groups) {
    if (group.size() < 2) continue;
    std::vector<std::string> names;
    for (const size_t i : group) names.push_back(engine_name(record.engines[i].choice));
    equal.push_back(fmt::format("{}", fmt::join(names, " = ")));
  }
  if (equal.empty()) return groups.size() > 1 ? " No two engines agree in every bit." : "";
  return fmt::format(" Equal in every bit: {}.", listed(equal));
}

// The kernel furthest from its nearest neighbour, where that is twice as far as for any other; with
// two kernels nobody can say which one is off. The reference is nobody's neighbour.
std::string outlier_text(const EnginesRecord& record, const EngineTensorResult& tensor) {
  const auto is_kernel = [&](size_t output) {
    return record.engines[tensor.outputs[output].engine].choice.recipe->engine == Engine::tiled;
  };
  std::map<size_t, uint64_t> nearest;
  for (const auto& pair : tensor.pairs) {
    if (!is_kernel(pair.a) || !is_kernel(pair.b)) continue;
    for (const size_t x : {pair.a, pair.b}) {
      const auto [at, added] = nearest.try_emplace(x, pair.different_bits);
      at->second = std::min(at->second, pair.different_bits);
    }
  }
  if (nearest.size() < 3) return "";
  std::vector<std::pair<uint64_t, size_t>> by_distance;
  for (const auto& [output, distance] : nearest) by_distance.emplace_back(distance, output);
  std::sort(by_distance.rbegin(), by_distance.rend());
  const auto [distance, output] = by_distance[0];
  if (distance == 0 || distance < 2 * by_distance[1].first) return "";
  return fmt::format("{} in {} ({} of {} elements differ from its nearest)",
                     engine_name(record.engines[tensor.outputs[output].engine].choice),
                     output_name(tensor.tensor), distance, tensor.outputs[output].codes.size());
}

}  // namespace

json engines_verdict(const EnginesRecord& record) {
  const HostFpGuard guard;
  std::vector<std::string> biased;
  std::vector<std::string> biased_lse;
  std::vector<std::string> outliers;
  for (const auto& tensor : record.results.tensors) {
    const auto names = biased_outputs(record, tensor);
    if (tensor.tensor == Output::lse) {
      biased_lse = names;
    } else if (!names.empty()) {
      biased.push_back(fmt::format("{} of {}", output_name(tensor.tensor), listed(names)));
    }
    auto outlier = outlier_text(record, tensor);
    if (!outlier.empty()) outliers.push_back(std::move(outlier));
  }
  std::string text =
      biased.empty() ? "No engine's O or gradients carry a one-sided error."
                     : fmt::format("One-sided error against exact: {}.", fmt::join(biased, "; "));
  if (!biased_lse.empty()) {
    text += fmt::format(" LSE, in ulps of binary32, is one-sided in {}.", listed(biased_lse));
  }
  text += agreement_text(record);
  if (!outliers.empty())
    text += fmt::format(" Apart from the rest: {}.", fmt::join(outliers, ", "));
  return {{"status", biased.empty() ? "unbiased" : "biased"}, {"text", text}};
}

}  // namespace ulpscope
