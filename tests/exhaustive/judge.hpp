// The core against the reference: one problem through both, everything that they say compared,
// bits, residue and every flag.
//
// A verdict counts what was compared and keeps the first disagreement as text, because a doctest
// check a case would cost more than the case:
//
//   Verdict verdict;
//   for (...) verdict.judge({e5m2, Operation::add, {{{e5m2, a}, {e5m2, b}, {}}}}, roundings);
//   CHECK_MESSAGE(verdict.agrees(), verdict.text());
#pragma once

#include "ulpscope/arith/divide.hpp"
#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/reference/arithmetic.hpp"
#include "ulpscope/round/operand.hpp"

#include <array>
#include <span>
#include <string>
#include <vector>

namespace ulpscope {

inline int operand_count(const std::optional<Operation>& operation) {
  if (!operation) return 1;
  switch (*operation) {
    case Operation::sqrt: return 1;
    case Operation::add:
    case Operation::sub:
    case Operation::mul:
    case Operation::div: return 2;
    case Operation::fma: return 3;
  }
  return 0;
}

// The widest precision involved decides which words can compute a problem.
inline int widest_precision(const ReferenceCase& x) {
  int widest = precision(x.to);
  for (int i = 0; i < operand_count(x.operation); ++i) {
    widest = std::max(widest, precision(x.operands[static_cast<size_t>(i)].format));
  }
  return widest;
}

// Codes as the core takes them: the narrow word's formats all fit uint64_t.
template <class Word>
struct CodesOf {
  using type = uint128;
};
template <>
struct CodesOf<uint64_t> {
  using type = uint64_t;
};
template <class Word>
using codes_of = typename CodesOf<Word>::type;

template <class Word>
Exact<Word> core_exact(const ReferenceCase& x, Mode mode, Flush flush) {
  const auto value = [&](size_t i) {
    return operand<Word>(x.operands[i].format, static_cast<codes_of<Word>>(x.operands[i].bits),
                         flush);
  };
  if (!x.operation) return value(0);
  switch (*x.operation) {
    case Operation::add: return add(value(0), value(1), mode);
    case Operation::sub: return subtract(value(0), value(1), mode);
    case Operation::mul: return multiply(value(0), value(1));
    case Operation::div: return divide(value(0), value(1));
    case Operation::fma: return fma(value(0), value(1), value(2), mode);
    case Operation::sqrt: return square_root(value(0));
  }
  return {};
}

template <class Word>
BasicRounded<codes_of<Word>> core_result(const ReferenceCase& x, const Rounding& r) {
  return round_pack<codes_of<Word>>(x.to, core_exact<Word>(x, r.mode, r.policy.flush), r);
}

template <class Code>
ReferenceResult as_reference(const BasicRounded<Code>& x) {
  return {x.bits, x.residue, x.flags};
}

// A problem and two answers on a few lines, to be pasted into a bug report.
std::string describe(const ReferenceCase& problem, const std::string& rounding,
                     const ReferenceResult& core, const ReferenceResult& reference);
std::string describe(const ReferenceCase& problem, const Rounding& rounding,
                     const ReferenceResult& core, const ReferenceResult& reference);

class Verdict {
 public:
  // In every rounding of the list, with the narrow word.
  void judge(const ReferenceCase& problem, std::span<const Rounding> roundings) {
    judge<uint64_t>(problem, roundings);
  }

  // Every word that is wide enough must give the same, whichever Soft would take.
  void judge_every_word(const ReferenceCase& problem, const Rounding& rounding) {
    const int widest = widest_precision(problem);
    const std::span<const Rounding> one{&rounding, 1};
    if (widest <= widest_narrow_precision) judge<uint64_t>(problem, one);
    if (widest <= widest_medium_precision) judge<uint128>(problem, one);
    judge<Uint256>(problem, one);
  }

  void compare(const ReferenceCase& problem, const Rounding& rounding, const ReferenceResult& core,
               const ReferenceResult& reference) {
    ++count_;
    if (core == reference) return;
    if (mismatches_++ == 0) first_ = describe(problem, rounding, core, reference);
  }

  int64_t count() const { return count_; }
  bool agrees() const { return count_ > 0 && mismatches_ == 0; }
  std::string text() const {
    return std::to_string(mismatches_) + " of " + std::to_string(count_) + " differ; " + first_;
  }

 private:
  template <class Word>
  void judge(const ReferenceCase& problem, std::span<const Rounding> roundings) {
    results_.resize(roundings.size());
    reference_results(problem, roundings, results_);
    Exact<Word> exact{};
    for (size_t i = 0; i < roundings.size(); ++i) {
      const Rounding& r = roundings[i];
      const bool known = i > 0 && r.mode == roundings[i - 1].mode &&
                         r.policy.flush == roundings[i - 1].policy.flush;
      if (!known) exact = core_exact<Word>(problem, r.mode, r.policy.flush);
      const auto core = round_pack<codes_of<Word>>(problem.to, exact, r);
      compare(problem, r, as_reference(core), results_[i]);
    }
  }

  int64_t count_ = 0;
  int64_t mismatches_ = 0;
  std::string first_;
  std::vector<ReferenceResult> results_;
};

// Every mode with every overflow policy: 40.
std::vector<Rounding> modes_and_overflows();
// Every mode with every value of every axis: 480.
std::vector<Rounding> all_roundings();

}  // namespace ulpscope
