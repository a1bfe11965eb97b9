// ulpscope round: one value into one format, explained bit by bit.
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/round/value.hpp"

#include <charconv>
#include <memory>

#include "command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  std::vector<std::string> values;
  std::string to, mode = "rne", from;
  bool json = false;
};

// A decimal or hex-float number, or bits of `from` written 0x....
uint64_t parse_value(const std::string& text, const std::optional<Format>& from) {
  const char* const end = text.data() + text.size();
  if (from) {
    uint64_t bits = 0;
    const size_t skip = text.starts_with("0x") ? 2 : 0;
    const auto [stop, error] = std::from_chars(text.data() + skip, end, bits, 16);
    const bool fits = width(*from) == 64 || bits >> width(*from) == 0;
    if (error != std::errc{} || stop != end || !fits) {
      throw Error(ErrorKind::usage,
                  fmt::format("'{}': expected the bits of a {} in hexadecimal, as "
                              "0x{:0{}x}",
                              text, format_name(*from), 1, (width(*from) + 3) / 4));
    }
    return bits;
  }
  double value = 0;
  const bool negative = text.starts_with("-");
  const std::string digits = text.substr(negative || text.starts_with("+") ? 1 : 0);
  const bool hex = digits.starts_with("0x") || digits.starts_with("0X");
  const char* const first = digits.data() + (hex ? 2 : 0);
  const char* const last = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(
      first, last, value, hex ? std::chars_format::hex : std::chars_format::general);
  if (error != std::errc{} || stop != last) {
    throw Error(ErrorKind::usage,
                fmt::format("'{}': expected a number within binary64, such as -4.703 or 0x1.8p-3; "
                            "for bits use --from FORMAT",
                            text));
  }
  const uint64_t sign = negative ? sign_mask(fp64) : 0;
  return bit_cast<uint64_t>(value) | sign;
}

// "1 10000001 0010111": sign, exponent, trailing significand.
std::string fields(const Format& f, uint64_t bits) {
  return fmt::format("{} {:0{}b}{}", bits >> (width(f) - 1) & 1,
                     (bits & exponent_mask(f)) >> f.trailing_bits, f.exponent_bits,
                     f.trailing_bits == 0
                         ? ""
                         : fmt::format(" {:0{}b}", bits & trailing_mask(f), f.trailing_bits));
}

std::string flag_names(Flag flags) {
  static constexpr std::array names{
      std::pair{Flag::inexact, "inexact"},     std::pair{Flag::tie, "tie"},
      std::pair{Flag::away, "away from zero"}, std::pair{Flag::round_carry, "round carry"},
      std::pair{Flag::subnormal, "subnormal"}, std::pair{Flag::underflow, "underflow"},
      std::pair{Flag::overflow, "overflow"},   std::pair{Flag::invalid, "invalid"},
  };
  std::string text;
  for (const auto& [flag, name] : names) {
    if (has(flags, flag)) text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  }
  return text.empty() ? "exact" : text;
}

int run(const Arguments& arguments) {
  const Format to = format_named(arguments.to);
  const Rounding rounding = rounding_named(arguments.mode);
  std::optional<Format> from;
  if (!arguments.from.empty()) from = format_named(arguments.from);
  nlohmann::json all = nlohmann::json::array();
  std::string text;
  for (const auto& word : arguments.values) {
    const Format source = from.value_or(fp64);
    const uint64_t bits = parse_value(word, from);
    const auto rounded = round_pack(to, decode<uint128>(source, bits), rounding);
    const bool has_residue = !has(rounded.flags, Flag::residue_saturated);
    const double residue = static_cast<double>(rounded.residue) / 4294967296.0;
    const auto hex = fmt::format("0x{:0{}x}", rounded.bits, (width(to) + 3) / 4);
    all.push_back({{"input", word},
                   {"bits", hex},
                   {"value", fmt::format("{}", double_value(to, rounded.bits))},
                   {"error_ulp", has_residue ? nlohmann::json(residue) : nlohmann::json()},
                   {"flags", flag_names(rounded.flags)}});
    text += fmt::format("{} -> {} {}\n  bits   {}  {}\n  error  {}\n  flags  {}\n", word,
                        arguments.to, double_value(to, rounded.bits), hex, fields(to, rounded.bits),
                        has_residue ? fmt::format("{:+.10g} ulp", residue)
                                    : "none (not a number "
                                      "that was rounded)",
                        flag_names(rounded.flags));
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
                                     "  ulpscope round 0xC0968717 --from fp32 --to bf16 --mode rz");
  const auto a = std::make_shared<Arguments>();
  command->add_option("VALUE", a->values, "Numbers (decimal or 0x1.8p-3), or bits with --from")
      ->required();
  command->add_option("--to", a->to, "Format to round into")->required();
  command->add_option("--mode", a->mode, "Rounding mode, with :sat to saturate")
      ->capture_default_str();
  command->add_option("--from", a->from, "The values are bits of this format");
  command->add_flag("--json", a->json, "Print JSON");
  command->callback([a, &context] { context.run = [a] { return run(*a); }; });
}

}  // namespace ulpscope::cli
