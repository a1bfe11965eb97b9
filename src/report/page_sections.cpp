#include "page_sections.hpp"

#include "ulpscope/report/figures.hpp"
#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "html.hpp"
#include <fmt/format.h>

namespace ulpscope::detail {
namespace {

constexpr std::size_t worst_shown = 20;

struct Mark {
  const char* style;
  const char* sign;
};

Mark mark_of(Status status) {
  switch (status) {
    case Status::biased:
    case Status::different: break;
    case Status::unbiased:
    case Status::equal: return {"calm", "✓"};
    case Status::not_judged: return {"calm", "–"};
  }
  return {"alarm", "▲"};
}

// Escaped. Signs of numbers, which begin a word, become typographic; hyphens stay.
std::string sentence(std::string_view text) {
  const std::string escaped = escape(text);
  std::string out;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    const bool begins = i == 0 || escaped[i - 1] == ' ' || escaped[i - 1] == '(';
    const std::size_t sign = !begins                        ? 0
                             : escaped[i] == '-'            ? 1
                             : escaped.substr(i, 2) == "+-" ? 2
                                                            : 0;
    out +=
        sign == 0 ? escaped.substr(i, 1) : typographic(std::string_view(escaped).substr(i, sign));
    if (sign == 2) ++i;
  }
  return out;
}

// ": text" only where there is one.
std::string after(std::string_view separator, std::string_view text) {
  return text.empty() ? "" : std::string(separator) + escape(text);
}

std::string kernel_fact(const KernelRow& kernel) {
  std::string out = "<b>" + escape(kernel.name) + "</b>" + after(", ", kernel.description);
  out += after("; variant ", kernel.variant);
  if (kernel.tile_rows && kernel.tile_keys) {
    out += fmt::format("; tiles of {} rows × {} keys", *kernel.tile_rows, *kernel.tile_keys);
  }
  if (kernel.splits && *kernel.splits > 1) out += fmt::format("; {} splits", *kernel.splits);
  return out;
}

std::string chip_fact(const KernelRow& kernel) {
  const bool alias = !kernel.chip_row.empty() && kernel.chip_row != kernel.chip;
  return escape(kernel.chip) + (alias ? " (row " + escape(kernel.chip_row) + ")" : "");
}

std::string problem_fact(const ProblemRow& problem) {
  std::string out = fmt::format("batch {}, {} heads", problem.batch, problem.heads);
  if (problem.kv_heads && *problem.kv_heads != problem.heads) {
    out += fmt::format(" ({} for keys and values)", *problem.kv_heads);
  }
  out += fmt::format(", {} queries × {} keys, head size {}", problem.seq_q, problem.seq_k,
                     problem.head_dim);
  if (problem.causal) out += *problem.causal ? ", causal" : ", no mask";
  if (std::isfinite(problem.scale)) out += ", scale " + real(problem.scale, 9);
  if (!problem.launch.empty()) out += ", launched as " + shape_text(problem.launch);
  for (const auto& [key, value] : problem.others) out += ", " + escape(key) + " " + escape(value);
  return out;
}

std::string reference_fact(const ReferenceRow& reference) {
  std::string out = "<b>" + escape(reference.name) + "</b>" + after(", ", reference.description);
  if (reference.judged_elements) {
    out += fmt::format("; itself judged in exact arithmetic on {} elements",
                       grouped(*reference.judged_elements));
    if (reference.judged_rows) out += fmt::format(" of {} rows", grouped(*reference.judged_rows));
  }
  if (std::isfinite(reference.max_difference_ulp)) {
    out += ", largest difference " + typographic(real(reference.max_difference_ulp, 3)) + " ulp";
  }
  return out;
}

std::string gradient_reference_fact(const GradientReferenceRow& reference) {
  std::string out = "<b>" + escape(reference.name) + "</b>, by rows and by keys";
  if (reference.judged_rows && reference.judged_keys) {
    out += fmt::format("; judged in exact arithmetic on {} rows of dQ and {} keys of dK and dV",
                       grouped(*reference.judged_rows), grouped(*reference.judged_keys));
  }
  if (std::isfinite(reference.max_difference_ulp)) {
    out += ", largest difference " + typographic(real(reference.max_difference_ulp, 3)) + " ulp";
  }
  return out;
}

std::string inputs_table(const Summary& summary) {
  constexpr std::array columns = {
      Column{"", "input", "", Align::left},  Column{"", "file", "", Align::left},
      Column{"", "shape", "", Align::left},  Column{"", "layout", "", Align::left},
      Column{"", "format", "", Align::left}, Column{"", "XXH3-128", "", Align::left},
      Column{"", "note", "", Align::left}};
  HtmlTable table(columns);
  for (const InputRow& input : summary.inputs) {
    table.row({escape(input.tensor), long_cell(code(input.file)), shape_text(input.shape),
               escape(input.layout), escape(input.format), code(input.hash),
               long_cell(escape(input.note))});
  }
  return std::move(table).finish();
}

constexpr std::array bias_columns = {
    Column{"", "name", "", Align::left},
    Column{"", "format", "Format of the result and, after the dot, how it is rounded into it.",
           Align::left},
    Column{"", "count", "Roundings at a site, elements of an output."},
    Column{
        "signed error, ulp", "mean ± s.e.",
        "Rounded minus exact, in ulps of the result: negative is too small in value. The standard "
        "error allows for errors that go together along a row or a feature."},
    Column{"signed error, ulp", "z",
           "Mean over standard error. Bold from 5 on: only there is a bias called."},
    Column{"signed error, ulp", "drawn",
           "The mean and two standard errors on either side, one scale for the whole table; filled "
           "where a bias is called.",
           Align::centre},
    Column{"away from zero, ulp", "mean ± s.e.",
           "The same errors signed by magnitude: positive is away from zero, negative towards it."},
    Column{"away from zero, ulp", "z", "Mean over standard error of the column before."},
    Column{"direction", "smaller", "Share that came out too small in value."},
    Column{"direction", "larger", "Share that came out too large in value."},
    Column{"direction", "sign z",
           "Plain sign test of larger against smaller. It takes errors as independent, so it is "
           "shown but never decides."},
    Column{"", "max |ulp|", "Largest error in magnitude."}};

constexpr std::array event_columns = {
    Column{"", "name", "", Align::left},
    Column{"", "count", "Roundings at a site, elements of an output."},
    Column{"", "exact", "Nothing was lost."},
    Column{"ties", "all", "The exact value lay half way between two neighbours."},
    Column{"ties", "away", "Ties that went away from zero."},
    Column{"near ties", "below",
           "At most 1/16 ulp below half way: a tie that a small residue broke towards zero."},
    Column{"near ties", "above",
           "At most 1/16 ulp above half way: a tie that a small residue broke away from zero."},
    Column{"carries", "of the sum", "The addition itself ran over into the next binade."},
    Column{"carries", "of rounding", "Rounding up ran over into the next binade."},
    Column{"range", "subnormal", "Results below the normal range."},
    Column{"range", "underflow", "Non-zero values that became zero."},
    Column{"range", "overflow", "Values above the largest finite one."},
    Column{"range", "skipped", "Non-finite or saturated: in none of the means."}};

std::string name_cell(const Statistics& row) {
  std::string out = escape(row.name);
  if (!row.description.empty()) out += "<small>" + escape(row.description) + "</small>";
  if (!row.shape.empty()) out += "<small>" + shape_text(row.shape) + "</small>";
  return out;
}

std::string bias_table(const std::vector<Statistics>& rows) {
  HtmlTable table(bias_columns);
  const double limit = mean_limit(rows);
  for (const Statistics& row : rows) {
    const uint64_t judged = row.count - row.skipped;
    table.row({name_cell(row), escape(row.format) + after(" · ", row.mode), count_cell(row.count),
               mean_cell(row.mean_ulp, row.stderr_ulp), z_cell(row.z), mean_figure(row, limit),
               mean_cell(row.mean_away_ulp, row.stderr_away_ulp), z_cell(row.z_away),
               share_cell(row.smaller, judged), share_cell(row.larger, judged),
               std::isnan(row.sign_z) ? real_cell(row.sign_z, 1) : typographic(z_score(row.sign_z)),
               real_cell(row.max_abs_ulp, 4)},
              row.is_called() ? RowStyle::called : RowStyle::plain);
  }
  return std::move(table).finish();
}

// The smallest edge that 99 % of the errors do not pass.
std::string p99_cell(const Statistics& row) {
  const Histogram& h = row.histogram;
  const uint64_t judged = row.count - row.skipped;
  if (judged == 0) return real_cell(not_given, 1);
  const uint64_t allowed = judged / 100;
  for (std::size_t edge = 0; edge < h.edges.size(); ++edge) {
    if (!(h.edges[edge] > 0)) continue;
    uint64_t beyond = 0;
    for (std::size_t bin = 0; bin < h.counts.size(); ++bin) {
      const bool is_beyond = h.edges[bin] >= h.edges[edge] || h.edges[bin + 1] <= -h.edges[edge];
      if (is_beyond) beyond += h.counts[bin];
    }
    if (beyond <= allowed) return "≤ " + real(h.edges[edge], 4);
  }
  return real_cell(not_given, 1);
}

// Within half an ulp: what one rounding to nearest of the reference gives.
std::string nearest_cell(const Statistics& row) {
  const Histogram& h = row.histogram;
  uint64_t within = h.zero;
  for (std::size_t bin = 0; bin < h.counts.size(); ++bin) {
    if (h.edges[bin] >= -0.5 && h.edges[bin + 1] <= 0.5) within += h.counts[bin];
  }
  return share_cell(within, row.count - row.skipped);
}

constexpr std::array output_columns = {
    Column{"", "name", "", Align::left},
    Column{"", "format", "The format whose ulps errors are counted in.", Align::left},
    Column{"", "count", "Elements."},
    Column{"bias, ulp", "mean ± s.e.",
           "Signed error: computed minus reference; negative is too small in value. The standard "
           "error allows for errors that go together along a row or a feature."},
    Column{"bias, ulp", "z",
           "Mean over standard error. Bold from 5 on: only there is a bias called."},
    Column{"bias, ulp", "drawn",
           "The mean and two standard errors on either side, one scale for the whole table; filled "
           "where a bias is called.",
           Align::centre},
    Column{"away from zero", "z", "The same of errors signed by magnitude."},
    Column{"direction", "smaller", "Share that came out too small in value."},
    Column{"direction", "larger", "Share that came out too large in value."},
    Column{"direction", "sign z",
           "Plain sign test of larger against smaller. It takes errors as independent, so it is "
           "shown but never decides."},
    Column{"|error|, ulp", "99 %", "99 of 100 errors are no larger, read off the histogram."},
    Column{"|error|, ulp", "max", "Largest error in magnitude."},
    Column{"", "rne explains",
           "Share within half an ulp of the reference: elements that one rounding to nearest of "
           "the reference would give."}};

std::string sign_cell(const Statistics& row) {
  return std::isnan(row.sign_z) ? real_cell(row.sign_z, 1) : typographic(z_score(row.sign_z));
}

std::string outputs_table(const std::vector<Statistics>& rows) {
  HtmlTable table(output_columns);
  const double limit = mean_limit(rows);
  for (const Statistics& row : rows) {
    const uint64_t judged = row.count - row.skipped;
    table.row({name_cell(row), escape(row.format), count_cell(row.count),
               mean_cell(row.mean_ulp, row.stderr_ulp), z_cell(row.z), mean_figure(row, limit),
               z_cell(row.z_away), share_cell(row.smaller, judged), share_cell(row.larger, judged),
               sign_cell(row), p99_cell(row), real_cell(row.max_abs_ulp, 4), nearest_cell(row)},
              row.is_called() ? RowStyle::called : RowStyle::plain);
  }
  return std::move(table).finish();
}

constexpr std::size_t most_heads_listed = 64;

std::string heads_table(const Statistics& output) {
  constexpr std::array columns = {
      Column{"", "head", "Batch, head.", Align::left},
      Column{"", "elements", ""},
      Column{"", "mean ± s.e., ulp", ""},
      Column{"", "z", ""},
      Column{"", "z away from zero", ""},
      Column{"", "one-sided features", "Called in themselves; clustered by row only."}};
  HtmlTable table(columns);
  const std::size_t shown = std::min(most_heads_listed, output.heads.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const HeadRow& head = output.heads[i];
    table.row(
        {index_text(head.index), count_cell(head.count), mean_cell(head.mean_ulp, head.stderr_ulp),
         z_cell(head.z), z_cell(head.z_away), count_cell(head.one_sided_features)},
        head.one_sided ? RowStyle::called : RowStyle::plain);
  }
  const std::string rest = shown == output.heads.size()
                               ? ""
                               : paragraph(fmt::format("The first {} of {} heads; summary.json has "
                                                       "all of them.",
                                                       shown, output.heads.size()));
  return std::move(table).finish() + rest;
}

std::string row_kinds_table(const Statistics& output) {
  constexpr std::array columns = {Column{"", "rows", "", Align::left},
                                  Column{"", "number", ""},
                                  Column{"", "elements", ""},
                                  Column{"", "mean ± s.e., ulp", ""},
                                  Column{"", "z", ""},
                                  Column{"", "share of the one-sided error", ""}};
  HtmlTable table(columns);
  for (const RowKindRow& kind : output.row_kinds) {
    const std::string share = std::isfinite(kind.share)
                                  ? typographic(fmt::format("{:.0f}", 100 * kind.share)) + " %"
                                  : real_cell(not_given, 1);
    table.row(
        {escape(kind.name), count_cell(kind.rows), count_cell(kind.count),
         kind.count == 0 ? real_cell(not_given, 1) : mean_cell(kind.mean_ulp, kind.stderr_ulp),
         kind.count == 0 ? real_cell(not_given, 1) : z_cell(kind.z), share});
  }
  return std::move(table).finish() +
         paragraph(
             "At risk: two or more equal maxima, and beside them just enough weight to break "
             "ties one way (ulpscope monitors).");
}

std::string events_table(const std::vector<Statistics>& rows) {
  HtmlTable table(event_columns);
  for (const Statistics& row : rows) {
    table.row({escape(row.name), count_cell(row.count), share_cell(row.exact, row.count),
               count_cell(row.ties), count_cell(row.ties_away), count_cell(row.near_ties_below),
               count_cell(row.near_ties_above), count_cell(row.carry_out),
               count_cell(row.round_carry), count_cell(row.subnormal), count_cell(row.underflow),
               count_cell(row.overflow), count_cell(row.skipped)});
  }
  return std::move(table).finish();
}

bool has_overflow(const Statistics& row) { return row.overflow.value_or(0) > 0; }

std::string worst_table(const Statistics& output) {
  constexpr std::array columns = {
      Column{"", "index", "", Align::left}, Column{"", "bits", "", Align::left},
      Column{"", "value", "", Align::right}, Column{"", "reference", "", Align::right},
      Column{"", "signed error, ulp", "", Align::right}};
  HtmlTable table(columns);
  const std::size_t shown = std::min(worst_shown, output.worst.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const WorstElement& element = output.worst[i];
    // Plain minus signs here: these numbers are there to be pasted elsewhere.
    table.row({code(index_text(element.index)), code(element.bits), real(element.value, 9),
               real(element.reference, 12), real(element.error_ulp, 5)});
  }
  return std::move(table).finish();
}

std::string thumbnail_drawing(const Statistics& site) {
  const uint64_t judged = site.count - site.skipped;
  if (judged == 0) return "<div class=\"empty\">no finite rounding here</div>";
  if (site.histogram.zero == judged) return "<div class=\"empty\">always exact</div>";
  return histogram_figure(site, FigureSize::thumbnail);
}

std::string thumbnail(const Statistics& site) {
  return fmt::format(
      "<figure><figcaption><b>{}</b><span>{} · z {}</span></figcaption>{}</figure>\n",
      escape(site.name), escape(site.format), z_cell(site.z), thumbnail_drawing(site));
}

std::string thumbnails(const std::vector<Statistics>& rows) {
  std::string out = "<div class=\"multiples\">\n";
  for (const Statistics& row : rows) out += thumbnail(row);
  return out + "</div>\n";
}

std::string casts_table(const Summary& summary) {
  constexpr std::array columns = {
      Column{"", "cast", "", Align::left}, Column{"", "format", "", Align::left},
      Column{"", "rounding", "", Align::left},
      Column{"", "preset", "Whose rules of overflow, NaN and subnormals these are.", Align::left},
      Column{"", "set by", "", Align::left}};
  HtmlTable table(columns);
  for (const CastRow& cast : summary.casts) {
    const bool changed = cast.origin == CastOrigin::overridden;
    table.row({escape(cast.site), escape(cast.format), escape(cast.mode), escape(cast.preset),
               changed ? "<span class=\"changed\">overridden ◆</span>" : "kernel"});
  }
  return std::move(table).finish();
}

std::string formats_table(const Summary& summary) {
  constexpr std::array columns = {
      Column{"", "format", "", Align::left}, Column{"", "exponent bits", "", Align::right},
      Column{"", "trailing bits", "", Align::right}, Column{"", "bias", "", Align::right},
      Column{"", "specials", "", Align::left}};
  HtmlTable table(columns);
  for (const FormatRow& format : summary.formats) {
    table.row({escape(format.name), fmt::format("{}", format.exponent_bits),
               fmt::format("{}", format.trailing_bits), fmt::format("{}", format.bias),
               escape(format.specials)});
  }
  return std::move(table).finish();
}

}  // namespace

