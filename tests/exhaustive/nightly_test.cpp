// The long sweeps: registered only with ULPSCOPE_NIGHTLY, some twenty minutes of one core.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"

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
void judge_sweep(Verdict& verdict, const Format& to, uint64_t sign, Rounding rounding) {
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
}

}  // namespace

TEST_CASE("all 2^32 binary32 codes convert to the narrow formats as the reference does") {
  for (const Format& to : {bf16, fp16, e4m3fn, e5m2}) {
    for (const auto& row : mode_names) {
      Verdict verdict;
      judge_sweep(verdict, to, 0, {row.mode});
      judge_sweep(verdict, to, sign_mask(fp32), {row.mode});
      CHECK_MESSAGE(verdict.agrees(), format_name(to), " ", std::string(row.name), ": ",
                    verdict.text());
      int64_t lost = 0;
      for (uint64_t bits = infinity_bits(fp32) + 1; bits < sign_mask(fp32); ++bits) {
        lost += converted(to, bits, {row.mode}) == nan_bits(to) ? 0 : 1;
      }
      CHECK_MESSAGE(lost == 0, format_name(to), " ", std::string(row.name),
                    ": a NaN became a number");
    }
  }
}

TEST_CASE("10^8 random operations give the host's bits and exceptions") {
  CHECK(host_mismatches<float, uint32_t>(fp32, 2'500'000, 1001) == 0);
  CHECK(host_mismatches<double, uint64_t>(fp64, 2'500'000, 1002) == 0);
}
