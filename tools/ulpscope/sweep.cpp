// ulpscope sweep: a grid of experiments, a row of figures each.
#include "ulpscope/report/sweep.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/run/sweep_presets.hpp"
#include "ulpscope/run/sweep_run.hpp"

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
  std::string preset, measure, csv, out;
  std::vector<std::string> axes;  // texts, in the order of axis_rows()
  std::vector<std::string> set;
  bool json = false;
};

std::string list_of_presets() {
  std::string text;
  for (const auto& preset : sweep_presets()) {
    text += fmt::format("  {:<10} {}\n             {}\n", preset.name, preset.shows, preset.source);
  }
  return text;
}

SweepOptions options_of(const Arguments& a, const Context& context) {
  SweepOptions options;
  options.problem = names_inputs(a.problem) ? options_of(a.problem) : options_of_drawn(a.problem);
  options.preset = a.preset;
  options.measure = a.measure;
  for (size_t i = 0; i < a.axes.size(); ++i) {
    if (!a.axes[i].empty()) options.axes.emplace_back(axis_rows()[i].name, a.axes[i]);
  }
  for (const auto& text : a.set) options.overrides.push_back(parse_override(text));
  options.threads = threads_of(a.problem);
  options.out = a.out;
  options.csv = a.csv;
  options.command = command_without(context, {"--out", "--csv", "--threads"}, {"--json", "--mmap"});
  options.stop = context.interrupted;
  return options;
}

int run(const Arguments& arguments, const Context& context) {
  SweepOptions options = options_of(arguments, context);
  const auto summary = with_progress("sweep", options, run_sweep);
  if (!summary) {
    note("interrupted; nothing was written");
    return exit_interrupted;
  }
  print(arguments.json ? summary->dump(1) + "\n" : sweep_text(*summary));
  if (!options.csv.empty()) note(fmt::format("wrote {}", options.csv));
  if (!options.out.empty()) note(fmt::format("wrote {}/report.html", options.out));
  return exit_done;
}

}  // namespace

void add_sweep(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "sweep",
      "A grid of formats, modes, sizes, tiles, kernels, chips and laws: a row of figures a point.\n"
      "\n"
      "  ulpscope sweep --preset resonance\n"
      "  ulpscope sweep --law ties --gap 4..40:4 --kernels fa2-torch,kernel --out run\n"
      "  ulpscope sweep dump.safetensors --formats bf16,fp16,e8m5 --modes rne,rz,sr8 --csv t.csv\n"
      "\n"
      "A list is A,B,..., FROM..TO, FROM..TO:STEP or FROM..TO:xFACTOR. INPUT is as for attention;\n"
      "without it every point draws its problem from a law.\n"
      "\n"
      "Presets:\n" +
          list_of_presets());
  const auto a = std::make_shared<Arguments>();
  add_problem_options(*command, a->problem);
  command->add_option("--preset", a->preset, "An experiment by name; axes beside it change it");
  command->add_option("--measure", a->measure, "attention (the error of O), logits, sum or p-cast");
  const auto rows = axis_rows();
  a->axes.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    command->add_option(fmt::format("--{}", rows[i].name), a->axes[i],
                        fmt::format("Axis: {}", rows[i].help));
  }
  command->add_option("--set", a->set, "At every point: SITE=FORMAT[:MODE]; may be given again");
  command->add_option("--csv", a->csv, "File for the figures, a line a point");
  command->add_option("--out", a->out,
                      "Folder for summary.json, sweep.csv and report.html with line plots");
  command->add_flag("--json", a->json, "Print one JSON object");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
