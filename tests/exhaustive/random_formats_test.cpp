// Formats that nobody has named: any exponent and significand width, bias and kind of specials.
#include "exhaustive/judge.hpp"
#include "exhaustive/operands.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr std::array operations{Operation::add, Operation::sub, Operation::mul,
                                Operation::div, Operation::fma, Operation::sqrt};

Format random_format(Generator& random) {
  while (true) {
    // Two of three are small, where every corner is near; the rest are anything.
    const bool small = random.below(3) != 0;
    Format f = ieee_like(random.between(1, small ? 8 : 15), random.between(0, small ? 12 : 62));
    if (random.below(3) == 0) f.bias += random.between(-20, 20);
    const std::array nans{Nan::ieee, Nan::ieee, Nan::highest, Nan::none};
    f.nan = nans[random.below(nans.size())];
    if (f.nan != Nan::ieee) f.infinity = Infinity::absent;
    if (is_valid(f)) return f;
  }
}

Case random_case(Generator& random, const Format& to, const std::array<Format, 3>& formats) {
  const auto roundings = all_roundings();
  Case x{to, std::nullopt, {}, roundings[random.below(roundings.size())]};
  const uint64_t choice = random.below(operations.size() + 1);
  if (choice < operations.size()) x.operation = operations[choice];
  for (size_t i = 0; i < 3; ++i) x.operands[i] = {formats[i], any_code(random, formats[i])};
  return x;
}

}  // namespace

TEST_CASE("twenty random formats compute as the reference does, with both words") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Generator random(seed);
    const Format f = random_format(random);
    Verdict verdict;
    for (int i = 0; i < 20'000; ++i) verdict.judge_both_words(random_case(random, f, {f, f, f}));
    CHECK_MESSAGE(verdict.agrees(), "seed ", seed, " ", format_name(f), ": ", verdict.text());
  }
}

TEST_CASE("operands of three formats are rounded once into a fourth") {
  for (uint64_t seed = 101; seed <= 160; ++seed) {
    Generator random(seed);
    const Format to = random_format(random);
    const std::array formats{random_format(random), random_format(random), random_format(random)};
    Verdict verdict;
    for (int i = 0; i < 5'000; ++i) verdict.judge_both_words(random_case(random, to, formats));
    CHECK_MESSAGE(verdict.agrees(), "seed ", seed, " to ", format_name(to), ": ", verdict.text());
  }
}

TEST_CASE("binary32 computes as the reference does, in every mode") {
  Verdict verdict;
  Generator random(201);
  for (int i = 0; i < 700'000; ++i) verdict.judge(random_case(random, fp32, {fp32, fp32, fp32}));
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}

TEST_CASE("binary64 computes as the reference does, in every mode") {
  Verdict verdict;
  Generator random(202);
  for (int i = 0; i < 350'000; ++i) verdict.judge(random_case(random, fp64, {fp64, fp64, fp64}));
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}
