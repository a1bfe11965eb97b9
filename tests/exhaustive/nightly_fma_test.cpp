// All 2^24 triples of every 8-bit format through fma in every mode: some fifteen minutes of one
// core.
#include "ulpscope/round/names.hpp"

#include "exhaustive/triples.hpp"

using namespace ulpscope;

TEST_CASE("every triple of every 8-bit format rounds once in every mode, as the reference does") {
  std::vector<Rounding> modes;
  for (const auto& row : mode_names) modes.push_back({row.mode});
  for (const Format& f : narrow_formats()) {
    if (width(f) == 8) check_every_triple(f, modes);
  }
}
