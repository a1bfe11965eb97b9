// ulpscope compare: two tensors, bit for bit.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/table.hpp"
#include "ulpscope/run/compare_run.hpp"

#include <memory>

#include "command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  std::string a, b, format, out;
  bool json = false;
};

int run(const Arguments& arguments, const Context& context) {
  CompareOptions options{.a = arguments.a,
                         .b = arguments.b,
                         .format = std::nullopt,
                         .out = arguments.out,
                         .command = context.command_line};
  if (!arguments.format.empty()) options.format = format_named(arguments.format);
  const nlohmann::json summary = run_compare(options);
  print(arguments.json ? summary.dump(1) + "\n" : text_summary(summary));
  if (!options.out.empty()) note(fmt::format("wrote {}/report.html", options.out));
  return summary["verdict"]["status"] == "equal" ? exit_done : exit_different;
}

}  // namespace

void add_compare(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("compare",
                         "Compare two tensors: bits, ulps, signed bias of A against B.\n"
                         "\n"
                         "  ulpscope compare run/outputs.safetensors:o gpu.npz:o --format bf16\n"
                         "\n"
                         "Exit code 0 where all bits agree, 1 where not.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("A", a->a, "FILE or FILE:TENSOR")->required();
  command->add_option("B", a->b, "FILE or FILE:TENSOR, the reference")->required();
  command->add_option("--format", a->format, "What the bits mean where a file does not say");
  command->add_option("--out", a->out, "Folder for summary.json and report.html");
  command->add_flag("--json", a->json, "Print summary.json instead of the table");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
