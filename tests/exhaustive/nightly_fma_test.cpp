// All 2^24 triples of every 8-bit format through fma in every mode, one format to a core at a time.
#include "ulpscope/round/names.hpp"

#include "exhaustive/every_core.hpp"
#include "exhaustive/triples.hpp"

using namespace ulpscope;

TEST_CASE("every triple of every 8-bit format rounds once in every mode, as the reference does") {
  std::vector<Rounding> modes;
  for (const auto& row : mode_names) modes.push_back({row.mode});
  std::vector<Format> formats;
  for (const Format& f : narrow_formats()) {
    if (width(f) == 8) formats.push_back(f);
  }

  std::vector<Verdict> verdicts(formats.size());
  on_every_core(formats.size(), [&](size_t i) { verdicts[i] = every_triple(formats[i], modes); });

  int64_t judged = 0;
  for (const Verdict& verdict : verdicts) judged += verdict.count();
  MESSAGE(formats.size(), " formats, ", modes.size(), " modes, ", judged, " results");
  for (size_t i = 0; i < formats.size(); ++i) {
    CHECK_MESSAGE(verdicts[i].agrees(), format_name(formats[i]), ": ", verdicts[i].text());
  }
}
