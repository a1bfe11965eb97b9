// Which step brings the error of a tensor in, and what treatments leave of O's bias.
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

std::string mean_of(const MeanRow& row) { return mean_cell(row.mean_ulp, row.stderr_ulp); }

constexpr std::array step_columns = {
    Column{"", "step", "", Align::left},
    Column{"build-up, ulp", "adds ± s.e.",
           "All steps are exact at first and are switched on one after the other, in the order of "
           "the computation: what this one adds to the mean error."},
    Column{"build-up, ulp", "z", "Of that difference, clustered by row and feature."},
    Column{"this step exact", "mean ± s.e., ulp",
           "The mean error that is left if it alone is exact."},
    Column{"this step exact", "z", ""},
    Column{"all others exact", "mean ± s.e., ulp", "The mean error that it brings alone."},
    Column{"all others exact", "z", ""},
    Column{"all others exact", "rms, ulp", "Root mean square of the error that it brings alone."}};

std::string steps_table(const AttributedTensor& tensor) {
  HtmlTable table(step_columns);
  for (const SuspectRow& step : tensor.steps) {
    const std::string name = escape(step.name) + "<small>" + escape(step.step) + "</small>";
    const bool called = std::fabs(step.increment.z) >= called_z;
    table.row({name, mean_of(step.increment), z_cell(step.increment.z), mean_of(step.left),
               z_cell(step.left.z), mean_of(step.alone), z_cell(step.alone.z),
               real_cell(step.alone.width_ulp, 3)},
              called ? RowStyle::called : RowStyle::plain);
  }
  return std::move(table).finish();
}

std::string tensor_part(const AttributedTensor& tensor) {
  const std::string head = tensor.head ? fmt::format(", head {}", *tensor.head) : "";
  const Figure drawn = build_up_figure(tensor);
  return "<h3>" + escape(tensor.name) + head + "</h3>\n" + paragraph(tensor.verdict) +
         figure(drawn.svg, drawn.caption) + steps_table(tensor);
}

// As a row of a table of outputs, so that it is drawn alike.
Statistics drawable(const MeanRow& row) {
  Statistics out;
  out.mean_ulp = row.mean_ulp;
  out.stderr_ulp = row.stderr_ulp;
  out.z = row.z;
  return out;
}

constexpr std::array cure_columns = {
    Column{"", "treatment", "", Align::left},
    Column{"", "bias",
           "Removed: called in no head any more. Rest: called, but a twentieth or less.",
           Align::left},
    Column{"here, ulp", "mean ± s.e.", "In the head that the build-up shows, or over all."},
    Column{"here, ulp", "z", ""},
    Column{"here, ulp", "drawn", "One scale for the table; filled where a bias is called.",
           Align::centre},
    Column{"here, ulp", "spread", "Standard deviation of the error: what is paid."},
    Column{"all heads", "mean ± s.e., ulp", ""},
    Column{"all heads", "z", ""},
    Column{"all heads", "biased", "Heads in which a bias is called."},
    Column{"", "NaN", "Elements of O that are not finite and should be."}};

void add_cure(HtmlTable& table, const CureRow& cure, double limit) {
  table.row({escape(cure.name), escape(cure.outcome), mean_of(cure.left), z_cell(cure.left.z),
             mean_figure(drawable(cure.left), limit), real_cell(cure.left.width_ulp, 2),
             mean_of(cure.all), z_cell(cure.all.z),
             fmt::format("{} of {}", cure.biased_heads, cure.heads), count_cell(cure.not_finite)},
            cure.outcome == "removed" ? RowStyle::plain : RowStyle::called);
}

std::string cures_part(const CuresRow& cures) {
  if (!cures.refused.empty()) return paragraph("No treatment was tried: " + cures.refused);
  // What breaks a kernel is off the scale, or nothing else would be seen.
  std::vector<Statistics> drawn{drawable(cures.before)};
  for (const CureRow& cure : cures.treatments) {
    if (cure.not_finite == 0) drawn.push_back(drawable(cure.left));
  }
  const double limit = mean_limit(drawn);
  HtmlTable table(cure_columns);
  const std::string dash = real_cell(not_given, 1);
  table.row({"as it is", "", mean_of(cures.before), z_cell(cures.before.z),
             mean_figure(drawable(cures.before), limit), real_cell(cures.before.width_ulp, 2), dash,
             dash, dash, dash});
  for (const CureRow& cure : cures.treatments) add_cure(table, cure, limit);
  return std::move(table).finish() + legend(cure_columns);
}

}  // namespace

std::string attribution_section(const Summary& summary) {
  std::string out;
  if (summary.attribution) {
    const AttributionRow& attribution = *summary.attribution;
    std::string body;
    for (const AttributedTensor& tensor : attribution.tensors) body += tensor_part(tensor);
    body += legend(step_columns);
    body += paragraph(fmt::format(
        "Rows with two or more equal maxima: {} of {}; {} of them at risk, their ties broken by a "
        "weight that is not seen.",
        grouped(attribution.equal_maxima), grouped(attribution.rows),
        grouped(attribution.at_risk)));
    out += section("Which step brings the error in", body);
  }
  if (summary.cures) {
    const auto& head = summary.cures->head;
    out += section(fmt::format("What removes the bias of O{}",
                               head ? fmt::format(", head {}", *head) : std::string()),
                   cures_part(*summary.cures));
  }
  return out;
}

}  // namespace ulpscope::detail
