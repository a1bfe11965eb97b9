// ulpscope history: the life of one output element.
#include "ulpscope/report/table.hpp"
#include "ulpscope/report/text.hpp"
#include "ulpscope/run/element_run.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "command.hpp"
#include "figures.hpp"
#include "problem_options.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

using nlohmann::json;

struct Arguments {
  ProblemArguments problem;
  ElementOptions options;
  std::vector<std::string> set;
  bool all = false;
  bool json = false;
};

std::string head(const json& result) {
  const json& element = result["element"];
  return fmt::format(
      "{} at ({}) of {}@{}: {} {}, exact {}\n\n", result["output"].get<std::string>(),
      fmt::join(result["index"].get<std::vector<int64_t>>(), ", "),
      result["kernel"].get<std::string>(), result["chip"].get<std::string>(),
      element["bits"].get<std::string>(), figure(element["value"], 9), figure(result["exact"], 9));
}

std::string part_of(const json& result, const std::string& site) {
  for (const auto& source : result["sources"]) {
    if (source["site"] == site) return figure(source["ulp"], 3);
  }
  return "0";
}

std::string sites(const json& result) {
  std::string text =
      fmt::format("{:<18} {:<6} {:>7} {:>8} {:>6} {:>8} {:>10} {:>12}\n", "site", "format", "steps",
                  "inexact", "ties", "carries", "max |ulp|", "of the error");
  for (const auto& site : result["sites"]) {
    const auto name = site["site"].get<std::string>();
    text +=
        fmt::format("{:<18} {:<6} {:>7} {:>8} {:>6} {:>8} {:>10} {:>12}\n", name,
                    site["format"].get<std::string>(), grouped(site["steps"].get<uint64_t>()),
                    grouped(site["inexact"].get<uint64_t>()), grouped(site["ties"].get<uint64_t>()),
                    grouped(site["carries"].get<uint64_t>()), figure(site["max_abs_ulp"], 3),
                    part_of(result, name));
  }
  return text;
}

std::string place(const json& step) {
  if (step.contains("key")) return fmt::format(" of key {}", step["key"].get<int64_t>());
  if (step.contains("feature"))
    return fmt::format(" of feature {}", step["feature"].get<int64_t>());
  return "";
}

// "guard 1 rest 1, carry"
std::string cut(const json& step) {
  std::string text;
  if (step.contains("guard")) {
    text = fmt::format("  guard {} rest {}{}", step["guard"].get<int>(), step["sticky"].get<int>(),
                       step["tie"].get<bool>() ? " tie" : "");
  }
  if (step["carry_out"].get<bool>()) text += "  carry out";
  if (step["round_carry"].get<bool>()) text += "  carry by rounding";
  return text;
}

std::string step_line(const json& step) {
  std::string operands;
  for (const auto& operand : step["operands"]) {
    operands += fmt::format("{}{} = {}", operands.empty() ? "" : ", ",
                            operand["name"].get<std::string>(), figure(operand["value"], 9));
  }
  std::string text = fmt::format("{}{}{}\n", step["site"].get<std::string>(), place(step),
                                 operands.empty() ? "" : fmt::format(": {}", operands));
  if (step.contains("before")) {
    text += fmt::format("    exact  {}  {}\n", step["before"].get<std::string>(),
                        figure(step["exact"], 12));
  }
  text += fmt::format("    {:<6} {}  {}{}{}\n", step["format"].get<std::string>(),
                      step["after"].get<std::string>(), figure(step["value"], 9), cut(step),
                      step.contains("error_ulp")
                          ? fmt::format("  error {} ulp", figure(step["error_ulp"], 4))
                          : "");
  return text;
}

double jump(const json& steps, size_t i) {
  const double before = i == 0 ? 0 : steps[i - 1]["error_ulp"].get<double>();
  return steps[i]["error_ulp"].get<double>() - before;
}

// The key that changed the error of O most; the last one where there is no staircase.
std::optional<int64_t> loudest_key(const json& result) {
  if (!result.contains("prefix")) return std::nullopt;
  const json& stored = result["prefix"]["stored"]["steps"];
  std::optional<size_t> loudest;
  for (size_t i = 0; i < stored.size(); ++i) {
    if (!loudest || std::abs(jump(stored, i)) > std::abs(jump(stored, *loudest))) loudest = i;
  }
  if (!loudest) return std::nullopt;
  return stored[*loudest]["key"].get<int64_t>();
}

// A site's step at that key, or its last one.
const json& shown_step(const json& result, const json& site, std::optional<int64_t> key) {
  const json& last = result["steps"][site["last_step"].get<size_t>()];
  if (!key || !last.contains("key") || site["site"] == "row_sum") return last;
  for (const auto& step : result["steps"]) {
    if (step["site"] == site["site"] && step["key"] == *key) return step;
  }
  return last;
}

