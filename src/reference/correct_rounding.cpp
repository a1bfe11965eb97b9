// Rounding of two-double numbers by comparison, and the row that escalates from wide to exact.
#include "ulpscope/reference/correct_rounding.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/reference/ladder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace ulpscope {

namespace {

// 2^e for every e of double's range, -1074 .. 1023.
double power_of_two(int e) {
  return e < -1022 ? bit_cast<double>(uint64_t{1} << (e + 1074))
                   : bit_cast<double>(static_cast<uint64_t>(e + 1023) << 52);
}

double value_of(const Rung& r) {
  return static_cast<double>(r.significand) * power_of_two(r.exponent);
}

void require_doubles(const Format& f) {
  const int lowest = rung(f, 0).exponent;
  const int highest = rung(f, top_rung(f) + 1).exponent + f.trailing_bits;
  if (f.trailing_bits > 51 || lowest < -1073 || highest > 1023) {
    throw Error(ErrorKind::usage,
                "format e" + std::to_string(f.exponent_bits) + "m" +
                    std::to_string(f.trailing_bits) +
                    ": expected at most 51 trailing bits and exponents within double's");
  }
}

// The same number with hi the double nearest to it.
TwoDoubles normalised(TwoDoubles x) {
  const double hi = x.hi + x.lo;
  if (!std::isfinite(hi)) return {hi, 0.0};
  const double lo_part = hi - x.hi;
  const double error = (x.hi - (hi - lo_part)) + (x.lo - lo_part);
  return {hi, error};
}

// Sign of hi + lo - t for normalised hi, lo.
int compare(const TwoDoubles& x, double t) {
  if (x.hi < t) return -1;
  if (x.hi > t) return 1;
  return (x.lo > 0 ? 1 : 0) - (x.lo < 0 ? 1 : 0);
}

TwoDoubles magnitude(const TwoDoubles& x) {
  return std::signbit(x.hi) ? TwoDoubles{-x.hi, -x.lo} : x;
}

// The nearest-even magnitude code, top_rung + 1 for everything that overflows.
uint64_t nearest_rung(const Format& f, const TwoDoubles& x) {
  uint64_t low = 0;
  uint64_t high = top_rung(f) + 2;
  while (high - low > 1) {
    const uint64_t middle = low + (high - low) / 2;
    (compare(x, value_of(rung(f, middle))) >= 0 ? low : high) = middle;
  }
  if (low > top_rung(f)) return low;
  const Rung below = rung(f, low);
  if (below.significand == 0) low = 0;  // without subnormals many codes are zero
  const int half = compare(x, value_of({2 * below.significand + 1, below.exponent - 1}));
  return half > 0 || (half == 0 && low % 2 == 1) ? next_rung(f, low) : low;
}

// By policy `standard`, where the format has no number for it: refused for its sign, or no zero.
uint64_t refused_code(const Format& f) { return f.zero == Zero::none ? nan_code(f) : 0; }

uint64_t round_nearest(const Format& f, const TwoDoubles& number) {
  const TwoDoubles x = normalised(number);
  if (std::isnan(x.hi)) return nan_code(f);
  const bool negative = std::signbit(x.hi);
  const bool zero = std::fpclassify(x.hi) == FP_ZERO;
  if (zero && f.zero == Zero::none) return refused_code(f);
  const bool infinite = std::isinf(x.hi);
  const uint64_t taken = infinite ? top_rung(f) + 1 : nearest_rung(f, magnitude(x));
  const bool rounds_to_zero = taken == 0 && f.zero != Zero::none;
  if (negative && f.sign == Sign::absent && !rounds_to_zero) return refused_code(f);
  return taken > top_rung(f) ? beyond_code(f, negative) : number_code(f, negative, taken);
}

double value_of(const Format& f, uint64_t bits) {
  const Code code = read_code(f, bits);
  const double sign = code.negative ? -1.0 : 1.0;
  switch (code.kind) {
    case CodeKind::number: return sign * value_of(code.magnitude);
    case CodeKind::infinity: return sign * std::numeric_limits<double>::infinity();
    case CodeKind::nan: return std::numeric_limits<double>::quiet_NaN();
  }
  return 0;
}

// The ulp of a format at a finite number.
double ulp_at(const Format& f, const TwoDoubles& number) {
  constexpr uint64_t fraction = (uint64_t{1} << 52) - 1;
  const TwoDoubles x = magnitude(number);
  const uint64_t bits = bit_cast<uint64_t>(x.hi);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  if ((bits & fraction) == 0 && x.lo < 0) exponent -= 1;  // a little below a power of two
  return power_of_two(exponent < lowest_binade(f) ? rung(f, 0).exponent
                                                  : exponent - f.trailing_bits);
}

// The code that every number within `error` of x rounds to, if it is one code.
struct Settled {
  uint64_t code;
  bool certain;
};
Settled settle(const Format& f, const TwoDoubles& x, double error) {
  if (!std::isfinite(x.hi)) return {round_nearest(f, x), true};
  const uint64_t low = round_nearest(f, {x.hi, x.lo - error});
  const uint64_t high = round_nearest(f, {x.hi, x.lo + error});
  // An error above the number itself settles nothing: in `fn` formats both ends may be NaN.
  return {low, low == high && error <= std::abs(x.hi)};
}

// One number of a row: settled by the wide answer, by the exact one, or as a tie or a zero.
class Escalation {
 public:
  Escalation(const ReferenceHead& head, int64_t row, CorrectRow& out)
      : head_(head), row_(row), out_(out) {}

