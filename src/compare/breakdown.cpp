#include "ulpscope/compare/breakdown.hpp"

#include "ulpscope/compare/error_tally.hpp"
#include "ulpscope/trace/bias.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace ulpscope {

namespace {

constexpr size_t place_of(Division division) { return static_cast<size_t>(division); }

// The signs, in their order.
enum SignGroup : uint8_t { negative, zero, positive, unsigned_nan };
constexpr std::array sign_names{"-", "0", "+", "NaN"};

// Binades are numbered upward from the first of the normal range; around them stands what has none.
constexpr int64_t zero_binade = 0;
constexpr int64_t subnormal_binade = 1;
constexpr int64_t first_binade = 2;
constexpr int smallest_exponent = -1074;  // of references, which are binary64
constexpr int largest_exponent = 1023;

int first_exponent(const Format& f) { return std::max(emin(f), smallest_exponent); }
int64_t infinite_binade(const Format& f) {
  return first_binade + largest_exponent + 1 - first_exponent(f);
}

int64_t binade_of(const Format& f, double reference) {
  if (std::isnan(reference)) return infinite_binade(f) + 1;
  if (std::isinf(reference)) return infinite_binade(f);
  if (std::fpclassify(reference) == FP_ZERO) return zero_binade;
  const int exponent = std::ilogb(reference) - first_exponent(f);
  return exponent < 0 ? subnormal_binade : first_binade + exponent;
}

std::string binade_name(const Format& f, int64_t group) {
  if (group == zero_binade) return "zero";
  if (group == subnormal_binade) return "subnormal";
  if (group < infinite_binade(f)) {
    return fmt::format("2^{}", group - first_binade + first_exponent(f));
  }
  return group == infinite_binade(f) ? "infinite" : "NaN";
}

SignGroup sign_of(double reference) {
  if (std::isnan(reference)) return unsigned_nan;
  if (std::fpclassify(reference) == FP_ZERO) return zero;
  return std::signbit(reference) ? negative : positive;
}

// So many indices in a group that there are no more than most_groups of `count / unit`.
int64_t group_width(int64_t count, int64_t unit) {
  const int64_t units = (count + unit - 1) / unit;
  return unit * std::max<int64_t>(1, (units + most_groups - 1) / most_groups);
}

std::string stretch_name(int64_t group, int64_t width, int64_t count) {
  const int64_t first = group * width;
  const int64_t last = std::min(first + width, count) - 1;
  return first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
}

// The clusters of one row or one column, a cluster for every group that it passes through.
class OpenClusters {
 public:
  explicit OpenClusters(size_t groups) : clusters_(groups) {}

  void add(size_t group, const Record& record) {
    Cluster& cluster = clusters_[group];
    if (cluster.count == 0) touched_.push_back(group);
    cluster.add(record);
  }
  void fold_into(std::vector<Group>& groups, ClusterFold ErrorStatistics::*fold) {
    for (const size_t group : touched_) {
      (groups[group].errors.*fold).add(clusters_[group]);
      clusters_[group] = {};
    }
    touched_.clear();
  }

 private:
  std::vector<Cluster> clusters_;
  std::vector<size_t> touched_;
};

}  // namespace

struct Breakdown::Cell {
  Record record;
  bool different;
  SignGroup sign;
  int16_t binade;
};

bool is_one_sided(const Group& group) {
  const Moments& m = group.errors.moments;
  if (m.larger + m.smaller < fewest_errors) return false;
  const BiasSummary summary = summarise(group.errors);
  return is_biased(summary.by_value) || is_biased(summary.by_magnitude);
}

Breakdown::Breakdown(const Format& format, const TensorGrid& grid, int64_t row_tile)
    : format_(format), grid_(grid) {
  const auto divide = [&](Division division, int64_t count, int64_t width) {
    width_[place_of(division)] = width;
    groups_[place_of(division)].resize(static_cast<size_t>((count + width - 1) / width));
  };
  divide(Division::sign, sign_names.size(), 1);
  divide(Division::binade, infinite_binade(format) + 2, 1);
  divide(Division::row_tile, grid.rows, group_width(grid.rows, row_tile));
  divide(Division::feature, grid.columns, group_width(grid.columns, 1));
  divide(Division::head, grid.heads, group_width(grid.heads, 1));
}

size_t Breakdown::group_of(Division division, int64_t head, int64_t row, int64_t column,
                           const Cell& cell) const {
  const int64_t width = width_[place_of(division)];
  switch (division) {
    case Division::sign: return cell.sign;
    case Division::binade: return static_cast<size_t>(cell.binade);
    case Division::row_tile: return static_cast<size_t>(row / width);
    case Division::feature: return static_cast<size_t>(column / width);
    case Division::head: return static_cast<size_t>(head / width);
  }
  return 0;
}

// Once along the rows and once along the columns, as the clusters lie.
void Breakdown::add_head(int64_t head, std::span<const ComparedElement> elements) {
  std::vector<Cell> cells;
  cells.reserve(elements.size());
  for (const auto& e : elements) {
    cells.push_back({output_record(format_, e.value, e.reference), e.different_bits,
                     sign_of(e.reference), static_cast<int16_t>(binade_of(format_, e.reference))});
  }
  for (size_t d = 0; d < division_names.size(); ++d) {
    std::vector<Group>& groups = groups_[d];
    OpenClusters open(groups.size());
    const auto visit = [&](int64_t row, int64_t column) -> std::pair<size_t, const Cell&> {
      const Cell& cell = cells[static_cast<size_t>(row * grid_.columns + column)];
      return {group_of(static_cast<Division>(d), head, row, column, cell), cell};
    };
    for (int64_t row = 0; row < grid_.rows; ++row) {
      for (int64_t column = 0; column < grid_.columns; ++column) {
        const auto [group, cell] = visit(row, column);
        groups[group].different += cell.different;
        groups[group].errors.moments.add(cell.record);
        open.add(group, cell.record);
      }
      open.fold_into(groups, &ErrorStatistics::rows);
    }
    for (int64_t column = 0; column < grid_.columns; ++column) {
      for (int64_t row = 0; row < grid_.rows; ++row) {
        const auto [group, cell] = visit(row, column);
        open.add(group, cell.record);
      }
      open.fold_into(groups, &ErrorStatistics::columns);
    }
  }
}

std::string Breakdown::name_of(Division division, int64_t group) const {
  const int64_t width = width_[place_of(division)];
  switch (division) {
    case Division::sign: return sign_names[static_cast<size_t>(group)];
    case Division::binade: return binade_name(format_, group);
    case Division::row_tile: return stretch_name(group, width, grid_.rows);
    case Division::feature: return stretch_name(group, width, grid_.columns);
    case Division::head: return stretch_name(group, width, grid_.heads);
  }
  return {};
}

std::vector<Group> Breakdown::groups(Division division) const {
  std::vector<Group> occupied;
  const std::vector<Group>& all = groups_[place_of(division)];
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].errors.moments.count == 0) continue;
    occupied.push_back(all[i]);
    occupied.back().name = name_of(division, static_cast<int64_t>(i));
  }
  return occupied;
}

}  // namespace ulpscope
