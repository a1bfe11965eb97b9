#include "wide_loops.hpp"

#include <cstring>

#include "every_machine.hpp"
#include "wide_sums.hpp"

namespace ulpscope::wide {

namespace {

// Eight lanes; where registers are shorter, the compiler takes several.
using Lanes [[gnu::vector_size(8 * sizeof(double))]] = double;

}  // namespace

ULPSCOPE_FOR_EVERY_MACHINE
void dots(const double* a, const double* rows, int64_t count, int64_t dim, double* to) {
  const int64_t whole = dim - dim % lanes;
  int64_t j = 0;
  // Four products at a time, so that an addition need not wait for the one before it.
  for (; j + 4 <= count; j += 4) {
    const double* const row = rows + j * dim;
    Lanes sum[4]{};
    for (int64_t k = 0; k < whole; k += lanes) {
      Lanes x;
      std::memcpy(&x, a + k, sizeof(x));
      for (int64_t i = 0; i < 4; ++i) {
        Lanes y;
        std::memcpy(&y, row + i * dim + k, sizeof(y));
        sum[i] += x * y;
      }
    }
    for (int64_t i = 0; i < 4; ++i) {
      std::array<double, lanes> lane;
      std::memcpy(lane.data(), &sum[i], sizeof(lane));
      for (int64_t k = whole; k < dim; ++k) {
        lane[static_cast<size_t>(k - whole)] += a[k] * row[i * dim + k];
      }
      to[j + i] = joined(lane);
    }
  }
  for (; j < count; ++j) to[j] = dot(a, rows + j * dim, dim);
}

ULPSCOPE_FOR_EVERY_MACHINE
void add_four(double* sums, int64_t dim, const double* weights, const FourRows& rows) {
  const double w0 = weights[0], w1 = weights[1], w2 = weights[2], w3 = weights[3];
  const double* const r0 = rows[0];
  const double* const r1 = rows[1];
  const double* const r2 = rows[2];
  const double* const r3 = rows[3];
  for (int64_t f = 0; f < dim; ++f) {
    sums[f] = (((sums[f] + w0 * r0[f]) + w1 * r1[f]) + w2 * r2[f]) + w3 * r3[f];
  }
}

}  // namespace ulpscope::wide
