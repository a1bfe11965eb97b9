#include "place.hpp"

#include <algorithm>

namespace ulpscope {

namespace {

int highest_bit(const Integer& x) { return static_cast<int>(msb(x)); }

Integer times_power_of_two(const Integer& x, int n) {
  return n > 0 ? Integer(x << static_cast<unsigned>(n)) : x;
}

// The floor of the square root, by Newton's method from above. Boost 1.74's own sqrt of a cpp_int
// does not end when g++ 13 compiles it with -O3.
Integer floor_of_root(const Integer& x) {
  if (x.is_zero()) return 0;
  Integer root = Integer(1) << static_cast<unsigned>(highest_bit(x) / 2 + 1);
  while (true) {
    const Integer next = (root + x / root) >> 1;
    if (next >= root) return root;
    root = next;
  }
}

}  // namespace

int binade_of(const ExactNumber& x) {
  // 2^(a-1) < numerator / denominator < 2^(a+1): which half is for a comparison to say.
  const int a = highest_bit(x.numerator) - highest_bit(x.denominator);
  const bool below = times_power_of_two(x.numerator, -a) < times_power_of_two(x.denominator, a);
  const int binade = x.exponent + a - (below ? 1 : 0);
  return x.root ? (binade >= 0 ? binade : binade - 1) / 2 : binade;
}

Steps::Steps(const ExactNumber& x, int step) : root_(x.root) {
  const int excess = x.exponent - (root_ ? 2 * step : step);
  numerator_ = times_power_of_two(x.numerator, excess);
  denominator_ = times_power_of_two(x.denominator, -excess);
  Integer rest;
  divide_qr(numerator_, denominator_, whole_, rest);
  if (root_) {
    whole_ = floor_of_root(whole_);  // the floor of a root is the root of the floor
    exact_ = whole_ * whole_ * denominator_ == numerator_;
  } else {
    numerator_ = rest;
    exact_ = rest.is_zero();
  }
  half_ = exact_ ? -1 : compare(1, 1);
  // One half less and more 1/16 are 7/16 and 9/16.
  const bool near = half_ < 0 ? compare(7, 4) >= 0 : compare(9, 4) <= 0;
  near_half_ = !exact_ && half_ != 0 && near;
}

int Steps::compare(const Integer& p, int n) const {
  if (!root_) return times_power_of_two(numerator_, n).compare(p * denominator_);
  const Integer side = times_power_of_two(whole_, n) + p;
  return times_power_of_two(numerator_, 2 * n).compare(side * side * denominator_);
}

int64_t Steps::units() const {
  if (exact_) return 0;
  constexpr int depth = 32;
  if (!root_) return static_cast<int64_t>(times_power_of_two(numerator_, depth) / denominator_);
  const Integer fine = floor_of_root(times_power_of_two(numerator_, 2 * depth) / denominator_);
  return static_cast<int64_t>(fine - times_power_of_two(whole_, depth));
}

Place place_on_ladder(const Format& f, const ExactNumber& x) {
  const int binade = binade_of(x);
  const int lowest = lowest_binade(f);
  const bool tiny = binade < lowest;
  const int foot = f.subnormals == Subnormals::present ? lowest - f.trailing_bits : lowest;
  Steps steps(x, tiny ? foot : binade - f.trailing_bits);
  // A normal binade begins at the rung of its 1.0; below the normal numbers rungs count from zero.
  const auto whole = static_cast<uint128>(steps.whole());
  const auto hidden = uint128{1} << f.trailing_bits;
  const auto binades = tiny ? uint128{0} : static_cast<uint128>(binade - lowest);
  const uint128 lower =
      tiny ? whole : first_normal_rung<uint128>(f) + binades * hidden + (whole - hidden);
  const int64_t units = steps.units();
  const bool truncated = !steps.exact() && steps.compare(units, 32) != 0;
  Place place{lower, next_rung(f, lower), tiny, std::move(steps), units, truncated, {}};
  if (binade == lowest - 1 && !place.above.exact()) {
    const Steps fine(x, binade - f.trailing_bits);
    const bool last = static_cast<uint128>(fine.whole()) == 2 * hidden - 1;
    if (last && !fine.exact()) place.last_fine_step = fine;
  }
  return place;
}

}  // namespace ulpscope
