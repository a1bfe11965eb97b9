// ulpscope round: one value into one format, explained bit by bit.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/round/operand.hpp"
#include "ulpscope/round/random_bits.hpp"
#include "ulpscope/round/round_pack.hpp"
#include "ulpscope/round/text.hpp"

#include <memory>

#include "command.hpp"
#include "numbers.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  std::vector<std::string> values;
  std::string to, mode = "rne", from;
  uint64_t seed = 0;
  bool json = false;
};

// A deterministic mode, or a stochastic one that draws by the value's place on the command line.
BasicRounded<uint128> rounded(const Arguments& a, const Format& to, const Exact<Uint256>& x,
                              uint64_t place) {
  if (!names_stochastic(a.mode)) return round_pack<uint128>(to, x, rounding_named(a.mode, &to));
  const Stochastic rounding = stochastic_named(a.mode, &to);
  const uint64_t random = random_bits({.seed = a.seed, .element = place}, rounding.bits);
  return round_pack<uint128>(to, x, rounding, random);
}

Policy policy_of(const Arguments& a, const Format& to) {
  return names_stochastic(a.mode) ? stochastic_named(a.mode, &to).policy
                                  : rounding_named(a.mode, &to).policy;
}

int run(const Arguments& arguments) {
  const Format to = format_named(arguments.to);
  const Policy policy = policy_of(arguments, to);
  std::optional<Format> from;
  if (!arguments.from.empty()) from = format_named(arguments.from);
  nlohmann::json all = nlohmann::json::array();
  std::string text;
  for (const auto& word : arguments.values) {
    const auto x = read_operand(word, from, policy.flush);
    const auto result = rounded(arguments, to, x, all.size());
    const bool has_residue = !has(result.flags, Flag::residue_saturated);
    const double residue = static_cast<double>(result.residue) / 4294967296.0;
    all.push_back({{"input", word},
                   {"bits", code_text(to, result.bits)},
                   {"value", value_text(to, result.bits)},
                   {"error_ulp", has_residue ? nlohmann::json(residue) : nlohmann::json()},
                   {"flags", flag_names(result.flags)},
                   {"policy", preset_name(policy).value_or("")}});
    text += fmt::format(
        "{} -> {} {}\n  bits   {}  {}\n  error  {}\n  flags  {}\n", word, arguments.to,
        value_text(to, result.bits), code_text(to, result.bits), fields_text(to, result.bits),
        has_residue ? fmt::format("{:+.10g} ulp", residue) : "none (not a number that was rounded)",
        flag_names(result.flags));
  }
  print(arguments.json ? all.dump(1) + "\n" : text);
  return exit_done;
}

}  // namespace

void add_round(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("round",
                                     "Round values into a format and show bits, error and flags.\n"
                                     "\n"
                                     "  ulpscope round -4.703990459442139 --to bf16\n"
                                     "  ulpscope round 464 465 --to e4m3fn --mode rne:sat\n"
                                     "  ulpscope round 1.01 --to e5m2 --mode sr8 --seed 3\n"
                                     "  ulpscope round 0xC0968717 --from fp32 --to bf16 --mode rz");
  const auto a = std::make_shared<Arguments>();
  command->add_option("VALUE", a->values, "Numbers (decimal or 0x1.8p-3), or bits with --from")
      ->required();
  command->add_option("--to", a->to, "Format to round into")->required();
  command->add_option("--mode", a->mode, "MODE[:TOKEN]... as `ulpscope formats` lists them")
      ->capture_default_str();
  command->add_option("--seed", a->seed, "Seed of the random bits of a stochastic mode")
      ->capture_default_str();
  command->add_option("--from", a->from, "The values are bits of this format");
  command->add_flag("--json", a->json, "Print JSON");
  command->callback([a, &context] { context.run = [a] { return run(*a); }; });
}

}  // namespace ulpscope::cli
