// ulpscope vectors: the core against TestFloat's text vectors on stdin.
#include "ulpscope/run/vectors.hpp"

#include "ulpscope/base/error.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  std::string function, rounding = "rnear_even", tininess = "after";
  bool exact = false;
  bool json = false;
};

VectorFunction function_of(const Arguments& a) {
  const auto tininess = a.tininess == "before" ? Tininess::before : Tininess::after;
  const auto inexact = a.exact ? Inexact::raised : Inexact::silent;
  return vector_function(a.function, {.mode = vector_rounding_named(a.rounding),
                                      .tininess = tininess,
                                      .to_integer = {.inexact = inexact}});
}

// Thrown between two blocks once a signal has come.
struct Interrupted {};

VectorSource standard_input(const std::atomic<bool>& interrupted) {
  return {"stdin", [&interrupted](std::span<char> block) {
            const size_t size = std::fread(block.data(), 1, block.size(), stdin);
            if (interrupted) throw Interrupted{};
            if (std::ferror(stdin) == 0) return size;
            throw Error(ErrorKind::input,
                        fmt::format("stdin cannot be read: {}", std::strerror(errno)));
          }};
}

std::string report(const Arguments& a, const VectorFunction& f, const VectorTally& tally) {
  std::string text;
  for (const auto& m : tally.first) {
    text +=
        fmt::format("line {}: {}: found {}, expected {}\n", m.line, operands_text(f, m.operands),
                    answer_text(f, m.found), answer_text(f, m.expected));
  }
  const auto more = tally.mismatches - static_cast<int64_t>(tally.first.size());
  if (more > 0) text += fmt::format("and {} more\n", more);
  const auto parts =
      fmt::format(" ({} in value, {} in flags)", tally.wrong_values, tally.wrong_flags);
  return text + fmt::format("{}, {}, tininess {}, {}: {} vectors, mismatches: {}{}\n", a.function,
                            a.rounding, a.tininess, a.exact ? "exact" : "notexact", tally.lines,
                            tally.mismatches, tally.mismatches == 0 ? "" : parts);
}

nlohmann::json json_report(const Arguments& a, const VectorFunction& f, const VectorTally& tally) {
  nlohmann::json first = nlohmann::json::array();
  for (const auto& m : tally.first) {
    first.push_back({{"line", m.line},
                     {"operands", operands_text(f, m.operands)},
                     {"found", answer_text(f, m.found)},
                     {"expected", answer_text(f, m.expected)}});
  }
  return {{"function", a.function},
          {"rounding", a.rounding},
          {"tininess", a.tininess},
          {"exact", a.exact},
          {"vectors", tally.lines},
          {"mismatches", tally.mismatches},
          {"wrong_values", tally.wrong_values},
          {"wrong_flags", tally.wrong_flags},
          {"first", first}};
}

int run(const Arguments& a, const std::atomic<bool>& interrupted) try {
  const auto function = function_of(a);
  const auto tally = check_vectors(function, standard_input(interrupted));
  print(a.json ? json_report(a, function, tally).dump(1) + "\n" : report(a, function, tally));
  return tally.mismatches == 0 ? exit_done : exit_different;
} catch (const Interrupted&) {
  note("interrupted; nothing was reported");
  return exit_interrupted;
}

}  // namespace

void add_vectors(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "vectors",
      "Check Berkeley TestFloat's text vectors, read from stdin: values and flags.\n"
      "\n"
      "  testfloat_gen -rnear_even -tininessafter f16_mulAdd | ulpscope vectors f16_mulAdd\n"
      "  testfloat_gen -rmin -exact f32_to_i32 | ulpscope vectors f32_to_i32 --rounding rmin "
      "--exact\n"
      "\n"
      "Exit codes: 0 all agree, 1 some differ, 3 a line is no vector.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("FUNCTION", a->function, "As TestFloat names it: f16_mulAdd, ui64_to_f32")
      ->required();
  std::string roundings;
  for (const auto& row : vector_roundings) roundings += " " + std::string(row.name);
  command->add_option("--rounding", a->rounding, "One of" + roundings)->capture_default_str();
  command
      ->add_option("--tininess", a->tininess, "What underflow means: tiny after or before rounding")
      ->check(CLI::IsMember({"after", "before"}))
      ->capture_default_str();
  command->add_flag("--exact,!--notexact", a->exact,
                    "Conversions to integers and roundToInt raise inexact (or, the default, not)");
  command->add_flag("--json", a->json, "Print JSON");
  command->callback(
      [a, &context] { context.run = [a, &context] { return run(*a, *context.interrupted); }; });
}

}  // namespace ulpscope::cli
