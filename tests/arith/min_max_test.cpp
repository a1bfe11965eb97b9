// All pairs of small formats against the rules of IEEE 754-2019 (9.6) written down for doubles.
#include "ulpscope/arith/min_max.hpp"

#include <array>
#include <cmath>

#include "arith/plain_model.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

double lesser(double x, double y) {
  return x < y || (plain::equal(x, y) && std::signbit(x)) ? x : y;
}
double greater(double x, double y) { return -lesser(-x, -y); }

double by_magnitude(double x, double y, bool largest) {
  if (plain::equal(std::fabs(x), std::fabs(y))) return largest ? greater(x, y) : lesser(x, y);
  return (std::fabs(x) > std::fabs(y)) == largest ? x : y;
}

double expected_value(Extremum which, double x, double y) {
  switch (which) {
    case Extremum::minimum: return std::isnan(x) || std::isnan(y) ? not_a_number : lesser(x, y);
    case Extremum::maximum: return std::isnan(x) || std::isnan(y) ? not_a_number : greater(x, y);
    case Extremum::minimum_number: return std::isnan(x) ? y : std::isnan(y) ? x : lesser(x, y);
    case Extremum::maximum_number: return std::isnan(x) ? y : std::isnan(y) ? x : greater(x, y);
    case Extremum::minimum_magnitude:
      return std::isnan(x) || std::isnan(y) ? not_a_number : by_magnitude(x, y, false);
    case Extremum::maximum_magnitude:
      return std::isnan(x) || std::isnan(y) ? not_a_number : by_magnitude(x, y, true);
    case Extremum::minimum_magnitude_number:
      return std::isnan(x) ? y : std::isnan(y) ? x : by_magnitude(x, y, false);
    case Extremum::maximum_magnitude_number:
      return std::isnan(x) ? y : std::isnan(y) ? x : by_magnitude(x, y, true);
  }
  return not_a_number;
}

constexpr std::array all{Extremum::minimum,
                         Extremum::maximum,
                         Extremum::minimum_number,
                         Extremum::maximum_number,
                         Extremum::minimum_magnitude,
                         Extremum::maximum_magnitude,
                         Extremum::minimum_magnitude_number,
                         Extremum::maximum_magnitude_number};

}  // namespace

TEST_CASE("all eight extrema of all pairs of small formats follow IEEE 754-2019") {
  for (const auto& [name, f] : plain::small_formats()) {
    const auto values = plain::values(f);
    int mismatches = 0;
    for (const Extremum which : all) {
      for (uint64_t x = 0; x < values.size(); ++x) {
        for (uint64_t y = 0; y < values.size(); ++y) {
          const auto exact = extremum(which, decode<uint64_t>(f, x), decode<uint64_t>(f, y));
          const Rounded r = round_pack(f, exact, nearest_even);
          const double expected = expected_value(which, values[x], values[y]);
          const bool signalling = plain::signals(f, x) || plain::signals(f, y);
          const bool good = plain::same(plain::value(f, r.bits), expected) &&
                            has(r.flags, Flag::invalid) == signalling &&
                            !has(r.flags, Flag::inexact);
          mismatches += good ? 0 : 1;
        }
      }
    }
    CHECK_MESSAGE(mismatches == 0, name);
  }
}

TEST_CASE("each name on Soft is the extremum that it says") {
  using B = Soft<bf16>;
  const B nan = B::from_bits(nan_bits(bf16));
  const B one(1);
  CHECK(minimum(B(0.0), B(-0.0)).bits() == 0x8000);
  CHECK(maximum(B(-0.0), B(0.0)).bits() == 0);
  CHECK(isnan(minimum(one, nan)));
  CHECK(isnan(maximum(nan, one)));
  CHECK(minimum_number(one, nan) == one);
  CHECK(maximum_number(nan, one) == one);
  CHECK(minimum_number(one, B(2)) == one);
  CHECK(maximum_number(one, B(2)) == B(2));
  CHECK(minimum_magnitude(B(-3), B(2)) == B(2));
  CHECK(maximum_magnitude(B(-3), B(2)) == B(-3));
  CHECK(minimum_magnitude(B(3), B(-3)) == B(-3));
  CHECK(maximum_magnitude(B(-3), B(3)) == B(3));
  CHECK(isnan(minimum_magnitude(one, nan)));
  CHECK(isnan(maximum_magnitude(one, nan)));
  CHECK(minimum_magnitude_number(B(-3), nan) == B(-3));
  CHECK(maximum_magnitude_number(nan, B(-3)) == B(-3));
  CHECK(minimum_magnitude_number(B(-3), one) == one);
  CHECK(maximum_magnitude_number(B(-3), one) == B(-3));
}

TEST_CASE("a signalling NaN is invalid even where the number wins") {
  using H = Soft<fp16>;
  const auto r = extremum_to<H>(Extremum::minimum_number, H::from_bits(0x7C01), H(1));
  CHECK(r.value == H(1));
  CHECK(has(r.flags, Flag::invalid));
}

TEST_CASE("operands of two formats are compared exactly and the winner is rounded once") {
  using B = Soft<bf16>;
  const auto r = extremum_to<B>(Extremum::maximum, B(1.0), Soft<fp32>(1.0 + 0x1p-20));
  CHECK(r.value == B(1.0));
  CHECK(r.residue == -(residue_one_ulp >> 13));
}

static_assert(minimum(Soft<bf16>(1), Soft<bf16>(2)) == Soft<bf16>(1));
