// Exact extended numbers, their operations, and rounding by comparison.
#include "ulpscope/reference/arithmetic.hpp"

#include "ulpscope/reference/ladder.hpp"

#include <boost/multiprecision/cpp_int.hpp>

namespace ulpscope {

namespace {

using Integer = boost::multiprecision::cpp_int;

// An exact number of the extended line. A finite magnitude is numerator / denominator, not
// reduced, or its square root; the numerator carries no sign because zero has one.
struct Number {
  CodeKind kind = CodeKind::number;
  bool negative = false;
  bool root = false;
  bool invalid = false;
  bool divide_by_zero = false;
  Integer numerator = 0;
  Integer denominator = 1;
};

bool is_zero(const Number& x) { return x.kind == CodeKind::number && x.numerator.is_zero(); }

Number number(const Format& f, uint64_t bits) {
  const Code code = read_code(f, bits);
  Number x{.kind = code.kind, .negative = code.negative};
  if (code.kind != CodeKind::number) return x;
  const auto up = static_cast<unsigned>(std::max(code.magnitude.exponent, 0));
  const auto down = static_cast<unsigned>(std::max(-code.magnitude.exponent, 0));
  x.numerator = Integer(code.magnitude.significand) << up;
  x.denominator = Integer(1) << down;
  return x;
}

Number not_a_number(bool invalid) { return {.kind = CodeKind::nan, .invalid = invalid}; }

Number negated(Number x) {
  x.negative = !x.negative;
  return x;
}

// ---- Operations -----------------------------------------------------------------------------

Number sum(const Number& x, const Number& y, Mode mode) {
  if (x.kind == CodeKind::nan || y.kind == CodeKind::nan) {
    return not_a_number(x.invalid || y.invalid);
  }
  if (x.kind == CodeKind::infinity && y.kind == CodeKind::infinity && x.negative != y.negative) {
    return not_a_number(true);
  }
  if (x.kind == CodeKind::infinity) return x;
  if (y.kind == CodeKind::infinity) return y;
  const Integer left = x.numerator * y.denominator;
  const Integer right = y.numerator * x.denominator;
  Number result;
  result.denominator = x.denominator * y.denominator;
  result.numerator = (x.negative ? -left : left) + (y.negative ? -right : right);
  if (result.numerator.is_zero()) {
    // Zeros of one sign keep it; everything else that cancels is +0, or -0 when rounding down.
    const bool both_zero = left.is_zero() && right.is_zero();
    result.negative = both_zero && x.negative == y.negative ? x.negative : mode == Mode::down;
    return result;
  }
  result.negative = result.numerator < 0;
  if (result.negative) result.numerator = -result.numerator;
  return result;
}

Number product(const Number& x, const Number& y) {
  if (x.kind == CodeKind::nan || y.kind == CodeKind::nan) return not_a_number(false);
  Number result{.negative = x.negative != y.negative};
  if (x.kind == CodeKind::infinity || y.kind == CodeKind::infinity) {
    if (is_zero(x) || is_zero(y)) return not_a_number(true);
    result.kind = CodeKind::infinity;
    return result;
  }
  result.numerator = x.numerator * y.numerator;
  result.denominator = x.denominator * y.denominator;
  return result;
}

Number quotient(const Number& x, const Number& y) {
  if (x.kind == CodeKind::nan || y.kind == CodeKind::nan) return not_a_number(false);
  const bool x_infinite = x.kind == CodeKind::infinity;
  const bool y_infinite = y.kind == CodeKind::infinity;
  if ((x_infinite && y_infinite) || (is_zero(x) && is_zero(y))) return not_a_number(true);
  Number result{.negative = x.negative != y.negative};
  if (x_infinite || is_zero(y)) {
    result.kind = CodeKind::infinity;
    result.divide_by_zero = !x_infinite;
    return result;
  }
  if (y_infinite) return result;  // a zero with its sign
  result.numerator = x.numerator * y.denominator;
  result.denominator = x.denominator * y.numerator;
  return result;
}

Number square_root(Number x) {
  if (x.kind == CodeKind::nan || is_zero(x)) return x;
  if (x.negative) return not_a_number(true);
  x.root = true;
  return x;
}

// ---- Rounding by comparison -----------------------------------------------------------------

// Sign of |x| - significand x 2^exponent; a root is compared by its square.
int compare(const Number& x, const Integer& significand, int exponent) {
  Integer left = x.numerator;
  Integer right = significand * x.denominator;
  if (x.root) {
    right *= significand;
    exponent *= 2;
  }
  if (exponent >= 0) {
    right <<= static_cast<unsigned>(exponent);
  } else {
    left <<= static_cast<unsigned>(-exponent);
  }
  return left.compare(right);
}

int compare(const Number& x, const Rung& r) { return compare(x, r.significand, r.exponent); }

// The highest rung that is not above |x|, among 0 .. top_rung + 1.
uint64_t rung_below(const Format& f, const Number& x) {
  uint64_t low = 0;
  uint64_t high = top_rung(f) + 2;
  while (high - low > 1) {
    const uint64_t middle = low + (high - low) / 2;
    (compare(x, rung(f, middle)) >= 0 ? low : high) = middle;
  }
  return low;
}

// Whether the mode takes the upper of the two rungs around x, which is strictly between them.
// `half` is the sign of |x| - the middle of the rungs.
bool takes_upper(Mode mode, int half, bool lower_is_odd, bool negative) {
  switch (mode) {
    case Mode::nearest_even: return half > 0 || (half == 0 && lower_is_odd);
    case Mode::nearest_away: return half >= 0;
    case Mode::nearest_zero: return half > 0;
    case Mode::toward_zero: return false;
    case Mode::up: return !negative;
    case Mode::down: return negative;
    case Mode::away: return true;
    case Mode::to_odd: return !lower_is_odd;
  }
  return false;
}

bool overflow_stays_finite(Rounding rounding, bool negative) {
  if (rounding.policy.overflow == Overflow::saturate) return true;
  switch (rounding.mode) {
    case Mode::nearest_even:
    case Mode::nearest_away:
    case Mode::nearest_zero:
    case Mode::away: return false;
    case Mode::toward_zero:
    case Mode::to_odd: return true;
    case Mode::up: return negative;
    case Mode::down: return !negative;
  }
  return false;
}

// taken - |x| in units of 2^exponent x 2^-32, cut toward zero.
struct Residue {
  int64_t units;
  bool truncated;
};
Residue residue_of(const Number& x, uint64_t taken, int exponent) {
  // |x| in those units is fraction, or its square root.
  Integer above = x.numerator;
  Integer below = x.denominator;
  const int shift = (32 - exponent) * (x.root ? 2 : 1);
  (shift >= 0 ? above : below) <<= static_cast<unsigned>(std::abs(shift));
  const Integer position = Integer(taken) << 32;
  Integer whole = above / below;
  if (x.root) whole = sqrt(whole);  // floor of a root is the root of the floor
  const Integer back = x.root ? Integer(whole * whole * below) : Integer(whole * below);
  const bool truncated = back != above;
  // Above x the distance is position - whole - something in (0, 1): one less when cut.
  const Integer distance = position - whole;
  const bool one_less = truncated && distance > 0;
  return {static_cast<int64_t>(one_less ? Integer(distance - 1) : distance), truncated};
}

ReferenceResult round_special(const Format& to, const Number& x, Rounding rounding) {
  ReferenceResult result{.invalid = x.invalid, .divide_by_zero = x.divide_by_zero};
  if (x.kind == CodeKind::nan) {
    result.bits = nan_code(to);
    result.invalid = result.invalid || !spells_nan(to);
    return result;
  }
  const bool delivered = has_infinity(to) && rounding.policy.overflow == Overflow::standard;
  const bool saturates = rounding.policy.overflow == Overflow::saturate;
  result.bits = saturates ? sign_code(to, x.negative) + top_rung(to) : beyond_code(to, x.negative);
  result.overflow = result.inexact = !delivered;
  return result;
}

ReferenceResult round_number(const Format& to, const Number& x, Rounding rounding) {
  if (x.kind != CodeKind::number) return round_special(to, x, rounding);
  const uint64_t sign = sign_code(to, x.negative);
  const uint64_t top = top_rung(to);
  const uint64_t lower = rung_below(to, x);
  const Rung below = rung(to, lower);
  ReferenceResult result;
  uint64_t taken = lower;
  if (lower <= top && compare(x, below) != 0) {
    const int half = compare(x, Integer(below.significand) * 2 + 1, below.exponent - 1);
    const bool odd = lower % 2 == 1;
    result.inexact = true;
    result.tie = half == 0;
    result.away = takes_upper(rounding.mode, half, odd, x.negative);
    result.underflow = lower < first_normal_rung(to);
    if (result.away) ++taken;
  }
  if (taken > top) {
    const bool finite = overflow_stays_finite(rounding, x.negative);
    return {.bits = finite ? sign + top : beyond_code(to, x.negative),
            .inexact = true,
            .overflow = true};
  }
  const Residue residue = residue_of(x, below.significand + (result.away ? 1 : 0), below.exponent);
  result.bits = number_code(to, x.negative, taken);
  result.residue = x.negative ? -residue.units : residue.units;
  result.residue_truncated = residue.truncated;
  return result;
}

}  // namespace

ReferenceResult reference_operation(const Format& to, Operation operation,
                                    const ReferenceOperand& a, const ReferenceOperand& b,
                                    const ReferenceOperand& c, Rounding rounding) {
  const auto value = [](const ReferenceOperand& x) { return number(x.format, x.bits); };
  const auto exact = [&]() -> Number {
    switch (operation) {
      case Operation::add: return sum(value(a), value(b), rounding.mode);
      case Operation::sub: return sum(value(a), negated(value(b)), rounding.mode);
      case Operation::mul: return product(value(a), value(b));
      case Operation::div: return quotient(value(a), value(b));
      case Operation::fma: return sum(product(value(a), value(b)), value(c), rounding.mode);
      case Operation::sqrt: return square_root(value(a));
    }
    return {};
  };
  return round_number(to, exact(), rounding);
}

ReferenceResult reference_operation(const Format& format, Operation operation, uint64_t a,
                                    uint64_t b, uint64_t c, Rounding rounding) {
  return reference_operation(format, operation, ReferenceOperand{format, a},
                             ReferenceOperand{format, b}, ReferenceOperand{format, c}, rounding);
}

ReferenceResult reference_convert(const Format& from, uint64_t bits, const Format& to,
                                  Rounding rounding) {
  return round_number(to, number(from, bits), rounding);
}

}  // namespace ulpscope
