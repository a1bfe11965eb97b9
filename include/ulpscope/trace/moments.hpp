// What is kept of all the roundings at one site: counts and exact sums, values that merge.
//
// Everything is an integer, so adding two Moments gives the same bytes in any order: threads,
// shards and machines never change a result. Errors are residues in 2^-32 ulp (round_pack.hpp);
// `away` sums count an error toward larger magnitude as positive whatever the value's sign.
//
//   Moments m; m.add({.residue = -residue_one_ulp / 4, .flags = Flag::inexact, .negative = false});
//
// Overflows, infinities and NaN have no error: they are counted as skipped and stay out of every
// sum. Tested by tests/trace/moments_test.cpp.
#pragma once

#include "ulpscope/round/round_pack.hpp"
#include "ulpscope/trace/residue_histogram.hpp"

namespace ulpscope {

// One rounding, as a site reports it.
struct Record {
  int64_t residue;
  Flag flags;
  bool negative;  // sign of the exact value
};

struct Moments {
  uint64_t count = 0;
  uint64_t skipped = 0;
  uint64_t larger = 0;   // rounded above exact
  uint64_t smaller = 0;  // below
  uint64_t away = 0;     // of larger magnitude
  uint64_t ties = 0;
  uint64_t ties_away = 0;
  uint64_t near_ties_above = 0;  // discarded in (1/2, 9/16] ulp: a residue pushes the tie away
  uint64_t near_ties_below = 0;  // discarded in [7/16, 1/2): a residue pulls it toward zero
  uint64_t carry_out = 0;
  uint64_t round_carry = 0;
  uint64_t subnormal = 0;
  uint64_t underflow = 0;
  uint64_t overflow = 0;
  int128 sum = 0;
  int128 sum_away = 0;
  uint128 sum_squares = 0;  // residues beyond 2^15 ulp enter as 2^15: room for 2^32 of them
  uint64_t largest = 0;     // magnitude of the largest residue
  ResidueHistogram histogram;

  void add(const Record& r);
  void merge(const Moments& other);

  friend bool operator==(const Moments&, const Moments&) = default;
};

// Whether a rounding enters the sums.
inline bool has_error(const Record& r) { return !has(r.flags, Flag::residue_saturated); }

inline void Moments::add(const Record& r) {
  ++count;
  carry_out += has(r.flags, Flag::carry_out);
  round_carry += has(r.flags, Flag::round_carry);
  subnormal += has(r.flags, Flag::subnormal);
  underflow += has(r.flags, Flag::underflow);
  overflow += has(r.flags, Flag::overflow);
  if (!has_error(r)) {
    ++skipped;
    return;
  }
  histogram.add(r.residue);
  if (r.residue == 0) return;
  larger += r.residue > 0;
  smaller += r.residue < 0;
  const int64_t outward = r.negative ? -r.residue : r.residue;
  const bool is_away = outward > 0;
  away += is_away;
  sum += r.residue;
  sum_away += outward;
  const auto magnitude = static_cast<uint64_t>(r.residue < 0 ? -r.residue : r.residue);
  if (magnitude > largest) largest = magnitude;
  constexpr uint64_t cap = uint64_t{1} << 47;
  const uint64_t capped = magnitude < cap ? magnitude : cap;
  sum_squares += uint128{capped} * capped;

  if (has(r.flags, Flag::judged)) return;
  // The discarded part is |residue| when rounded toward zero, 1 - |residue| when away.
  constexpr int64_t half = residue_one_ulp / 2;
  constexpr int64_t sixteenth = residue_one_ulp / 16;
  const int64_t discarded =
      is_away ? residue_one_ulp - static_cast<int64_t>(magnitude) : static_cast<int64_t>(magnitude);
  if (has(r.flags, Flag::tie)) {
    ++ties;
    ties_away += is_away;
  } else if (discarded >= half - sixteenth && discarded <= half + sixteenth) {
    // Equal to half without being a tie means that bits below 2^-32 ulp were cut from |residue|:
    // away, the true discarded part is smaller than it looks; toward zero, larger.
    const bool above = discarded > half || (discarded == half && !is_away);
    near_ties_above += above;
    near_ties_below += !above;
  }
}

inline void Moments::merge(const Moments& other) {
  count += other.count;
  skipped += other.skipped;
  larger += other.larger;
  smaller += other.smaller;
  away += other.away;
  ties += other.ties;
  ties_away += other.ties_away;
  near_ties_above += other.near_ties_above;
  near_ties_below += other.near_ties_below;
  carry_out += other.carry_out;
  round_carry += other.round_carry;
  subnormal += other.subnormal;
  underflow += other.underflow;
  overflow += other.overflow;
  sum += other.sum;
  sum_away += other.sum_away;
  sum_squares += other.sum_squares;
  if (other.largest > largest) largest = other.largest;
  histogram.merge(other.histogram);
}

}  // namespace ulpscope
