// Two tensors on the page: counts and distances, the first difference, groups, fits.
#include "ulpscope/report/figures.hpp"
#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "html.hpp"
#include "page_sections.hpp"
#include <fmt/format.h>

namespace ulpscope::detail {
namespace {

constexpr std::size_t groups_shown = 24;
constexpr std::size_t fits_shown = 24;

std::string element_html(const ElementRow& element) {
  std::string out = code(element.bits);
  for (const auto& part : {element.fields, real(element.value, 17), element.hex_float}) {
    if (!part.empty()) out += " &nbsp; " + code(part);
  }
  return out;
}

std::string first_difference_facts(const FirstDifferenceRow& first) {
  const std::string apart =
      std::isnan(first.ulp) ? "" : fmt::format(", {} ulp apart", real(first.ulp, 6));
  return fact("First difference", code(index_text(first.index)) + apart) +
         fact("of A", element_html(first.a)) + fact("of B", element_html(first.b));
}

constexpr std::array group_columns = {
    Column{"", "group", "", Align::left},
    Column{"", "different", "Elements with different bits."},
    Column{"", "of", "Elements of the group."},
    Column{"A less B, ulp", "mean ± s.e.", "As in the table of the whole tensor."},
    Column{"A less B, ulp", "z", "Bold where the group is called one-sided."},
    Column{"A less B, ulp", "drawn", "", Align::centre},
    Column{"away from zero", "z", "The same for errors signed by magnitude."},
    Column{"", "max |ulp|", ""}};

// What the mean's drawing needs; only a called group is filled.
Statistics drawn(const GroupRow& group) {
  Statistics row;
  row.mean_ulp = group.mean_ulp;
  row.stderr_ulp = group.stderr_ulp;
  row.z = group.one_sided ? group.z : 0;
  return row;
}

std::string group_z_cell(double z, const GroupRow& group) {
  return group.one_sided || std::isnan(z) ? z_cell(z) : typographic(z_score(z));
}

std::string division_table(const DivisionRow& division) {
  std::vector<const GroupRow*> rows;
  for (const GroupRow& group : division.groups) rows.push_back(&group);
  const bool all = rows.size() <= groups_shown;
  if (!all) rows = worst_groups(division, groups_shown);
  std::vector<Statistics> figures;
  for (const GroupRow* group : rows) figures.push_back(drawn(*group));
  const double limit = mean_limit(figures);
  HtmlTable table(group_columns);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const GroupRow& group = *rows[i];
    table.row({escape(group.name), count_cell(group.different_bits), count_cell(group.count),
               mean_cell(group.mean_ulp, group.stderr_ulp), group_z_cell(group.z, group),
               mean_figure(figures[i], limit), group_z_cell(group.z_away, group),
               real_cell(group.max_abs_ulp, 4)},
              group.one_sided ? RowStyle::called : RowStyle::plain);
  }
  const std::string of =
      all ? ""
          : fmt::format(": the {} to look at first, of {}", rows.size(), division.groups.size());
  return fmt::format("<h3>By {}{}</h3>\n", escape(division.by), of) + std::move(table).finish();
}

}  // namespace

std::string comparison_section(const Summary& summary) {
  if (!summary.comparison) return "";
  const ComparisonRow& row = *summary.comparison;
  const auto counted = [&](std::optional<uint64_t> count) {
    return count ? fmt::format("{} ({})", grouped(*count), escape(percent(*count, row.elements)))
                 : std::string();
  };
  std::string facts = fact("A", code(row.a)) + fact("B", code(row.b));
  facts += fact("Elements", grouped(row.elements));
  facts += fact("Different bits", counted(row.different_bits));
  facts += fact("Different values", counted(row.different_values));
  facts += fact("Largest distance",
                std::isnan(row.max_ulp) ? "" : typographic(real(row.max_ulp, 6)) + " ulp");
  facts += fact("NaN on one side only", counted(row.nan_mismatch));
  facts += fact("Infinity on one side only", counted(row.inf_mismatch));
  if (row.first_difference) facts += first_difference_facts(*row.first_difference);
  return section("Comparison",
                 "<dl class=\"facts\">\n" + facts +
                     "</dl>\n<h3>Elements by distance in ulps</h3>\n" +
                     figure(bucket_figure(row),
                            "Distance in steps of the format from A to B; 0 holds equal values, "
                            "also where only the sign of a zero differs."));
}

std::string breakdown_section(const Summary& summary) {
  std::string body;
  for (const DivisionRow& division : summary.breakdown) {
    if (division.groups.size() > 1) body += division_table(division);
  }
  return body.empty() ? "" : section("Where they differ", body + legend(group_columns));
}

std::string fit_section(const Summary& summary) {
  if (!summary.fit) return "";
  const FitRow& fit = *summary.fit;
  constexpr std::array columns = {
      Column{"", "rounding", "No element of the tensor tells those of one row apart.", Align::left},
      Column{"", "explained", "Elements whose bits it gives."}, Column{"", "share", ""}};
  HtmlTable table(columns);
  for (std::size_t i = 0; i < std::min(fits_shown, fit.ranking.size()); ++i) {
    const FittedRow& row = fit.ranking[i];
    table.row({escape(row.roundings), grouped(row.explained),
               escape(percent(row.explained, fit.elements))});
  }
  return section(
      fmt::format("Which rounding: {} into {}", fit.from, fit.to),
      std::move(table).finish() +
          paragraph(fmt::format(
              "{} of {} elements tell roundings apart. {} are one of the two neighbours "
              "of the wide value, which is all that stochastic rounding promises.",
              grouped(fit.telling), grouped(fit.elements), grouped(fit.either_neighbour))));
}

}  // namespace ulpscope::detail
