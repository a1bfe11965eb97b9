// How one element came about: every rounding on its way, in the order of the computation, with the
// value that it left.
//
//   HistorySink sink(5, 17);               row 5 of the tile, feature 17
//   ForwardPass(plan, head, sink).run(...)
//   sink.steps()        scores of key 0 left 0x3f12a400, scores of key 1 ..., output_store ...
//
// A sink as TileLog is one, that takes values as well. Kept is what belongs to the row: all of its
// keys, its own feature, and what has neither. Memory: 32 bytes a step, six steps a key or so.
// Tested by tests/trace/history_test.cpp.
#pragma once

#include "ulpscope/trace/moments.hpp"
#include "ulpscope/trace/site.hpp"

#include <cstdint>
#include <vector>

namespace ulpscope {

struct HistoryStep {
  Site site;
  int64_t column;  // the key or feature; 0 at sites that have neither
  uint32_t value;  // the register that the step left: binary32 bits
  Record record;
};

class HistorySink {
 public:
  static constexpr bool enabled = true;

  HistorySink(int64_t row, int64_t feature) : row_(row), feature_(feature) {}

  void add(Site site, int64_t row, int64_t column, uint32_t value, const Record& record) {
    if (row != row_) return;
    if (row_of(site).axis == Axis::feature && column != feature_) return;
    steps_.push_back({site, column, value, record});
  }

  const std::vector<HistoryStep>& steps() const { return steps_; }

 private:
  int64_t row_;
  int64_t feature_;
  std::vector<HistoryStep> steps_;
};

}  // namespace ulpscope