std::string subject(const Summary& summary) {
  if (summary.kernel) return summary.kernel->name + " on " + summary.kernel->chip;
  if (!summary.engines.empty()) return fmt::format("{} engines", summary.engines.size());
  if (summary.comparison) return summary.comparison->a + " and " + summary.comparison->b;
  return summary.kind;
}

std::string verdict_section(const Summary& summary) {
  const auto [style, sign] = mark_of(summary.status);
  std::string reasons;
  for (const std::string& reason : summary.reasons) {
    reasons += "<li>" + sentence(reason) + "</li>\n";
  }
  std::string causes;
  for (const std::string& cause : summary.causes) {
    causes += "<p class=\"cause\">" + sentence(cause) + "</p>\n";
  }
  if (!reasons.empty()) reasons = "<ul>\n" + reasons + "</ul>";
  const std::string about = summary.kernel && summary.problem
                                ? "<p class=\"about\">" + problem_fact(*summary.problem) + "</p>\n"
                                : "";
  return fmt::format(
      "<h1><b>{}</b> report: {}</h1>\n{}<div class=\"verdict {}\"><span class=\"status\">{} "
      "{}</span><p>{}</p>{}{}</div>\n",
      escape(summary.tool),
      escape(summary.comparison && !summary.kernel ? "comparison" : subject(summary)), about, style,
      sign, status_name(summary.status), sentence(summary.verdict), causes, reasons);
}

