// sqrt, exp, exp2, log, log2 and tanh against GNU MPFR: every binary16 and bfloat16 operand in
// every mode, with flags, and binary32 operands by stride.
//
// MPFR computes each value once, to 300 bits toward zero, and says whether that was exact. What it
// rounds to is then found here by comparing it with the format's numbers, which are doubles made
// from the fields of the code: nothing is shared with round_pack.
#include "oracles/mpfr_functions.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"

#include <cmath>

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace ulpscope;

namespace {

constexpr Flag judged_flags = Flag::inexact | Flag::overflow | Flag::underflow |
                              Flag::underflow_after | Flag::invalid | Flag::divide_by_zero;

// The number that a code without sign means, for formats with IEEE's layout and at most 25 bits.
// The code of infinity gives the number that would come next.
double number(const Format& f, uint64_t magnitude) {
  const auto field = static_cast<int>(magnitude >> f.trailing_bits);
  const uint64_t one = uint64_t{1} << f.trailing_bits;
  const uint64_t trailing = magnitude % one;
  return field == 0
             ? std::ldexp(static_cast<double>(trailing), 1 - f.bias - f.trailing_bits)
             : std::ldexp(static_cast<double>(one + trailing), field - f.bias - f.trailing_bits);
}

// A magnitude between two neighbouring codes, or beyond the last.
struct Place {
  uint64_t below;  // the largest finite code that is not above it
  bool exact;      // it is that number
  int half;        // its sign against the middle of the two
  bool beyond;     // at or above the number that would follow the last
  bool tiny;       // below the smallest normal number
};

// Between two numbers, neighbours of each other; `below` is the code of the lower one.
Place place_between(double low, double high, uint64_t below, const Real& y, bool sticky) {
  const int half = y.compared_to(low + (high - low) / 2);
  return {.below = below,
          .exact = y.compared_to(low) == 0 && !sticky,
          .half = half == 0 && sticky ? 1 : half,
          .beyond = false,
          .tiny = false};
}
Place place_of(const Format& f, const Real& y, bool sticky) {
  const uint64_t infinity = low_mask<uint64_t>(f.exponent_bits) << f.trailing_bits;
  uint64_t below = 0;
  uint64_t above = infinity;
  while (above - below > 1) {
    const uint64_t middle = (below + above) / 2;
    (y.compared_to(number(f, middle)) < 0 ? above : below) = middle;
  }
  Place place = place_between(number(f, below), number(f, below + 1), below, y, sticky);
  place.beyond = y.compared_to(number(f, infinity)) >= 0;
  place.tiny = y.compared_to(std::ldexp(1.0, 1 - f.bias)) < 0;
  return place;
}

// Whether the neighbour of larger magnitude is taken.
bool takes_upper(Mode mode, const Place& place, bool negative) {
  const bool odd = place.below % 2 == 1;
  if (place.exact && !place.beyond) return false;
  const int half = place.beyond ? 1 : place.half;
  switch (mode) {
    case Mode::nearest_even: return half > 0 || (half == 0 && odd);
    case Mode::nearest_away: return half >= 0;
    case Mode::nearest_zero: return half > 0;
    case Mode::toward_zero: return false;
    case Mode::up: return !negative;
    case Mode::down: return negative;
    case Mode::away: return true;
    case Mode::to_odd: return !odd;
  }
  return false;
}

// Whether a tiny value stays below the smallest normal number with one rounding at full precision.
bool stays_tiny(const Format& f, Mode mode, const Real& y, bool sticky, bool negative) {
  const double normal = std::ldexp(1.0, 1 - f.bias);
  const double last = normal - std::ldexp(normal, -f.trailing_bits - 1);
  if (y.compared_to(last) < 0) return true;
  constexpr uint64_t odd = 1;  // all ones
  return !takes_upper(mode, place_between(last, normal, odd, y, sticky), negative);
}

struct Expected {
  uint64_t magnitude;
  Flag flags;
};
Expected rounded(const Format& f, Mode mode, const Real& y, bool sticky, bool negative,
                 const Place& place) {
  const uint64_t infinity = low_mask<uint64_t>(f.exponent_bits) << f.trailing_bits;
  const uint64_t magnitude = place.below + (takes_upper(mode, place, negative) ? 1 : 0);
  const bool inexact = !place.exact || place.beyond;
  Flag flags = Flag::none;
  if (inexact) flags |= Flag::inexact;
  if (place.beyond || magnitude == infinity) flags |= Flag::overflow;
  if (inexact && place.tiny) {
    flags |= Flag::underflow;
    if (stays_tiny(f, mode, y, sticky, negative)) flags |= Flag::underflow_after;
  }
  return {magnitude, flags};
}

// Mismatches of one function on one operand, in all modes; the first few are printed.
class Judge {
 public:
  Judge(const Format& f, const Function<uint64_t>& function) : format_(f), function_(function) {}

