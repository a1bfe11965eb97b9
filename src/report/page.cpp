#include "ulpscope/report/page.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/report/summary.hpp"
#include "ulpscope/report/text.hpp"

#include "history_text.hpp"
#include "page_sections.hpp"
#include "page_style.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {
namespace {

// The policy stands before everything that comes out of the summary.
constexpr std::string_view head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
)";

}  // namespace

std::string html_report(const nlohmann::json& document) {
  const HostFpGuard guard;  // positions are computed in binary64
  const Summary summary = parse_summary(document);
  std::string out(head);
  out += fmt::format("<title>{}: {} ({})</title>\n", escape(summary.tool),
                     escape(detail::subject(summary)), status_name(summary.status));
  out += fmt::format("<style>{}</style>\n</head>\n<body>\n<main>\n", page_style);
  out += detail::verdict_section(summary);
  out += detail::engines_section(summary);
  out += detail::comparison_section(summary);
  if (summary.history) out += detail::history_html(*summary.history);
  out += detail::fit_section(summary);
  out += detail::outputs_section(summary);
  out += detail::breakdown_section(summary);
  out += detail::output_figures_section(summary);
  out += detail::places_section(summary);
  out += detail::magnitudes_section(summary);
  out += detail::worst_section(summary);
  out += detail::attribution_section(summary);
  out += detail::sites_section(summary);
  out += detail::site_figures_section(summary);
  out += detail::run_section(summary);
  out += detail::formats_section(summary);
  out += detail::reproduce_section(summary);
  out += fmt::format(
      "</main>\n<footer>{} {}. Drawn from summary.json; no script, no network.</footer>\n",
      escape(summary.tool), escape(summary.version));
  return out + "</body>\n</html>\n";
}

}  // namespace ulpscope
