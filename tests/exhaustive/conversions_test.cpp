// Every code of the narrow formats into every other one, in every mode and policy, and the 16-bit
// formats into some.
#include "ulpscope/format/subset.hpp"

#include "exhaustive/judge.hpp"
#include "exhaustive/narrow_formats.hpp"
#include "exhaustive/operands.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

void check_every_code(const Format& from, const Format& to, std::span<const Rounding> roundings) {
  Verdict verdict;
  for (uint64_t bits = 0; bits < code_count(from); ++bits) {
    verdict.judge({to, std::nullopt, {{{from, bits}, {}, {}}}}, roundings);
  }
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}

}  // namespace

TEST_CASE("every narrow code converts to every narrow format as the reference does") {
  const auto formats = narrow_formats();
  const auto roundings = modes_and_overflows();
  for (const Format& from : formats) {
    for (const Format& to : formats) check_every_code(from, to, roundings);
  }
}

TEST_CASE("every 16-bit code converts as the reference does, in every mode and policy") {
  const auto roundings = modes_and_overflows();
  for (const Format& from : {bf16, fp16}) {
    for (const Format& to : {bf16, fp16, e4m3fn, e5m2, e8m0fnu}) {
      check_every_code(from, to, roundings);
    }
  }
}

TEST_CASE("every square root of the 16-bit formats is the reference's in every mode") {
  std::vector<Rounding> roundings;
  for (const Rounding& r : modes_and_overflows()) {
    if (r.policy == Policy{}) roundings.push_back(r);  // nothing overflows
  }
  for (const Format& f : {bf16, fp16}) {
    Verdict verdict;
    for (uint64_t a = 0; a < code_count(f); ++a) {
      verdict.judge({f, Operation::sqrt, {{{f, a}, {}, {}}}}, roundings);
    }
    CHECK_MESSAGE(verdict.agrees(), verdict.text());
  }
}

TEST_CASE("binary32 and binary64 convert to narrower formats as the reference does") {
  Verdict verdict;
  Generator random(1);
  const auto roundings = all_roundings();
  for (const Format& from : {fp32, fp64}) {
    for (const Format& to : {bf16, fp16, tf32, fp32, e4m3fn, e5m2, e8m0fnu}) {
      for (int i = 0; i < 50'000; ++i) {
        const Rounding rounding = roundings[random.below(roundings.size())];
        verdict.judge_every_word({to, std::nullopt, {{{from, any_code(random, from)}, {}, {}}}},
                                 rounding);
      }
    }
  }
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}

TEST_CASE("a conversion to a format that holds every value changes no value") {
  for (const auto& inner : catalogue) {
    for (const auto& outer : catalogue) {
      if (!is_subset(inner.format, outer.format)) continue;
      Generator random(2);
      int64_t changed = 0;
      for (int i = 0; i < 20'000; ++i) {
        const auto bits = static_cast<uint64_t>(any_code(random, inner.format));
        if (is_nan(inner.format, bits)) continue;
        const auto there =
            round_pack(outer.format, decode<uint128>(inner.format, bits), nearest_even);
        const auto back =
            round_pack(inner.format, decode<uint128>(outer.format, there.bits), nearest_even);
        changed += there.residue == 0 || is_infinity(inner.format, bits) ? 0 : 1;
        changed += back.bits == bits ? 0 : 1;
      }
      CHECK_MESSAGE(changed == 0, std::string(inner.name), " in ", std::string(outer.name));
    }
  }
}
