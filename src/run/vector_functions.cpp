#include "ulpscope/run/vector_functions.hpp"

#include "ulpscope/arith/compare.hpp"
#include "ulpscope/arith/divide.hpp"
#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/arith/remainder.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace ulpscope {

namespace {

using enum VectorKind;

constexpr VectorType number_type(std::string_view name, const Format& f) {
  return {name, floating, width(f) / 4, f, {}};
}
constexpr VectorType integer_type_of(std::string_view name, IntegerType type) {
  return {name, integer, type.width / 4, {}, type};
}
constexpr std::array types{
    number_type("f16", fp16),
    number_type("bf16", bf16),
    number_type("f32", fp32),
    number_type("f64", fp64),
    integer_type_of("ui32", {32, Sign::absent}),
    integer_type_of("ui64", {64, Sign::absent}),
    integer_type_of("i32", {32, Sign::present}),
    integer_type_of("i64", {64, Sign::present}),
};
constexpr VectorType truth_type{"truth", truth, 1, {}, {}};

constexpr uint8_t digit_if(bool raised, uint8_t digit) { return raised ? digit : uint8_t{0}; }

uint8_t testfloat_flags(Flag flags, Tininess tininess) {
  const Flag underflow = tininess == Tininess::after ? Flag::underflow_after : Flag::underflow;
  return static_cast<uint8_t>(digit_if(has(flags, Flag::inexact), testfloat_inexact) |
                              digit_if(has(flags, underflow), testfloat_underflow) |
                              digit_if(has(flags, Flag::overflow), testfloat_overflow) |
                              digit_if(has(flags, Flag::divide_by_zero), testfloat_infinite) |
                              digit_if(has(flags, Flag::invalid), testfloat_invalid));
}

// One function a kind of case, all of one signature, so that tables can hold them.
using Function = VectorFunction;
using Operands = VectorOperands;
using Answer = VectorAnswer;

template <class Word>
Exact<Word> number(const Function& f, uint64_t bits) {
  return decode<Word>(f.from.format, bits);
}
template <class Rounded>
Answer answer(const Function& f, const Rounded& rounded) {
  return {rounded.bits, testfloat_flags(rounded.flags, f.options.tininess)};
}
template <class Word>
Answer rounded(const Function& f, const Exact<Word>& x) {
  return answer(f, round_pack(f.to.format, x, Rounding{f.options.mode}));
}

template <class Word>
Answer add_case(const Function& f, const Operands& v) {
  return rounded(f, add(number<Word>(f, v[0]), number<Word>(f, v[1]), f.options.mode));
}
template <class Word>
Answer subtract_case(const Function& f, const Operands& v) {
  return rounded(f, subtract(number<Word>(f, v[0]), number<Word>(f, v[1]), f.options.mode));
}
template <class Word>
Answer multiply_case(const Function& f, const Operands& v) {
  return rounded(f, multiply(number<Word>(f, v[0]), number<Word>(f, v[1])));
}
template <class Word>
Answer fma_case(const Function& f, const Operands& v) {
  return rounded(
      f, fma(number<Word>(f, v[0]), number<Word>(f, v[1]), number<Word>(f, v[2]), f.options.mode));
}
template <class Word>
Answer divide_case(const Function& f, const Operands& v) {
  return rounded(f, divide(number<Word>(f, v[0]), number<Word>(f, v[1])));
}
template <class Word>
Answer remainder_case(const Function& f, const Operands& v) {
  return rounded(f, remainder(number<Word>(f, v[0]), number<Word>(f, v[1])));
}
template <class Word>
Answer root_case(const Function& f, const Operands& v) {
  return rounded(f, square_root(number<Word>(f, v[0])));
}
template <class Word>
Answer integral_case(const Function& f, const Operands& v) {
  return answer(f, round_to_integral<Word>(f.from.format, v[0], Rounding{f.options.mode},
                                           f.options.to_integer.inexact));
}

template <class Word, Signal signal, bool (Comparison::*holds)() const>
Answer compare_case(const Function& f, const Operands& v) {
  const auto result = compare(number<Word>(f, v[0]), number<Word>(f, v[1]), signal);
  return {(result.*holds)() ? uint64_t{1} : uint64_t{0},
          testfloat_flags(result.flags, f.options.tininess)};
}

template <class Word>
Answer convert_case(const Function& f, const Operands& v) {
  return rounded(f, number<Word>(f, v[0]));
}
template <class Word>
Answer to_integer_case(const Function& f, const Operands& v) {
  return answer(
      f, to_integer(number<Word>(f, v[0]), f.to.integer, f.options.mode, f.options.to_integer));
}
template <class Word>
Answer from_integer_case(const Function& f, const Operands& v) {
  return rounded(f, exact_integer<Word>(v[0], f.from.integer));
}

struct Operation {
  std::string_view name;
  int operands;
  VectorKind result;
  Answer (*answer)(const Function&, const Operands&);
};

template <class Word>
constexpr std::array operations{
    Operation{"add", 2, floating, add_case<Word>},
    Operation{"sub", 2, floating, subtract_case<Word>},
    Operation{"mul", 2, floating, multiply_case<Word>},
    Operation{"mulAdd", 3, floating, fma_case<Word>},
    Operation{"div", 2, floating, divide_case<Word>},
    Operation{"rem", 2, floating, remainder_case<Word>},
    Operation{"sqrt", 1, floating, root_case<Word>},
    Operation{"roundToInt", 1, floating, integral_case<Word>},
    Operation{"eq", 2, truth, compare_case<Word, Signal::quiet, &Comparison::equal>},
    Operation{"le", 2, truth, compare_case<Word, Signal::always, &Comparison::less_equal>},
    Operation{"lt", 2, truth, compare_case<Word, Signal::always, &Comparison::less>},
    Operation{"eq_signaling", 2, truth, compare_case<Word, Signal::always, &Comparison::equal>},
    Operation{"le_quiet", 2, truth, compare_case<Word, Signal::quiet, &Comparison::less_equal>},
    Operation{"lt_quiet", 2, truth, compare_case<Word, Signal::quiet, &Comparison::less>},
};

template <class Word>
Operation conversion(const VectorType& from, const VectorType& to) {
  if (from.kind == integer) return {"", 1, to.kind, from_integer_case<Word>};
  if (to.kind == integer) return {"", 1, to.kind, to_integer_case<Word>};
  return {"", 1, to.kind, convert_case<Word>};
}

// The row of that name in a list, or nothing.
template <class List>
auto find_row(const List& list, std::string_view name) -> const typename List::value_type* {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const auto& row) { return row.name == name; });
  return found == list.end() ? nullptr : &*found;
}
template <class List>
std::string names_of(const List& list) {
  std::string names;
  for (const auto& row : list) names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
  return names;
}

