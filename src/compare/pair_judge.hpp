// P, dP and dS of one query head against the reference, pair by pair as the backward pass goes by.
#pragma once

#include "ulpscope/attention/backward.hpp"
#include "ulpscope/compare/judged_gradients.hpp"

#include <mutex>
#include <vector>

#include "decoded_head.hpp"
#include <tbb/enumerable_thread_specific.h>

namespace ulpscope {

// The statistics of a run, which heads on several threads add to.
struct SharedPairs {
  JudgedPairs& result;
  std::mutex mutex{};
};

class PairJudge : public PairObserver {
 public:
  PairJudge(const BackwardPlan& plan, std::span<const uint16_t> dout, int64_t outer,
            const GradientReference& reference, SharedPairs& shared);
  ~PairJudge() override;

  void row(const PairRow& pairs) override;

 private:
  // One of the three, of one thread: clusters by row and by key, since a row comes in tiles.
  struct Tally {
    Moments moments;
    std::vector<Cluster> rows;
    std::vector<Cluster> columns;

    Tally(int64_t row_count, int64_t keys)
        : rows(static_cast<size_t>(row_count)), columns(static_cast<size_t>(keys)) {}
    void add_row(const Format& format, const PairRow& pairs, const uint32_t* values,
                 const std::vector<double>& references);
    void merge(const Tally& other);
    void fold_into(ErrorStatistics& statistics);
  };
  struct Tallies {
    Tally p;
    Tally dp;
    Tally ds;
    WidePairs reference;

    explicit Tallies(const Problem& problem)
        : p(problem.rows, problem.keys),
          dp(problem.rows, problem.keys),
          ds(problem.rows, problem.keys) {}
  };

  const BackwardPlan& plan_;
  DecodedGradientHead head_;
  std::span<const WideRowSummary> rows_;
  SharedPairs& shared_;
  tbb::enumerable_thread_specific<Tallies> tallies_;
};

}  // namespace ulpscope
