#include "ulpscope/run/compare_summary.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/text.hpp"
#include "ulpscope/round/text.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/run/summary_writer.hpp"
#include "ulpscope/trace/bias.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

using nlohmann::json;

namespace {

json index_json(size_t flat, const std::vector<int64_t>& axes) {
  std::vector<size_t> index(axes.size());
  for (size_t axis = axes.size(); axis-- > 0;) {
    const auto size = static_cast<size_t>(axes[axis]);
    index[axis] = flat % size;
    flat /= size;
  }
  return index;
}

json group_json(const Group& group) {
  json result = bias_json(group.errors);
  result.update({{"name", group.name},
                 {"different_bits", group.different},
                 {"one_sided", is_one_sided(group)}});
  return result;
}

// " One-sided: 1 of 8 row tiles, 3 of 64 features."; empty where no group is called.
std::string one_sided_groups(const Breakdown& breakdown) {
  constexpr std::array plurals{"signs", "binades", "row tiles", "features", "heads"};
  static_assert(plurals.size() == division_names.size());
  std::string text;
  for (size_t d = 0; d < plurals.size(); ++d) {
    const auto groups = breakdown.groups(static_cast<Division>(d));
    const auto called = std::count_if(groups.begin(), groups.end(), is_one_sided);
    if (called == 0 || groups.size() == 1) continue;
    text += fmt::format("{} {} of {} {}", text.empty() ? " One-sided:" : ",", called, groups.size(),
                        plurals[d]);
  }
  return text.empty() ? "" : text + ".";
}

std::string rounding_names(const FittedRounding& fitted) {
  std::string names;
  for (const auto& rounding : fitted.roundings) {
    names += (names.empty() ? "" : ", ") + rounding_name(rounding);
  }
  return names;
}

}  // namespace

json element_json(const Format& format, uint64_t code) {
  const double value = double_value(format, code);
  return {{"bits", code_text(format, code)},
          {"fields", fields_text(format, code)},
          {"value", number_json(value)},
          {"hex_float", fmt::format("{:a}", value)}};
}

BitCounts count_bits(const OneTensor& a, const OneTensor& b) {
  const HostFpGuard guard;
  BitCounts counts;
  for (size_t i = 0; i < a.codes.size(); ++i) {
    counts.add(i, {a.format, a.codes[i]}, {b.format, b.codes[i]});
  }
  return counts;
}

json comparison_json(const OneTensor& a, const OneTensor& b, const BitCounts& counts,
                     const std::vector<int64_t>& axes) {
  json by_distance;
  for (size_t i = 0; i < distance_buckets.size(); ++i) {
    by_distance[std::string(distance_buckets[i].name)] = counts.distances[i];
  }
  json result{{"a", a.where},
              {"b", b.where},
              {"elements", a.codes.size()},
              {"different_bits", counts.different_bits},
              {"different_values", counts.different_values},
              {"max_ulp", counts.largest_distance},
              {"ulp_buckets", by_distance},
              {"nan_mismatch", counts.nan_mismatch},
              {"inf_mismatch", counts.inf_mismatch}};
  if (counts.first_different) {
    const size_t i = *counts.first_different;
    json& first = result["first_difference"];
    first = {{"index", index_json(i, axes)},
             {"a", element_json(a.format, a.codes[i])},
             {"b", element_json(b.format, b.codes[i])}};
    const auto apart = distance({a.format, a.codes[i]}, {b.format, b.codes[i]});
    if (apart) first["ulp"] = *apart;
  }
  return result;
}

json breakdown_json(const Breakdown& breakdown) {
  json result = json::array();
  for (size_t d = 0; d < division_names.size(); ++d) {
    json groups = json::array();
    for (const auto& group : breakdown.groups(static_cast<Division>(d))) {
      groups.push_back(group_json(group));
    }
    result.push_back({{"by", std::string(division_names[d])}, {"groups", std::move(groups)}});
  }
  return result;
}

json fit_json(const ModeFit& fit, const OneTensor& wide, const OneTensor& observed) {
  json ranking = json::array();
  for (const auto& row : fit.ranking) {
    json names = json::array();
    for (const auto& rounding : row.roundings) names.push_back(rounding_name(rounding));
    ranking.push_back({{"roundings", std::move(names)}, {"explained", row.explained}});
  }
  return {{"wide", wide.where},
          {"observed", observed.where},
          {"from", format_name(wide.format)},
          {"to", format_name(observed.format)},
          {"elements", fit.elements},
          {"telling", fit.telling},
          {"either_neighbour", fit.either_neighbour},
          {"ranking", std::move(ranking)}};
}

json bits_verdict(const BitCounts& counts, const ErrorStatistics& errors, const Breakdown& groups) {
  const uint64_t elements = errors.moments.count;
  if (counts.different_bits == 0) {
    return {{"status", "equal"},
            {"text", fmt::format("All {} elements are equal, bit for bit.", elements)}};
  }
  const Bias bias = summarise(errors).by_value;
  return {{"status", "different"},
          {"text",
           fmt::format("{} of {} elements differ in bits, {} in value; the largest distance "
                       "is {} ulp. Mean signed error of A against B {:+.4f} ulp (z {:+.1f}): "
                       "{}.{}",
                       counts.different_bits, elements, counts.different_values,
                       counts.largest_distance, bias.mean, bias.z,
                       is_biased(bias) ? "one-sided" : "not one-sided", one_sided_groups(groups))}};
}

// "rz explains 100 % of 65,536 elements", and the next best.
json fit_verdict(const ModeFit& fit) {
  const auto share = [&](const FittedRounding& row) {
    return fmt::format("{} {} {}", rounding_names(row),
                       row.roundings.size() == 1 ? "explains" : "explain",
                       percent(row.explained, fit.elements));
  };
  const auto& ranking = fit.ranking;
  std::string text = fmt::format("{} of {} elements", share(ranking[0]), grouped(fit.elements));
  if (ranking.size() > 1) text += fmt::format(", {}", share(ranking[1]));
  text += ".";
  if (fit.telling == 0) text += " No element tells roundings apart.";
  if (!fit.is_explained()) {
    text += fmt::format(" Elements that are not even a neighbour of the wide value: {}.",
                        grouped(fit.elements - fit.either_neighbour));
  }
  return {{"status", fit.is_explained() ? "equal" : "different"}, {"text", text}};
}

}  // namespace ulpscope
