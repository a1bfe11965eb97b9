// ulpscope formats: the catalogue, the roundings, and one format with all its values.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/round/text.hpp"
#include "ulpscope/round/value.hpp"

#include <memory>

#include "command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

using nlohmann::json;

constexpr int widest_table = 8;  // bits of a format whose values are all listed

struct Arguments {
  std::string name;
  bool json = false;
};

uint128 smallest_normal_bits(const Format& f) {
  return f.zero == Zero::none ? 0 : uint128{1} << f.trailing_bits;
}

json format_json(const Format& f) {
  json row{{"name", format_name(f)},
           {"bits", width(f)},
           {"sign", f.sign == Sign::present},
           {"exponent_bits", f.exponent_bits},
           {"trailing_bits", f.trailing_bits},
           {"bias", f.bias},
           {"specials", specials_name(f)},
           {"largest", value_text(f, largest_finite_bits<uint128>(f))},
           {"smallest_normal", value_text(f, smallest_normal_bits(f))},
           {"smallest", value_text(f, smallest_positive_bits<uint128>(f))},
           {"infinity", has_infinity(f)},
           {"nan", has_nan(f)}};
  return row;
}

json catalogue_json() {
  json rows = json::array();
  for (const auto& row : catalogue) {
    rows.push_back(format_json(row.format));
    rows.back()["aliases"] = row.aliases;
    rows.back()["source"] = row.source;
  }
  return rows;
}

// Six digits are enough for a table.
std::string short_value(const Format& f, uint128 code) {
  return fmt::format("{:.6g}", double_value(f, code));
}

std::string roundings_text() {
  std::string text = "\nmodes\n";
  const auto add = [&text](std::string_view name, std::string_view meaning) {
    text += fmt::format("  {:<18} {}\n", name, meaning);
  };
  for (const auto& row : mode_names) add(row.name, row.meaning);
  add("sr, sr<N>[a|b|c]", "stochastic: exact, or with N random bits by P3109's variant A, B or C");
  text += "tokens behind a mode, as in rz:sat:ftz\n";
  for (const auto& row : overflow_names) add(row.token, row.meaning);
  for (const auto& row : nan_names) add(row.token, row.meaning);
  for (const auto& row : flush_names) add(row.token, row.meaning);
  text += "presets, tokens that set all of these\n";
  for (const auto& row : presets) {
    add(row.name, fmt::format("{} ({})", row.meaning, row.source));
  }
  return text;
}

std::string catalogue_text() {
  std::string text =
      fmt::format("{:<11} {:>4} {:>4} {:>4} {:>6}  {:<12} {:<12} {:<12} {:<4} {}\n", "name", "bits",
                  "exp", "frac", "bias", "largest", "min normal", "smallest", "inf", "aliases");
  for (const auto& row : catalogue) {
    const Format& f = row.format;
    text += fmt::format(
        "{:<11} {:>4} {:>4} {:>4} {:>6}  {:<12} {:<12} {:<12} {:<4} {}\n", row.name, width(f),
        f.exponent_bits, f.trailing_bits, f.bias, short_value(f, largest_finite_bits(f)),
        short_value(f, smallest_normal_bits(f)), short_value(f, smallest_positive_bits(f)),
        has_infinity(f) ? "yes" : "no", row.aliases);
  }
  text +=
      "binary8p3se IEEE P3109: K bits of precision P, s or u (signed or not), e or f (with or\n"
      "            without infinities), K = 3 to 16\n"
      "eXmY        any IEEE-like format: X exponent bits (1-16), Y trailing bits (0-63); then bN\n"
      "            for another bias, fn (one NaN, no infinity), finite (numbers only), fnuz (one\n"
      "            NaN, one zero), and switches such as +inf, +nosub, +unsigned\n";
  return text + roundings_text();
}

// Every code with its fields and value.
json values_json(const Format& f) {
  json rows = json::array();
  if (width(f) > widest_table) return rows;
  for (uint64_t code = 0; code >> width(f) == 0; ++code) {
    rows.push_back({{"bits", code_text(f, code)},
                    {"fields", fields_text(f, code)},
                    {"value", value_text(f, code)}});
  }
  return rows;
}

std::string one_text(const Format& f) {
  const auto facts = format_json(f);
  std::string text = fmt::format(
      "{}: {} bits = {}{} exponent (bias {}) + {} trailing; specials {}\n"
      "  largest          {:<24} {}\n"
      "  smallest normal  {:<24} {}\n"
      "  smallest         {:<24} {}\n",
      format_name(f), width(f), f.sign == Sign::present ? "1 sign + " : "", f.exponent_bits, f.bias,
      f.trailing_bits, specials_name(f), facts["largest"].get<std::string>(),
      code_text(f, largest_finite_bits<uint128>(f)), facts["smallest_normal"].get<std::string>(),
      code_text(f, smallest_normal_bits(f)), facts["smallest"].get<std::string>(),
      code_text(f, smallest_positive_bits<uint128>(f)));
  if (has_infinity(f)) {
    text += fmt::format("  infinity         {:<24} {}\n", "inf",
                        code_text(f, infinity_bits<uint128>(f)));
  }
  if (has_nan(f)) {
    text +=
        fmt::format("  NaN              {:<24} {}\n", "nan", code_text(f, nan_bits<uint128>(f)));
  }
  for (const auto& row : values_json(f)) {
    text += fmt::format("{}  {}  {}\n", row["bits"].get<std::string>(),
                        row["fields"].get<std::string>(), row["value"].get<std::string>());
  }
  return text;
}

int run(const Arguments& a) {
  if (a.name.empty()) {
    print(a.json ? catalogue_json().dump(1) + "\n" : catalogue_text());
    return exit_done;
  }
  const Format f = format_named(a.name);
  if (!a.json) {
    print(one_text(f));
    return exit_done;
  }
  auto facts = format_json(f);
  facts["values"] = values_json(f);
  print(facts.dump(1) + "\n");
  return exit_done;
}

}  // namespace

void add_formats(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("formats",
                                     "List the number formats and roundings, or all values of one "
                                     "format of up to 8 bits.\n"
                                     "\n"
                                     "  ulpscope formats\n"
                                     "  ulpscope formats e4m3fn\n"
                                     "  ulpscope formats binary6p3ue");
  const auto a = std::make_shared<Arguments>();
  command->add_option("NAME", a->name, "Format; without it the catalogue");
  command->add_flag("--json", a->json, "Print JSON");
  command->callback([a, &context] { context.run = [a] { return run(*a); }; });
}

}  // namespace ulpscope::cli
