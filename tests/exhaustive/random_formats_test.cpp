// Formats that nobody has named: any exponent and significand width, bias and switches.
#include "ulpscope/format/catalogue.hpp"

#include "exhaustive/judge.hpp"
#include "exhaustive/operands.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr std::array<std::optional<Operation>, 7> operations{
    std::nullopt,   Operation::add, Operation::sub, Operation::mul,
    Operation::div, Operation::fma, Operation::sqrt};

template <class Switch, size_t n>
Switch pick(Generator& random, const std::array<Switch, n>& from) {
  return from[random.below(n)];
}

// IEEE's switches half of the time, else any of each.
Format random_format(Generator& random) {
  while (true) {
    // Two of three are small, where every corner is near; the rest are anything.
    const bool small = random.below(3) != 0;
    Format f = ieee_like(random.between(1, small ? 8 : 16), random.between(0, small ? 12 : 63));
    if (random.below(3) == 0) f.bias += random.between(-20, 20);
    if (random.below(2) == 0) {
      f.infinity = pick(random, std::array{Infinity::present, Infinity::absent});
      f.nan = pick(random, std::array{Nan::ieee, Nan::highest, Nan::minus_zero, Nan::none});
      f.zero = pick(random, std::array{Zero::both, Zero::positive, Zero::none});
      f.subnormals = pick(random, std::array{Subnormals::present, Subnormals::absent});
      f.sign = pick(random, std::array{Sign::present, Sign::present, Sign::absent});
    }
    if (is_valid(f)) return f;
  }
}

struct RandomCase {
  ReferenceCase problem;
  Rounding rounding;
};

RandomCase random_case(Generator& random, const Format& to, const std::array<Format, 3>& formats) {
  static const auto roundings = all_roundings();
  RandomCase x{{to, pick(random, operations), {}}, roundings[random.below(roundings.size())]};
  for (size_t i = 0; i < 3; ++i) x.problem.operands[i] = {formats[i], any_code(random, formats[i])};
  return x;
}

Verdict judge_random(Generator& random, int count, const Format& to,
                     const std::array<Format, 3>& formats) {
  Verdict verdict;
  for (int i = 0; i < count; ++i) {
    const RandomCase x = random_case(random, to, formats);
    verdict.judge_every_word(x.problem, x.rounding);
  }
  return verdict;
}

}  // namespace

TEST_CASE("random formats compute as the reference does, with every word and switch") {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Generator random(seed);
    const Format f = random_format(random);
    const Verdict verdict = judge_random(random, 2'000, f, {f, f, f});
    CHECK_MESSAGE(verdict.agrees(), "seed ", seed, " ", format_name(f), ": ", verdict.text());
  }
}

TEST_CASE("operands of three formats are rounded once into a fourth") {
  for (uint64_t seed = 1001; seed <= 1400; ++seed) {
    Generator random(seed);
    const Format to = random_format(random);
    const std::array formats{random_format(random), random_format(random), random_format(random)};
    const Verdict verdict = judge_random(random, 700, to, formats);
    CHECK_MESSAGE(verdict.agrees(), "seed ", seed, " to ", format_name(to), ": ", verdict.text());
  }
}

TEST_CASE("the widest formats, with 64 significant bits, compute as the reference does") {
  Generator random(203);
  for (const Format& f : {Format{15, 63, 16383}, Format{16, 63, 32767}, Format{3, 63, 3}}) {
    const Verdict verdict = judge_random(random, 20'000, f, {f, f, f});
    CHECK_MESSAGE(verdict.agrees(), verdict.text());
  }
}

TEST_CASE("binary32 computes as the reference does, in every rounding") {
  Generator random(201);
  const Verdict verdict = judge_random(random, 700'000, fp32, {fp32, fp32, fp32});
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}

TEST_CASE("binary64 computes as the reference does, in every rounding") {
  Generator random(202);
  const Verdict verdict = judge_random(random, 350'000, fp64, {fp64, fp64, fp64});
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}
