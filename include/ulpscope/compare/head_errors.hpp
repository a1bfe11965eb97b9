// The errors of one head, and of each of its features, so that a bias can be told where it is.
//
//   for (const HeadErrors& head : tally.heads()) summarise(head.all), head.features[20].mean
//
// A head has the statistics of a tensor. A feature's standard error is clustered by rows, of which
// it has one element each: where all rows agree, a feature errs the same way in each of them and
// its z is large although nothing but one number was rounded. So a feature is only asked where its
// head is biased, which takes the spread between features into account.
//
// Tested by tests/compare/head_errors_test.cpp.
#pragma once

#include "ulpscope/trace/bias.hpp"

#include <cstdint>
#include <vector>

namespace ulpscope {

// Of a feature while its head's rows come in.
struct FeatureErrors {
  Cluster total;
  uint64_t not_zero = 0;
  ClusterFold rows;  // one element each

  void add(const Record& record);
  void merge(const FeatureErrors& other);
};

// Of a feature of a head that is complete.
struct FeatureBias {
  uint64_t count = 0;
  double mean = 0;            // ulp
  double standard_error = 0;  // ulp
  double z = 0;
  bool one_sided = false;  // |z| >= 5, and 25 errors that are not zero (compare/breakdown.hpp)
};
FeatureBias feature_bias(const FeatureErrors& errors);

struct HeadErrors {
  ErrorStatistics all;
  std::vector<FeatureBias> features;
};

}  // namespace ulpscope
