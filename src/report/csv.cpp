#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/report/summary.hpp"
#include "ulpscope/report/table.hpp"
#include "ulpscope/report/text.hpp"

#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include "csv_text.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {
namespace {

using Cells = std::vector<std::string>;

// In full: the shortest text that reads back as the same double.
std::string number_cell(double value) {
  if (std::isnan(value)) return "";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return fmt::format("{}", value);
}

std::string number_cell(std::optional<uint64_t> count) {
  return count ? fmt::format("{}", *count) : "";
}

std::string line(const Cells& cells) { return fmt::format("{}\n", fmt::join(cells, ",")); }

Cells statistics_cells(std::string_view what, const Statistics& row) {
  return {std::string(what),
          detail::csv_text(row.name),
          detail::csv_text(row.format),
          detail::csv_text(row.mode),
          number_cell(std::optional(row.count)),
          number_cell(std::optional(row.skipped)),
          number_cell(row.mean_ulp),
          number_cell(row.stderr_ulp),
          number_cell(row.z),
          number_cell(row.mean_away_ulp),
          number_cell(row.stderr_away_ulp),
          number_cell(row.z_away),
          number_cell(row.larger),
          number_cell(row.smaller),
          number_cell(row.exact),
          number_cell(row.sign_z),
          number_cell(row.max_abs_ulp),
          number_cell(row.ties),
          number_cell(row.ties_away),
          number_cell(row.near_ties_above),
          number_cell(row.near_ties_below),
          number_cell(row.carry_out),
          number_cell(row.round_carry),
          number_cell(row.subnormal),
          number_cell(row.underflow),
          number_cell(row.overflow)};
}

std::string statistics_csv(const Summary& summary) {
  std::string out =
      "what,name,format,mode,count,skipped,mean_ulp,stderr_ulp,z,mean_away_ulp,stderr_away_ulp,"
      "z_away,larger,smaller,exact,sign_z,max_abs_ulp,ties,ties_away,near_ties_above,"
      "near_ties_below,carry_out,round_carry,subnormal,underflow,overflow\n";
  for (const Statistics& row : summary.outputs) out += line(statistics_cells("output", row));
  for (const Statistics& row : summary.sites) out += line(statistics_cells("site", row));
  return out;
}

std::string comparison_csv(const ComparisonRow& row) {
  Cells head = {"a",
                "b",
                "elements",
                "different_bits",
                "different_values",
                "max_ulp",
                "nan_mismatch",
                "inf_mismatch"};
  Cells cells = {detail::csv_text(row.a),
                 detail::csv_text(row.b),
                 number_cell(std::optional(row.elements)),
                 number_cell(std::optional(row.different_bits)),
                 number_cell(std::optional(row.different_values)),
                 number_cell(row.max_ulp),
                 number_cell(row.nan_mismatch),
                 number_cell(row.inf_mismatch)};
  for (const auto& [name, count] : row.ulp_buckets) {
    head.push_back("ulp " + name);  // "3-10" alone would be read as a date
    cells.push_back(number_cell(std::optional(count)));
  }
  return line(head) + line(cells);
}

}  // namespace

std::string csv_summary(const nlohmann::json& document) {
  const HostFpGuard guard;
  const Summary summary = parse_summary(document);
  return summary.comparison ? comparison_csv(*summary.comparison) : statistics_csv(summary);
}

}  // namespace ulpscope
