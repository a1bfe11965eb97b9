// Limbs and the constants made of them, against Boost's wide integers and logarithm.
#include "ulpscope/arith/fixed_constants.hpp"

#include <random>

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <boost/multiprecision/cpp_int.hpp>
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// Wide enough for products of 10 limbs.
using Integer = boost::multiprecision::number<boost::multiprecision::cpp_int_backend<
    1536, 1536, boost::multiprecision::unsigned_magnitude, boost::multiprecision::unchecked, void>>;
using Wide = boost::multiprecision::number<
    boost::multiprecision::cpp_bin_float<1600, boost::multiprecision::digit_base_2>>;

template <int N>
Integer integer(const Fixed<N>& x) {
  Integer result = 0;
  for (int i = N - 1; i >= 0; --i) result = (result << 64) | x.limbs[i];
  return result;
}

// Random limbs, many of them all zeros or all ones: carries run through those.
template <int N>
Fixed<N> drawn(std::mt19937_64& random) {
  Fixed<N> x;
  for (uint64_t& limb : x.limbs) {
    const uint64_t choice = random() % 4;
    limb = choice == 0 ? 0 : choice == 1 ? ~uint64_t{0} : random();
  }
  return x;
}

template <int N>
void check_arithmetic() {
  const Integer one = Integer(1) << (64 * N);
  std::mt19937_64 random(N);
  for (int i = 0; i < 2000; ++i) {
    const auto x = drawn<N>(random);
    const auto y = drawn<N>(random);
    const Integer a = integer(x);
    const Integer b = integer(y);
    REQUIRE(integer(x + y) == (a + b) % one);
    REQUIRE(integer(x - y) == (a + one - b) % one);
    REQUIRE(integer(x * y) == (a * b) / one);
    REQUIRE((x < y) == (a < b));
    REQUIRE((x == y) == (a == b));
    const auto n = static_cast<uint32_t>(random()) | 1;
    REQUIRE(integer(divided(x, n)) == a / n);
    REQUIRE(integer(times(x, y.limbs[0])) == a * y.limbs[0]);
    const auto shift = static_cast<int>(random() % (64 * N + 70));
    REQUIRE(integer(x << shift) == (a << shift) % one);
    REQUIRE(integer(x >> shift) == a >> shift);
    REQUIRE(bit_width(x) == (a == 0 ? 0 : static_cast<int>(msb(a)) + 1));
    REQUIRE(integer(joined(n, x)) == a + n * one);
    REQUIRE(fraction(joined(n, x)) == x);
    REQUIRE(whole(joined(n, x)) == n);
    REQUIRE(integer(cut<1>(x)) == a >> (64 * (N - 1)));
  }
}

// How many units the constant lies below `value`.
template <int N>
double units_below(const Fixed<N>& constant, const Wide& value) {
  return static_cast<double>(ldexp(value, 64 * N) - Wide(integer(constant)));
}

template <int N>
void check_constants() {
  const Wide ln_2 = log(Wide(2));
  const double of_ln2 = units_below(detail::ln2<N>(), ln_2);
  const double of_log2e = units_below(detail::log2e_minus_one<N>(), Wide(1 / ln_2 - 1));
  CHECK(of_ln2 >= 0);
  CHECK(of_ln2 < 1 + 0x1p-50);
  CHECK(of_log2e >= 0);
  CHECK(of_log2e < 1 + 0x1p-50);
  const auto inverses = detail::inverses<N, 20>();
  const auto factorials = detail::inverse_factorials<N, 20>();
  Wide factorial = 1;
  for (int n = 2; n < 20; ++n) {
    factorial *= n;
    const double inverse = units_below(inverses.entries[n], Wide(1) / n);
    CHECK(inverse >= 0);
    CHECK(inverse <= 1);
    const double of_factorial = units_below(factorials.entries[n], 1 / factorial);
    CHECK(of_factorial >= 0);
    CHECK(of_factorial < 2);
  }
}

template <int N>
void check_reciprocals() {
  std::mt19937_64 random(N);
  for (int i = 0; i < 300; ++i) {
    auto u = drawn<N>(random);
    if (i == 0) u = {};
    if (i == 1) u = Fixed<N>{} - Fixed<N>::units(1);
    const Wide b = 1 + ldexp(Wide(integer(u)), -64 * N);
    if (i == 0) {  // 1 itself is no fraction: the largest one, or a few units less
      CHECK(units_below(detail::reciprocal_of_one_plus(u), 1) <= 3);
      continue;
    }
    REQUIRE(std::abs(units_below(detail::reciprocal_of_one_plus(u), Wide(1 / b))) <= 3);
  }
}

}  // namespace

TEST_CASE("limbs add, multiply, divide and shift as integers do") {
  check_arithmetic<2>();
  check_arithmetic<10>();
}

TEST_CASE("constants are below the true values by less than a unit and a little") {
  check_constants<1>();
  check_constants<2>();
  check_constants<6>();
}

TEST_CASE("reciprocals are within 3 units, at both ends of their range") {
  check_reciprocals<2>();
  check_reciprocals<3>();
  check_reciprocals<10>();
}

TEST_CASE("the digits of ln 2 are computed by the compiler") {
  static_assert(detail::ln2<2>() == Fixed<2>{{0xC9E3'B398'03F2'F6AF, 0xB172'17F7'D1CF'79AB}});
  static_assert(Fixed<2>::units(1) + Fixed<2>{{~uint64_t{0}, 0}} == Fixed<2>{{0, 1}});
}
