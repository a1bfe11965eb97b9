// ulpscope monitors: what the scores of a dump hold in store.
#include "ulpscope/report/text.hpp"
#include "ulpscope/run/monitors_run.hpp"

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
  MonitorsOptions monitors;
  std::string x;
  bool json = false;
};

std::string share(const nlohmann::json& head, const char* part, const char* whole) {
  return percent(head[part].get<uint64_t>(), head[whole].get<uint64_t>());
}

std::string line(const nlohmann::json& head) {
  const bool has_delta = head.contains("delta");
  return fmt::format(
      "{:<8} {:>7} {:>9} {:>9} {:>8} {:>8} {:>8} {:>9} {:>8} {:>8} {:>7}{}\n",
      fmt::format("{},{}", head["batch"].get<int64_t>(), head["head"].get<int64_t>()),
      ulpscope::compact(head["rows"].get<uint64_t>()), figure(head["largest_score"], 4),
      head.contains("ulp_at_largest") ? figure(head["ulp_at_largest"], 3) : "",
      share(head, "rows_equal", "rows"), share(head, "rows_near", "rows"),
      share(head, "rows_at_risk", "rows"), figure(head["median_residual"], 3),
      share(head, "powers_of_two", "pairs"), figure(head["mean_entropy"], 3),
      figure(head["mean_sink"], 3),
      has_delta ? fmt::format(" {:>10} {:>7}", figure(head["delta"]["drift"], 3),
                              figure(head["delta"]["share"], 3))
                : std::string());
}

// What the drift makes of the gradient of W^Q.
std::string weight_errors(const nlohmann::json& heads) {
  std::string text = fmt::format("\n{:<8} {:>8} {:>11} {:>9} {:>12} {:>9}\n", "b,head", "tokens",
                                 "similarity", "eff. rank", "|dW error|", "of most");
  for (const auto& head : heads) {
    const auto& error = head["weight_error"];
    const bool has_size = error["largest"].is_number() && error["largest"].get<double>() > 0;
    text += fmt::format(
        "{:<8} {:>8} {:>11} {:>9} {:>12} {:>9}\n",
        fmt::format("{},{}", head["batch"].get<int64_t>(), head["head"].get<int64_t>()),
        ulpscope::compact(error["tokens"].get<uint64_t>()), figure(error["similarity"], 3),
        figure(error["effective_rank"], 3), figure(error["spectral_norm"], 3),
        has_size ? real(error["spectral_norm"].get<double>() / error["largest"].get<double>(), 3)
                 : "");
  }
  return text;
}

// The heads as they are beside the same with a local window.
std::string windows(const nlohmann::json& result) {
  const auto& local = result["local"];
  std::string text = fmt::format(
      "\nglobal, and local with the window {},0\n{:<8} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8} "
      "{:>8}\n",
      local["window"][0].get<int64_t>(), "b,head", "max |S|", "local", "equal", "local", "at risk",
      "local", "entropy", "local");
  for (size_t h = 0; h < result["heads"].size(); ++h) {
    const auto& head = result["heads"][h];
    const auto& near = local["heads"][h];
    text +=
        fmt::format("{:<8} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}\n",
                    fmt::format("{},{}", head["batch"].get<int64_t>(), head["head"].get<int64_t>()),
                    figure(head["largest_score"], 4), figure(near["largest_score"], 4),
                    share(head, "rows_equal", "rows"), share(near, "rows_equal", "rows"),
                    share(head, "rows_at_risk", "rows"), share(near, "rows_at_risk", "rows"),
                    figure(head["mean_entropy"], 3), figure(near["mean_entropy"], 3));
  }
  return text;
}

std::string as_text(const nlohmann::json& result) {
  const auto& heads = result["heads"];
  const bool has_delta = heads[0].contains("delta");
  std::string text = fmt::format(
      "{:<8} {:>7} {:>9} {:>9} {:>8} {:>8} {:>8} {:>9} {:>8} {:>8} {:>7}{}\n", "b,head", "rows",
      "max |S|", "ulp there", "equal", "near", "at risk", "residual", "P=2^k", "entropy", "sink",
      has_delta ? fmt::format(" {:>10} {:>7}", "drift", "share") : std::string());
  uint64_t not_finite = 0;
  for (const auto& head : heads) {
    text += line(head);
    not_finite += head["rows_not_finite"].get<uint64_t>();
  }
  if (not_finite > 0) {
    text += fmt::format("left out, a score NaN or infinite: {} rows\n", grouped(not_finite));
  }
  text +=
      "\nequal: rows with two or more equal maxima; near: within the tolerance; at risk: equal, "
      "and\n"
      "the weight beside them breaks ties without being seen; residual: median of that weight\n";
  if (has_delta) text += "drift: sum of delta - exact delta; share: of the sum of magnitudes\n";
  if (heads[0].contains("weight_error")) text += weight_errors(heads);
  if (result.contains("local")) text += windows(result);
  return text;
}

int run(const Arguments& arguments, const Context& context) {
  MonitorsOptions options = arguments.monitors;
  static_cast<ProblemOptions&>(options) = options_of(arguments.problem);
  if (!arguments.x.empty()) options.inputs.files["x"] = arguments.x;
  options.threads = threads_of(arguments.problem);
  options.command = context.command_line;
  options.stop = context.interrupted;
  const auto result = with_progress("monitors", options, run_monitors);
  if (!result) {
    note("interrupted");
    return exit_interrupted;
  }
  print(arguments.json ? result->dump(1) + "\n" : as_text(*result));
  return exit_done;
}

}  // namespace

void add_monitors(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "monitors",
      "What the scores of every head hold in store: equal maxima, growth, sinks, rows at risk.\n"
      "\n"
      "  ulpscope monitors dump.safetensors --layout bhsd --causal\n"
      "  ulpscope monitors dump.npz --format bf16 --layout bhsd --kernel paper-eager --json\n"
      "\n"
      "INPUT is as for attention; with a tensor do, the drift of delta is watched too; with do and "
      "x,\n"
      "the tokens (--map x=NAME), what it makes of the gradient of W^Q.");
  const auto a = std::make_shared<Arguments>();
  add_problem_options(*command, a->problem);
  command->add_option("--kernel", a->monitors.kernel, "NAME[@CHIP], whose scores are watched")
      ->capture_default_str();
  command
      ->add_option("--tolerance", a->monitors.tolerance,
                   "How far below the maximum a score is near it")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--sinks", a->monitors.sinks, "First keys whose share is the sink's")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--x", a->x,
                      "The tokens that Q was made of, FILE or FILE:TENSOR: (rows, width), or with "
                      "the batch before them");
  command
      ->add_option("--compare-window", a->monitors.compare_window,
                   "Watch the heads once more, with a window of L keys before the diagonal")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--json", a->json, "Print one JSON object, with the drift row by row");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
