// The formats small enough to try everything: those of the catalogue of 8 bits or fewer, and the
// P3109 family of 3 to 8 bits.
#pragma once

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/format/p3109.hpp"

#include <vector>

namespace ulpscope {

inline std::vector<Format> named_narrow_formats() {
  std::vector<Format> all;
  for (const auto& row : catalogue) {
    if (width(row.format) <= 8) all.push_back(row.format);
  }
  return all;
}

inline std::vector<Format> p3109_narrow_formats() {
  std::vector<Format> all;
  for (int k = 3; k <= 8; ++k) {
    for (int p = 1; p <= k; ++p) {
      for (const Sign sign : {Sign::present, Sign::absent}) {
        for (const Domain domain : {Domain::extended, Domain::finite}) {
          if (const auto f = p3109_format({k, p, sign, domain})) all.push_back(*f);
        }
      }
    }
  }
  return all;
}

inline std::vector<Format> narrow_formats() {
  auto all = named_narrow_formats();
  for (const Format& f : p3109_narrow_formats()) all.push_back(f);
  return all;
}

inline uint64_t code_count(const Format& f) { return uint64_t{1} << width(f); }

}  // namespace ulpscope
