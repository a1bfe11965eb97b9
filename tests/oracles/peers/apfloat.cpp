// LLVM's APFloat: the formats it has by name, five directions, five flags. What its answers differ
// in over all codes is counted by apfloat_test.cpp; here it answers single questions.
#include "ulpscope/round/names.hpp"

#include "oracles/apfloat_oracle.hpp"
#include "peer.hpp"
#include <llvm/Config/llvm-config.h>

namespace ulpscope::peers {

namespace {

using llvm::APFloat;

const ApfloatFormat& row(const Question& q, std::string_view format) {
  static constexpr std::array<ApfloatFormat, 11> rows{{
      {"e5m2", e5m2, APFloat::Float8E5M2},
      {"e4m3", e4m3, APFloat::Float8E4M3},
      {"e4m3fn", e4m3fn, APFloat::Float8E4M3FN},
      {"e4m3fnuz", e4m3fnuz, APFloat::Float8E4M3FNUZ},
      {"e2m3fn", e2m3fn, APFloat::Float6E2M3FN},
      {"e3m2fn", e3m2fn, APFloat::Float6E3M2FN},
      {"e2m1fn", e2m1fn, APFloat::Float4E2M1FN},
      {"bf16", bf16, APFloat::BFloat},
      {"fp16", fp16, APFloat::IEEEhalf},
      {"fp32", fp32, APFloat::IEEEsingle},
      {"fp64", fp64, APFloat::IEEEdouble},
  }};
  for (const auto& r : rows) {
    if (r.name == format) return r;
  }
  refuse(q, "APFloat");
}

APFloat::opStatus compute(const Question& q, const ApfloatFormat& to, APFloat& x) {
  const auto rounding = apfloat_mode(rounding_named(q.rounding).mode);
  const auto number = [&](size_t i) { return apfloat_value(to, q.operands.at(i).bits); };
  bool loses_information = false;
  if (q.operation == "convert") return x.convert(to.semantics(), rounding, &loses_information);
  if (q.operation == "add") return x.add(number(1), rounding);
  if (q.operation == "mul") return x.multiply(number(1), rounding);
  if (q.operation == "div") return x.divide(number(1), rounding);
  if (q.operation == "fma") return x.fusedMultiplyAdd(number(1), number(2), rounding);
  refuse(q, "APFloat");
}

}  // namespace

// An infinity or a NaN for which its format has no code is an answer without bits.
Answer ask_apfloat(const Question& q) {
  const Operand& first = q.operands.at(0);
  const auto& to = row(q, q.format);
  auto x = apfloat_value(row(q, first.format), first.bits);
  const auto status = compute(q, to, x);
  const auto in_format = answer_of(to.format, x, status);
  bool loses_information = false;
  x.convert(APFloat::IEEEdouble(), llvm::RoundingMode::NearestTiesToEven, &loses_information);
  Answer answer{.value = x.convertToDouble(), .flags = in_format.flags};
  const bool has_code =
      !((x.isNaN() && !has_nan(to.format)) || (x.isInfinity() && !has_infinity(to.format)));
  if (has_code) answer.bits = in_format.bits;
  return answer;
}

std::string apfloat_version() { return "LLVM " LLVM_VERSION_STRING; }

}  // namespace ulpscope::peers
