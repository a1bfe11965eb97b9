#include "exact_number.hpp"

#include <algorithm>

namespace ulpscope {

namespace {

ExactNumber invalid_number(Flag flags) {
  return {.kind = CodeKind::nan, .flags = flags | Flag::invalid};
}

ExactNumber infinite_number(bool negative, Flag flags) {
  return {.kind = CodeKind::infinity, .negative = negative, .flags = flags};
}

// Of two operands, one of them NaN.
ExactNumber first_nan(const ExactNumber& x, const ExactNumber& y) {
  ExactNumber result = x.kind == CodeKind::nan ? x : y;
  result.flags = x.flags | y.flags;
  return result;
}

ExactNumber negated(ExactNumber x) {
  if (x.kind != CodeKind::nan) x.negative = !x.negative;
  return x;
}

Integer times_power_of_two(const Integer& x, int n) { return x << static_cast<unsigned>(n); }

// Of non-zero numbers without denominators.
ExactNumber finite_sum(const ExactNumber& x, const ExactNumber& y) {
  const int exponent = std::min(x.exponent, y.exponent);
  const Integer left = times_power_of_two(x.numerator, x.exponent - exponent);
  const Integer right = times_power_of_two(y.numerator, y.exponent - exponent);
  ExactNumber result{.flags = x.flags | y.flags, .exponent = exponent};
  if (x.negative == y.negative) {
    result.negative = x.negative;
    result.numerator = left + right;
    if (msb(result.numerator) > std::max(msb(left), msb(right))) result.flags |= Flag::carry_out;
    return result;
  }
  const int order = left.compare(right);
  result.cancelled = order == 0;
  result.negative = order > 0 ? x.negative : y.negative;
  result.numerator = order > 0 ? left - right : right - left;
  return result;
}

ExactNumber sum(const ExactNumber& x, const ExactNumber& y) {
  if (x.kind == CodeKind::nan || y.kind == CodeKind::nan) return first_nan(x, y);
  const Flag flags = x.flags | y.flags;
  if (x.kind == CodeKind::infinity && y.kind == CodeKind::infinity && x.negative != y.negative) {
    return invalid_number(flags);
  }
  if (x.kind == CodeKind::infinity) return infinite_number(x.negative, flags);
  if (y.kind == CodeKind::infinity) return infinite_number(y.negative, flags);
  if (!is_zero(x) && !is_zero(y)) return finite_sum(x, y);
  ExactNumber result = is_zero(x) ? y : x;
  result.cancelled = is_zero(x) && is_zero(y) && x.negative != y.negative;
  result.flags = flags;
  return result;
}

ExactNumber product(const ExactNumber& x, const ExactNumber& y) {
  if (x.kind == CodeKind::nan || y.kind == CodeKind::nan) return first_nan(x, y);
  const Flag flags = x.flags | y.flags;
  const bool negative = x.negative != y.negative;
  if (x.kind == CodeKind::infinity || y.kind == CodeKind::infinity) {
    return is_zero(x) || is_zero(y) ? invalid_number(flags) : infinite_number(negative, flags);
  }
  return {.negative = negative,
          .flags = flags,
          .numerator = x.numerator * y.numerator,
          .exponent = x.exponent + y.exponent};
}

ExactNumber quotient(const ExactNumber& x, const ExactNumber& y) {
  if (x.kind == CodeKind::nan || y.kind == CodeKind::nan) return first_nan(x, y);
  const Flag flags = x.flags | y.flags;
  const bool x_infinite = x.kind == CodeKind::infinity;
  const bool y_infinite = y.kind == CodeKind::infinity;
  if ((x_infinite && y_infinite) || (is_zero(x) && is_zero(y))) return invalid_number(flags);
  const bool negative = x.negative != y.negative;
  if (x_infinite) return infinite_number(negative, flags);
  if (y_infinite) return {.negative = negative, .flags = flags};
  if (is_zero(y)) return infinite_number(negative, flags | Flag::divide_by_zero);
  return {.negative = negative,
          .flags = flags,
          .numerator = x.numerator,
          .denominator = y.numerator,
          .exponent = x.exponent - y.exponent};
}

ExactNumber square_root(ExactNumber x) {
  if (x.kind == CodeKind::nan || is_zero(x)) return x;
  if (x.negative) return invalid_number(x.flags);
  x.root = x.kind == CodeKind::number;
  return x;
}

}  // namespace

ExactNumber exact_number(const ReferenceOperand& operand, Flush flush) {
  const Format& f = operand.format;
  const Code code = read_code(f, operand.bits);
  ExactNumber x{.kind = code.kind, .negative = code.negative};
  if (code.kind == CodeKind::nan) {
    x.payload = code.trailing;
    x.payload_bits = f.trailing_bits;
    if (code.trailing < quiet_part(f)) x.flags = Flag::invalid;
  }
  if (code.kind != CodeKind::number) return x;
  const bool subnormal = code.magnitude.significand >> f.trailing_bits == 0;
  if (subnormal && (flush == Flush::inputs || flush == Flush::both)) {
    x.negative = code.negative && f.zero == Zero::both;
    return x;
  }
  x.numerator = code.magnitude.significand;
  x.exponent = code.magnitude.exponent;
  return x;
}

ExactNumber exact_result(const ReferenceCase& problem, Flush flush) {
  const auto value = [&](size_t i) { return exact_number(problem.operands[i], flush); };
  if (!problem.operation) return value(0);
  switch (*problem.operation) {
    case Operation::add: return sum(value(0), value(1));
    case Operation::sub: return sum(value(0), negated(value(1)));
    case Operation::mul: return product(value(0), value(1));
    case Operation::div: return quotient(value(0), value(1));
    case Operation::fma: return sum(product(value(0), value(1)), value(2));
    case Operation::sqrt: return square_root(value(0));
  }
  return {};
}

}  // namespace ulpscope
