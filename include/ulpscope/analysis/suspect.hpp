// The steps of a kernel that are not exact arithmetic, each of which can be made so: the roundings
// of its sites, and those choices of its row that are no rounding and yet change the result.
//
//   suspects_of(plan of paper-eager, ...)   scores, shifted_score, ..., row_sum, row_sum_clamp, ...
//   switched(plan, suspects, on)       the suspects with on[i] as the kernel has them, all others
//                                      exact
//
// Exact means that a step's exact value is rounded once to binary32, the registers' format
// (attention/casts.hpp). A choice of the row is data, a line of `row_choices`: its name, its place
// in the computation, whether a kernel makes it and what leaving it out does to the plan.
//
// Limits: the maximum's choice, masks and the order of sums are no suspects: they change nothing
// where all else is exact. Tested by tests/analysis/suspect_test.cpp.
#pragma once

#include "ulpscope/attention/plan.hpp"

#include <string_view>
#include <vector>

namespace ulpscope {

struct RowChoice {
  std::string_view name;
  std::string_view step;
  Site after;  // its place: behind this site
  bool (*is_made)(const Plan&);
  void (*leave_out)(Plan&);
};

inline constexpr std::array row_choices{
    RowChoice{
        .name = "row_sum_clamp",
        .step = "a tile's row sum, or a smallest number where it is less",
        .after = Site::row_sum,
        .is_made = [](const Plan& p) { return p.maximum.tile_least != 0; },
        .leave_out = [](Plan& p) { p.maximum.tile_least = 0; },
    },
};

struct Suspect {
  Site site;                          // rounds, or, with a choice, the site before it
  const RowChoice* choice = nullptr;  // null: the rounding of the site

  std::string_view name() const { return choice == nullptr ? row_of(site).name : choice->name; }
  std::string_view step() const { return choice == nullptr ? row_of(site).step : choice->step; }
  bool is_of_backward() const { return index(site) >= index(Site::delta); }

  friend bool operator==(const Suspect&, const Suspect&) = default;
};

// Sites that round `counts[index(site)] > 0` times and whose step differs from an exact one, and
// the choices that the kernel makes, in the order in which a row first meets them: that of the site
// table, but rescaling, which begins with a row's second tile, after the steps of a tile's O.
std::vector<Suspect> suspects_of(const Plan& plan, std::span<const uint64_t, site_count> counts);

Plan switched(const Plan& own, std::span<const Suspect> suspects, const std::vector<bool>& on);

}  // namespace ulpscope
