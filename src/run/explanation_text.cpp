#include "explanation_text.hpp"

#include "ulpscope/report/text.hpp"
#include "ulpscope/run/attention_verdict.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

using nlohmann::json;

namespace {

double number(const json& x) { return x.is_number() ? x.get<double>() : std::nan(""); }

// "+0.1655 +- 0.0099 ulp (z +16.7)"
std::string in_numbers(const json& figures) {
  const double mean = number(figures.at("mean_ulp"));
  return fmt::format("{}{} ulp (z {})", mean > 0 ? "+" : "",
                     with_error(mean, number(figures.at("stderr_ulp"))),
                     z_score(number(figures.at("z"))));
}

const json* named(const json& list, const std::string& name) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const json& x) { return x.at("name") == name; });
  return found == list.end() ? nullptr : &*found;
}

// The row of a head in the summary's outputs; null for the whole of several heads.
const json* head_of(const json& summary, const json& tensor) {
  const json* const output = named(summary.at("outputs"), tensor.at("name"));
  if (output == nullptr || !output->contains("heads")) return nullptr;
  const json& heads = output->at("heads");
  if (heads.size() != tensor.at("heads").size()) return nullptr;
  if (heads.size() == 1) return &heads.front();
  return tensor.contains("head") ? &heads[tensor.at("head").get<size_t>()] : nullptr;
}

std::string listed(const std::vector<std::string>& words) {
  if (words.size() < 2) return fmt::format("{}", fmt::join(words, ""));
  return fmt::format("{} and {}", fmt::join(words.begin(), words.end() - 1, ", "), words.back());
}

// " in head 0,8, most in features 20 and 29"
std::string where(const json& summary, const json& tensor) {
  const json* const head = head_of(summary, tensor);
  std::string text;
  if (tensor.at("heads").size() > 1) {
    text = !tensor.contains("head") ? " over all heads"
           : head == nullptr
               ? fmt::format(" in head {}", tensor.at("head").get<int64_t>())
               : fmt::format(" in head {}",
                             fmt::join(head->at("index").get<std::vector<int64_t>>(), ","));
  }
  if (head == nullptr || head->at("most_biased_features").empty()) return text;
  std::vector<std::string> features;
  for (const json& f : head->at("most_biased_features")) {
    features.push_back(fmt::format("{}", f.at("feature").get<int64_t>()));
  }
  return text +
         fmt::format(", most in feature{} {}", features.size() == 1 ? "" : "s", listed(features));
}

// How many of the other biased heads have the same cause.
std::string other_heads(const json& tensor) {
  int biased = 0, same = 0;
  for (const json& head : tensor.at("heads")) {
    if (!head.at("biased").get<bool>()) continue;
    ++biased;
    if (head.contains("cause") && head["cause"]["steps"] == tensor["cause"]["steps"]) ++same;
  }
  return biased < 2 ? "" : fmt::format(", the same in {} of {} biased heads", same, biased);
}

std::string cause_text(const json& tensor) {
  if (!tensor.contains("cause")) return "; no step brings half of it beyond doubt";
  const json& cause = tensor["cause"];
  const auto steps = cause["steps"].get<std::vector<std::string>>();
  std::vector<std::string> brought;
  for (const json& increment : cause["increments"]) brought.push_back(in_numbers(increment));
  return fmt::format("; cause: {}, which {} {}{}", listed(steps),
                     steps.size() == 1 ? "brings" : "bring", listed(brought), other_heads(tensor));
}

std::string remedy_text(const json& tensor) {
  if (!tensor.contains("remedy")) return "; no single step made exact removes it";
  const json& remedy = tensor["remedy"];
  return fmt::format("; {} made exact leaves {}", remedy["step"].get<std::string>(),
                     in_numbers(remedy["left"]));
}

// "; 93 % of O's one-sided error at rows with two or more equal maxima (1,023 of 9,216)"
std::string rows_text(const json& summary, const json& tensor) {
  const json* const output = named(summary.at("outputs"), tensor.at("name"));
  if (output == nullptr || !output->contains("row_kinds")) return "";
  const json& kinds = output->at("row_kinds");
  const json* const all = named(kinds, "all rows");
  const json* const tied = named(kinds, "two or more equal maxima");
  if (all == nullptr || tied == nullptr || !tied->contains("share")) return "";
  return fmt::format("; {:.0f} % of it at rows with two or more equal maxima ({} of {} rows{})",
                     100 * number(tied->at("share")), grouped(tied->at("rows").get<uint64_t>()),
                     grouped(all->at("rows").get<uint64_t>()),
                     tensor.at("heads").size() > 1 ? ", all biased heads counted" : "");
}

// "beta 7 (NaN)", "offset 0.1 (-0.2647 +- 0.0073)"
std::string cure_text(const json& cure) {
  const std::string name = cure["name"].get<std::string>();
  if (cure["outcome"] == "not finite") return name + " (NaN)";
  const json& left = cure["left"];
  const double mean = number(left["mean_ulp"]);
  const auto others = cure["biased_heads"].get<uint64_t>();
  const bool elsewhere = cure["outcome"] != "removed" && std::fabs(number(left["z"])) < 5;
  return fmt::format("{} ({}{}{})", name, mean > 0 ? "+" : "",
                     with_error(mean, number(left["stderr_ulp"])),
                     elsewhere ? fmt::format(" here, biased in {} heads", others) : "");
}

std::string cures_text(const json& summary, const json& tensor) {
  if (tensor.at("name") != "o" || !summary.contains("cures")) return "";
  const json& cures = summary["cures"];
  if (cures.contains("refused")) return "";
  std::vector<std::string> removed, rest, left;
  for (const json& cure : cures["treatments"]) {
    const json& outcome = cure["outcome"];
    (outcome == "removed" ? removed : outcome == "rest" ? rest : left).push_back(cure_text(cure));
  }
  std::string text;
  if (!removed.empty()) text += "; removed by " + listed(removed);
  if (!rest.empty()) text += "; all but removed by " + listed(rest);
  if (!left.empty()) text += "; not by " + listed(left);
  return text;
}

}  // namespace

std::string cause_sentence(const json& summary, const json& tensor) {
  const std::string title = tensor_title(tensor.at("name"));
  if (!tensor.at("biased").get<bool>()) {
    return fmt::format(
        "{} is one-sided by magnitude alone; by value, which the build-up asks, it "
        "is not ({}): no step is accused.",
        title, in_numbers(tensor.at("kernel")));
  }
  return fmt::format("{} is biased by {}{}{}{}{}{}.", title, in_numbers(tensor.at("kernel")),
                     where(summary, tensor), cause_text(tensor), rows_text(summary, tensor),
                     remedy_text(tensor), cures_text(summary, tensor));
}

std::string nobody_sentence(const json& summary) {
  double largest = 0;
  std::string of;
  for (const json& output : summary.at("outputs")) {
    if (!output.contains("heads") || output["name"] == "lse" || output["name"] == "delta") continue;
    const auto consider = [&](const json& figures) {
      for (const char* z : {"z", "z_away"}) {
        if (!(std::fabs(number(figures[z])) > std::fabs(largest))) continue;
        largest = number(figures[z]);
        of = tensor_title(output["name"]);
      }
    };
    consider(output);
    for (const json& head : output["heads"]) consider(head);
  }
  return fmt::format(
      "Nobody is accused: no output is called biased, as a whole or in a head "
      "(largest z {}{}), so no step was switched off and no treatment tried.",
      z_score(largest), of.empty() ? "" : ", of " + of);
}

}  // namespace ulpscope
