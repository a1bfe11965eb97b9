#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/format/p3109.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

Rounded from_double(double x, const Format& f, const Policy& policy,
                    Mode mode = Mode::nearest_even) {
  return round_pack(f, decode<uint128>(fp64, bit_cast<uint64_t>(x)), Rounding{mode, policy});
}
uint64_t bits(double x, const Format& f, const Policy& policy, Mode mode = Mode::nearest_even) {
  return from_double(x, f, policy, mode).bits;
}

constexpr double infinity = __builtin_inf();
constexpr double not_a_number = __builtin_nan("");

}  // namespace

TEST_CASE("overflow goes where the policy sends it") {
  CHECK(bits(1e6, e5m2, {Overflow::standard}) == 0x7C);
  CHECK(bits(1e6, e5m2, {Overflow::standard}, Mode::toward_zero) == 0x7B);
  CHECK(bits(1e6, e5m2, {Overflow::infinity}, Mode::toward_zero) == 0x7C);
  CHECK(bits(-1e6, e5m2, {Overflow::nan}) == 0x7E);
  CHECK(bits(-1e6, e5m2, {Overflow::saturate_finite}) == 0xFB);
  CHECK(bits(-1e6, e5m2, {Overflow::saturate}) == 0xFB);
  CHECK(bits(1e6, e4m3fn, {Overflow::infinity}) == 0x7F);  // NaN stands for infinity
  CHECK(bits(1e6, e2m1fn, {Overflow::infinity}) == 0x7);   // and the largest number for NaN
  CHECK(bits(1e6, e2m1fn, {Overflow::nan}) == 0x7);
}

TEST_CASE("an infinity that comes in stays one unless all saturate") {
  CHECK(bits(-infinity, e5m2, {Overflow::standard}) == 0xFC);
  CHECK(bits(-infinity, e5m2, {Overflow::nan}) == 0xFC);
  CHECK(bits(-infinity, e5m2, {Overflow::saturate_finite}) == 0xFC);
  CHECK(bits(-infinity, e5m2, {Overflow::saturate}) == 0xFB);
  CHECK(bits(-infinity, e4m3fn, {Overflow::standard}) == 0x7F);
  CHECK(bits(-infinity, e4m3fn, {Overflow::saturate_finite}) == 0xFE);
  CHECK(bits(-infinity, e4m3fn, {Overflow::saturate}) == 0xFE);
  CHECK_FALSE(has(from_double(infinity, e5m2, {}).flags, Flag::overflow));
  CHECK(has(from_double(infinity, e4m3fn, {}).flags, Flag::overflow));
}

