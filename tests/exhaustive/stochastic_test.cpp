// Stochastic rounding by enumeration: every draw of N bits, the decision and what it means for the
// mean.
#include "exhaustive/judge.hpp"
#include "exhaustive/narrow_formats.hpp"
#include "exhaustive/operands.hpp"
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace ulpscope;

namespace {

constexpr std::array variants{Variant::a, Variant::b, Variant::c};

std::vector<uint64_t> every_draw(int bits) {
  std::vector<uint64_t> draws(size_t{1} << bits);
  for (size_t i = 0; i < draws.size(); ++i) draws[i] = i;
  return draws;
}

// The core and the reference on one problem for a list of draws.
class DrawVerdict {
 public:
  void judge(const ReferenceCase& problem, const Stochastic& r, std::span<const uint64_t> draws) {
    expected_.resize(draws.size());
    reference_results(problem, r, draws, expected_);
    const auto exact = core_exact<uint64_t>(problem, Mode::nearest_even, r.policy.flush);
    for (size_t i = 0; i < draws.size(); ++i) {
      const auto core = as_reference(round_pack(problem.to, exact, r, draws[i]));
      if (core == expected_[i]) continue;
      const auto draw =
          fmt::format("sr{}{} of draw {}", r.bits, "abc "[static_cast<int>(r.variant)], draws[i]);
      if (mismatches_++ == 0) first_ = describe(problem, draw, core, expected_[i]);
    }
    count_ += static_cast<int64_t>(draws.size());
  }
  bool agrees() const { return count_ > 0 && mismatches_ == 0; }
  std::string text() const { return fmt::format("{} of {}; {}", mismatches_, count_, first_); }

 private:
  std::vector<ReferenceResult> expected_;
  int64_t count_ = 0;
  int64_t mismatches_ = 0;
  std::string first_;
};

// Formats that differ in what they lack, and policies that do.
std::vector<Format> destinations() {
  return {e2m1fn,
          e3m2fn,
          e8m0fnu,
          e4m3fnuz,
          format_named("binary6p3se"),
          format_named("binary5p1se"),
          format_named("binary5p3ue"),
          Format{3, 2, 3, Infinity::present, Nan::ieee, Zero::both, Subnormals::absent}};
}
constexpr std::array policies{Policy{},
                              Policy{Overflow::saturate, NanRule::canonical, Flush::outputs}};

// How often the upper neighbour is drawn, of 2^n, for d / 2^32 of a step above the lower one.
int64_t times_up(Variant variant, int n, int64_t d) {
  const int64_t unit = int64_t{1} << (32 - n);
  switch (variant) {
    case Variant::a: return d / unit;
    case Variant::b: return (2 * d + unit) / (2 * unit);
    case Variant::c: {
      const int64_t below = d / unit;
      const int64_t rest = 2 * (d % unit);
      return below + (rest > unit || (rest == unit && below % 2 == 1) ? 1 : 0);
    }
    case Variant::exact: break;
  }
  return -1;
}

int64_t sum_of_residues(const ReferenceCase& problem, const Stochastic& r,
                        std::span<const uint64_t> draws) {
  const auto exact = core_exact<uint64_t>(problem, Mode::nearest_even, r.policy.flush);
  int64_t sum = 0;
  for (const uint64_t draw : draws) sum += round_pack(problem.to, exact, r, draw).residue;
  return sum;
}

}  // namespace

TEST_CASE("every draw of up to eight bits decides as the reference does") {
  for (int bits = 1; bits <= 8; ++bits) {
    const auto draws = every_draw(bits);
    for (const Format& to : destinations()) {
      DrawVerdict verdict;
      for (const Variant variant : variants) {
        for (const Policy& policy : policies) {
          for (uint64_t code = 0; code < code_count(e4m3fn); ++code) {
            verdict.judge({to, std::nullopt, {{{e4m3fn, code}, {}, {}}}}, {variant, bits, policy},
                          draws);
          }
        }
      }
      CHECK_MESSAGE(verdict.agrees(), verdict.text());
    }
  }
}

TEST_CASE("every draw decides sums and quotients of narrow numbers as the reference does") {
  const auto draws = every_draw(3);
  for (const Operation operation : {Operation::add, Operation::div}) {
    DrawVerdict verdict;
    for (uint64_t pair = 0; pair >> 16 == 0; ++pair) {
      const auto variant = variants[pair % variants.size()];
      verdict.judge({e5m2, operation, {{{e5m2, pair >> 8}, {e5m2, pair & 0xFF}, {}}}},
                    {variant, 3, {}}, draws);
    }
    CHECK_MESSAGE(verdict.agrees(), verdict.text());
  }
}

TEST_CASE("draws of 9 to 64 bits decide as the reference does, next to their thresholds too") {
  Generator random(401);
  DrawVerdict verdict;
  for (int i = 0; i < 60'000; ++i) {
    const bool exact = random.below(4) == 0;
    const int bits = exact ? 64 : random.between(9, 64);
    const Variant variant = exact ? Variant::exact : variants[random.below(variants.size())];
    // Quotients leave every kind of rest; short fractions put thresholds at round draws.
    const uint64_t mask = low_mask<uint64_t>(bits);
    const uint64_t round = random.next() << random.between(0, bits - 1);
    const std::array draws{random.next() & mask, round & mask, (round - 1) & mask,
                           (round + 1) & mask,   uint64_t{0},  mask};
    const auto code = [&] { return ReferenceOperand{fp16, any_code(random, fp16)}; };
    const auto operation = random.below(2) == 0 ? std::optional(Operation::div) : std::nullopt;
    verdict.judge({e4m3fn, operation, {{code(), code(), {}}}}, {variant, bits, {}}, draws);
  }
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}

TEST_CASE("the mean error over all draws is what the variant's probability says, to the last bit") {
  Generator random(402);
  int64_t wrong = 0;
  int64_t numbers = 0;
  for (int bits = 1; bits <= 12; ++bits) {
    const auto draws = every_draw(bits);
    for (int i = 0; i < 200; ++i) {
      // 2^-7 to 4, with 24 bits: up to 31 of them below the step of e2m1fn, 0.5 or 1 here.
      const uint64_t code = (120 + random.below(9)) << 23 | (random.next() & trailing_mask(fp32));
      const uint64_t sign = random.below(2) == 0 ? 0 : sign_mask(fp32);
      const ReferenceCase problem{e2m1fn, std::nullopt, {{{fp32, sign | code}, {}, {}}}};
      const int64_t truncation = reference_result(problem, toward_zero).residue;
      const int64_t d = sign != 0 ? truncation : -truncation;
      for (const Variant variant : variants) {
        // Up is 1 - d off, down -d: times_up (1 - d) - (2^N - times_up) d, in units of 2^-32 step.
        const int64_t expected = (times_up(variant, bits, d) << 32) - (d << bits);
        const int64_t sum = sum_of_residues(problem, {variant, bits, {}}, draws);
        wrong += (sign != 0 ? -sum : sum) == expected ? 0 : 1;
        ++numbers;
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(numbers == 12 * 200 * 3);
}
