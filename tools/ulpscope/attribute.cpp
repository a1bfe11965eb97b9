// ulpscope attribute: which rounding of a kernel causes the error of its outputs.
#include "ulpscope/report/text.hpp"
#include "ulpscope/run/attribute_run.hpp"

#include <memory>

#include "command.hpp"
#include "problem_options.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  ProblemArguments problem;
  AttributeOptions attribute;
  std::vector<std::string> set;
  bool json = false;
};

constexpr size_t sites_shown = 6;

std::string figure(const nlohmann::json& x, const char* format) {
  return x.is_string() ? x.get<std::string>() : fmt::format(fmt::runtime(format), x.get<double>());
}

std::string mean_and_z(const nlohmann::json& figures) {
  return fmt::format("{:>8} {:>7}", figure(figures["mean_ulp"], "{:+.3f}"),
                     figure(figures["z"], "{:+.1f}"));
}

std::string line(const std::string& name, const nlohmann::json& figures) {
  return fmt::format("  {:<22} {} {:>8}", name, mean_and_z(figures),
                     figure(figures["rms_ulp"], "{:.3f}"));
}

std::string site_line(const nlohmann::json& site) {
  const auto& alone = site["exact_elsewhere"];
  return fmt::format("{} {:>9} | {} {:>8} {:>9}\n",
                     line(site["site"].get<std::string>(), site["exact_here"]),
                     figure(site["bias_removed"], "{:.1%}"), mean_and_z(alone),
                     figure(alone["rms_ulp"], "{:.3f}"), figure(site["bias_brought"], "{:.1%}"));
}

std::string tensor_text(const nlohmann::json& tensor) {
  const std::string where =
      tensor.contains("head") ? fmt::format(" of head {}", tensor["head"].get<int64_t>()) : "";
  std::string text = fmt::format("{}{}: {}\n", tensor["name"].get<std::string>(), where,
                                 tensor["verdict"].get<std::string>());
  text += fmt::format("  {:<22} {:>8} {:>7} {:>8} {:>9} | {:>8} {:>7} {:>8} {:>9}\n", "",
                      "mean ulp", "z", "rms", "removed", "alone", "z", "rms", "brought");
  text += line("(the kernel)", tensor["kernel"]) + "\n";
  text += line("(everything exact)", tensor["everything_exact"]) + "\n";
  const auto& sites = tensor["sites"];
  for (size_t i = 0; i < std::min(sites_shown, sites.size()); ++i) text += site_line(sites[i]);
  if (sites.size() > sites_shown) {
    text += fmt::format("  and {} sites with less\n", sites.size() - sites_shown);
  }
  return text + "\n";
}

std::string as_text(const nlohmann::json& result) {
  std::string text;
  for (const auto& tensor : result["tensors"]) text += tensor_text(tensor);
  return text +
         "left of the bar the site is exact and all others are the kernel's, right of it the other "
         "way\nround; shares are those of the mean error\n";
}

int run(const Arguments& arguments, const Context& context) {
  AttributeOptions options = arguments.attribute;
  static_cast<ProblemOptions&>(options) = options_of(arguments.problem);
  for (const auto& text : arguments.set) options.overrides.push_back(parse_override(text));
  options.threads = threads_of(arguments.problem);
  options.command = context.command_line;
  options.stop = context.interrupted;
  std::optional<nlohmann::json> result;
  {
    Progress progress("runs");
    options.progress = [&](int64_t done, int64_t all) { progress(done, all); };
    result = run_attribution(options);
  }
  if (!result) {
    note("interrupted");
    return exit_interrupted;
  }
  print(arguments.json ? result->dump(1) + "\n" : as_text(*result));
  return exit_done;
}

}  // namespace

void add_attribute(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "attribute",
      "Which rounding causes an error: every site made exact alone, and left on alone.\n"
      "\n"
      "  ulpscope attribute dump.safetensors --layout bhsd --causal\n"
      "  ulpscope attribute dump.npz --format bf16 --layout bhsd --kernel paper-eager --json\n"
      "\n"
      "INPUT is as for attention; with a tensor do, delta and the gradients too.");
  const auto a = std::make_shared<Arguments>();
  add_problem_options(*command, a->problem);
  command->add_option("--kernel", a->attribute.kernel, "NAME[@CHIP], whose roundings are tried")
      ->capture_default_str();
  command->add_option("--set", a->set,
                      "Round a site otherwise, as for attention; may be given again");
  command->add_flag("--json", a->json, "Print one JSON object, with every site");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
