// The records of plain steps, a row at a time: what a product, a sum, a fused multiply-add or a
// cast has thrown away, from its operands and its result.
//
//   multiply_rows(x, y, Flush::none, rounded);
//   if (!record_products(x, y, rounded, records)) ...      some are left open
//
// The difference of the result and the exact value is a number of binary64 in each of these steps
// (plain_records-inl.hpp), and residue and flags follow from it, whatever the direction of the
// rounding. Left open are the elements whose round_pack has more to say: infinities, NaN, subnormal
// operands, results that overflow or leave the normal range of binary32. They are marked
// RecordRow::open_mark, for the caller to round by themselves; so are all elements on machines
// without vector code.
//
// All arrays of a call have the size of `records`. Results are those of a rounding to nearest even
// into binary32, with or without flushing, or of a cast in any mode; other results give nonsense.
// Host only. Tested by tests/trace/plain_records_test.cpp against round_pack, on every instruction
// set of the machine.
#pragma once

#include "ulpscope/hardware/binary32_rows.hpp"
#include "ulpscope/trace/record_row.hpp"

namespace ulpscope {

// Each returns whether all records are made.
bool record_products(Row32 x, Row32 y, Row32 rounded, RecordRow& records);
bool record_sums(Row32 x, Row32 y, Row32 rounded, RecordRow& records);
// x y + z, rounded once.
bool record_fused(Row32 x, Row32 y, Row32 z, Row32 rounded, RecordRow& records);
// To a format within binary32 that has signs, zero and subnormals, and keeps what is subnormal.
bool record_casts(Row32 x, Row32 rounded, const Format& format, RecordRow& records);

// Whether record_casts knows the format.
bool has_plain_casts(const Format& format);

}  // namespace ulpscope
