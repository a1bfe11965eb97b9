// What the codes of small formats mean, said once more in doubles and without the core's help: the
// model that the tests of this folder compare with, exhaustively. Doubles hold every value of the
// formats below, and their remainders, differences of order and integral parts too.
#pragma once

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/format/p3109.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace plain {

using namespace ulpscope;

// As ==, which the compiler's warnings keep for integers.
inline bool equal(double x, double y) { return x <= y && x >= y; }

// The same number or both NaN; -0 is not +0.
inline bool same(double x, double y) {
  return (std::isnan(x) && std::isnan(y)) || (equal(x, y) && std::signbit(x) == std::signbit(y));
}

// The value of a code, NaN and signed zeros included.
inline double value(const Format& f, uint64_t code) {
  const int magnitude_bits = f.exponent_bits + f.trailing_bits;
  const uint64_t one = 1;
  const bool minus = f.sign == Sign::present && (code >> magnitude_bits & 1) != 0;
  const uint64_t magnitude = code & ((one << magnitude_bits) - 1);
  const uint64_t field = magnitude >> f.trailing_bits;
  const uint64_t trailing = magnitude & ((one << f.trailing_bits) - 1);
  const double sign = minus ? -1.0 : 1.0;
  const uint64_t highest = (one << magnitude_bits) - 1;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const bool may_be_infinite = f.infinity == Infinity::present;
  switch (f.nan) {
    case Nan::ieee:
      if (field == (one << f.exponent_bits) - 1) {
        return trailing == 0 && may_be_infinite ? sign * infinity : nan;
      }
      break;
    case Nan::highest:
      if (magnitude == highest) return nan;
      if (magnitude == highest - 1 && may_be_infinite) return sign * infinity;
      break;
    case Nan::minus_zero:
      if (minus && magnitude == 0) return nan;
      if (magnitude == highest && may_be_infinite) return sign * infinity;
      break;
    case Nan::none:
      if (magnitude == highest && may_be_infinite) return sign * infinity;
      break;
  }
  const int scale = -f.bias - f.trailing_bits;
  const auto fraction = static_cast<double>(trailing);
  const auto hidden = static_cast<double>(one << f.trailing_bits);
  if (field != 0 || f.zero == Zero::none) {
    return sign * std::ldexp(hidden + fraction, static_cast<int>(field) + scale);
  }
  const double small = f.subnormals == Subnormals::present ? std::ldexp(fraction, 1 + scale) : 0;
  if (equal(small, 0)) return f.zero == Zero::both ? sign * 0.0 : 0.0;
  return sign * small;
}

inline bool signals(const Format& f, uint64_t code) {
  return f.nan == Nan::ieee && f.trailing_bits > 0 && std::isnan(value(f, code)) &&
         (code >> (f.trailing_bits - 1) & 1) == 0;
}

struct Named {
  std::string name;
  Format format;
};

inline Format p3109(int width, int precision, Sign sign, Domain domain) {
  return *p3109_format({width, precision, sign, domain});
}

// Every format of the catalogue of at most 8 bits, some of P3109, and switches that none of them
// combines.
inline std::vector<Named> small_formats() {
  std::vector<Named> list;
  for (const auto& row : catalogue) {
    if (width(row.format) <= 8) list.push_back({std::string(row.name), row.format});
  }
  for (const Sign sign : {Sign::present, Sign::absent}) {
    for (const Domain domain : {Domain::extended, Domain::finite}) {
      for (const int precision : {1, 3, 4, 6}) {
        list.push_back({"p3109 8", p3109(8, precision, sign, domain)});
      }
      list.push_back({"p3109 5", p3109(5, 3, sign, domain)});
    }
  }
  Format f = e4m3;
  f.subnormals = Subnormals::absent;
  list.push_back({"e4m3+nosub", f});
  f = {.exponent_bits = 3, .trailing_bits = 2, .bias = 3};
  f.zero = Zero::none;
  f.subnormals = Subnormals::absent;
  list.push_back({"signed, no zero", f});
  f = e2m3fn;
  f.zero = Zero::positive;
  f.infinity = Infinity::present;
  list.push_back({"code of -0 unused", f});
  list.push_back({"all above 1", {.exponent_bits = 3, .trailing_bits = 3, .bias = -3}});
  list.push_back({"all below 1", {.exponent_bits = 3, .trailing_bits = 3, .bias = 9}});
  return list;
}

inline uint64_t count(const Format& f) { return uint64_t{1} << width(f); }

// The values of all codes.
inline std::vector<double> values(const Format& f) {
  std::vector<double> list;
  for (uint64_t code = 0; code < count(f); ++code) list.push_back(value(f, code));
  return list;
}

}  // namespace plain
