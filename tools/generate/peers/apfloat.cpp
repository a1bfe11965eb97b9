// LLVM's APFloat: the formats it has by name, five directions, five flags. An object may hold an
// infinity or a NaN that its format has no code for.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"

#include "peer.hpp"
#include <llvm/ADT/APFloat.h>
#include <llvm/Config/llvm-config.h>

namespace ulpscope::peers {

namespace {

using llvm::APFloat;

const llvm::fltSemantics* semantics(std::string_view format) {
  using Semantics = const llvm::fltSemantics& (*)();
  static constexpr std::array<std::pair<std::string_view, Semantics>, 11> formats{{
      {"e5m2", APFloat::Float8E5M2},
      {"e4m3", APFloat::Float8E4M3},
      {"e4m3fn", APFloat::Float8E4M3FN},
      {"e4m3fnuz", APFloat::Float8E4M3FNUZ},
      {"e2m3fn", APFloat::Float6E2M3FN},
      {"e3m2fn", APFloat::Float6E3M2FN},
      {"e2m1fn", APFloat::Float4E2M1FN},
      {"bf16", APFloat::BFloat},
      {"fp16", APFloat::IEEEhalf},
      {"fp32", APFloat::IEEEsingle},
      {"fp64", APFloat::IEEEdouble},
  }};
  for (const auto& [name, row] : formats) {
    if (name == format) return &row();
  }
  return nullptr;
}

llvm::RoundingMode direction(const Question& q) {
  switch (rounding_named(q.rounding).mode) {
    case Mode::nearest_even: return llvm::RoundingMode::NearestTiesToEven;
    case Mode::nearest_away: return llvm::RoundingMode::NearestTiesToAway;
    case Mode::toward_zero: return llvm::RoundingMode::TowardZero;
    case Mode::up: return llvm::RoundingMode::TowardPositive;
    case Mode::down: return llvm::RoundingMode::TowardNegative;
    case Mode::nearest_zero:
    case Mode::away:
    case Mode::to_odd: break;
  }
  refuse(q, "APFloat");
}

APFloat::opStatus compute(const Question& q, APFloat& x) {
  const auto rounding = direction(q);
  const auto number = [&](size_t i) {
    const Operand& y = q.operands.at(i);
    return APFloat(x.getSemantics(), llvm::APInt(APFloat::getSizeInBits(x.getSemantics()), y.bits));
  };
  bool loses_information = false;
  if (q.operation == "convert")
    return x.convert(*semantics(q.format), rounding, &loses_information);
  if (q.operation == "add") return x.add(number(1), rounding);
  if (q.operation == "mul") return x.multiply(number(1), rounding);
  if (q.operation == "div") return x.divide(number(1), rounding);
  if (q.operation == "fma") return x.fusedMultiplyAdd(number(1), number(2), rounding);
  refuse(q, "APFloat");
}

Flag flags_of(APFloat::opStatus status) {
  const auto raised = [&](APFloat::opStatus bit) { return (status & bit) != 0; };
  return flag_if(raised(APFloat::opInvalidOp), Flag::invalid) |
         flag_if(raised(APFloat::opDivByZero), Flag::divide_by_zero) |
         flag_if(raised(APFloat::opOverflow), Flag::overflow) |
         flag_if(raised(APFloat::opUnderflow), Flag::underflow_after) |
         flag_if(raised(APFloat::opInexact), Flag::inexact);
}

}  // namespace

Answer ask_apfloat(const Question& q) {
  const Operand& first = q.operands.at(0);
  const auto* from = semantics(first.format);
  if (from == nullptr || semantics(q.format) == nullptr) refuse(q, "APFloat");
  APFloat x(*from, llvm::APInt(APFloat::getSizeInBits(*from), first.bits));
  const Flag flags = flags_of(compute(q, x));

  const Format f = format_named(q.format);
  const bool has_code = !(x.isNaN() && !has_nan(f)) && !(x.isInfinity() && !has_infinity(f));
  Answer answer{.value = 0, .flags = flags};
  if (has_code) answer.bits = x.bitcastToAPInt().getZExtValue();
  bool loses_information = false;
  x.convert(APFloat::IEEEdouble(), llvm::RoundingMode::NearestTiesToEven, &loses_information);
  answer.value = x.convertToDouble();
  return answer;
}

std::string apfloat_version() { return "LLVM " LLVM_VERSION_STRING; }

}  // namespace ulpscope::peers
