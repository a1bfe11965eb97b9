// ulpscope quantise: a tensor in small formats with scales, and what that costs.
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/text.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/run/quantise_run.hpp"
#include "ulpscope/tensor/tensor.hpp"

#include <memory>

#include "command.hpp"
#include "figures.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  std::string input, format, to, rule, mode = "rne", out;
  std::vector<std::string> schemes;
  int64_t block = -1;
  bool json = false;
};

std::string decibels(const nlohmann::json& x) {
  return x.is_string() ? x.get<std::string>() : fmt::format("{:.2f}", x.get<double>());
}

std::string block_text(const nlohmann::json& row) {
  const auto block = row["block"].get<int64_t>();
  return block == 0 ? "all" : fmt::format("{}", block);
}

std::string as_text(const nlohmann::json& result) {
  const auto& input = result["input"];
  const auto shape = input["shape"].get<std::vector<int64_t>>();
  std::string text = fmt::format("{}: {} {}\n\n", visible(input["file"].get<std::string>()),
                                 input["format"].get<std::string>(), shape_text(shape));
  text += fmt::format("{:<14} {:<7} {:>5} {:<8} {:<7} {:>6} {:>8} {:>11} {:>10} {:>9} {:>9}\n",
                      "scheme", "element", "block", "scale", "rule", "bits", "SQNR dB",
                      "mean error", "max error", "saturated", "lost");
  for (const auto& row : result["schemes"]) {
    text += fmt::format("{:<14} {:<7} {:>5} {:<8} {:<7} {:>6.4g} {:>8} {:>11} {:>10} {:>9} {:>9}\n",
                        row["scheme"].get<std::string>(), row["element"].get<std::string>(),
                        block_text(row), row["scale"].get<std::string>(),
                        row["rule"].get<std::string>(), row["bits_per_value"].get<double>(),
                        decibels(row["sqnr_db"]), figure(row["mean_error"], 3),
                        figure(row["max_error"], 4), compact(row["saturated"].get<uint64_t>()),
                        compact(row["lost"].get<uint64_t>()));
  }
  return text;
}

Mode mode_named(const std::string& name) {
  const Rounding rounding = rounding_named(name);
  if (rounding.policy != Policy{}) {
    throw Error(ErrorKind::usage,
                fmt::format("--round {}: expected a mode alone; elements saturate", name));
  }
  return rounding.mode;
}

int run(const Arguments& arguments, const Context& context) {
  QuantiseRunOptions options{.input = arguments.input,
                             .schemes = arguments.schemes,
                             .mode = mode_named(arguments.mode),
                             .out = arguments.out,
                             .command = context.command_line};
  if (!arguments.format.empty()) options.format = format_named(arguments.format);
  if (!arguments.to.empty()) options.element = format_named(arguments.to);
  if (!arguments.rule.empty()) options.rule = scale_rule_named(arguments.rule);
  if (arguments.block >= 0) options.block = arguments.block;
  const nlohmann::json result = run_quantise(options);
  print(arguments.json ? result.dump(1) + "\n" : as_text(result));
  if (!options.out.empty()) note(fmt::format("wrote {}", options.out));
  return exit_done;
}

}  // namespace

void add_quantise(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "quantise",
      "Quantise a tensor to a small format with scales, and show what is lost.\n"
      "\n"
      "  ulpscope quantise dump.npz:k --format bf16\n"
      "  ulpscope quantise dump.npz:k --format bf16 --scheme mxfp4 --scale-rule rceil\n"
      "  ulpscope quantise moments.safetensors:v --scheme coat --out v.safetensors\n"
      "\n"
      "Schemes: mxfp8_e4m3, mxfp8_e5m2, mxfp6_e2m3, mxfp6_e3m2, mxfp4, nvfp4, absmax-tensor,\n"
      "absmax-group, coat, nf4, fp4.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("INPUT", a->input, "FILE or FILE:TENSOR")->required();
  command->add_option("--scheme", a->schemes, "Scheme; may be given again. All if left out");
  command->add_option("--format", a->format, "What the bits mean where the file does not say");
  command->add_option("--to", a->to, "Element format in place of the scheme's");
  command->add_option("--block", a->block, "Values that share a scale; 0 is all")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--scale-rule", a->rule, "floor, ceil, rceil, even or absmax");
  command->add_option("--round", a->mode, "Mode of the rounding to elements")
      ->capture_default_str();
  command->add_option("--out", a->out, "Write codes, scales and values: .npz or .safetensors");
  command->add_flag("--json", a->json, "Print one JSON object");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
