// What the kernels of plain_records.cpp are given.
#pragma once

#include "ulpscope/trace/record_row.hpp"

namespace ulpscope::detail {

// A format as casts to it need it, exponents as binary32's fields.
struct CastPlan {
  int trailing_bits;
  int emin_field;
  uint32_t largest;  // its largest number, as a register
};

// Each returns whether all records are made.
struct PlainKernels {
  bool (*products)(const uint32_t* x, const uint32_t* y, const uint32_t* rounded, RecordRow&);
  bool (*sums)(const uint32_t* x, const uint32_t* y, const uint32_t* rounded, RecordRow&);
  bool (*fused)(const uint32_t* x, const uint32_t* y, const uint32_t* z, const uint32_t* rounded,
                RecordRow&);
  bool (*casts)(const CastPlan&, const uint32_t* x, const uint32_t* rounded, RecordRow&);
};

}  // namespace ulpscope::detail