TEST_CASE("NaN is canonical, handed on, or all ones") {
  const auto from_half = [](uint64_t code, const Format& f, NanRule rule) {
    return round_pack(f, decode<uint64_t>(fp16, code), Rounding{.policy = {.nan = rule}}).bits;
  };
  CHECK(from_half(0xFE01, fp32, NanRule::canonical) == 0x7FC0'0000);
  CHECK(from_half(0xFE01, fp32, NanRule::propagate) == 0xFFC0'2000);
  CHECK(from_half(0xFC01, fp32, NanRule::propagate) == 0xFFC0'2000);  // made quiet
  CHECK(from_half(0xFE01, fp32, NanRule::all_ones) == 0x7FFF'FFFF);
  CHECK(from_half(0xFE01, bf16, NanRule::propagate) == 0xFFC0);  // the low payload bits are cut
  CHECK(from_half(0xFE01, e4m3fn, NanRule::propagate) == 0xFF);
  CHECK(from_half(0xFE01, e4m3fnuz, NanRule::all_ones) == 0x80);
  CHECK(from_half(0xFE01, e2m1fn, NanRule::all_ones) == 0x7);
  CHECK(bits(not_a_number, e2m1fn, {}) == 0x7);
  CHECK(has(from_double(not_a_number, e2m1fn, {}).flags, Flag::invalid));
}

TEST_CASE("a result that rounds to a subnormal is flushed with its whole value as the residue") {
  const Policy flush{.flush = Flush::outputs};
  const auto x = from_double(-0x1.8p-15, fp16, flush);  // -1.5 x 2^-15, exactly a subnormal
  CHECK(x.bits == 0x8000);
  CHECK(x.residue == int64_t{0x300} << 32);  // 768 x 2^-24
  CHECK(x.flags == (Flag::inexact | Flag::underflow | Flag::underflow_after));
  CHECK(bits(0x1p-14, fp16, flush) == 0x0400);
  CHECK(bits(0x1.ffcp-15, fp16, flush) == 0x0000);
  CHECK(bits(0x1.ffcp-15, fp16, {}) == 0x0400);      // a tie of the subnormal spacing
  CHECK(bits(0x1.fff8p-15, fp16, flush) == 0x0400);  // rounds up to the smallest normal number
  CHECK(from_double(0.0, fp16, flush).flags == Flag::none);
}

TEST_CASE("a format without signs takes negative values for zero, a scale for NaN") {
  const Format f = format_named("binary8p3ue");
  CHECK(bits(-1.0, f, {}) == 0);
  CHECK(has(from_double(-1.0, f, {}).flags, Flag::invalid));
  CHECK(bits(-1.0, f, {Overflow::nan}) == 0xFF);
  CHECK(bits(-infinity, f, {}) == 0);
  CHECK(bits(-0.0, f, {}) == 0);
  CHECK(from_double(-0x1p-60, f, {}).flags ==
        (Flag::inexact | Flag::underflow | Flag::underflow_after));
  CHECK(bits(-0x1p-60, f, {}, Mode::away) == 0);
  CHECK(has(from_double(-0x1p-60, f, {}, Mode::away).flags, Flag::invalid));
  CHECK(bits(-1.0, e8m0fnu, {}) == 0xFF);
  CHECK(bits(-1.0, e8m0fnu, {Overflow::saturate}) == 0x00);
}

TEST_CASE("a format without zero gives its smallest number for what is smaller, NaN for zero") {
  CHECK(bits(0x1p-140, e8m0fnu, {}) == 0x00);
  CHECK(has(from_double(0x1p-140, e8m0fnu, {}).flags, Flag::underflow));
  CHECK(bits(0.0, e8m0fnu, {}) == 0xFF);
  CHECK(bits(0.0, e8m0fnu, {Overflow::saturate}) == 0x00);
  CHECK(bits(0x1p127, e8m0fnu, {}) == 0xFE);
  CHECK(bits(0x1p128, e8m0fnu, {}) == 0xFF);
  CHECK(bits(0x1p128, e8m0fnu, {Overflow::saturate}) == 0xFE);
}

TEST_CASE("without subnormals the numbers below the normal ones are zero or the smallest") {
  Format f = fp16;
  f.subnormals = Subnormals::absent;
  CHECK(bits(0x1.8p-15, f, {}) == 0x0400);
  CHECK(bits(0x1p-15, f, {}) == 0x0000);  // a tie, to the even code
  CHECK(bits(0x1.4p-16, f, {}) == 0x0000);
  CHECK(bits(0x1.4p-16, f, {}, Mode::up) == 0x0400);
  CHECK(bits(-0x1.4p-16, f, {}) == 0x8000);
  CHECK(from_double(0x1.8p-15, f, {}).residue == residue_one_ulp / 4);  // of 2^-14
}

TEST_CASE("to odd takes the odd code of the largest number and infinity") {
  CHECK(bits(1e9, fp16, {}, Mode::to_odd) == 0x7BFF);
  CHECK(bits(1e9, format_named("binary8p3se"), {}, Mode::to_odd) == 0x7F);  // infinity is odd
  CHECK(bits(1e30, format_named("binary8p3ue"), {}, Mode::to_odd) == 0xFD);
  CHECK(bits(1e9, e4m3fn, {}, Mode::to_odd) == 0x7E);
}

TEST_CASE("what is flushed is what an H200 flushes") {
  // fma.rn.ftz.f32 of 2^-126 and a small negative product, recorded 2026-11-22.
  const Policy flush{.flush = Flush::outputs};
  CHECK(bits(0x1p-126 - 0x1p-152, fp32, flush) == 0x0080'0000);
  CHECK(bits(0x1p-126 - 0x1.8p-151, fp32, flush) == 0);
  CHECK(bits(0x1p-126 - 0x1.8p-151, fp32, {}) == 0x0080'0000);
  CHECK(bits(0x1p-126 - 0x1p-150, fp32, flush) == 0);
  CHECK(bits(0x1p-126 - 0x1p-150, fp32, {}) == 0x0080'0000);
  CHECK(bits(0x1p-126 - 0x1p-149, fp32, flush) == 0);
}