std::string steps(const json& result, bool all) {
  if (all) {
    std::string text = "every step\n";
    for (const auto& step : result["steps"]) text += step_line(step);
    return text;
  }
  const auto key = loudest_key(result);
  std::string text = key ? fmt::format("a step of every site, that of key {} or the last", *key)
                         : "the last step of every site";
  text += " (all steps: --all)\n";
  for (const auto& site : result["sites"]) text += step_line(shown_step(result, site, key));
  return text;
}

// "P = 1", "P = 2^-3" or nothing.
std::string mark(double p) {
  int exponent = 0;
  if (!(p > 0) || std::frexp(p, &exponent) > 0.5) return "";
  return exponent == 1 ? "P = 1" : fmt::format("P = 2^{}", exponent - 1);
}

// The prefixes with the largest jumps of either staircase, in the order of the keys.
std::vector<size_t> chosen(const json& product, const json& stored, bool all) {
  constexpr size_t most = 8;
  std::vector<size_t> order(product.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (all || order.size() <= most) return order;
  const auto size = [&](size_t i) {
    return std::max(std::abs(jump(product, i)), std::abs(jump(stored, i)));
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return size(a) > size(b); });
  order.resize(most);
  std::sort(order.begin(), order.end());
  return order;
}

std::string jumps_text(const char* of, const json& prefix) {
  const json& jumps = prefix["jumps"];
  return fmt::format("{}: jumps of {} ulp or more: {}, at P = 1: {}, at other powers of two: {}\n",
                     of, figure(jumps["counted_from"], 3), jumps["all"].get<int64_t>(),
                     jumps["at_one"].get<int64_t>(),
                     jumps["at_other_powers_of_two"].get<int64_t>());
}

std::string prefixes(const json& result, bool all) {
  if (!result.contains("prefix")) return "";
  const json& product = result["prefix"]["product"]["steps"];
  const json& stored = result["prefix"]["stored"]["steps"];
  if (product.size() != stored.size() || stored.empty()) return "";
  std::string text = fmt::format(
      "\nerror after the keys up to, in ulps{}\n{:>8} {:>12} {:>12} {:>12} {:>10} {:>10}\n",
      all ? "" : " (the largest jumps; all keys: --all)", "key", "P", "weight", "V", "P.V", "O");
  for (const size_t i : chosen(product, stored, all)) {
    const double p = stored[i]["p"].get<double>();
    const std::string line = fmt::format(
        "{:>8} {:>12} {:>12} {:>12} {:>10} {:>10}  {}", stored[i]["key"].get<int64_t>(),
        figure(stored[i]["p"], 6), figure(stored[i]["weight"], 6), figure(stored[i]["v"], 6),
        figure(product[i]["error_ulp"], 4), figure(stored[i]["error_ulp"], 4), mark(p));
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text + "\n" + jumps_text("P.V", result["prefix"]["product"]) +
         jumps_text("O", result["prefix"]["stored"]);
}

std::string as_text(const json& result, bool all) {
  return head(result) + wrapped(result["verdict"].get<std::string>(), 2) + "\n" + sites(result) +
         prefixes(result, all) + "\n" + steps(result, all);
}

int run(const Arguments& arguments, const Context& context) {
  ElementOptions options = arguments.options;
  static_cast<ProblemOptions&>(options) = options_of(arguments.problem);
  for (const auto& text : arguments.set) options.overrides.push_back(parse_override(text));
  options.command = context.command_line;
  const json result = run_element(options);
  print(arguments.json ? result.dump(1) + "\n" : as_text(result, arguments.all));
  return exit_done;
}

}  // namespace

void add_history(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "history",
      "The life of one output element: every rounding, what its error comes from, key by key.\n"
      "\n"
      "  ulpscope history dump.safetensors --causal --element 0,3,512,7\n"
      "  ulpscope history dump.npz --format bf16 --element 0,0,100 --output lse --json\n"
      "\n"
      "INPUT is as for attention.");
  const auto a = std::make_shared<Arguments>();
  add_problem_options(*command, a->problem);
  command
      ->add_option("--element", a->options.element, "Batch, head, row and, of O, feature: B,H,S,D")
      ->delimiter(',')
      ->required();
  command->add_option("--output", a->options.output, "o or lse")->capture_default_str();
  command->add_option("--kernel", a->options.kernel, "NAME[@CHIP]")->capture_default_str();
  command->add_option("--set", a->set,
                      "Round a site otherwise, as for attention: SITE=FORMAT[:MODE]");
  command->add_flag("--all", a->all, "Print every step and every key");
  command->add_flag("--json", a->json, "Print one JSON object, with every step and every key");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