std::string run_section(const Summary& summary) {
  std::string facts;
  if (summary.kernel) {
    facts += fact("Kernel", kernel_fact(*summary.kernel));
    facts += fact("Chip", chip_fact(*summary.kernel));
  }
  if (summary.problem) facts += fact("Problem", problem_fact(*summary.problem));
  if (summary.reference) {
    facts += fact("Reference", reference_fact(*summary.reference));
    if (const auto& gradients = summary.reference->gradients) {
      facts += fact("Reference of gradients", gradient_reference_fact(*gradients));
    }
  }
  for (const std::string& note : summary.notes) facts += fact("Note", escape(note));
  if (facts.empty() && summary.inputs.empty()) return "";
  return section(summary.kernel ? "What was run" : "What was compared",
                 (facts.empty() ? "" : "<dl class=\"facts\">\n" + facts + "</dl>\n") +
                     (summary.inputs.empty() ? "" : inputs_table(summary)));
}

std::string outputs_section(const Summary& summary) {
  if (summary.outputs.empty()) return "";
  std::string body = outputs_table(summary.outputs) + legend(output_columns);
  if (std::any_of(summary.outputs.begin(), summary.outputs.end(), has_overflow)) {
    body += events_table(summary.outputs);
  }
  return section(summary.comparison ? "Signed difference" : "Outputs against the reference", body);
}

