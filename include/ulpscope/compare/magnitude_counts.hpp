// How many elements have an error of which size, binade by binade of the exact value: what a
// scatter plot would show, in counts.
//
//   counts.add(-4.70399, record);       binade 2, error -0.47 ulp: bin -4 (1/4 to 1/2 ulp too
//   small) counts.of(2)[size_t(bin)]
//
// Bins are signed octaves of the error: below 1/16 ulp, 1/16 to 1/8, ... 2 to 4, 4 and more on
// either side, and no error in the middle. References of zero have no binade and are counted apart.
//
// Integers, so that they merge in any order. Tested by tests/compare/magnitude_counts_test.cpp.
#pragma once

#include "ulpscope/trace/moments.hpp"

#include <array>
#include <cstdint>
#include <map>

namespace ulpscope {

class MagnitudeCounts {
 public:
  static constexpr int octaves = 8;  // a side
  static constexpr int bins = 2 * octaves + 1;
  static constexpr int zero_binade = -1075;  // below the smallest of binary64
  using Row = std::array<uint64_t, bins>;

  // An element that has an error; `reference` is finite.
  void add(double reference, const Record& record);
  void merge(const MagnitudeCounts& other);

  // By the exponent of the reference.
  const std::map<int, Row>& binades() const { return binades_; }

  static int bin_of(int64_t residue);
  // Lower edge of the magnitude of the octave, in ulp: 0, 1/16, 1/8, ... 4.
  static double octave_edge(int octave);

  // For base/words.hpp.
  template <class Words>
  void write(Words& words) const {
    words(binades_.size());
    for (const auto& [binade, row] : binades_) {
      words(static_cast<int64_t>(binade));
      for (const auto& count : row) words(count);
    }
  }
  template <class Words>
  void read(Words& words) {
    size_t count = 0;
    words(count);
    for (size_t i = 0; i < count && i < most_binades; ++i) {
      int64_t binade = 0;
      words(binade);
      for (auto& n : binades_[static_cast<int>(binade)]) words(n);
    }
  }

  friend bool operator==(const MagnitudeCounts&, const MagnitudeCounts&) = default;

 private:
  static constexpr size_t most_binades = 2100;  // of binary64

  std::map<int, Row> binades_;
};

}  // namespace ulpscope
