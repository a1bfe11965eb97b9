// The core against the reference: one operation through both, everything that they say compared.
//
// The core's flags and its residue are held as well as its bits, the flags that the reference does
// not know (round_carry, subnormal) against the bits of the result. A verdict counts what was
// compared and keeps the first disagreement as text, because a doctest check a case would cost
// more than the case:
//
//   Verdict verdict;
//   for (...) verdict.judge({e5m2, Operation::add, {{e5m2, a}, {e5m2, b}, {}}, nearest_even});
//   CHECK_MESSAGE(verdict.agrees(), verdict.text());
#pragma once

#include "ulpscope/arith/divide.hpp"
#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/reference/arithmetic.hpp"
#include "ulpscope/round/names.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace ulpscope {

struct Case {
  Format to;
  std::optional<Operation> operation;  // nothing: convert the first operand
  std::array<ReferenceOperand, 3> operands;
  Rounding rounding;
};

inline std::vector<Rounding> all_roundings() {
  std::vector<Rounding> all;
  for (const auto& row : mode_names) {
    all.push_back({row.mode, {}});
    all.push_back({row.mode, {Overflow::saturate}});
  }
  return all;
}

template <class Word>
Rounded core_result(const Case& x) {
  const auto value = [&](size_t i) {
    return decode<Word>(x.operands[i].format, x.operands[i].bits);
  };
  const auto exact = [&]() -> Exact<Word> {
    if (!x.operation) return value(0);
    switch (*x.operation) {
      case Operation::add: return add(value(0), value(1), x.rounding.mode);
      case Operation::sub: return subtract(value(0), value(1), x.rounding.mode);
      case Operation::mul: return multiply(value(0), value(1));
      case Operation::div: return divide(value(0), value(1));
      case Operation::fma: return fma(value(0), value(1), value(2), x.rounding.mode);
      case Operation::sqrt: return square_root(value(0));
    }
    return {};
  };
  return round_pack(x.to, exact(), x.rounding);
}

inline int operand_count(const std::optional<Operation>& operation) {
  if (!operation || *operation == Operation::sqrt) return 1;
  return *operation == Operation::fma ? 3 : 2;
}

// The word that Soft would take: the widest precision involved decides.
inline bool is_narrow(const Case& x) {
  int widest = precision(x.to);
  for (int i = 0; i < operand_count(x.operation); ++i) {
    widest = std::max(widest, precision(x.operands[static_cast<size_t>(i)].format));
  }
  return widest <= widest_narrow_precision;
}

inline Rounded core_result(const Case& x) {
  return is_narrow(x) ? core_result<uint64_t>(x) : core_result<uint128>(x);
}

inline ReferenceResult reference_result(const Case& x) {
  const auto& [a, b, c] = x.operands;
  return x.operation ? reference_operation(x.to, *x.operation, a, b, c, x.rounding)
                     : reference_convert(a.format, a.bits, x.to, x.rounding);
}

// What the core should have returned, carry_out aside. A missing residue has the sign of the value,
// which a NaN in place of an overflow does not show: it is taken from the core's.
inline Rounded expected_result(const Format& to, const ReferenceResult& r, const Rounded& core) {
  const bool negative = is_nan(to, r.bits) ? core.residue < 0 : is_negative(to, r.bits);
  const bool trailing_zero = (r.bits & trailing_mask(to)) == 0;
  const int64_t limit = negative ? -detail::residue_limit : detail::residue_limit;
  return {r.bits, r.residue.value_or(limit),
          flag_if(r.inexact, Flag::inexact) | flag_if(r.underflow, Flag::underflow) |
              flag_if(r.overflow, Flag::overflow) | flag_if(r.invalid, Flag::invalid) |
              flag_if(r.divide_by_zero, Flag::divide_by_zero) | flag_if(r.tie, Flag::tie) |
              flag_if(r.away, Flag::away) | flag_if(r.away && trailing_zero, Flag::round_carry) |
              flag_if(is_subnormal(to, r.bits) && r.residue, Flag::subnormal) |
              flag_if(!r.residue, Flag::residue_saturated) |
              flag_if(r.residue_truncated, Flag::residue_truncated)};
}

inline bool same(const Rounded& x, const Rounded& y) {
  return x.bits == y.bits && x.residue == y.residue && x.flags == y.flags;
}

inline Rounded without_carry_out(Rounded x) {
  if (has(x.flags, Flag::carry_out)) {
    x.flags =
        static_cast<Flag>(static_cast<unsigned>(x.flags) ^ static_cast<unsigned>(Flag::carry_out));
  }
  return x;
}

// A case and two answers on a few lines, to be pasted into a bug report.
std::string describe(const Case& x, const Rounded& core, const Rounded& expected);

class Verdict {
 public:
  void judge(const Case& x) { compare(x, core_result(x), reference_result(x)); }

  // Both words of the core must give the same, whichever Soft would take.
  void judge_both_words(const Case& x) {
    const ReferenceResult reference = reference_result(x);
    if (is_narrow(x)) compare(x, core_result<uint64_t>(x), reference);
    compare(x, core_result<uint128>(x), reference);
  }

  void compare(const Case& x, const Rounded& core, const ReferenceResult& reference) {
    ++count_;
    const Rounded expected = expected_result(x.to, reference, core);
    if (same(without_carry_out(core), expected)) return;
    if (mismatches_++ == 0) first_ = describe(x, core, expected);
  }

  bool agrees() const { return count_ > 0 && mismatches_ == 0; }
  std::string text() const {
    return std::to_string(mismatches_) + " of " + std::to_string(count_) + " differ; " + first_;
  }

 private:
  int64_t count_ = 0;
  int64_t mismatches_ = 0;
  std::string first_;
};

}  // namespace ulpscope
