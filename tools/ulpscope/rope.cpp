// ulpscope rope: what position embeddings lose to rounding.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/text.hpp"
#include "ulpscope/run/rope_run.hpp"

#include <memory>

#include "command.hpp"
#include "figures.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  RopeOptions options;
  std::string format, layout;
  std::vector<int64_t> shifts;
  bool matrices = false;
  bool json = false;
};

std::string as_text(const nlohmann::json& result) {
  std::string text =
      fmt::format("{}, {} heads of {}, base {}, shifts {} and {}\n\n",
                  visible(result["source"].get<std::string>()), result["heads"].get<int64_t>(),
                  result["dim"].get<int64_t>(), result["base"].get<double>(),
                  result["shifts"][0].get<int64_t>(), result["shifts"][1].get<int64_t>());
  const bool has_matrices = result["rows"][0].contains("matrices");
  text += fmt::format("{:<9} {:>8} {:>12} {:>12}{}\n", "recipe", "length", "D_logit", "|D_logit|",
                      has_matrices ? fmt::format(" {:>12} {:>12}", "D", "|D|") : std::string());
  for (const auto& row : result["rows"]) {
    text += fmt::format("{:<9} {:>8} {:>12} {:>12}{}\n", row["recipe"].get<std::string>(),
                        grouped(row["length"].get<uint64_t>()), figure(row["signed"], 3),
                        figure(row["absolute"], 3),
                        has_matrices
                            ? fmt::format(" {:>12} {:>12}", figure(row["matrices"]["signed"], 3),
                                          figure(row["matrices"]["absolute"], 3))
                            : std::string());
  }
  return text;
}

int run(Arguments arguments, const Context& context) {
  RopeOptions& options = arguments.options;
  if (!arguments.format.empty()) options.inputs.format = format_named(arguments.format);
  if (!arguments.layout.empty()) options.inputs.layout = layout_named(arguments.layout);
  if (!arguments.shifts.empty()) options.shifts = {arguments.shifts[0], arguments.shifts[1]};
  options.matrices = arguments.matrices ? RopeMatrices::on : RopeMatrices::off;
  options.command = context.command_line;
  const nlohmann::json result = run_rope(options);
  print(arguments.json ? result.dump(1) + "\n" : as_text(result));
  return exit_done;
}

}  // namespace

void add_rope(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "rope",
      "What rotary position embeddings lose to rounding: scores with the first key, shifted.\n"
      "\n"
      "  ulpscope rope\n"
      "  ulpscope rope dump.safetensors --layout bhsd --lengths 64,1024 --base 500000\n"
      "\n"
      "INPUT holds q and k before their rotation; without it, normal numbers are drawn. Recipes:\n"
      "fp32, cast (rotated in fp32, cast to bf16 once), hf-bf16 (rotated in bf16).");
  const auto a = std::make_shared<Arguments>();
  RopeOptions& o = a->options;
  command->add_option("INPUT", o.inputs.input, "File or folder that holds q and k");
  command->add_option("--format", a->format, "What the bits mean where the file does not say");
  command->add_option("--layout", a->layout, "Order of the axes; needed for four axes");
  command->add_option("--recipes", o.recipes, "Where is rounded: fp32,cast,hf-bf16")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--lengths", o.lengths, "Rows that are averaged over: T,...")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--shifts", a->shifts, "The two shifts compared: A,B; 0,16 by default")
      ->delimiter(',')
      ->expected(2)
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 19));
  command->add_option("--base", o.base, "Base of the frequencies")->capture_default_str();
  command->add_option("--dim", o.dim, "Head size of drawn numbers")
      ->check(CLI::Range(int64_t{2}, int64_t{4096}))
      ->capture_default_str();
  command->add_option("--heads", o.heads, "Heads of drawn numbers")
      ->check(CLI::Range(int64_t{1}, int64_t{4096}))
      ->capture_default_str();
  command->add_option("--seed", o.seed, "Seed of drawn numbers")->capture_default_str();
  command->add_flag("--matrices", a->matrices,
                    "D too: the same of the attention matrices, causal; rows^2 work");
  command->add_flag("--json", a->json, "Print one JSON object");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