  void judge(uint64_t bits) {
    const uint64_t sign = uint64_t{1} << (width(format_) - 1);
    const uint64_t infinity = low_mask<uint64_t>(format_.exponent_bits) << format_.trailing_bits;
    const uint64_t magnitude = bits % sign;
    if (magnitude > infinity) {
      mpfr_set_nan(x_.get());
    } else if (magnitude == infinity) {
      mpfr_set_inf(x_.get(), 1);
    } else {
      mpfr_set_d(x_.get(), number(format_, magnitude), MPFR_RNDN);
    }
    if (bits >= sign) mpfr_neg(x_.get(), x_.get(), MPFR_RNDN);
    mpfr_clear_flags();
    const bool sticky = function_.mpfr(y_.get(), x_.get(), MPFR_RNDZ) != 0;
    const auto exact = function_.ours(decode<uint64_t>(format_, bits));
    const bool negative = mpfr_signbit(y_.get()) != 0;
    if (mpfr_nan_p(y_.get()) != 0 || mpfr_inf_p(y_.get()) != 0) {
      const bool nan = mpfr_nan_p(y_.get()) != 0;
      Flag flags = Flag::none;
      if (nan && magnitude <= infinity) flags |= Flag::invalid;
      if (mpfr_divby0_p() != 0) flags |= Flag::divide_by_zero;
      const uint64_t quiet = uint64_t{1} << (format_.trailing_bits - 1);
      const uint64_t code = nan ? infinity | quiet : infinity | (negative ? sign : 0);
      // A signalling operand raises invalid as it is decoded.
      if (nan && magnitude > infinity && (magnitude & quiet) == 0) flags |= Flag::invalid;
      for (const auto& row : mode_names) check(bits, exact, row, code, flags);
      return;
    }
    mpfr_abs(y_.get(), y_.get(), MPFR_RNDZ);
    const Place place = place_of(format_, y_, sticky);
    for (const auto& row : mode_names) {
      const Expected expected = rounded(format_, row.mode, y_, sticky, negative, place);
      check(bits, exact, row, expected.magnitude | (negative ? sign : 0), expected.flags);
    }
  }
  int64_t mismatches() const { return mismatches_; }

 private:
  void check(uint64_t bits, const Exact<uint64_t>& exact, const NamedMode& mode, uint64_t expected,
             Flag flags) {
    const auto found = round_pack(format_, exact, Rounding{mode.mode});
    if (found.bits == expected && (found.flags & judged_flags) == flags) return;
    if (++mismatches_ > 5) return;
    MESSAGE(fmt::format("{} of {:#x} {}: {:#x} flags {:#x}, expected {:#x} flags {:#x}",
                        function_.name, bits, mode.name, found.bits,
                        static_cast<unsigned>(found.flags & judged_flags), expected,
                        static_cast<unsigned>(flags)));
  }

  Format format_;
  Function<uint64_t> function_;
  Real x_{64};
  Real y_{300};
  int64_t mismatches_ = 0;
};

}  // namespace

TEST_CASE("every binary16 operand gives MPFR's result in every mode") {
  for (const auto& function : functions<uint64_t>) {
    Judge judge(fp16, function);
    for (uint64_t bits = 0; bits < 0x1'0000; ++bits) judge.judge(bits);
    CHECK_MESSAGE(judge.mismatches() == 0, function.name);
  }
}

TEST_CASE("every bfloat16 operand gives MPFR's result in every mode") {
  for (const auto& function : functions<uint64_t>) {
    Judge judge(bf16, function);
    for (uint64_t bits = 0; bits < 0x1'0000; ++bits) judge.judge(bits);
    CHECK_MESSAGE(judge.mismatches() == 0, function.name);
  }
}

TEST_CASE("binary32 operands by a stride give MPFR's result in every mode") {
  constexpr uint64_t stride = 0x1'0000 * 3 - 19;  // odd: 21,848 operands of all binades
  for (const auto& function : functions<uint64_t>) {
    Judge judge(fp32, function);
    for (uint64_t bits = 0; bits < 0x1'0000'0000; bits += stride) judge.judge(bits);
    CHECK_MESSAGE(judge.mismatches() == 0, function.name);
  }
}
