#include "ulpscope/run/attention_verdict.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/breakdown.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

using nlohmann::json;

namespace {

constexpr size_t heads_named = 4;
constexpr size_t features_named = 4;

std::string grouped_count(uint64_t count) {
  std::string text = fmt::format("{}", count);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

// "mean -0.1814 ulp (standard error 0.0084, z -21.6, 589,824 elements)"
std::string in_numbers(const Bias& bias, SignedBy by, uint64_t count) {
  return fmt::format("mean {:+.4f} ulp{} (standard error {:.4f}, z {:+.1f}, {} elements)",
                     bias.mean, by == SignedBy::magnitude ? " away from zero" : "",
                     bias.standard_error, bias.z, grouped_count(count));
}

uint64_t judged(const ErrorStatistics& errors) {
  return errors.moments.count - errors.moments.skipped;
}

std::string shown_name(const OutlineTensor& tensor) { return tensor_title(tensor.name); }

// Batch and head of the tensor, of the first one where the pass had folded some into one.
std::array<int64_t, 2> head_index(const OutlineTensor& tensor, int64_t outer) {
  const int64_t first = outer * tensor.tally_rows / tensor.sizes[2];
  return {first / tensor.sizes[1], first % tensor.sizes[1]};
}

struct CalledHead {
  int64_t outer;
  const HeadErrors* errors;
  CalledBias bias;
};

struct Finding {
  const OutlineTensor* tensor;
  const ErrorTally* tally;
  std::optional<CalledBias> whole;
  std::vector<CalledHead> heads;  // the largest bias first

  bool is_biased() const { return whole || !heads.empty(); }
};

Finding finding_of(const OutlineTensor& tensor, const ErrorTally& tally) {
  Finding finding{&tensor, &tally, called_bias(tally.statistics()), {}};
  for (const auto& [outer, head] : tally.heads()) {
    if (const auto bias = called_bias(head.all)) finding.heads.push_back({outer, &head, *bias});
  }
  std::stable_sort(finding.heads.begin(), finding.heads.end(), [](const auto& a, const auto& b) {
    return std::fabs(a.bias.bias.mean) > std::fabs(b.bias.bias.mean);
  });
  return finding;
}

// O and the gradients, as many as there are.
std::vector<Finding> findings_of(const Outline& outline, const RunTotals& totals) {
  std::vector<Finding> findings;
  for (size_t i = 0; i < outline.tensors.size(); ++i) {
    const OutlineTensor& tensor = outline.tensors[i];
    if (tensor.name == "lse" || tensor.name == "delta") continue;
    findings.push_back(finding_of(tensor, totals.tensors[i]));
  }
  return findings;
}

std::string biased_text(const Finding& f) {
  const std::string heads =
      fmt::format("in {} of {} heads", f.heads.size(), f.tally->heads().size());
  if (f.whole) {
    return fmt::format("is biased: {}, {}",
                       in_numbers(f.whole->bias, f.whole->by, judged(f.tally->statistics())),
                       heads);
  }
  const Bias whole = summarise(f.tally->statistics()).by_value;
  return fmt::format("is biased {}; over all heads not: {}", heads,
                     in_numbers(whole, SignedBy::value, judged(f.tally->statistics())));
}

std::string unbiased_text(const Finding& f) {
  const Bias whole = summarise(f.tally->statistics()).by_value;
  return in_numbers(whole, SignedBy::value, judged(f.tally->statistics()));
}

std::string headline(const std::string& kernel, const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& f : findings) {
    if (!f.is_biased()) continue;
    text += fmt::format("{}{}{} {}", text.empty() ? "" : "; ", shown_name(*f.tensor),
                        text.empty() ? " of " + kernel : "", biased_text(f));
  }
  if (!text.empty()) return text + ".";
  const Finding& o = findings.front();
  std::string others;
  for (size_t i = 1; i < findings.size(); ++i) {
    others += (i == 1                     ? ""
               : i + 1 == findings.size() ? " and "
                                          : ", ") +
              shown_name(*findings[i].tensor);
  }
  text = fmt::format(
      "O of {} carries no one-sided error: {}; the largest error of an element is "
      "{:.3f} ulp.",
      kernel, unbiased_text(o),
      static_cast<double>(o.tally->statistics().moments.largest) / 4294967296.0);
  if (!others.empty()) text += fmt::format(" Nor do {}.", others);
  return text;
}

// Those of `called` that err most, the largest first.
std::vector<size_t> most_biased(std::vector<size_t> called,
                                const std::vector<FeatureBias>& features) {
  std::stable_sort(called.begin(), called.end(), [&](size_t a, size_t b) {
    return std::fabs(features[a].mean) > std::fabs(features[b].mean);
  });
  called.resize(std::min(called.size(), features_named));
  return called;
}

// "20 (-0.41 ulp, z -60.1), 29 (...)": those called, of the head's sign.
std::string features_text(const CalledHead& head) {
  const auto& features = head.errors->features;
  std::vector<size_t> called;
  for (size_t d = 0; d < features.size(); ++d) {
    const bool same_sign =
        head.bias.by == SignedBy::magnitude || (features[d].mean < 0) == (head.bias.bias.mean < 0);
    if (features[d].one_sided && same_sign) called.push_back(d);
  }
  std::string text = fmt::format("{} of {} features in themselves ({} rows each)", called.size(),
                                 features.size(), grouped_count(features.front().count));
  std::string_view before = ", most in";
  for (const size_t d : most_biased(called, features)) {
    const FeatureBias& f = features[d];
    text += fmt::format("{} {} ({:+.3f} +- {:.3f} ulp, z {:+.1f})", before, d, f.mean,
                        f.standard_error, f.z);
    before = ",";
  }
  return text;
}

void add_heads(const Finding& f, json& reasons) {
  for (size_t i = 0; i < std::min(f.heads.size(), heads_named); ++i) {
    const CalledHead& head = f.heads[i];
    const auto [batch, number] = head_index(*f.tensor, head.outer);
    reasons.push_back(fmt::format(
        "{}, head {},{}: {}; {}.", shown_name(*f.tensor), batch, number,
        in_numbers(head.bias.bias, head.bias.by, judged(head.errors->all)), features_text(head)));
  }
  if (f.heads.size() > heads_named) {
    reasons.push_back(fmt::format("{}: {} more heads are biased, by less.", shown_name(*f.tensor),
                                  f.heads.size() - heads_named));
  }
}

double sum_by(const ErrorStatistics& errors, SignedBy by) {
  const int128 sum = by == SignedBy::value ? errors.moments.sum : errors.moments.sum_away;
  return static_cast<double>(sum);
}

// How much of the one-sided error of the called heads, or of the whole where no head is called, is
// in `part`. More than all where the other rows err the other way.
double share_of(const Finding& o, const ErrorTally& part) {
  double in_part = 0;
  double all = 0;
  const auto add = [&](const ErrorStatistics& whole, const ErrorStatistics& some, SignedBy by) {
    const double sum = sum_by(whole, by);
    all += std::fabs(sum);
    in_part += std::copysign(1.0, sum) * sum_by(some, by);
  };
  for (const CalledHead& head : o.heads) {
    const auto some = part.heads().find(head.outer);
    add(head.errors->all, some == part.heads().end() ? ErrorStatistics{} : some->second.all,
        head.bias.by);
  }
  if (o.heads.empty() && o.whole) add(o.tally->statistics(), part.statistics(), o.whole->by);
  return all > 0 ? in_part / all : std::nan("");
}

std::string rows_of(int64_t part, int64_t all) {
  return fmt::format("{} of {} rows", grouped_count(static_cast<uint64_t>(part)),
                     grouped_count(static_cast<uint64_t>(all)));
}

// "96 % of it (1,023 of 1,024 rows: mean ...)"; where only heads are biased, their means stand
// above.
std::string part_text(const Finding& o, const ErrorTally& part, const std::string& rows) {
  if (!o.whole) {
    return fmt::format("{:.0f} % of it ({}, all heads counted)", 100 * share_of(o, part), rows);
  }
  const Bias bias = summarise(part.statistics()).by_value;
  return fmt::format("{:.0f} % of it ({}: {})", 100 * share_of(o, part), rows,
                     in_numbers(bias, SignedBy::value, judged(part.statistics())));
}

std::string biased_rows(const Finding& o, const RunTotals& totals) {
  const RowCensus& rows = totals.rows;
  const auto part = [&](const ErrorTally& tally, int64_t count) {
    return part_text(o, tally, rows_of(count, rows.rows));
  };
  if (rows.tied == 0) return "No row has two or more equal maxima: the resonance is not the cause.";
  std::string text =
      fmt::format("Where O's error lies{}: at rows with two or more equal maxima {}",
                  o.heads.empty() ? "" : " in these heads", part(totals.o_by_rows.tied, rows.tied));
  if (rows.at_risk == 0) return text + "; no row is at risk of the resonance.";
  return text + fmt::format("; at those of them at risk of the resonance {}.",
                            part(totals.o_by_rows.at_risk, rows.at_risk));
}

std::string unbiased_rows(const Format& output, const RowCensus& rows) {
  const std::string at_risk =
      fmt::format("{} at risk of the resonance", rows_of(rows.at_risk, rows.rows));
  if (rows.tied == 0) return at_risk + ": none has two or more equal maxima.";
  const RiskWindow window = risk_window(output, 2);
  const double median = rows.median_residual();
  const std::string_view where = median >= window.most   ? "above"
                                 : median < window.least ? "below"
                                                         : "inside";
  return fmt::format(
      "{}: {} have two or more equal maxima, and beside these half of them carry a "
      "residual mass of {:.2g} or more, {} the window of {:.1e} to {:.1e} in which "
      "ties are broken one way.",
      at_risk, grouped_count(static_cast<uint64_t>(rows.tied)), median, where, window.least,
      window.most);
}

}  // namespace

