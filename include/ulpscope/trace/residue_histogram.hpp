// Counts of signed errors by size: fixed bins, so that any two histograms can be added.
//
// Between -1 and +1 ulp there are 32 bins of 1/16 ulp; beyond, one bin an octave (1-2, 2-4, ...
// 2^19-2^20, the rest) on either side. A bin holds its lower edge: +1/16 ulp exactly counts in
// [1/16, 2/16). Errors of exactly zero are counted apart: they are most of many sites and would
// hide the shape around them.
//
// Tested by tests/trace/residue_histogram_test.cpp.
#pragma once

#include "ulpscope/base/bits.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ulpscope {

class ResidueHistogram {
 public:
  static constexpr int linear_bins = 32;
  static constexpr int octaves = 21;  // a side, the last without end
  static constexpr int bins = linear_bins + 2 * octaves;

  // `residue` in 2^-32 ulp, as round_pack returns it.
  void add(int64_t residue) {
    if (residue == 0) {
      ++zero_;
    } else {
      ++counts_[static_cast<std::size_t>(bin_of(residue))];
    }
  }
  void merge(const ResidueHistogram& other) {
    zero_ += other.zero_;
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  }
  // Counts made elsewhere, by bin and of zeros.
  void add_counts(std::span<const uint32_t, bins> counts, uint64_t zeros) {
    zero_ += zeros;
    for (std::size_t i = 0; i < counts.size(); ++i) counts_[i] += counts[i];
  }
  uint64_t zero() const { return zero_; }
  const std::array<uint64_t, bins>& counts() const { return counts_; }

  // For base/words.hpp.
  template <class Words, class Self>
  static void list_words(Words& words, Self& self) {
    for (auto& count : self.counts_) words(count);
    words(self.zero_);
  }

  friend bool operator==(const ResidueHistogram&, const ResidueHistogram&) = default;

  // Bin of a residue that is not zero.
  static constexpr int bin_of(int64_t residue) {
    constexpr int64_t one = int64_t{1} << 32;
    constexpr int linear_shift = 28;  // 2^32 / 16
    if (residue >= -one && residue < one) {
      return octaves + static_cast<int>((residue + one) >> linear_shift);
    }
    const bool below = residue < 0;
    const auto magnitude = static_cast<uint64_t>(below ? -(residue + 1) : residue);
    const int octave = bit_width(magnitude) - 33;  // 0 for 1 to 2 ulp
    const int capped = octave < octaves ? octave : octaves - 1;
    return below ? octaves - 1 - capped : octaves + linear_bins + capped;
  }

  // Lower edge of a bin in ulp; bin 0 starts at -infinity, and bin `bins` would at +infinity.
  static double lower_edge(int bin);

 private:
  std::array<uint64_t, bins> counts_{};
  uint64_t zero_ = 0;
};

}  // namespace ulpscope
