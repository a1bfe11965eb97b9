#include "ulpscope/trace/tie_bias.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace ulpscope {

namespace {

constexpr int most_trailing_bits = 12;
constexpr int most_bits = 120;  // counts reach 2^(terms x trailing bits)

// ways[s]: how often n significands of t + 1 bits, each with its highest bit set, add up to s.
using Distribution = std::vector<uint128>;

Distribution sums_of(int trailing_bits, int terms) {
  const size_t first = size_t{1} << trailing_bits;
  Distribution ways{1};
  for (int n = 0; n < terms; ++n) {
    // Adding one uniform term is a running sum over a window of `first` places.
    Distribution next(ways.size() + 2 * first - 1, 0);
    uint128 window = 0;
    for (size_t s = first; s < next.size(); ++s) {
      const size_t enters = s - first;
      if (enters < ways.size()) window += ways[enters];
      if (enters >= first && enters - first < ways.size()) window -= ways[enters - first];
      next[s] = window;
    }
    ways = std::move(next);
  }
  return ways;
}

// s units of the lowest place and a residue below 2^-64 of one.
Exact<uint128> with_residue(uint64_t s, int exponent, Residue residue) {
  constexpr int room = 64;
  Exact<uint128> x{
      .significand = uint128{s} << room, .exponent = exponent - room, .kind = Kind::finite};
  switch (residue) {
    case Residue::none: break;
    case Residue::same_sign: x.sticky = true; break;
    case Residue::opposite_sign:
      x.significand -= 1;
      x.sticky = true;
      break;
  }
  return x;
}

void check(const Format& format, int terms) {
  const bool fits = format.trailing_bits <= most_trailing_bits && terms >= 1 &&
                    terms <= most_bits && terms * format.trailing_bits <= most_bits;
  if (fits) return;
  throw Error(ErrorKind::usage,
              fmt::format("tie bias of {} terms of {}: expected at most {} trailing bits, and at "
                          "most {} of all terms together",
                          terms, format_name(format), most_trailing_bits, most_bits));
}

}  // namespace

TieBias tie_bias(const Format& format, int terms, Residue residue, Rounding rounding) {
  check(format, terms);
  const HostFpGuard guard;
  const int t = format.trailing_bits;
  const auto ways = sums_of(t, terms);
  // The binade of 1, or the lowest that the format has above it.
  const int exponent = (emin(format) > 0 ? emin(format) : 0) - t;
  TieBias result{0, 0, 0};
  for (size_t s = 0; s < ways.size(); ++s) {
    if (ways[s] == 0) continue;
    const double share = std::ldexp(static_cast<double>(ways[s]), -t * terms);
    const auto rounded = round_pack(format, with_residue(s, exponent, residue), rounding);
    if (has(rounded.flags, Flag::overflow)) {
      throw Error(ErrorKind::usage, fmt::format("a sum of {} terms passes the largest number of {}",
                                                terms, format_name(format)));
    }
    const int k = bit_width(static_cast<uint64_t>(s)) - t - 1;
    result.mean_ulp += share * std::ldexp(static_cast<double>(rounded.residue), -32);
    const bool half_way = k > 0 && s % (size_t{1} << k) == size_t{1} << (k - 1);
    result.tie_share += half_way ? share : 0;
    if (k > 0 && residue != Residue::none) {
      result.closed_form += share * std::ldexp(residue == Residue::same_sign ? 1 : -1, -k - 1);
    }
  }
  return result;
}

}  // namespace ulpscope
