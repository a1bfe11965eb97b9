#include "ulpscope/analysis/suspect.hpp"

#include <algorithm>

namespace ulpscope {

namespace {

// Instructions that round in their own way, whatever the cast behind them.
constexpr std::array instructions{
    Site::scores,        Site::probability,   Site::rescale_factor,  Site::output_accumulate,
    Site::reciprocal,    Site::log2_row_sum,  Site::log_row_sum,     Site::combine_exponential,
    Site::combine_log,   Site::bwd_scores,    Site::bwd_probability, Site::dp,
    Site::dv_accumulate, Site::dk_accumulate, Site::dq_accumulate,
};

// What brings the sums of one tile to the next: a row comes here with its second tile, when its O
// has been through the steps up to output_keep.
constexpr std::array between_tiles{Site::maximum_step, Site::scaled_step, Site::rescale_factor,
                                   Site::rescale};

bool is_one_of(std::span<const Site> sites, Site site) {
  return std::find(sites.begin(), sites.end(), site) != sites.end();
}

std::vector<Site> sites_as_a_row_meets_them() {
  std::vector<Site> sites;
  for (const SiteRow& row : site_table) {
    if (is_one_of(between_tiles, row.site)) continue;
    sites.push_back(row.site);
    if (row.site != Site::output_keep) continue;
    sites.insert(sites.end(), between_tiles.begin(), between_tiles.end());
  }
  return sites;
}

}  // namespace

// A step that loses nothing here is a suspect too: what comes before it may be rounded already.
std::vector<Suspect> suspects_of(const Plan& plan, std::span<const uint64_t, site_count> counts) {
  std::vector<Suspect> suspects;
  for (const Site site : sites_as_a_row_meets_them()) {
    const Cast& cast = plan.map[site];
    const bool rounds = is_one_of(instructions, site) || !(cast == Cast{});
    if (rounds && !(cast == exact_cast) && counts[index(site)] > 0) suspects.push_back({site});
    for (const RowChoice& choice : row_choices) {
      if (choice.after == site && choice.is_made(plan)) suspects.push_back({site, &choice});
    }
  }
  return suspects;
}

Plan switched(const Plan& own, std::span<const Suspect> suspects, const std::vector<bool>& on) {
  Plan plan = own;
  for (size_t i = 0; i < suspects.size(); ++i) {
    if (on[i]) continue;
    if (suspects[i].choice == nullptr) {
      plan.map[suspects[i].site] = exact_cast;
    } else {
      suspects[i].choice->leave_out(plan);
    }
  }
  return plan;
}

}  // namespace ulpscope