std::string tensor_title(const std::string& name) {
  static const std::map<std::string, std::string> titles{
      {"o", "O"}, {"dq", "dQ"}, {"dk", "dK"}, {"dv", "dV"}};
  const auto found = titles.find(name);
  return found == titles.end() ? name : found->second;
}

std::optional<CalledBias> called_bias(const ErrorStatistics& errors) {
  if (errors.moments.larger + errors.moments.smaller < fewest_errors) return std::nullopt;
  const BiasSummary summary = summarise(errors);
  if (is_biased(summary.by_value)) return CalledBias{summary.by_value, SignedBy::value};
  if (is_biased(summary.by_magnitude)) return CalledBias{summary.by_magnitude, SignedBy::magnitude};
  return std::nullopt;
}

json judged_verdict(const Outline& outline, const RunTotals& totals, const std::string& site) {
  const HostFpGuard guard;
  const auto findings = findings_of(outline, totals);
  const Finding& o = findings.front();
  json biased = json::array();
  for (const Finding& f : findings) {
    if (f.is_biased()) biased.push_back(f.tensor->name);
  }
  json reasons = json::array();
  for (const Finding& f : findings) add_heads(f, reasons);
  if (totals.rows.rows > 0) {
    reasons.push_back(o.is_biased() ? biased_rows(o, totals)
                                    : unbiased_rows(o.tensor->format, totals.rows));
  }
  if (!site.empty()) reasons.push_back(site);
  return {{"status", biased.empty() ? "unbiased" : "biased"},
          {"biased", biased},
          {"text", headline(outline.summary.at("kernel").at("name"), findings)},
          {"reasons", reasons}};
}

