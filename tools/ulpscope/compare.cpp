// ulpscope compare: two tensors, bit for bit.
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/table.hpp"
#include "ulpscope/run/compare_run.hpp"

#include <memory>

#include "command.hpp"
#include "problem_options.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  std::string a, b, out;
  ProblemArguments problem;  // --format and --layout serve A and B too
  std::vector<std::string> kernels;
  std::vector<int64_t> element;
  int64_t row_tile = CompareOptions{}.row_tile;
  bool fit = false;
  bool json = false;
};

// A history is asked for by naming the kernels.
std::optional<HistoryOptions> history_of(const Arguments& a) {
  const bool has_inputs = !a.problem.input.empty() || !a.problem.q.empty();
  if (a.kernels.empty() && !has_inputs && a.element.empty()) return std::nullopt;
  if (a.kernels.empty() || !has_inputs) {
    throw Error(ErrorKind::usage, "a history needs --kernels and --inputs, the problem's q, k, v");
  }
  HistoryOptions o;
  static_cast<ProblemOptions&>(o) = options_of(a.problem);
  o.backward = BackwardChoice::off;
  o.kernels = a.kernels;
  o.element = a.element;
  return o;
}

int run(const Arguments& arguments, const Context& context) {
  CompareOptions options{.a = arguments.a,
                         .b = arguments.b,
                         .format = std::nullopt,
                         .layout = std::nullopt,
                         .row_tile = arguments.row_tile,
                         .fit = arguments.fit ? Fit::on : Fit::off,
                         .history = history_of(arguments),
                         .out = arguments.out,
                         .command = context.command_line};
  if (!arguments.problem.format.empty()) options.format = format_named(arguments.problem.format);
  if (!arguments.problem.layout.empty()) options.layout = layout_named(arguments.problem.layout);
  const nlohmann::json summary = run_compare(options);
  print(arguments.json ? summary.dump(1) + "\n" : text_summary(summary));
  if (!options.out.empty()) note(fmt::format("wrote {}/report.html", options.out));
  return summary["verdict"]["status"] == "equal" ? exit_done : exit_different;
}

}  // namespace

void add_compare(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("compare",
                         "Compare two tensors: bits, ulps, signed bias of A against B, and where.\n"
                         "\n"
                         "  ulpscope compare run/outputs.safetensors:o gpu.npz:o --format bf16\n"
                         "  ulpscope compare cast.safetensors:x wide.safetensors:x --fit\n"
                         "  ulpscope compare a.npz:o b.npz:o --inputs dump.npz --kernels "
                         "fa2-torch,memeff-torch\n"
                         "\n"
                         "Exit code 0 where all bits agree, 1 where not; with --fit, 0 where a "
                         "rounding of\n"
                         "the wide tensor gives every bit of the narrow one.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("A", a->a, "FILE or FILE:TENSOR")->required();
  command->add_option("B", a->b, "FILE or FILE:TENSOR, the reference")->required();
  command->add_option("--row-tile", a->row_tile, "Rows of a tile in the breakdown")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
      ->capture_default_str();
  command->add_flag("--fit", a->fit,
                    "Which rounding mode, flush and overflow explain the tensor in fewer bits by "
                    "the other");
  command
      ->add_option("--kernels", a->kernels,
                   "One or two kernels, NAME[@CHIP]: how they come to the first difference of "
                   "an output of attention, and where they part; needs the inputs")
      ->delimiter(',');
  command
      ->add_option("--element", a->element,
                   "The element whose history is told, B,H,S,D, instead of the first difference")
      ->delimiter(',');
  add_problem_options(*command, a->problem, "--inputs");
  command->add_option("--out", a->out, "Folder for summary.json and report.html");
  command->add_flag("--json", a->json, "Print summary.json instead of the table");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
