// The matrix of a comparison of engines: left of the diagonal how many bits differ, right of it in
// which direction.
#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "html.hpp"
#include "page_sections.hpp"
#include <fmt/format.h>

namespace ulpscope::detail {
namespace {

struct Rgb {
  int red, green, blue;
};
constexpr Rgb smaller_tint{150, 188, 226};
constexpr Rgb larger_tint{243, 186, 122};
constexpr Rgb bits_tint{188, 194, 202};

// White at 0, the full tint at 1.
std::string mixed(const Rgb& tint, double share) {
  const double t = std::clamp(share, 0.0, 1.0);
  const auto channel = [t](int full) { return 255 - static_cast<int>(t * (255 - full)); };
  return fmt::format("#{:02x}{:02x}{:02x}", channel(tint.red), channel(tint.green),
                     channel(tint.blue));
}

std::string cell(const std::string& colour, const std::string& help, const std::string& text) {
  return fmt::format("<td style=\"background:{}\" title=\"{}\">{}</td>", colour, escape(help),
                     text);
}

struct Mean {
  double mean_ulp, stderr_ulp, z, max_abs_ulp;

  bool is_called() const { return std::fabs(z) >= called_z; }
};

Mean mean_of(const EnginePairRow& pair) {
  return {pair.mean_ulp, pair.stderr_ulp, pair.z, pair.max_abs_ulp};
}

// Coloured where a bias is called, so that chance draws no eye.
std::string signed_cell(const Mean& mean, double limit) {
  if (std::isnan(mean.mean_ulp)) return cell("#ffffff", "no finite difference", "–");
  const double share = limit > 0 ? 0.25 + 0.75 * std::fabs(mean.mean_ulp) / limit : 0.0;
  const std::string colour =
      mean.is_called() ? mixed(mean.mean_ulp < 0 ? smaller_tint : larger_tint, share) : "#ffffff";
  const std::string text = typographic(real(mean.mean_ulp, 3));
  return cell(
      colour,
      fmt::format("{} ulp, z {}, largest {} ulp", with_error(mean.mean_ulp, mean.stderr_ulp),
                  z_score(mean.z), real(mean.max_abs_ulp, 4)),
      mean.is_called() ? "<strong>" + text + "</strong>" : text);
}

std::string equal_cell() { return cell("#ffffff", "every bit is equal", "="); }

std::string bits_cell(const EnginePairRow& pair, uint64_t elements) {
  const double share = static_cast<double>(pair.different_bits) / static_cast<double>(elements);
  return cell(mixed(bits_tint, share),
              fmt::format("{} of {} elements", grouped(pair.different_bits), grouped(elements)),
              escape(percent(pair.different_bits, elements)));
}

// The engine's own statistics: its output stands under "ENGINE.TENSOR".
const Statistics* against_exact(const Summary& summary, const EngineMatrix& matrix,
                                std::size_t engine) {
  const std::string name = matrix.engines[engine] + "." + matrix.tensor;
  const auto found = std::find_if(summary.outputs.begin(), summary.outputs.end(),
                                  [&](const Statistics& row) { return row.name == name; });
  return found == summary.outputs.end() ? nullptr : &*found;
}

// The largest called mean of the matrix: what the deepest colour stands for.
double limit_of(const Summary& summary, const EngineMatrix& matrix) {
  double limit = 0;
  const auto consider = [&limit](const Mean& mean) {
    if (mean.is_called() && std::isfinite(mean.mean_ulp)) {
      limit = std::max(limit, std::fabs(mean.mean_ulp));
    }
  };
  for (const auto& pair : matrix.pairs) consider(mean_of(pair));
  for (std::size_t i = 0; i < matrix.engines.size(); ++i) {
    if (const auto* row = against_exact(summary, matrix, i)) {
      consider({row->mean_ulp, row->stderr_ulp, row->z, row->max_abs_ulp});
    }
  }
  return limit;
}

std::string matrix_cell(const EngineMatrix& matrix, std::size_t row, std::size_t column,
                        double limit) {
  if (row == column) return "<td class=\"self\"></td>";
  const EnginePairRow& pair = matrix.pair(std::min(row, column), std::max(row, column));
  if (pair.different_bits == 0) return equal_cell();
  return row < column ? signed_cell(mean_of(pair), limit) : bits_cell(pair, matrix.elements);
}

std::string matrix_table(const Summary& summary, const EngineMatrix& matrix) {
  const double limit = limit_of(summary, matrix);
  std::string out =
      "<div class=\"scroll\"><table class=\"matrix\">\n<thead><tr><th></th>"
      "<th title=\"Mean signed error in ulps against the reference\">less exact</th>";
  for (std::size_t c = 0; c < matrix.engines.size(); ++c) {
    out += fmt::format("<th scope=\"col\" title=\"{}\">{}</th>", escape(matrix.engines[c]), c + 1);
  }
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t r = 0; r < matrix.engines.size(); ++r) {
    out += fmt::format("<tr><th scope=\"row\" class=\"left\">{} {}</th>", r + 1,
                       escape(matrix.engines[r]));
    const Statistics* const row = against_exact(summary, matrix, r);
    out += row == nullptr
               ? "<td></td>"
               : signed_cell({row->mean_ulp, row->stderr_ulp, row->z, row->max_abs_ulp}, limit);
    for (std::size_t c = 0; c < matrix.engines.size(); ++c) {
      out += matrix_cell(matrix, r, c, limit);
    }
    out += "</tr>\n";
  }
  return out + "</tbody>\n</table></div>\n";
}

std::string tiles_text(const EngineRow& engine) {
  std::string out;
  if (engine.tile_rows && engine.tile_keys) {
    out = fmt::format("{} × {}", *engine.tile_rows, *engine.tile_keys);
  }
  if (engine.splits && *engine.splits > 1) out += fmt::format(", {} splits", *engine.splits);
  return out;
}

std::string engines_table(const Summary& summary) {
  constexpr std::array columns = {
      Column{"", "engine", "", Align::left}, Column{"", "kernel", "", Align::left},
      Column{"", "tile", "", Align::left}, Column{"", "not computed", "", Align::left}};
  HtmlTable table(columns);
  for (const EngineRow& engine : summary.engines) {
    const std::string missing = !engine.refusal.empty() ? engine.refusal
                                : engine.backward_refusal.empty()
                                    ? ""
                                    : "gradients: " + engine.backward_refusal;
    table.row({escape(engine.name), long_cell(escape(engine.description)), tiles_text(engine),
               long_cell(escape(missing))});
  }
  return std::move(table).finish();
}

}  // namespace

std::string engines_section(const Summary& summary) {
  if (summary.engines.empty()) return "";
  std::string body = paragraph(
      "Right of the diagonal: mean signed difference in ulps, the row's engine less the column's, "
      "bold and coloured where it is one-sided (|z| of 5 or more); blue is too small, orange too "
      "large. Left of it: elements whose bits differ. = stands for equal in every bit.");
  for (const EngineMatrix& matrix : summary.matrices) {
    body +=
        fmt::format("<h3>{}: {} elements</h3>\n", escape(matrix.tensor), grouped(matrix.elements));
    body += matrix_table(summary, matrix);
  }
  return section("Who differs from whom", body) + section("Engines", engines_table(summary));
}

}  // namespace ulpscope::detail
