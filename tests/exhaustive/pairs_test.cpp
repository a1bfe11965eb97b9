// Every pair of 8-bit operands, in every mode and with both ways to overflow.
#include <cmath>

#include "exhaustive/judge.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// Both formats of OFP8: all codes, so infinities, NaN, both zeros and every subnormal.
Verdict judge_all_pairs(Operation operation) {
  Verdict verdict;
  for (const Format& f : {e4m3fn, e5m2}) {
    for (const Rounding& rounding : all_roundings()) {
      for (uint64_t a = 0; a < 256; ++a) {
        for (uint64_t b = 0; b < 256; ++b) {
          verdict.judge({f, operation, {{{f, a}, {f, b}, {}}}, rounding});
        }
      }
    }
  }
  return verdict;
}

// The binade of a sum from the host's doubles, in which sums of 8-bit operands are exact.
bool reaches_next_binade(const Format& f, uint64_t a, uint64_t b) {
  const auto value = [&](uint64_t bits) {
    return bit_cast<double>(round_pack(fp64, decode<uint64_t>(f, bits), nearest_even).bits);
  };
  const double x = value(a);
  const double y = value(b);
  if (!std::isnormal(x) || !std::isnormal(y) || !std::isnormal(x + y)) return false;
  return std::ilogb(x + y) > std::max(std::ilogb(x), std::ilogb(y));
}

}  // namespace

TEST_CASE("every sum of two 8-bit numbers is the reference's in every mode") {
  const Verdict verdict = judge_all_pairs(Operation::add);
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}

TEST_CASE("every difference of two 8-bit numbers is the reference's in every mode") {
  const Verdict verdict = judge_all_pairs(Operation::sub);
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}

TEST_CASE("every product of two 8-bit numbers is the reference's in every mode") {
  const Verdict verdict = judge_all_pairs(Operation::mul);
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}

TEST_CASE("every quotient of two 8-bit numbers is the reference's in every mode") {
  const Verdict verdict = judge_all_pairs(Operation::div);
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}

TEST_CASE("a sum carries out exactly if it lies in a binade above both terms") {
  int64_t wrong = 0;
  int64_t carries = 0;
  for (const Format& f : {e4m3fn, e5m2}) {
    for (uint64_t a = 0; a < 256; ++a) {
      for (uint64_t b = 0; b < 256; ++b) {
        const auto sum = add(decode<uint64_t>(f, a), decode<uint64_t>(f, b), Mode::nearest_even);
        const bool carry = has(sum.flags, Flag::carry_out);
        wrong += carry != reaches_next_binade(f, a, b) ? 1 : 0;
        carries += carry ? 1 : 0;
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(carries > 0);
}

TEST_CASE("every square root of the narrow formats is the reference's in every mode") {
  Verdict verdict;
  for (const Format& f : {e4m3fn, e5m2, bf16, fp16}) {
    for (const Rounding& rounding : all_roundings()) {
      for (uint64_t a = 0; a >> width(f) == 0; ++a) {
        verdict.judge({f, Operation::sqrt, {{{f, a}, {}, {}}}, rounding});
      }
    }
  }
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}

TEST_CASE("every product of two 8-bit numbers plus any of 64 others rounds once") {
  Verdict verdict;
  const auto roundings = all_roundings();
  for (const Format& f : {e4m3fn, e5m2}) {
    uint64_t turn = 0;
    for (uint64_t a = 0; a < 256; ++a) {
      for (uint64_t b = 0; b < 256; ++b) {
        for (uint64_t i = 0; i < 64; ++i) {
          // The thirds and the roundings walk on, so that all of both meet every product's row.
          const uint64_t c = (4 * i + turn) % 256;
          const Rounding rounding = roundings[(turn / 3) % roundings.size()];
          verdict.judge({f, Operation::fma, {{{f, a}, {f, b}, {f, c}}}, rounding});
          ++turn;
        }
      }
    }
  }
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}