std::string sites_section(const Summary& summary) {
  if (summary.sites.empty()) {
    return summary.kernel && summary.kind != "attribution"
               ? section("Rounding sites", paragraph("No rounding site was recorded."))
               : "";
  }
  return section("Rounding sites, in the order of the computation",
                 bias_table(summary.sites) + legend(bias_columns) +
                     "<h3>Ties, carries and range</h3>\n" + events_table(summary.sites) +
                     legend(event_columns));
}

std::string output_figures_section(const Summary& summary) {
  if (!summary.engines.empty()) {
    return section("Errors of the outputs", thumbnails(summary.outputs));
  }
  std::string body;
  for (const Statistics& output : summary.outputs) {
    if (output.count == output.skipped) continue;
    body += "<h3>Output " + escape(output.name) + "</h3>\n";
    body +=
        figure(histogram_figure(output, FigureSize::full),
               fmt::format("{} elements, {} skipped. Shaded: logarithmic, one bar an octave, so "
                           "widths are compressed. Exact zeros are only in the strip on top.",
                           grouped(output.count), grouped(output.skipped)));
  }
  return body.empty() ? "" : section("How large the errors are", body);
}

std::string places_section(const Summary& summary) {
  std::string body;
  for (const Statistics& output : summary.outputs) {
    std::string here;
    if (output.heat_map) {
      const Figure map = heat_map_figure(*output.heat_map, output.name);
      here += figure(map.svg, map.caption);
    }
    if (output.head_map) {
      const Figure map = head_map_figure(*output.head_map, output.name);
      here += figure(map.svg, map.caption);
    }
    if (output.heads.size() > 1) here += heads_table(output);
    if (!output.row_kinds.empty()) here += row_kinds_table(output);
    if (!here.empty()) body += "<h3>Output " + escape(output.name) + "</h3>\n" + here;
  }
  return body.empty() ? "" : section("Where the errors are", body);
}

