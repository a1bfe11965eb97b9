// The two inner loops of the wide references, compiled for several instruction sets and chosen when
// the program starts; the same operations in the same order on all of them, so the same bits.
//
//   dots(q, keys, count, dim, s)           s[j] = dot(q, keys + j dim, dim)
//   add_four(sums, dim, w, rows)           sums[f] += w[0] rows[0][f], then w[1] rows[1][f], ...
//
// Tested by tests/reference/wide_loops_test.cpp.
#pragma once

#include <array>
#include <cstdint>

namespace ulpscope::wide {

// Eight lanes a dot product, joined as wide_sums.hpp says.
void dots(const double* a, const double* rows, int64_t count, int64_t dim, double* to);

using FourRows = std::array<const double*, 4>;
void add_four(double* sums, int64_t dim, const double* weights, const FourRows& rows);

}  // namespace ulpscope::wide
