// The long sweeps: registered only with ULPSCOPE_NIGHTLY, some fifty minutes of one core.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"

#include "exhaustive/every_core.hpp"
#include "exhaustive/host_fpu.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

uint64_t converted(const Format& to, uint64_t bits, Rounding rounding) {
  return round_pack(to, decode<uint64_t>(fp32, bits), rounding).bits;
}

// All numbers of one sign, in the order of their magnitude. A conversion is monotone, so it is
// right everywhere if it is right on both sides of every place where the core's answer changes:
// the reference, far too slow for 2^32 calls, is asked there only.
Verdict sweep(const Format& to, uint64_t sign, Rounding rounding) {
  Verdict verdict;
  const uint64_t last = infinity_bits(fp32);
  uint64_t before = 0;
  for (uint64_t magnitude = 0; magnitude <= last; ++magnitude) {
    const uint64_t bits = sign | magnitude;
    const uint64_t code = converted(to, bits, rounding);
    const bool change = magnitude == 0 || code != before;
    if (change && magnitude > 0) {
      verdict.judge({to, std::nullopt, {{{fp32, bits - 1}, {}, {}}}}, std::array{rounding});
    }
    if (change || magnitude == last) {
      verdict.judge({to, std::nullopt, {{{fp32, bits}, {}, {}}}}, std::array{rounding});
    }
    before = code;
  }
  return verdict;
}

int64_t lost_nans(const Format& to, uint64_t sign, Rounding rounding) {
  int64_t lost = 0;
  for (uint64_t magnitude = infinity_bits(fp32) + 1; magnitude < sign_mask(fp32); ++magnitude) {
    lost += converted(to, sign | magnitude, rounding) == nan_bits(to) ? 0 : 1;
  }
  return lost;
}

// One sign of a conversion.
struct Half {
  Format to;
  Rounding rounding;
  uint64_t sign;
  Verdict verdict;
  int64_t lost_nans;
};

}  // namespace

TEST_CASE("all 2^32 binary32 codes convert to the narrow formats as the reference does") {
  std::vector<Half> halves;
  for (const Format& to : {bf16, fp16, e4m3fn, e5m2}) {
    for (const auto& row : mode_names) {
      for (const uint64_t sign : {uint64_t{0}, sign_mask(fp32)}) {
        halves.push_back({to, {row.mode}, sign, {}, 0});
      }
    }
  }
  on_every_core(halves.size(), [&](size_t i) {
    Half& half = halves[i];
    half.verdict = sweep(half.to, half.sign, half.rounding);
    half.lost_nans = lost_nans(half.to, half.sign, half.rounding);
  });

  int64_t judged = 0;
  for (const Half& half : halves) {
    INFO(format_name(half.to), " ", rounding_name(half.rounding), half.sign == 0 ? " +" : " -");
    CHECK_MESSAGE(half.verdict.agrees(), half.verdict.text());
    CHECK_MESSAGE(half.lost_nans == 0, "a NaN became a number");
    judged += half.verdict.count();
  }
  MESSAGE(halves.size(), " signs of conversions, ", judged, " places judged by the reference");
}

TEST_CASE("10^8 random operations give the host's bits and exceptions") {
  CHECK(host_mismatches<float, uint32_t>(fp32, 2'500'000, 1001) == 0);
  CHECK(host_mismatches<double, uint64_t>(fp64, 2'500'000, 1002) == 0);
}