std::string magnitudes_section(const Summary& summary) {
  std::string body;
  for (const Statistics& output : summary.outputs) {
    if (!output.magnitudes) continue;
    const Figure map = magnitude_figure(*output.magnitudes, output);
    if (map.svg.empty()) continue;
    body += "<h3>Output " + escape(output.name) + "</h3>\n" + figure(map.svg, map.caption);
  }
  return body.empty() ? "" : section("Error against magnitude", body);
}

std::string site_figures_section(const Summary& summary) {
  if (summary.sites.empty()) return "";
  std::string body = paragraph(
      "Signed error in ulps of each site's result, left too small, right too large. The line marks "
      "the mean, the shaded sides are logarithmic, and the strip on top shows the shares of too "
      "small, exact and too large. Heights are relative to each site's tallest bar.");
  return section("Errors of the rounding sites", body + thumbnails(summary.sites));
}

std::string worst_section(const Summary& summary) {
  std::string body;
  for (const Statistics& output : summary.outputs) {
    if (output.worst.empty()) continue;
    body += "<h3>Output " + escape(output.name) + "</h3>\n" + worst_table(output);
  }
  return body.empty() ? "" : section("Worst elements", body);
}

std::string formats_section(const Summary& summary) {
  std::string body;
  if (!summary.formats.empty()) body += formats_table(summary);
  if (!summary.casts.empty()) body += "<h3>Casts</h3>\n" + casts_table(summary);
  return body.empty() ? "" : section("Formats", body);
}

std::string reproduce_section(const Summary& summary) {
  const std::string promise =
      fmt::format("{} {} gives every number on this page again for inputs with the hashes above.",
                  summary.tool, summary.version);
  return section("Run it again",
                 "<pre>" + escape(summary.command) + "</pre>\n" + paragraph(promise));
}

}  // namespace ulpscope::detail
