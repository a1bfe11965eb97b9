// ulpscope attribute: which rounding of a kernel causes the error of its outputs, or makes them
// other than observed ones.
#include "ulpscope/report/text.hpp"
#include "ulpscope/run/attribute_run.hpp"
#include "ulpscope/run/observed_run.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

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
  AttributeOptions attribute;
  std::vector<std::string> set;
  std::vector<int64_t> heads;
  std::string observed;
  bool ablations = false;
  bool json = false;
};

constexpr size_t steps_shown = 8;

std::string fixed(const nlohmann::json& x, const char* format) {
  return x.is_string() ? x.get<std::string>() : fmt::format(fmt::runtime(format), x.get<double>());
}

std::string mean_and_z(const nlohmann::json& figures) {
  return fmt::format("{:>8} {:>7}", fixed(figures["mean_ulp"], "{:+.4f}"),
                     fixed(figures["z"], "{:+.1f}"));
}

std::string step_line(const nlohmann::json& step) {
  return fmt::format("  {:<22} {} | {} | {} {:>8}\n", step["name"].get<std::string>(),
                     mean_and_z(step["increment"]), mean_and_z(step["exact_here"]),
                     mean_and_z(step["exact_elsewhere"]),
                     fixed(step["exact_elsewhere"]["rms_ulp"], "{:.4f}"));
}

double magnitude(const nlohmann::json& step) {
  const auto& mean = step["increment"]["mean_ulp"];
  return mean.is_number() ? std::abs(mean.get<double>()) : 0;
}

// The steps that bring most, in the order of the computation.
std::vector<nlohmann::json> largest(const nlohmann::json& steps) {
  std::vector<size_t> order(steps.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return magnitude(steps[a]) > magnitude(steps[b]); });
  order.resize(std::min(order.size(), steps_shown));
  std::sort(order.begin(), order.end());
  std::vector<nlohmann::json> result;
  for (const size_t i : order) result.push_back(steps[i]);
  return result;
}

std::string where(const nlohmann::json& part) {
  return part.contains("head") ? fmt::format(" of head {}", part["head"].get<int64_t>()) : "";
}

std::string tensor_text(const nlohmann::json& tensor) {
  const auto& steps = tensor["steps"];
  const auto name = tensor["name"].get<std::string>();
  std::string text =
      fmt::format("{}{}: {}\n", name, where(tensor), tensor["verdict"].get<std::string>());
  text += fmt::format("  {:<22} {:>8} {:>7} | {:>8} {:>7} | {:>8} {:>7} {:>8}\n", "", "build-up",
                      "z", "left", "z", "alone", "z", "rms");
  text +=
      fmt::format("  {:<22} {} |\n", "(everything exact)", mean_and_z(tensor["everything_exact"]));
  for (const auto& step : largest(steps)) text += step_line(step);
  if (steps.size() > steps_shown) {
    text += fmt::format("  and {} steps that bring less\n", steps.size() - steps_shown);
  }
  const auto& kernel = tensor["kernel"];
  text += fmt::format("  {:<22} {} | {:>16} | {:>16} {:>8}\n", "(the kernel)", mean_and_z(kernel),
                      "", "", fixed(kernel["rms_ulp"], "{:.4f}"));
  const auto& heads = tensor["heads"];
  for (const auto& head : heads) {
    if (!head["biased"].get<bool>() || heads.size() == 1) continue;
    text += fmt::format("  head {}: {}\n", head["head"].get<int64_t>(),
                        head["verdict"].get<std::string>());
  }
  return text + "\n";
}

std::string as_text(const nlohmann::json& result) {
  std::string text;
  for (const auto& tensor : result["tensors"]) text += tensor_text(tensor);
  const auto& rows = result["rows"];
  return text +
         fmt::format(
             "rows with equal maxima: {} of {}; at risk, their ties broken by a weight that is not "
             "seen: {}\n",
             grouped(rows["equal_maxima"].get<uint64_t>()),
             grouped(rows["watched"].get<uint64_t>()), grouped(rows["at_risk"].get<uint64_t>())) +
         "mean error in ulp. build-up: all steps exact, then switched on in this order, and what "
         "each\nadds; left: this step exact; alone: all others exact\n";
}

// The head whose delta drifts most in the kernel as it is: that of a training run to look at.
size_t drifting_head(const nlohmann::json& ablations) {
  const auto& heads = ablations[0]["heads"];
  const auto drift = [](const nlohmann::json& head) {
    const auto& x = head["delta_drift"];
    return x.is_number() ? std::abs(x.get<double>()) : 0;
  };
  size_t most = 0;
  for (size_t i = 1; i < heads.size(); ++i) {
    if (drift(heads[i]) > drift(heads[most])) most = i;
  }
  return most;
}

