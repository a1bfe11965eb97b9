#include "comparison_text.hpp"

#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <cmath>

#include "history_text.hpp"
#include "text_table.hpp"
#include <fmt/format.h>

namespace ulpscope::detail {
namespace {

constexpr std::size_t groups_shown = 3;
constexpr std::size_t fits_shown = 8;

std::string counts_text(const ComparisonRow& row) {
  std::string out = "a  " + shortened(visible(row.a), widest_line - 3) + "\n";
  out += "b  " + shortened(visible(row.b), widest_line - 3) + "\n";
  out +=
      wrapped(fmt::format("{} elements, {} with different bits ({}), {} with different values, "
                          "at most {} ulp apart",
                          grouped(row.elements), grouped(row.different_bits),
                          percent(row.different_bits, row.elements), grouped(row.different_values),
                          std::isnan(row.max_ulp) ? "-" : real(row.max_ulp, 6)),
              2);
  std::vector<TextColumn> table = {{"ulp", {}}, {"", {}}, {"elements", {}}, {"share", {}}};
  for (const auto& [name, count] : row.ulp_buckets) {
    table[0].cells.push_back(name);
    table[1].cells.emplace_back();
    table[2].cells.push_back(grouped(count));
    table[3].cells.push_back(percent(count, row.elements));
  }
  out += "\n" + aligned(table);
  if (row.nan_mismatch.value_or(0) + row.inf_mismatch.value_or(0) > 0) {
    out += fmt::format("on one side only: NaN {}, infinity {}\n", count_text(row.nan_mismatch),
                       count_text(row.inf_mismatch));
  }
  return out;
}

std::string element_text(const ElementRow& element) {
  std::string out = visible(element.bits);
  for (const auto& part : {element.fields, real(element.value, 17), element.hex_float}) {
    if (!part.empty()) out += "  " + visible(part);
  }
  return shortened(out, widest_line - 5) + "\n";
}

std::string first_difference_text(const FirstDifferenceRow& first) {
  const std::string apart =
      std::isnan(first.ulp) ? "" : fmt::format(", {} ulp apart", real(first.ulp, 6));
  return fmt::format("first difference at ({}){}\n  a  {}  b  {}", fmt::join(first.index, ", "),
                     apart, element_text(first.a), element_text(first.b));
}

// An asterisk where the group is called, not at every large z: three equal errors have one, too.
std::string group_z_text(double z, const GroupRow& group) {
  return std::isnan(z) ? "- "
                       : z_score(z) + (group.one_sided && std::fabs(z) >= called_z ? "*" : " ");
}

std::string breakdown_text(const std::vector<DivisionRow>& breakdown) {
  std::vector<TextColumn> table = {{"by", {}},      {"", {}},         {"different", {}},
                                   {"of", {}},      {"mean ulp", {}}, {"z ", {}},
                                   {"away z ", {}}, {"max |ulp|", {}}};
  for (const DivisionRow& division : breakdown) {
    if (division.groups.size() < 2) continue;  // all elements: they have a table of their own
    const auto worst = worst_groups(division, groups_shown);
    const std::string name = shortened(visible(division.by), 12);
    const std::string head =
        worst.size() == division.groups.size()
            ? name
            : fmt::format("{}, {} of {}", name, worst.size(), grouped(division.groups.size()));
    for (const GroupRow* group : worst) {
      add_row(table, {group == worst.front() ? head : "", shortened(visible(group->name), 20),
                      compact(group->different_bits), compact(group->count),
                      mean_text(group->mean_ulp, group->stderr_ulp), group_z_text(group->z, *group),
                      group_z_text(group->z_away, *group),
                      std::isnan(group->max_abs_ulp) ? "-" : real(group->max_abs_ulp, 4)});
    }
  }
  return table[0].cells.empty() ? "" : "\n" + aligned(table);
}

std::string fit_text(const FitRow& fit) {
  const std::string head = fmt::format("{} into {}", visible(fit.from), visible(fit.to));
  std::vector<TextColumn> table = {{head, {}}, {"", {}}, {"explained", {}}, {"share", {}}};
  const std::size_t shown = std::min(fits_shown, fit.ranking.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const FittedRow& row = fit.ranking[i];
    add_row(table, {visible(row.roundings), "", grouped(row.explained),
                    percent(row.explained, fit.elements)});
  }
  add_row(table, {"either neighbour (sr)", "", grouped(fit.either_neighbour),
                  percent(fit.either_neighbour, fit.elements)});
  std::string out = "\n" + aligned(table);
  if (shown < fit.ranking.size()) out += fmt::format("and {} more\n", fit.ranking.size() - shown);
  return out + fmt::format("{} of {} elements tell roundings apart\n", grouped(fit.telling),
                           grouped(fit.elements));
}

}  // namespace

std::string comparison_text(const Summary& summary) {
  if (!summary.comparison) return "";
  std::string out = "\n" + counts_text(*summary.comparison);
  if (summary.comparison->first_difference) {
    out += "\n" + first_difference_text(*summary.comparison->first_difference);
  }
  if (summary.history) out += "\n" + history_text(*summary.history);
  out += breakdown_text(summary.breakdown);
  if (summary.fit) out += fit_text(*summary.fit);
  return out;
}

}  // namespace ulpscope::detail
