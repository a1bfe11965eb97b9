// ulpscope report: redraw report.html from the summary.json of a run.
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/output_file.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/report/sweep.hpp"
#include "ulpscope/report/table.hpp"

#include <fstream>
#include <iterator>
#include <memory>

#include "command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  std::string folder;
  bool csv = false;
};

nlohmann::json read_summary(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Error(ErrorKind::input,
                fmt::format("{}: cannot be read; expected the folder of a run", path));
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto summary = nlohmann::json::parse(text, nullptr, false);
  if (summary.is_discarded()) {
    throw Error(ErrorKind::input, fmt::format("{}: is not JSON", path));
  }
  return summary;
}

// A summary as CSV, page and text.
struct Renderer {
  std::string (*csv)(const nlohmann::json&);
  std::string (*page)(const nlohmann::json&);
  std::string (*text)(const nlohmann::json&);
};

Renderer renderer_for(const nlohmann::json& summary) {
  const bool is_sweep =
      summary.is_object() && summary.value("schema", nlohmann::json()) == sweep_schema;
  return is_sweep ? Renderer{sweep_csv, sweep_page, sweep_text}
                  : Renderer{csv_summary, html_report, text_summary};
}

int run(const Arguments& arguments) {
  const auto summary = read_summary(arguments.folder + "/summary.json");
  const Renderer renderer = renderer_for(summary);
  if (arguments.csv) {
    print(renderer.csv(summary));
    return exit_done;
  }
  const auto page = arguments.folder + "/report.html";
  write_file_atomically(page, renderer.page(summary));
  print(renderer.text(summary));
  note(fmt::format("wrote {}", page));
  return exit_done;
}

}  // namespace

void add_report(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "report",
      "Redraw report.html of a finished run from its summary.json, and print the summary.\n"
      "\n"
      "  ulpscope report run\n"
      "  ulpscope report run --csv > run.csv");
  const auto a = std::make_shared<Arguments>();
  command
      ->add_option("DIR", a->folder, "Folder of a run (attention, compare, engines, sweep: --out)")
      ->required();
  command->add_flag("--csv", a->csv, "Print the figures as CSV and leave the page alone");
  command->callback([a, &context] { context.run = [a] { return run(*a); }; });
}

}  // namespace ulpscope::cli