std::string ablations_text(const nlohmann::json& result) {
  const auto& ablations = result["ablations"];
  const size_t head = drifting_head(ablations);
  std::string text =
      fmt::format("head {}\n{:<24} {:>12} {:>9} {:>12} {:>9}  {}\n", head, "", "delta drift",
                  "share", "||dQ - dQ'||", "eq. (1)", "training in the paper");
  for (const auto& row : ablations) {
    const auto& figures = row["heads"][head];
    std::string name = row["name"].get<std::string>();
    if (row.contains("exact_heads")) name = "  in --heads alone";
    text += fmt::format("{:<24} {:>12} {:>9} {:>12} {:>9}  {}\n", name,
                        figure(figures["delta_drift"], 4), figure(figures["delta_share"], 3),
                        figure(figures["dq_norm"], 3), figure(row["equation_1_of_tolerance"], 2),
                        row["training_in_the_paper"].get<std::string>());
  }
  return text +
         "drift: sum over rows of delta - exact delta; share: of the sum of magnitudes; dQ' with "
         "the "
         "exact delta\neq. (1): the largest |dQ' - dQ - scale (delta - delta') P K|, of what "
         "rounding "
         "allows: up to 1\n";
}

int run_on_observed(const Arguments& arguments, const Context& context) {
  IdentifyRunOptions options;
  static_cast<ProblemOptions&>(options) = options_of(arguments.problem);
  options.outputs.input = arguments.observed;
  options.meant = arguments.attribute.kernel;
  options.threads = threads_of(arguments.problem);
  options.command = context.command_line;
  options.stop = context.interrupted;
  const auto result = with_progress("changes", options, run_observed);
  if (!result) {
    note("interrupted");
    return exit_interrupted;
  }
  print(arguments.json ? result->dump(1) + "\n" : observed_text(*result));
  return (*result)["clean"].get<bool>() ? exit_done : exit_different;
}

int run(const Arguments& arguments, const Context& context) {
  if (!arguments.observed.empty()) return run_on_observed(arguments, context);
  AttributeOptions options = arguments.attribute;
  static_cast<ProblemOptions&>(options) = options_of(arguments.problem);
  for (const auto& text : arguments.set) options.overrides.push_back(parse_override(text));
  options.threads = threads_of(arguments.problem);
  options.command = command_without(context, {"--out", "--threads"}, {"--json", "--mmap"});
  options.stop = context.interrupted;
  const auto result = with_progress("runs", options, [&](const auto& o) {
    return arguments.ablations ? run_ablations(o, arguments.heads) : run_attribution(o);
  });
  if (!result) {
    note("interrupted");
    return exit_interrupted;
  }
  if (!options.out.empty()) note(fmt::format("wrote {}/report.html", options.out));
  const auto text = [&] {
    return arguments.ablations ? ablations_text(*result) : as_text(*result);
  };
  print(arguments.json ? result->dump(1) + "\n" : text());
  return exit_done;
}

}  // namespace

void add_attribute(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "attribute",
      "Which step causes an error: each made exact alone, left on alone, and switched on in "
      "order.\n"
      "\n"
      "  ulpscope attribute dump.safetensors --layout bhsd --causal\n"
      "  ulpscope attribute dump.npz --format bf16 --layout bhsd --kernel paper-eager --json\n"
      "  ulpscope attribute dump.npz --format bf16 --layout bhsd --observed "
      "run/outputs.safetensors\n"
      "\n"
      "INPUT is as for attention; with a tensor do, delta and the gradients too.");
  const auto a = std::make_shared<Arguments>();
  add_problem_options(*command, a->problem);
  command->add_option("--kernel", a->attribute.kernel, "NAME[@CHIP], whose roundings are tried")
      ->capture_default_str();
  auto* const set = command->add_option(
      "--set", a->set, "Round a site otherwise, as for attention; may be given again");
  auto* const ablations = command->add_flag(
      "--ablations", a->ablations,
      "The paper's ablations instead: what each leaves of the error of delta and dQ");
  command
      ->add_option(
          "--heads", a->heads,
          "With --ablations: O exact in these heads alone (counted from 0), as one row more")
      ->delimiter(',')
      ->needs(ablations);
  auto* const out = command
                        ->add_option("--out", a->attribute.out,
                                     "Folder for summary.json and report.html: absent, empty or an "
                                     "earlier run")
                        ->excludes(ablations);
  command
      ->add_option("--observed", a->observed,
                   "FILE or folder of outputs o, lse, dq, dk, dv: which step of the kernel was "
                   "another when they were made? Exit code 1 where somebody is accused")
      ->excludes(set)
      ->excludes(ablations)
      ->excludes(out);
  command->add_flag("--json", a->json, "Print one JSON object, with every step and head");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
