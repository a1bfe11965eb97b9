// Where two tensors differ: different bits and signed errors by sign, by binade, by tile of rows,
// by feature and by head.
//
//   Breakdown breakdown(bf16, {.heads = 2, .rows = 512, .columns = 64}, 128);
//   for (...) breakdown.add_head(head, elements);
//   breakdown.groups(Division::row_tile)[3]     rows 384-511: 12 of 16,384 differ, mean +0.02 ulp
//
// Every division has all elements, each in one group; sign and binade are those of the reference.
// A group has the statistics of a tensor (error_tally.hpp), clustered by the rows and columns of
// its own elements. An axis of more than `most_groups` indices is cut into that many stretches.
//
// Memory: one head's errors, and about a kilobyte a group. Tested by
// tests/compare/breakdown_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"
#include "ulpscope/trace/clusters.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ulpscope {

enum class Division : uint8_t { sign, binade, row_tile, feature, head };
inline constexpr std::array<std::string_view, 5> division_names{"sign", "binade", "row_tile",
                                                                "feature", "head"};

inline constexpr int64_t most_groups = 1024;
// Below, no group is called: were all its errors of one sign, the plain sign test would say 5.
inline constexpr uint64_t fewest_errors = 25;

// A tensor as heads of rows of features; heads are numbered over all leading axes.
struct TensorGrid {
  int64_t heads;
  int64_t rows;
  int64_t columns;
};

struct ComparedElement {
  double value;
  double reference;
  bool different_bits;
};

struct Group {
  std::string name;  // "+", "2^-7", "subnormal", "384-511"
  uint64_t different = 0;
  ErrorStatistics errors;
};

// Whether the group is called biased, by value or by magnitude. Below `fewest_errors` none is:
// where there are two or three, their spread means nothing.
bool is_one_sided(const Group& group);

class Breakdown {
 public:
  Breakdown(const Format& format, const TensorGrid& grid, int64_t row_tile);

  // The elements of a head, row by row. Each head once, in any order.
  void add_head(int64_t head, std::span<const ComparedElement> elements);

  // Those that have an element, in the order of sign, size or index.
  std::vector<Group> groups(Division division) const;

 private:
  struct Cell;
  size_t group_of(Division division, int64_t head, int64_t row, int64_t column,
                  const Cell& cell) const;
  std::string name_of(Division division, int64_t group) const;

  Format format_;
  TensorGrid grid_;
  std::array<int64_t, division_names.size()> width_{};  // indices in a group; 1 for sign, binade
  std::array<std::vector<Group>, division_names.size()> groups_;
};

}  // namespace ulpscope
