// What the kernels of narrow_sums.cpp are given and give back.
#pragma once

#include "ulpscope/trace/record_row.hpp"

namespace ulpscope::detail {

// Where a row goes that is not kept: the row's columns, and the histogram's copies.
struct TallyPlaces {
  int64_t* sums;
  int64_t* sums_away;
  uint32_t* bins;
};

struct RowTally {
  bool taken;  // if not, nothing else counts
  uint64_t larger;
  uint64_t smaller;
  uint64_t away;
  uint64_t ties;
  uint64_t ties_away;
  uint64_t near_ties;
  uint64_t near_ties_above;
  uint64_t carry_out;
  uint64_t round_carry;
  uint64_t subnormal;
  uint64_t underflow;
  uint64_t overflow;
  int64_t sum;
  int64_t sum_away;
  // Of squares of h 2^24 + l: h h, h l and l l.
  uint64_t high_squares;
  uint64_t mixed_products;
  uint64_t low_squares;
  uint64_t largest;
};

using TallyKernel = RowTally (*)(const RecordRow&, const TallyPlaces&);

}  // namespace ulpscope::detail
