#include "ulpscope/compare/element_history.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "element_pass.hpp"

namespace ulpscope {

namespace {

// Sites that only the LSE of a row goes through, and those that only its O does.
constexpr std::array lse_sites{Site::log2_row_sum, Site::log_row_sum, Site::natural_maximum,
                               Site::base2_lse, Site::lse};
bool is_of_lse(Site site) {
  return std::find(lse_sites.begin(), lse_sites.end(), site) != lse_sites.end();
}
bool is_of_output(Site site) {
  return row_of(site).axis == Axis::feature || site == Site::probability_cast ||
         site == Site::reciprocal;
}

// Parts that are joined by their LSE bring it into O.
bool lse_enters_output(const Plan& plan) {
  return plan.parts > 1 && plan.recipe->split.combine == Combine::normalised;
}

using Place = std::pair<Site, int64_t>;
using StepsByPlace = std::map<Place, std::vector<const HistoryStep*>>;

StepsByPlace by_place(std::span<const HistoryStep> steps) {
  StepsByPlace result;
  for (const auto& step : steps) result[{step.site, step.column}].push_back(&step);
  return result;
}

// Calls body(step of a, its counterpart) for every step that has one, in the order of a, until it
// returns false.
template <class Body>
void for_each_pair(std::span<const HistoryStep> a, std::span<const HistoryStep> b, Body&& body) {
  const StepsByPlace of_a = by_place(a);
  const StepsByPlace of_b = by_place(b);
  std::map<Place, size_t> seen;
  for (const auto& step : a) {
    const Place place{step.site, step.column};
    const auto found = of_b.find(place);
    if (found == of_b.end() || found->second.size() != of_a.at(place).size()) continue;
    if (!body(step, *found->second[seen[place]++])) return;
  }
}

}  // namespace

ElementHistory history_of(const Plan& plan, const TracedElement& element) {
  const Problem& p = plan.problem;
  const TileRows rows = rows_up_to(plan, element.row);
  const HeadOperands operands = decode_head(plan, rows.batch, kv_head_of(p, rows));
  HistorySink sink(rows.count - 1, element.feature);
  ForwardPass<HistorySink> pass(plan, operands, sink);
  TileOutput output;
  pass.run(rows, output);

  ElementHistory history{.steps = {}, .format = {}, .code = 0};
  const auto at = static_cast<size_t>(rows.count - 1);
  switch (element.output) {
    case TracedOutput::o:
      history.format = plan.map[Site::output_store].format;
      history.code =
          code_of(history.format,
                  output.o[at * static_cast<size_t>(p.dim) + static_cast<size_t>(element.feature)]);
      break;
    case TracedOutput::lse:
      history.format = fp32;
      history.code = code_of(fp32, output.lse[at]);
      break;
  }
  for (const auto& step : sink.steps()) {
    const bool skipped = element.output == TracedOutput::o
                             ? is_of_lse(step.site) && !lse_enters_output(plan)
                             : is_of_output(step.site);
    if (!skipped) history.steps.push_back(step);
  }
  return history;
}

std::optional<Parting> first_parting(std::span<const HistoryStep> a,
                                     std::span<const HistoryStep> b) {
  std::optional<Parting> parting;
  for_each_pair(a, b, [&](const HistoryStep& x, const HistoryStep& y) {
    if (x.value == y.value) return true;
    parting = Parting{x, y};
    return false;
  });
  return parting;
}

std::vector<SiteOfHistories> by_site(std::span<const ElementHistory> histories) {
  std::vector<SiteOfHistories> all;
  for (const auto& row : site_table)
    all.push_back({row.site, std::vector<SiteSteps>(histories.size()), 0});
  for (size_t i = 0; i < histories.size(); ++i) {
    for (const auto& step : histories[i].steps) {
      SiteSteps& of = all[index(step.site)].of[i];
      ++of.steps;
      of.last = step.value;
      if (!has_error(step.record) || step.record.residue == 0) continue;
      ++of.inexact;
      const int64_t residue = step.record.residue;
      of.largest_residue =
          std::max(of.largest_residue, static_cast<uint64_t>(residue < 0 ? -residue : residue));
    }
  }
  if (histories.size() == 2) {
    for_each_pair(histories[0].steps, histories[1].steps,
                  [&](const HistoryStep& x, const HistoryStep& y) {
                    all[index(x.site)].different += x.value != y.value;
                    return true;
                  });
  }
  std::erase_if(all, [](const SiteOfHistories& site) {
    return std::all_of(site.of.begin(), site.of.end(),
                       [](const auto& of) { return of.steps == 0; });
  });
  return all;
}

}  // namespace ulpscope