bool is_long(const VectorType& type) {
  return type.kind == floating && precision(type.format) > widest_narrow_precision;
}

// f32_add
std::optional<Function> find_operation(std::string_view name, VectorOptions options) {
  const auto end = name.find('_');
  if (end == std::string_view::npos) return {};
  const auto* type = find_row(types, name.substr(0, end));
  if (type == nullptr || type->kind != floating) return {};
  const auto& list = is_long(*type) ? operations<uint128> : operations<uint64_t>;
  const auto* operation = find_row(list, name.substr(end + 1));
  if (operation == nullptr) return {};
  return Function{std::string(name),
                  operation->operands,
                  *type,
                  operation->result == truth ? truth_type : *type,
                  options,
                  operation->answer};
}

// i64_to_f16, f32_to_i32_r_minMag
std::optional<Function> find_conversion(std::string_view name, VectorOptions options) {
  constexpr std::string_view arrow = "_to_", own_rounding = "_r_";
  const auto end = name.find(arrow);
  if (end == std::string_view::npos) return {};
  const auto target = name.substr(end + arrow.size());
  const auto own = target.find(own_rounding);
  const auto* from = find_row(types, name.substr(0, end));
  const auto* to = find_row(types, target.substr(0, own));
  if (from == nullptr || to == nullptr || from == to) return {};
  if (from->kind == integer && to->kind == integer) return {};
  if (own != std::string_view::npos) {
    const auto mode = "r" + std::string(target.substr(own + own_rounding.size()));
    const auto* rounding = find_row(vector_roundings, mode);
    if (rounding == nullptr || to->kind != integer) return {};
    options.mode = rounding->mode;
  }
  const auto row = is_long(*from) || is_long(*to) ? conversion<uint128>(*from, *to)
                                                  : conversion<uint64_t>(*from, *to);
  return Function{std::string(name), row.operands, *from, *to, options, row.answer};
}

}  // namespace

VectorFunction vector_function(std::string_view name, VectorOptions options) {
  if (const auto conversion = find_conversion(name, options)) return *conversion;
  if (const auto operation = find_operation(name, options)) return *operation;
  throw Error(
      ErrorKind::usage,
      fmt::format("unknown function '{}': expected f16, bf16, f32 or f64, then _ and one of "
                  "{}; or X_to_Y of {}, to an integer with _r_minMag if that is its "
                  "rounding",
                  name, names_of(operations<uint64_t>), names_of(types)));
}

Mode vector_rounding_named(std::string_view name) {
  if (const auto* row = find_row(vector_roundings, name)) return row->mode;
  throw Error(ErrorKind::usage, fmt::format("unknown rounding '{}': expected one of {}", name,
                                            names_of(vector_roundings)));
}

}  // namespace ulpscope
