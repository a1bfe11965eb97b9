#include "ulpscope/compare/mode_fit.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/operand.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <algorithm>
#include <random>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// binary32 codes of both signs: ordinary ones, ties of bf16, tiny and large ones, specials.
std::vector<uint64_t> wide_codes() {
  std::mt19937 random(11);
  std::vector<uint64_t> codes{0, 0x8000'0000, 0x7F80'0000, 0xFF80'0000, 0x7FC0'0001};
  for (uint32_t i = 0; i < 2000; ++i) {
    const auto exponent = static_cast<uint32_t>(100 + random() % 40) << 23;
    codes.push_back((random() & 0x807F'FFFF) | exponent);
    codes.push_back(((random() & 0x807F'0000) | exponent) + 0x8000);  // half way in bf16
  }
  for (uint32_t i = 0; i < 200; ++i) {
    codes.push_back(random() & 0x80FF'FFFF);                  // subnormal and just above
    codes.push_back((random() & 0x8000'FFFF) | 0x7F7F'0000);  // above bf16's largest
  }
  return codes;
}

uint64_t rounded(uint64_t code, const Rounding& r, const Format& to) {
  return round_pack(to, operand<uint128>(fp32, code, r.policy.flush), r).bits;
}

ModeFit fit_of(const std::vector<uint64_t>& codes, const Rounding& r, const Format& to) {
  ModeFitTally tally(fp32, to);
  for (const uint64_t code : codes) tally.add(code, rounded(code, r, to));
  return tally.fit();
}

bool names(const FittedRounding& row, const Rounding& r) {
  return std::find(row.roundings.begin(), row.roundings.end(), r) != row.roundings.end();
}

// How many elements the rounding explains, counted without the tally.
uint64_t agreeing(const std::vector<uint64_t>& codes, const Rounding& a, const Rounding& b,
                  const Format& to) {
  return static_cast<uint64_t>(std::count_if(codes.begin(), codes.end(), [&](uint64_t code) {
    const uint64_t x = rounded(code, a, to);
    const uint64_t y = rounded(code, b, to);
    return x == y || (is_nan(to, x) && is_nan(to, y));
  }));
}

std::vector<Rounding> all_roundings() {
  std::vector<Rounding> result;
  for (const auto& mode : mode_names) {
    for (const auto overflow : {Overflow::standard, Overflow::infinity, Overflow::nan,
                                Overflow::saturate_finite, Overflow::saturate}) {
      for (const auto flush : {Flush::none, Flush::inputs, Flush::outputs, Flush::both}) {
        result.push_back({mode.mode, {.overflow = overflow, .flush = flush}});
      }
    }
  }
  return result;
}

}  // namespace

TEST_SUITE("mode fit") {
  TEST_CASE("what a mode rounded, it explains alone where every kind of element is there") {
    const auto codes = wide_codes();
    for (const Format& to : {bf16, fp16, e4m3fn, e5m2}) {
      for (const auto& mode : mode_names) {
        CAPTURE(mode.name);
        const Rounding r{.mode = mode.mode};
        const ModeFit fit = fit_of(codes, r, to);
        CHECK(fit.is_explained());
        CHECK(names(fit.ranking[0], r));
        REQUIRE(fit.ranking.size() >= mode_names.size());
        CHECK(fit.ranking[1].explained < fit.elements);
      }
    }
  }

  TEST_CASE("every share is what counting by hand gives, policies included") {
    const auto codes = wide_codes();
    const auto roundings = all_roundings();
    for (const Rounding& r :
         {Rounding{Mode::toward_zero}, Rounding{Mode::nearest_even, {.flush = Flush::outputs}},
          Rounding{Mode::down, {.overflow = Overflow::saturate}},
          Rounding{Mode::to_odd, {.flush = Flush::both}}}) {
      const ModeFit fit = fit_of(codes, r, bf16);
      size_t listed = 0;
      for (const auto& row : fit.ranking) {
        for (const auto& named : row.roundings) {
          CHECK(row.explained == agreeing(codes, named, r, bf16));
          ++listed;
        }
      }
      CHECK(listed >= fit.ranking.size());
      CHECK(std::is_sorted(fit.ranking.begin(), fit.ranking.end(),
                           [](const auto& a, const auto& b) { return a.explained > b.explained; }));
    }
  }

  TEST_CASE("roundings in different rows differ on some element, those in one row on none") {
    const auto codes = wide_codes();
    const ModeFit fit = fit_of(codes, nearest_even, bf16);
    for (const auto& row : fit.ranking) {
      for (const auto& r : row.roundings) {
        CHECK(agreeing(codes, row.roundings[0], r, bf16) == codes.size());
      }
      for (const auto& other : fit.ranking) {
        if (&other == &row) continue;
        CHECK(agreeing(codes, row.roundings[0], other.roundings[0], bf16) < codes.size());
      }
    }
  }

  TEST_CASE("without tiny or large elements a mode stands for all its policies") {
    std::vector<uint64_t> codes;
    for (uint64_t i = 0; i < 3000; ++i) codes.push_back(0x3F80'0000 + 977 * i);
    const ModeFit fit = fit_of(codes, toward_zero, bf16);
    // All are positive and none is half way: rz is rd, ru is ra, and the three to nearest are one.
    REQUIRE(fit.ranking.size() == 4);
    CHECK(fit.ranking[0].roundings == std::vector<Rounding>{toward_zero, downward});
    CHECK(fit.is_explained());
    CHECK(fit.telling > 0);
    CHECK(fit.telling < fit.elements);
  }

  TEST_CASE("a tensor of representable numbers tells nothing apart") {
    std::vector<uint64_t> codes;
    for (uint64_t i = 0; i < 100; ++i) codes.push_back((0x3F80 + i) << 16);
    const ModeFit fit = fit_of(codes, upward, bf16);
    REQUIRE(fit.ranking.size() == 1);
    CHECK(fit.ranking[0].roundings.size() == mode_names.size());
    CHECK(fit.telling == 0);
    CHECK(fit.is_explained());
  }

  TEST_CASE("stochastic rounding is no mode, but every element is one of its neighbours") {
    const auto codes = wide_codes();
    ModeFitTally tally(fp32, bf16);
    for (size_t i = 0; i < codes.size(); ++i) {
      tally.add(codes[i], rounded(codes[i], i % 2 == 0 ? toward_zero : away_from_zero, bf16));
    }
    const ModeFit fit = tally.fit();
    CHECK_FALSE(fit.is_explained());
    CHECK(fit.either_neighbour == fit.elements);
    tally.add(0x3F80'8001, 0x4000);
    CHECK(tally.fit().either_neighbour == fit.elements);
  }

  TEST_CASE("tallies of parts merge to that of the whole, whatever the order") {
    const auto codes = wide_codes();
    ModeFitTally whole(fp32, bf16);
    std::array parts{ModeFitTally(fp32, bf16), ModeFitTally(fp32, bf16), ModeFitTally(fp32, bf16)};
    for (size_t i = 0; i < codes.size(); ++i) {
      const uint64_t observed = rounded(codes[i], nearest_away, bf16);
      whole.add(codes[i], observed);
      parts[i % 3].add(codes[i], observed);
    }
    parts[2].merge(parts[0]);
    parts[2].merge(parts[1]);
    const ModeFit a = whole.fit();
    const ModeFit b = parts[2].fit();
    REQUIRE(a.ranking.size() == b.ranking.size());
    for (size_t i = 0; i < a.ranking.size(); ++i) {
      CHECK(a.ranking[i].roundings == b.ranking[i].roundings);
      CHECK(a.ranking[i].explained == b.ranking[i].explained);
    }
    CHECK(a.telling == b.telling);
  }

  TEST_CASE("wide tensors of binary64 are rounded once") {
    // 1 + 2^-8 + 2^-52: rounding through binary32 would make it a tie.
    ModeFitTally tally(fp64, bf16);
    tally.add(bit_cast<uint64_t>(1.0 + 0x1p-8) + 1, 0x3F81);
    const ModeFit fit = tally.fit();
    CHECK(names(fit.ranking[0], nearest_even));
    CHECK(fit.is_explained());
  }
}
