#include "html.hpp"

#include "ulpscope/report/summary.hpp"
#include "ulpscope/report/text.hpp"

#include <cassert>
#include <cmath>

#include <fmt/format.h>

namespace ulpscope::detail {
namespace {

constexpr std::string_view dash = R"(<span class="none">–</span>)";

std::string_view class_of(const Column& column) {
  switch (column.align) {
    case Align::left: return R"( class="left")";
    case Align::centre: return R"( class="centre")";
    case Align::right: return "";
  }
  return "";
}

std::string head_cell(const Column& column, int rows) {
  const std::string help =
      column.help.empty() ? "" : fmt::format(R"( title="{}")", escape(column.help));
  const std::string span = rows > 1 ? fmt::format(R"( rowspan="{}")", rows) : "";
  return fmt::format(R"(<th scope="col"{}{}{}>{}</th>)", class_of(column), span, help,
                     escape(column.head));
}

}  // namespace

HtmlTable::HtmlTable(std::span<const Column> columns) : columns_(columns) {
  std::string groups, heads;
  bool grouped_heads = false;
  for (const Column& column : columns) grouped_heads = grouped_heads || !column.group.empty();
  for (std::size_t i = 0; i < columns.size();) {
    if (columns[i].group.empty()) {
      groups += head_cell(columns[i++], grouped_heads ? 2 : 1);
      continue;
    }
    std::size_t end = i;
    while (end < columns.size() && columns[end].group == columns[i].group) {
      heads += head_cell(columns[end++], 1);
    }
    groups += fmt::format(R"(<th scope="colgroup" class="group" colspan="{}">{}</th>)", end - i,
                          escape(columns[i].group));
    i = end;
  }
  const std::string_view width = grouped_heads ? R"( class="wide")" : "";
  out_ = fmt::format("<div class=\"scroll\"><table{}>\n<thead>\n<tr>", width) + groups + "</tr>\n";
  if (grouped_heads) out_ += "<tr>" + heads + "</tr>\n";
  out_ += "</thead>\n<tbody>\n";
}

void HtmlTable::row(const std::vector<std::string>& cells, RowStyle style) {
  assert(cells.size() == columns_.size() && "one cell a column");
  out_ += style == RowStyle::called ? R"(<tr class="called">)" : "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    out_ += i == 0 ? fmt::format(R"(<th scope="row" class="left">{}</th>)", long_cell(cells[i]))
                   : fmt::format("<td{}>{}</td>", class_of(columns_[i]), cells[i]);
  }
  out_ += "</tr>\n";
}

std::string HtmlTable::finish() && {
  out_ += "</tbody>\n</table></div>\n";
  return std::move(out_);
}

std::string legend(std::span<const Column> columns) {
  std::string out = "<dl class=\"legend\">\n";
  for (const Column& column : columns) {
    if (column.help.empty()) continue;
    const std::string group = column.group.empty() ? "" : std::string(column.group) + ": ";
    out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n",
                       escape(group + std::string(column.head)), escape(column.help));
  }
  return out + "</dl>\n";
}

std::string section(std::string_view title, std::string_view body) {
  return fmt::format("<section>\n<h2>{}</h2>\n{}</section>\n", escape(title), body);
}

std::string paragraph(std::string_view text) { return fmt::format("<p>{}</p>\n", escape(text)); }

std::string code(std::string_view text) { return fmt::format("<code>{}</code>", escape(text)); }

std::string long_cell(const std::string& html) {
  return "<span class=\"long\">" + html + "</span>";
}

std::string figure(std::string_view svg, std::string_view caption) {
  return fmt::format("<figure><div class=\"scroll\">{}</div><figcaption>{}</figcaption></figure>\n",
                     svg, escape(caption));
}

std::string count_cell(std::optional<uint64_t> count) {
  if (!count) return std::string(dash);
  if (*count == 0) return R"(<span class="none">0</span>)";
  const std::string exact = grouped(*count), shown = compact(*count);
  return exact == shown ? exact : fmt::format(R"(<span title="{}">{}</span>)", exact, shown);
}

std::string share_cell(std::optional<uint64_t> part, uint64_t whole) {
  if (!part || whole == 0) return std::string(dash);
  if (*part == 0) return R"(<span class="none">0 %</span>)";
  return fmt::format(R"(<span title="{}">{}</span>)", grouped(*part),
                     escape(percent(*part, whole)));
}

std::string mean_cell(double mean, double standard_error) {
  return std::isnan(mean) ? std::string(dash) : typographic(with_error(mean, standard_error));
}

std::string real_cell(double value, int digits) {
  return std::isnan(value) ? std::string(dash) : typographic(real(value, digits));
}

std::string z_cell(double z) {
  if (std::isnan(z)) return std::string(dash);
  const std::string text = typographic(z_score(z));
  return std::fabs(z) >= called_z ? "<strong>" + text + "</strong>" : text;
}

std::string shape_text(std::span<const uint64_t> shape) {
  std::string out;
  for (const uint64_t extent : shape) out += fmt::format("{}{}", out.empty() ? "" : " × ", extent);
  return out;
}

std::string index_text(const std::vector<uint64_t>& index) {
  std::string out;
  for (const uint64_t i : index) out += fmt::format("{}{}", out.empty() ? "" : ", ", i);
  return "[" + out + "]";
}

std::string fact(std::string_view name, const std::string& html) {
  return html.empty() ? "" : fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, html);
}

}  // namespace ulpscope::detail
