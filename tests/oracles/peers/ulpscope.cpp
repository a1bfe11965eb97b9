// ulpscope's answers: decode, one exact operation, one rounding.
#include "ulpscope/arith/divide.hpp"
#include "ulpscope/arith/functions.hpp"
#include "ulpscope/arith/integers.hpp"
#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/interop/limits.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/round/operand.hpp"
#include "ulpscope/round/value.hpp"

#include "peer.hpp"

namespace ulpscope::peers {

namespace {

template <Format F>
uint64_t limit(const Question& q) {
  using Limits = std::numeric_limits<Soft<F>>;
  if (q.operation == "epsilon") return Limits::epsilon().bits();
  if (q.operation == "round_error") return Limits::round_error().bits();
  refuse(q, "ulpscope");
}

template <class Word>
Exact<Word> exact(const Operand& x) {
  if (x.format == "int64") return exact_integer<Word>(x.bits, integer_type<int64_t>);
  return decode<Word>(format_named(x.format), x.bits);
}

Rounded rounded(const Question& q, const Format& to, const Rounding& rounding) {
  if (q.operands.empty()) {
    return {.bits = to == bf16 ? limit<bf16>(q) : limit<fp16>(q), .residue = 0, .flags = {}};
  }
  // 128 bits hold a product of two binary64 significands; 64 are enough for the functions.
  const auto x = [&](size_t i) { return exact<uint128>(q.operands.at(i)); };
  const auto narrow = [&] { return exact<uint64_t>(q.operands.at(0)); };
  if (q.operation == "convert") return round_pack(to, x(0), rounding);
  if (q.operation == "add") return round_pack(to, add(x(0), x(1), rounding.mode), rounding);
  if (q.operation == "mul") return round_pack(to, multiply(x(0), x(1)), rounding);
  if (q.operation == "div") return round_pack(to, divide(x(0), x(1)), rounding);
  if (q.operation == "fma") return round_pack(to, fma(x(0), x(1), x(2), rounding.mode), rounding);
  if (q.operation == "sqrt") return round_pack(to, square_root(x(0)), rounding);
  if (q.operation == "exp") return round_pack(to, exp_exact(narrow()), rounding);
  if (q.operation == "log") return round_pack(to, log_exact(narrow()), rounding);
  if (q.operation == "log2") return round_pack(to, log2_exact(narrow()), rounding);
  if (q.operation == "tanh") return round_pack(to, tanh_exact(narrow()), rounding);
  refuse(q, "ulpscope");
}

// The five flags, with tininess after rounding, as APFloat has it.
Flag five_flags(Flag flags) {
  return (flags & (Flag::inexact | Flag::overflow | Flag::invalid | Flag::divide_by_zero)) |
         flag_if(has(flags, Flag::underflow_after), Flag::underflow);
}

}  // namespace

Answer ask_ulpscope(const Question& q) {
  const Format to = format_named(q.format);
  const auto result = rounded(q, to, rounding_named(q.rounding, &to));
  return {result.bits, double_value(to, result.bits), five_flags(result.flags)};
}

}  // namespace ulpscope::peers
