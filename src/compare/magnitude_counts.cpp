#include "ulpscope/compare/magnitude_counts.hpp"

#include <algorithm>
#include <cmath>

namespace ulpscope {

int MagnitudeCounts::bin_of(int64_t residue) {
  if (residue == 0) return octaves;
  // 2^28 units are 1/16 ulp; the largest negative number has no magnitude of its own type.
  const auto magnitude =
      residue < 0 ? ~static_cast<uint64_t>(residue) + 1 : static_cast<uint64_t>(residue);
  const int octave = std::clamp(bit_width(magnitude) - 28, 0, octaves - 1);
  return residue < 0 ? octaves - 1 - octave : octaves + 1 + octave;
}

double MagnitudeCounts::octave_edge(int octave) {
  return octave == 0 ? 0.0 : std::ldexp(1.0, octave - 5);
}

void MagnitudeCounts::add(double reference, const Record& record) {
  const bool is_zero = std::fpclassify(reference) == FP_ZERO;
  const int binade = is_zero ? zero_binade : std::ilogb(reference);
  ++binades_[binade][static_cast<size_t>(bin_of(record.residue))];
}

void MagnitudeCounts::merge(const MagnitudeCounts& other) {
  for (const auto& [binade, row] : other.binades_) {
    Row& mine = binades_[binade];
    for (size_t i = 0; i < row.size(); ++i) mine[i] += row[i];
  }
}

}  // namespace ulpscope