json row_kinds_json(const Outline& outline, const RunTotals& totals) {
  const HostFpGuard guard;
  json kinds = json::array();
  if (totals.rows.rows == 0) return kinds;
  const Finding o = finding_of(outline.tensors.front(), totals.tensors.front());
  const auto add = [&](const char* name, int64_t rows, const ErrorTally& tally) {
    const Bias bias = summarise(tally.statistics()).by_value;
    kinds.push_back({{"name", name},
                     {"rows", rows},
                     {"count", judged(tally.statistics())},
                     {"mean_ulp", number_json(bias.mean)},
                     {"stderr_ulp", number_json(bias.standard_error)},
                     {"z", number_json(bias.z)}});
    if (o.is_biased()) kinds.back()["share"] = number_json(share_of(o, tally));
  };
  add("all rows", totals.rows.rows, totals.tensors.front());
  add("two or more equal maxima", totals.rows.tied, totals.o_by_rows.tied);
  add("at risk", totals.rows.at_risk, totals.o_by_rows.at_risk);
  return kinds;
}

namespace {

json features_json(const std::vector<FeatureBias>& features) {
  std::vector<size_t> called;
  for (size_t d = 0; d < features.size(); ++d) {
    if (features[d].one_sided) called.push_back(d);
  }
  json result = json::array();
  for (const size_t d : most_biased(called, features)) {
    result.push_back({{"feature", d},
                      {"mean_ulp", number_json(features[d].mean)},
                      {"stderr_ulp", number_json(features[d].standard_error)},
                      {"z", number_json(features[d].z)}});
  }
  return result;
}

}  // namespace

json heads_json(const OutlineTensor& tensor, const ErrorTally& tally) {
  const HostFpGuard guard;
  json heads = json::array();
  for (const auto& [outer, head] : tally.heads()) {
    const BiasSummary bias = summarise(head.all);
    const auto& features = head.features;
    heads.push_back(
        {{"index", head_index(tensor, outer)},
         {"count", judged(head.all)},
         {"mean_ulp", number_json(bias.by_value.mean)},
         {"stderr_ulp", number_json(bias.by_value.standard_error)},
         {"z", number_json(bias.by_value.z)},
         {"z_away", number_json(bias.by_magnitude.z)},
         {"one_sided", called_bias(head.all).has_value()},
         {"one_sided_features", std::count_if(features.begin(), features.end(),
                                              [](const auto& f) { return f.one_sided; })},
         {"most_biased_features", features_json(features)}});
  }
  return heads;
}

}  // namespace ulpscope
