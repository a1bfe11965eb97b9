#include "ulpscope/trace/statistics_words.hpp"

#include "ulpscope/base/words.hpp"

#include <random>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("statistics survive as words, every number of them") {
  std::mt19937_64 random(1);
  SiteStatistics sites{};
  constexpr std::array flags{Flag::none,
                             Flag::carry_out,
                             Flag::round_carry,
                             Flag::subnormal,
                             Flag::underflow,
                             Flag::tie,
                             Flag::overflow | Flag::residue_saturated};
  for (auto& site : sites) {
    for (int row = 0; row < 5; ++row) {
      Cluster cluster;
      for (int i = 0; i < 20; ++i) {
        const Record record{.residue = static_cast<int64_t>(random()) >> (random() % 40),
                            .flags = flags[random() % flags.size()],
                            .negative = random() % 2 == 0};
        site.moments.add(record);
        cluster.add(record);
      }
      site.rows.add(cluster);
      site.columns.add(cluster);
    }
  }
  WordWriter out;
  list_words(out, sites);
  SiteStatistics read{};
  WordReader in(out.words());
  list_words(in, read);
  CHECK(in.is_complete());
  CHECK((read == sites));
}

TEST_CASE("a number added to the statistics must be listed") {
  // As long as what is listed fills the structs, nothing has been forgotten.
  WordWriter moments;
  const Moments none;
  list_words(moments, none);
  CHECK(moments.words().size() * 8 == sizeof(Moments));
  WordWriter fold;
  const ClusterFold nothing;
  list_words(fold, nothing);
  CHECK((fold.words().size() + 1) * 8 == sizeof(ClusterFold));  // padded to 16 bytes
}
