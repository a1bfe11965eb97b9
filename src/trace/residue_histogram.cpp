#include "ulpscope/trace/residue_histogram.hpp"

#include <cmath>
#include <limits>

namespace ulpscope {

double ResidueHistogram::lower_edge(int bin) {
  if (bin <= 0) return -std::numeric_limits<double>::infinity();
  if (bin >= bins) return std::numeric_limits<double>::infinity();
  if (bin < octaves) return -std::ldexp(1.0, octaves - bin);
  const int linear = bin - octaves;
  if (linear <= linear_bins) return (linear - linear_bins / 2) / 16.0;
  return std::ldexp(1.0, linear - linear_bins);
}

}  // namespace ulpscope
