// Plain binary32 dot products in vector registers, row by row: the yardstick of the fused sums.
#pragma once

#include <cstdint>

namespace ulpscope::bench {

// to[i columns + j] = sum over k of a[i length + k] b[j length + k]; length a multiple of 64.
void float_dots(const float* a, int64_t rows, const float* b, int64_t columns, int64_t length,
                float* to);

}  // namespace ulpscope::bench
