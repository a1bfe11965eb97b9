// The core against the reference: one operation in any formats, with any operands.
//
// Held: bits, residue and flags of the core, computed in each of its words, are the reference's
// (tests/exhaustive/judge.hpp compares). The exhaustive tests take every operand of a few small
// formats and draw random ones of the others; here coverage of the core's branches leads.
//
//   byte 0       operation; the last value converts
//   byte 1, 2    rounding mode, policy: overflow, then flush, then NaN
//   then         result format, and three times operand format and 8 bytes of code, lowest first,
//                16 for a format of more than 64 bits
//
// A format is one byte: a row of the catalogue, that of the result, or "any", and then follow
// exponent bits, trailing bits, bias less the usual one, and a byte for each switch. Bytes beyond
// the end are zero.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"

#include <optional>
#include <span>

#include "exhaustive/judge.hpp"
#include "fuzz/expect.hpp"

using namespace ulpscope;
using namespace ulpscope::fuzz;

namespace {

constexpr std::array operations{Operation::add, Operation::sub, Operation::mul,
                                Operation::div, Operation::fma, Operation::sqrt};

class Input {
 public:
  explicit Input(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  uint8_t byte() {
    if (bytes_.empty()) return 0;
    const uint8_t first = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return first;
  }
  uint64_t word() {
    uint64_t word = 0;
    for (int i = 0; i < 8; ++i) word |= uint64_t{byte()} << 8 * i;
    return word;
  }
  template <class Row, size_t size>
  const Row& one_of(const std::array<Row, size>& rows) {
    return rows[byte() % size];
  }

 private:
  std::span<const uint8_t> bytes_;
};

// Not always a valid one: few of the switches go with each other.
Format any_format(Input& input) {
  constexpr std::array infinities{Infinity::present, Infinity::absent};
  constexpr std::array nans{Nan::ieee, Nan::highest, Nan::minus_zero, Nan::none};
  constexpr std::array zeros{Zero::both, Zero::positive, Zero::none};
  constexpr std::array subnormals{Subnormals::present, Subnormals::absent};
  constexpr std::array signs{Sign::present, Sign::absent};
  const int exponent_bits = 1 + input.byte() % 16;
  Format format = ieee_like(exponent_bits, input.byte() % 64);
  format.bias += static_cast<int8_t>(input.byte());
  format.infinity = input.one_of(infinities);
  format.nan = input.one_of(nans);
  format.zero = input.one_of(zeros);
  format.subnormals = input.one_of(subnormals);
  format.sign = input.one_of(signs);
  return format;
}

Format format_of(Input& input, const Format& usual) {
  const uint8_t choice = input.byte();
  if (choice < catalogue.size()) return catalogue[choice].format;
  return choice < 0x80 ? usual : any_format(input);
}

Policy policy_of(uint8_t choice) {
  constexpr std::array overflows{Overflow::standard, Overflow::saturate, Overflow::infinity,
                                 Overflow::nan, Overflow::saturate_finite};
  constexpr std::array flushes{Flush::none, Flush::inputs, Flush::outputs, Flush::both};
  constexpr std::array nans{NanRule::canonical, NanRule::propagate, NanRule::all_ones};
  return {overflows[choice % 5], nans[choice / 20 % 3], flushes[choice / 5 % 4]};
}

struct Case {
  ReferenceCase problem;
  Rounding rounding;
};

std::optional<Case> case_of(Input input) {
  Case x{};
  const size_t operation = input.byte() % (operations.size() + 1);
  if (operation < operations.size()) x.problem.operation = operations[operation];
  x.rounding.mode = input.one_of(mode_names).mode;
  x.rounding.policy = policy_of(input.byte());
  x.problem.to = format_of(input, bf16);
  for (ReferenceOperand& operand : x.problem.operands) {
    operand.format = format_of(input, x.problem.to);
    if (!is_valid(operand.format)) return std::nullopt;
    operand.bits = input.word();
    if (width(operand.format) > 64) operand.bits |= uint128{input.word()} << 64;
    operand.bits &= low_mask<uint128>(width(operand.format));
  }
  if (!is_valid(x.problem.to)) return std::nullopt;
  return x;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto x = case_of(Input({data, size}));
  if (!x) return 0;
  Verdict verdict;
  verdict.judge_every_word(x->problem, x->rounding);
  if (!verdict.agrees())
    expect(false, "the core computes as the reference does: " + verdict.text());
  return 0;
}
