// ulpscope engines: one problem through all kernels, to see which one is off.
#include "ulpscope/report/table.hpp"
#include "ulpscope/run/engines_run.hpp"

#include <memory>

#include "command.hpp"
#include "problem_options.hpp"
#include "summary_command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  ProblemArguments problem;
  std::vector<std::string> kernels{"all"};
  std::vector<std::string> chips{"h200"};
  std::string delta_layout;
  std::string out;
  bool json = false;
};

EnginesOptions options_of(const Arguments& a, const Context& context) {
  EnginesOptions o;
  static_cast<ProblemOptions&>(o) = options_of(a.problem);
  o.kernels = a.kernels;
  o.chips = a.chips;
  o.delta_layout = a.delta_layout;
  o.threads = threads_of(a.problem);
  o.out = a.out;
  o.command = context.command_line;
  o.stop = context.interrupted;
  return o;
}

int run(const Arguments& arguments, const Context& context) {
  return run_to_summary("engines", options_of(arguments, context),
                        arguments.json ? Printed::json : Printed::text, run_engine_comparison);
}

}  // namespace

void add_engines(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "engines",
      "One problem through all kernels, and chips: which bits differ, and which are one-sided.\n"
      "\n"
      "  ulpscope engines dump.safetensors --layout bhsd --causal --out run\n"
      "  ulpscope engines dump.npz --format bf16 --layout bhsd --kernels fa2-torch,cudnn-9.19\n"
      "  ulpscope engines dump.npz --format fp16 --layout bhsd --kernels fa2-torch --chips all\n"
      "\n"
      "INPUT is as for attention; with a tensor do, the gradients are compared too.\n"
      "With --out DIR: outputs.safetensors, summary.json, report.html.");
  const auto a = std::make_shared<Arguments>();
  add_problem_options(*command, a->problem);
  command->add_option("--kernels", a->kernels, "NAME or NAME@CHIP, or all: a,b@chip,...")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--chips", a->chips, "Chips of the kernels named without one: a,b,... or all")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--delta-layout", a->delta_layout,
                      "Layout of delta, LANESxCOLUMNS, where the library picks one by timing "
                      "(flex-triton); identify finds it");
  command->add_option("--out", a->out,
                      "Folder for outputs and report: absent, empty or an earlier run");
  command->add_flag("--json", a->json, "Print summary.json instead of the tables");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
