// The numbers that statistics consist of, for base/words.hpp: exact integers all of them, so that
// what another process counted merges as if it had been counted here.
//
//   WordWriter out;   list_words(out, site_statistics);
//
// Tested by tests/trace/statistics_words_test.cpp.
#pragma once

#include "ulpscope/trace/log.hpp"

#include <concepts>

namespace ulpscope {

// T, const or not.
template <class T, class Plain>
concept AnyOf = std::same_as<std::remove_const_t<T>, Plain>;

template <class Words, AnyOf<Moments> M>
void list_words(Words& words, M& m) {
  words(m.count, m.skipped, m.larger, m.smaller, m.away, m.ties, m.ties_away, m.near_ties_above,
        m.near_ties_below, m.carry_out, m.round_carry, m.subnormal, m.underflow, m.overflow, m.sum,
        m.sum_away, m.sum_squares, m.largest);
  ResidueHistogram::list_words(words, m.histogram);
}

template <class Words, AnyOf<Cluster> C>
void list_words(Words& words, C& c) {
  words(c.count, c.sum, c.sum_away);
}

template <class Words, AnyOf<ClusterFold> F>
void list_words(Words& words, F& f) {
  words(f.clusters, f.counts_squared, f.counts_times_sums, f.sums_squared, f.counts_times_sums_away,
        f.sums_away_squared);
}

template <class Words, AnyOf<ErrorStatistics> S>
void list_words(Words& words, S& s) {
  list_words(words, s.moments);
  list_words(words, s.rows);
  list_words(words, s.columns);
}

template <class Words, AnyOf<SiteStatistics> S>
void list_words(Words& words, S& sites) {
  for (auto& site : sites) list_words(words, site);
}

}  // namespace ulpscope
