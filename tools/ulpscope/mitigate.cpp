// ulpscope mitigate: a kernel's one-sided error before and after what may be done against it.
#include "ulpscope/report/table.hpp"
#include "ulpscope/report/text.hpp"
#include "ulpscope/run/mitigate_run.hpp"

#include <cmath>
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
  MitigateOptions mitigate;
  std::vector<std::string> set;
  bool json = false;
};

double number(const nlohmann::json& x) { return x.is_string() ? 0.0 : x.get<double>(); }

std::string mean_of(const nlohmann::json& errors) {
  return with_error(number(errors["mean"]), number(errors["standard_error"]));
}

std::string called_z(const nlohmann::json& errors) {
  return z_score(number(errors["z"])) + (errors["biased"].get<bool>() ? "*" : " ");
}

// Mean, z and spread against one reference; blanks where there is none.
std::string against(const nlohmann::json& all, const char* reference) {
  if (!all.contains(reference)) return fmt::format("{:>19} {:>7}  {:>5}", "-", "", "");
  const auto& errors = all[reference];
  return fmt::format("{:>19} {:>7} {:>6}", mean_of(errors), called_z(errors),
                     figure(errors["spread"], 2));
}

std::string line(const nlohmann::json& treatment) {
  const auto& all = treatment["all"];
  const bool has_delta = all.contains("delta_share");
  const auto not_finite = all["not_finite"].get<uint64_t>();
  return fmt::format(
      "{:<28} {} {} {:>10}{}{}\n", treatment["name"].get<std::string>(), against(all, "exact_p"),
      against(all, "rounded_p"), figure(all["exact_p"]["largest"], 3),
      has_delta ? fmt::format(" {:>7}", figure(all["delta_share"], 3)) : std::string(),
      not_finite > 0 ? fmt::format("  NaN: {}", grouped(not_finite)) : std::string());
}

std::string short_mean(const nlohmann::json& output) {
  const auto& errors = output["exact_p"];
  if (output["not_finite"].get<uint64_t>() > 0) return "NaN";
  if (errors["count"].get<uint64_t>() == 0) return "-";
  const double mean = number(errors["mean"]);
  return std::abs(mean) < 100
             ? fmt::format("{:+.3f}{}", mean, errors["biased"].get<bool>() ? "*" : " ")
             : real(mean, 3) + (errors["biased"].get<bool>() ? "*" : " ");
}

// One line a group of rows, one column a treatment; `name` says which rows a line is of.
template <class Name>
std::string by_group(const nlohmann::json& treatments, const char* groups, const Name& name) {
  std::string text;
  const auto& first = treatments[0][groups];
  for (size_t i = 0; i < first.size(); ++i) {
    text += fmt::format("{:<12}", name(first[i]));
    for (const auto& treatment : treatments) {
      text += fmt::format(" {:>9}", short_mean(treatment[groups][i]));
    }
    text += "\n";
  }
  return text;
}

std::string columns_of(const nlohmann::json& treatments, const std::string& first) {
  std::string text = fmt::format("{:<12}", first);
  for (size_t i = 0; i < treatments.size(); ++i)
    text += fmt::format(" {:>8} ", fmt::format("({})", i + 1));
  return text + "\n";
}

std::string as_text(const nlohmann::json& result) {
  const auto& treatments = result["treatments"];
  const bool has_delta = treatments[0]["all"].contains("delta_share");
  std::string text = wrapped(result["verdict"].get<std::string>(), 2) + "\n";
  text += fmt::format("{:<28} {:>19} {:>7} {:>6} {:>19} {:>7} {:>6} {:>10}{}\n", "",
                      "exact P: mean ulp", "z ", "spread", "rounded P: mean ulp", "z ", "spread",
                      "max |ulp|", has_delta ? fmt::format(" {:>7}", "delta") : std::string());
  for (const auto& treatment : treatments) text += line(treatment);
  text += "\n" + columns_of(treatments, "b,head");
  text += by_group(treatments, "heads", [](const nlohmann::json& head) {
    return fmt::format("{},{}", head["batch"].get<int64_t>(), head["head"].get<int64_t>());
  });
  text += "\n" + columns_of(treatments, "maximum");
  text += by_group(treatments, "by_maximum", [](const nlohmann::json& rows) {
    return fmt::format("{} to {}", rows["from"].get<int>(), rows["to"].get<int>());
  });
  text += fmt::format(
      "\nerrors of O in ulps of {}; rounded P: against exact attention with the P that the kernel "
      "casts;\n"
      "(1), (2), ...: the treatments in their order, mean ulp against exact P, by head and by the "
      "row's maximum{}\n",
      result["format"].get<std::string>(),
      has_delta ? ";\ndelta: sum of dO (O - exact O) by rows, over the sum of its magnitudes" : "");
  return text;
}

int run(const Arguments& arguments, const Context& context) {
  MitigateOptions options = arguments.mitigate;
  static_cast<ProblemOptions&>(options) = options_of(arguments.problem);
  for (const auto& text : arguments.set) options.overrides.push_back(parse_override(text));
  options.threads = threads_of(arguments.problem);
  options.command = context.command_line;
  options.stop = context.interrupted;
  const auto result = with_progress("mitigate", options, run_mitigate);
  if (!result) {
    note("interrupted");
    return exit_interrupted;
  }
  print(arguments.json ? result->dump(1) + "\n" : as_text(*result));
  return exit_done;
}

}  // namespace

void add_mitigate(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "mitigate",
      "Errors of O before and after what may be done against a one-sided one: the paper's stable\n"
      "maximum, fixed offsets, stochastic rounding, a wider O.\n"
      "\n"
      "  ulpscope mitigate dump.safetensors --causal --kernel paper-pv\n"
      "  ulpscope mitigate dump.npz --format bf16 --layout bhsd --stable beta=3,tol=0 --json\n"
      "\n"
      "INPUT is as for attention; with a tensor do, the drift of delta is shown too.");
  const auto a = std::make_shared<Arguments>();
  MitigateOptions& m = a->mitigate;
  add_problem_options(*command, a->problem);
  command->add_option("--kernel", m.kernel, "NAME[@CHIP], the kernel to treat")
      ->capture_default_str();
  command->add_option(
      "--set", a->set,
      "Round a site of the kernel otherwise, before any treatment; as for attention");
  command->add_option("--site", m.site,
                      "Where stochastic rounding replaces the kernel's; left out: the first "
                      "rounding of O to 16 bits");
  command->add_option("--stable", m.stable,
                      "One more treatment: beta=B,tol=T[,clamp=X|none]; may be given again");
  command->add_option("--offset", m.offsets, "One more fixed offset; may be given again");
  command->add_option("--from-row", m.first_row, "Leave out the rows before this one")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--seed", m.seed, "Seed of stochastic roundings")->capture_default_str();
  command->add_flag("--json", a->json, "Print one JSON object");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
