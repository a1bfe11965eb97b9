// The part of a summary that says which step of a kernel brings an error in, and what helps: the
// build-up of every tensor, step by step, and what treatments leave of O's bias.
//
// Read and checked as the rest (summary.hpp). Tested by tests/report/attribution_test.cpp.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace ulpscope {

// A mean error in ulps, and the errors' root mean square or spread.
struct MeanRow {
  double mean_ulp = std::numeric_limits<double>::quiet_NaN();
  double stderr_ulp = std::numeric_limits<double>::quiet_NaN();
  double z = std::numeric_limits<double>::quiet_NaN();
  double width_ulp = std::numeric_limits<double>::quiet_NaN();
};

struct SuspectRow {
  std::string name, step;
  MeanRow increment;  // what it adds when it is switched on behind those before it
  MeanRow left;       // it alone exact
  MeanRow alone;      // all others exact
};

struct AttributedTensor {
  std::string name, verdict;
  bool biased = false;
  std::optional<uint64_t> head;   // absent: the tensor as a whole
  MeanRow kernel, exact;          // everything as it is; everything exact
  std::vector<SuspectRow> steps;  // in the order of the computation
};

struct CureRow {
  std::string name, outcome;
  MeanRow left, all;
  uint64_t biased_heads = 0, heads = 0, not_finite = 0;
};

struct CuresRow {
  std::string refused;  // why there are none; empty where there are
  std::optional<uint64_t> head;
  MeanRow before;
  std::vector<CureRow> treatments;
};

struct AttributionRow {
  uint64_t rows = 0, equal_maxima = 0, at_risk = 0;
  std::vector<AttributedTensor> tensors;
};

}  // namespace ulpscope
