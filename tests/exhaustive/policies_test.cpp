// All axes of a rounding at once, 480 combinations, on a sample: structured operands of every
// narrow format and every operation.
#include "exhaustive/judge.hpp"
#include "exhaustive/narrow_formats.hpp"
#include "exhaustive/operands.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr std::array<std::optional<Operation>, 7> operations{
    std::nullopt,   Operation::add, Operation::sub, Operation::mul,
    Operation::div, Operation::fma, Operation::sqrt};

}  // namespace

TEST_CASE("narrow formats agree with the reference for every NaN rule and every flush") {
  const auto formats = narrow_formats();
  const auto roundings = all_roundings();
  Generator random(301);
  for (const Format& to : formats) {
    Verdict verdict;
    for (const auto& operation : operations) {
      for (int i = 0; i < 60; ++i) {
        // Results of another format's operands every second time.
        const Format& from = i % 2 == 0 ? to : formats[random.below(formats.size())];
        const auto draw = [&] { return ReferenceOperand{from, any_code(random, from)}; };
        verdict.judge({to, operation, {{draw(), draw(), draw()}}}, roundings);
      }
    }
    CHECK_MESSAGE(verdict.agrees(), verdict.text());
  }
}

TEST_CASE("the NaNs of wide formats arrive as the reference says, by every rule") {
  const auto roundings = all_roundings();
  Generator random(302);
  Verdict verdict;
  for (const Format& from : {fp16, bf16, fp32, e5m2, e3m4, e4m3fnuz}) {
    for (const Format& to : {fp16, bf16, fp32, e5m2, e4m3fn, e2m1fn, e4m3fnuz, Format{3, 0, 3}}) {
      for (int i = 0; i < 40; ++i) {
        const uint64_t payload = i < 4 ? i : random.next() & trailing_mask(from);
        const uint64_t sign = random.below(2) == 0 ? 0 : sign_mask(from);
        const ReferenceOperand nan{from, sign | exponent_mask(from) | payload};
        const ReferenceOperand any{from, any_code(random, from)};
        verdict.judge({to, std::nullopt, {{nan, {}, {}}}}, roundings);
        verdict.judge({to, Operation::sub, {{any, nan, {}}}}, roundings);
        verdict.judge({to, Operation::fma, {{any, any, nan}}}, roundings);
      }
    }
  }
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}
