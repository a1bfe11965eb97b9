// ulpscope drift: how an error of delta adds up over training steps.
#include "ulpscope/report/text.hpp"
#include "ulpscope/run/drift_run.hpp"

#include <memory>

#include "command.hpp"
#include "figures.hpp"
#include "problem_options.hpp"
#include "summary_command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  ProblemArguments problem;
  DriftRunOptions drift;
  std::string law, format = "bf16";
  bool json = false;
};

std::string as_text(const nlohmann::json& result) {
  const auto steps = result["steps"].get<size_t>();
  std::string text = fmt::format(
      "{} of {}@{}, {} steps: share of the sum of magnitudes {}\n\n{:>8} {:>12} {:>12} {:>12} "
      "{:>12}\n",
      result["source"].get<std::string>(), result["kernel"].get<std::string>(),
      result["chip"].get<std::string>(), grouped(steps), figure(result["share"], 3), "step",
      "sum of c", "R shared", "R random", "flipped");
  const auto& curves = result["curves"];
  const auto norm = [&](const char* curve, size_t i) {
    return figure(curves[curve]["spectral_norm"][i], 4);
  };
  // The steps 1, 2, 4, ... and the last.
  for (size_t n = 1;; n = n * 2 < steps ? n * 2 : steps) {
    text += fmt::format("{:>8} {:>12} {:>12} {:>12} {:>12}\n", n,
                        figure(result["cumulative"][n - 1], 4), norm("shared", n - 1),
                        norm("random", n - 1), norm("flipped", n - 1));
    if (n == steps) break;
  }
  return text + fmt::format("{:>8} {:>12} {:>12} {:>12} {:>12}\n", "exponent", "",
                            figure(curves["shared"]["exponent"], 3),
                            figure(curves["random"]["exponent"], 3),
                            figure(curves["flipped"]["exponent"], 3));
}

bool has_input(const ProblemArguments& a) { return !a.input.empty() || !a.q.empty(); }

int run(const Arguments& arguments, const Context& context) {
  DriftRunOptions options = arguments.drift;
  if (has_input(arguments.problem)) {
    static_cast<ProblemOptions&>(options) = options_of(arguments.problem);
  } else {
    options.law.kind = law_named(arguments.law.empty() ? "ties" : arguments.law);
    options.shape.format = format_named(arguments.format);
    options.mask = arguments.problem.causal ? causal_mask : no_mask;
    options.multiprocessors = arguments.problem.sms;
  }
  options.threads = threads_of(arguments.problem);
  options.command = context.command_line;
  options.stop = context.interrupted;
  const auto result = with_progress("drift", options, run_drift);
  if (!result) {
    note("interrupted");
    return exit_interrupted;
  }
  print(arguments.json ? result->dump(1) + "\n" : as_text(*result));
  return exit_done;
}

void add_law_options(CLI::App& command, Arguments& a) {
  Law& law = a.drift.law;
  const auto size = CLI::Range(int64_t{1}, int64_t{1} << 20);
  command.add_option("--law", a.law, "Law of the heads where there is no INPUT; ties by default");
  command.add_option("--seed", law.seed, "Seed of the first step; each step has the next")
      ->capture_default_str();
  command.add_option("--rows", a.drift.shape.rows, "Queries of a drawn head")
      ->check(size)
      ->capture_default_str();
  command.add_option("--keys", a.drift.shape.keys, "Keys of a drawn head")
      ->check(size)
      ->capture_default_str();
  command.add_option("--dim", a.drift.shape.dim, "Head size of a drawn head")
      ->check(CLI::Range(int64_t{1}, int64_t{4096}))
      ->capture_default_str();
  command.add_option("--maxima", law.maxima, "ties: equal maxima of a row")->capture_default_str();
  command.add_option("--gap", law.gap, "ties: how far the other scores lie below")
      ->capture_default_str();
  command.add_option("--sink", law.sink, "ties: factor of the values of the keys alike")
      ->capture_default_str();
}

}  // namespace

void add_drift(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "drift",
      "How an error of delta adds up in a weight's gradient, step after step.\n"
      "\n"
      "  ulpscope drift --law ties --sink 0.5 --steps 100\n"
      "  ulpscope drift dump.npz --format bf16 --layout hsd --causal\n"
      "\n"
      "A step is a head of INPUT, which has a tensor do, or a head drawn from a law.");
  const auto a = std::make_shared<Arguments>();
  add_problem_options(*command, a->problem);
  add_law_options(*command, *a);
  command->add_option("--steps", a->drift.steps, "Steps; of an INPUT, at most so many heads")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
      ->capture_default_str();
  command->add_option("--directions", a->drift.seed, "Seed of the random directions and signs")
      ->capture_default_str();
  command->add_option("--kernel", a->drift.kernel, "NAME[@CHIP]")->capture_default_str();
  command->add_flag("--json", a->json, "Print one JSON object, with every step");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
