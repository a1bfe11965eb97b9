#include "ulpscope/trace/clusters.hpp"

namespace ulpscope {

namespace {

// 2^-32 ulp to 2^-16 ulp, toward zero, within +-2^31 ulp.
int64_t folded(int128 sum) {
  constexpr int128 cap = int128{1} << 47;
  const int128 coarse = sum / (int128{1} << 16);
  return static_cast<int64_t>(coarse > cap ? cap : coarse < -cap ? -cap : coarse);
}

uint128 square(int64_t x) {
  const auto magnitude = static_cast<uint64_t>(x < 0 ? -x : x);
  return uint128{magnitude} * magnitude;
}

}  // namespace

void ClusterFold::add(const Cluster& c) {
  if (c.count == 0) return;
  const int64_t sum = folded(c.sum);
  const int64_t sum_away = folded(c.sum_away);
  ++clusters;
  counts_squared += uint128{c.count} * c.count;
  counts_times_sums += int128{sum} * static_cast<int128>(c.count);
  sums_squared += square(sum);
  counts_times_sums_away += int128{sum_away} * static_cast<int128>(c.count);
  sums_away_squared += square(sum_away);
}

void ClusterFold::merge(const ClusterFold& other) {
  clusters += other.clusters;
  counts_squared += other.counts_squared;
  counts_times_sums += other.counts_times_sums;
  sums_squared += other.sums_squared;
  counts_times_sums_away += other.counts_times_sums_away;
  sums_away_squared += other.sums_away_squared;
}

void fold_and_clear(std::vector<Cluster>& cells, ClusterFold& into) {
  for (auto& cell : cells) {
    into.add(cell);
    cell = Cluster{};
  }
}

}  // namespace ulpscope