  template <class Exact>
  uint64_t code(const Format& f, double wide, double bound, Exact exact) {
    const Settled quick = settle(f, {wide, 0.0}, bound);
    if (quick.certain) return quick.code;
    if (out_.recomputed++ == 0) exact_attention_row(head_, row_, out_.exact);
    const auto [value, error] = exact();
    // Twice the error pays for the rounding of lo + error.
    const Settled slow = settle(f, value, 2 * error);
    if (slow.certain) return slow.code;
    ++out_.assumed_ties;
    if (std::abs(value.hi) <= 2 * error) return 0;
    // A tie is a double, so it is hi.
    return round_nearest(f, {value.hi, 0.0});
  }

 private:
  const ReferenceHead& head_;
  int64_t row_;
  CorrectRow& out_;
};

struct ExactNumber {
  TwoDoubles value;
  double error;
};

}  // namespace

uint64_t round_reference(const Format& format, double hi, double lo) {
  const HostFpGuard guard;
  require_doubles(format);
  return round_nearest(format, {hi, lo});
}

double signed_ulp_error(const Format& format, uint64_t bits, double hi, double lo) {
  const HostFpGuard guard;
  require_doubles(format);
  const double value = value_of(format, bits);
  const TwoDoubles exact = normalised({hi, lo});
  if (std::isfinite(exact.hi)) return ((value - exact.hi) - exact.lo) / ulp_at(format, exact);
  const bool same_infinity =
      std::isinf(value) && std::isinf(exact.hi) && std::signbit(value) == std::signbit(exact.hi);
  return same_infinity ? 0.0 : value - exact.hi;
}

void correctly_rounded_attention_row(const ReferenceHead& head, int64_t row,
                                     const RowFormats& formats, CorrectRow& out) {
  const HostFpGuard guard;
  require_doubles(formats.o);
  require_doubles(formats.lse);
  out.recomputed = 0;
  out.assumed_ties = 0;
  wide_attention_row(head, row, out.wide);
  wide_error_bound(head, row, out.wide, out.bound);
  Escalation escalation(head, row, out);
  out.o.resize(static_cast<size_t>(head.dim_v));
  for (size_t f = 0; f < out.o.size(); ++f) {
    out.o[f] = escalation.code(formats.o, out.wide.o[f], out.bound.o[f], [&] {
      return ExactNumber{out.exact.o[f], out.exact.o_error[f]};
    });
  }
  out.lse = escalation.code(formats.lse, out.wide.lse, out.bound.lse, [&] {
    return ExactNumber{out.exact.lse, out.exact.lse_error};
  });
}

}  // namespace ulpscope
