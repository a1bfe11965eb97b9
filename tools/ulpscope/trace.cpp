// ulpscope trace: one operation drawn bit by bit.
#include "ulpscope/arith/divide.hpp"
#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/picture.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/round/operand.hpp"
#include "ulpscope/round/round_pack.hpp"
#include "ulpscope/round/text.hpp"

#include <array>
#include <memory>

#include "command.hpp"
#include "numbers.hpp"
#include "terminal.hpp"
#include <fmt/format.h>

namespace ulpscope::cli {

namespace {

using Wide = Exact<Uint256>;

struct Arguments {
  std::string operation;
  std::vector<std::string> values;
  std::string format = "fp32", to, mode = "rne";
  bool bits = false;
};

// Everything that an operation reads, resolved once.
struct Setting {
  Format format;
  Format to;
  Rounding rounding;
};

// What is drawn: the terms that meet on one grid, and their exact result.
struct Drawing {
  std::vector<DrawnTerm> terms;
  Wide exact;
};

using Operands = std::span<const Wide>;

Drawing draw_sum(const Wide& x, const Wide& y, const char* first, const char* second, Mode mode) {
  return {{{first, x}, {second, y}}, add(x, y, mode)};
}
Drawing draw_add(Operands v, Mode mode) { return draw_sum(v[0], v[1], "x", "y", mode); }
Drawing draw_subtract(Operands v, Mode mode) {
  return draw_sum(v[0], negated(v[1]), "x", "-y", mode);
}
Drawing draw_multiply(Operands v, Mode /*mode*/) {
  const auto product = multiply(v[0], v[1]);
  return {{{"x y", product}}, product};
}
Drawing draw_divide(Operands v, Mode /*mode*/) {
  const auto quotient = divide(v[0], v[1]);
  return {{{"x / y", quotient}}, quotient};
}
Drawing draw_root(Operands v, Mode /*mode*/) {
  const auto root = square_root(v[0]);
  return {{{"sqrt x", root}}, root};
}
Drawing draw_fma(Operands v, Mode mode) {
  return draw_sum(multiply(v[0], v[1]), v[2], "x y", "z", mode);
}

struct Operation {
  std::string_view name;
  size_t operands;
  Drawing (*draw)(Operands, Mode);
};
constexpr std::array operations{
    Operation{"add", 2, draw_add},      Operation{"sub", 2, draw_subtract},
    Operation{"mul", 2, draw_multiply}, Operation{"div", 2, draw_divide},
    Operation{"sqrt", 1, draw_root},    Operation{"fma", 3, draw_fma},
};

// The operand's code in the format, and a line that shows it.
uint128 code_of(const std::string& text, bool is_code, const Setting& s) {
  if (is_code) {
    const auto code = parse_code(s.format, text);
    if (code) return *code;
  }
  const std::optional<Format> reads = is_code ? std::optional(s.format) : std::nullopt;
  return round_pack<uint128>(s.format, read_operand(text, reads, Flush::none), nearest_even).bits;
}

std::string operand_line(std::string_view name, const std::string& text, uint128 code,
                         const Setting& s) {
  const auto value = value_text(s.format, code);
  return fmt::format(
      "  {:>8} = {}  {}  {}  {}{}\n", name, value, code_text(s.format, code),
      fields_text(s.format, code), significand_text(decode<Uint256>(s.format, code)),
      value == text || text.starts_with("0x") ? "" : fmt::format("  (from {})", text));
}

std::string one_operation(const Operation& operation, const Arguments& a, const Setting& s) {
  constexpr std::array names{"x", "y", "z"};
  auto text = fmt::format("{} of {} into {}, {}\n", operation.name, format_name(s.format),
                          format_name(s.to), rounding_name(s.rounding));
  std::vector<Wide> values;
  for (size_t i = 0; i < operation.operands; ++i) {
    const auto code = code_of(a.values[i], a.bits, s);
    text += operand_line(names[i], a.values[i], code, s);
    values.push_back(operand<Uint256>(s.format, code, s.rounding.policy.flush));
  }
  const auto drawing = operation.draw(values, s.rounding.mode);
  return text + draw_rounding(drawing.terms, drawing.exact, s.to, s.rounding);
}

// A running sum: every addition rounds into the format, the last result into --to.
std::string running_sum(const Arguments& a, const Setting& s) {
  auto text = fmt::format("sum of {} numbers in {}, {}\n", a.values.size(), format_name(s.format),
                          rounding_name(s.rounding));
  std::vector<uint128> codes;
  for (const auto& value : a.values) codes.push_back(code_of(value, a.bits, s));
  uint128 sum = codes[0];
  const Flush flush = s.rounding.policy.flush;
  for (size_t i = 1; i < codes.size(); ++i) {
    text += operand_line("sum", value_text(s.format, sum), sum, s);
    text += operand_line(fmt::format("x{}", i + 1), a.values[i], codes[i], s);
    const auto drawing =
        draw_sum(operand<Uint256>(s.format, sum, flush),
                 operand<Uint256>(s.format, codes[i], flush), "sum", "x", s.rounding.mode);
    text += draw_rounding(drawing.terms, drawing.exact, s.format, s.rounding);
    sum = round_pack<uint128>(s.format, drawing.exact, s.rounding).bits;
  }
  if (s.to == s.format) return text;
  text += fmt::format("then into {}\n", format_name(s.to));
  const std::array terms{DrawnTerm{"sum", operand<Uint256>(s.format, sum, flush)}};
  return text + draw_rounding(terms, terms[0].value, s.to, s.rounding);
}

void check_count(const Arguments& a, size_t expected, const char* at_least) {
  const bool wrong = *at_least != '\0' ? a.values.size() < expected : a.values.size() != expected;
  if (!wrong) return;
  throw Error(ErrorKind::usage, fmt::format("trace {}: found {} values, expected {}{}", a.operation,
                                            a.values.size(), at_least, expected));
}

int run(const Arguments& a) {
  const Format format = format_named(a.format);
  const Format to = a.to.empty() ? format : format_named(a.to);
  const Setting setting{format, to, rounding_named(a.mode, &to)};
  if (a.operation == "sum") {
    check_count(a, 2, "at least ");
    print(running_sum(a, setting));
    return exit_done;
  }
  std::string known;
  for (const auto& operation : operations) {
    known += fmt::format("{}, ", operation.name);
    if (operation.name != a.operation) continue;
    check_count(a, operation.operands, "");
    print(one_operation(operation, a, setting));
    return exit_done;
  }
  throw Error(ErrorKind::usage,
              fmt::format("unknown operation '{}': expected one of {}sum", a.operation, known));
}

}  // namespace

void add_trace(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "trace",
      "Draw one operation: aligned significands, carry, guard and rest, and the decision.\n"
      "\n"
      "  ulpscope trace add -2.40625 -2.296875 --format fp32 --to bf16\n"
      "  ulpscope trace fma 1.5 1.25 -1.875 --format fp16\n"
      "  ulpscope trace sum 1.5 0.75 0.0078125 --format bf16\n"
      "  ulpscope trace mul 0x3F81 0x3F83 --bits --format bf16 --mode rz");
  const auto a = std::make_shared<Arguments>();
  command->add_option("OPERATION", a->operation, "add, sub, mul, div, sqrt, fma or sum")
      ->required();
  command->add_option("VALUE", a->values, "Numbers, rounded into --format; codes with --bits")
      ->required();
  command->add_option("--format", a->format, "Format of the operands")->capture_default_str();
  command->add_option("--to", a->to, "Format of the result; that of the operands without it");
  command->add_option("--mode", a->mode, "Rounding mode")->capture_default_str();
  command->add_flag("--bits", a->bits, "The values are codes in hexadecimal");
  command->callback([a, &context] { context.run = [a] { return run(*a); }; });
}

}  // namespace ulpscope::cli
