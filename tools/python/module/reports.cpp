#include "ulpscope/base/error.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/report/sweep.hpp"
#include "ulpscope/report/table.hpp"

#include "runs.hpp"
#include <nanobind/stl/string.h>
#include <nlohmann/json.hpp>

namespace ulpscope::python {

namespace {

using nlohmann::json;

json parsed(const std::string& text) {
  auto summary = json::parse(text, nullptr, false);
  if (summary.is_discarded()) throw Error(ErrorKind::input, "summary: is not JSON");
  return summary;
}

bool is_sweep(const json& summary) {
  return summary.is_object() && summary.value("schema", json()) == sweep_schema;
}

}  // namespace

void add_reports(nanobind::module_& module) {
  const auto add = [&](const char* name, auto* of_sweep, auto* of_run) {
    module.def(
        name,
        [=](const std::string& text) {
          const json summary = parsed(text);
          return is_sweep(summary) ? of_sweep(summary) : of_run(summary);
        },
        nanobind::arg("summary"), nanobind::call_guard<nanobind::gil_scoped_release>());
  };
  add("report_html", &sweep_page, &html_report);
  add("report_text", &sweep_text, &text_summary);
  add("report_csv", &sweep_csv, &csv_summary);
}

}  // namespace ulpscope::python
