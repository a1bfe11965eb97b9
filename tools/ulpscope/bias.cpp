// ulpscope bias: how far ties that a residue breaks one way push a sum.
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/trace/tie_bias.hpp"

#include <memory>

#include "command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  std::vector<std::string> formats{"e5m2", "e4m3fn", "bf16", "fp16"};
  std::vector<int> terms{2, 3, 4, 8};
  std::string residue = "same", mode = "rne";
  bool json = false;
};

Residue residue_named(const std::string& name) {
  if (name == "same") return Residue::same_sign;
  if (name == "opposite") return Residue::opposite_sign;
  if (name == "none") return Residue::none;
  throw Error(ErrorKind::usage,
              fmt::format("unknown residue '{}': expected same, opposite or none", name));
}

int run(const Arguments& a) {
  const Residue residue = residue_named(a.residue);
  nlohmann::json all = nlohmann::json::array();
  std::string text = fmt::format(
      "mean error of a sum in ulps of the result, away from zero "
      "positive; {}, residue: {}\n{:<12} {:>3}  {:>9} {:>12} {:>11}\n",
      a.mode, a.residue, "format", "n", "ties", "mean error", "closed form");
  for (const auto& name : a.formats) {
    const Format f = format_named(name);
    const Rounding rounding = rounding_named(a.mode, &f);
    for (const int n : a.terms) {
      const auto bias = tie_bias(f, n, residue, rounding);
      all.push_back({{"format", format_name(f)},
                     {"terms", n},
                     {"tie_share", bias.tie_share},
                     {"mean_ulp", bias.mean_ulp},
                     {"closed_form", bias.closed_form}});
      text += fmt::format("{:<12} {:>3}  {:>9.6f} {:>+12.6f} {:>+11.6f}\n", format_name(f), n,
                          bias.tie_share, bias.mean_ulp, bias.closed_form);
    }
  }
  print(a.json ? all.dump(1) + "\n" : text);
  return exit_done;
}

}  // namespace

void add_bias(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "bias",
      "The mean error of a sum of n numbers of one sign and one binade, when a vanishing residue\n"
      "breaks its ties. Exact: every sum is counted, none is sampled.\n"
      "\n"
      "  ulpscope bias\n"
      "  ulpscope bias --format bf16 --terms 2 3 --residue opposite\n"
      "  ulpscope bias --residue none --mode rna");
  const auto a = std::make_shared<Arguments>();
  command->add_option("--format", a->formats, "Formats of up to 12 trailing bits")
      ->capture_default_str();
  command->add_option("--terms", a->terms, "Numbers of terms")->capture_default_str();
  command->add_option("--residue", a->residue, "same, opposite (in sign to the sum) or none")
      ->capture_default_str();
  command->add_option("--mode", a->mode, "Rounding mode")->capture_default_str();
  command->add_flag("--json", a->json, "Print JSON");
  command->callback([a, &context] { context.run = [a] { return run(*a); }; });
}

}  // namespace ulpscope::cli
