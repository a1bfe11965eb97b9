#include "ulpscope/compare/error_sources.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/error_tally.hpp"
#include "ulpscope/trace/lost_bits.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "decoded_head.hpp"
#include "element_pass.hpp"

namespace ulpscope {

namespace {

// The element as a plan gives it.
double element_of(const Plan& plan, const TracedElement& element, const HeadOperands& operands) {
  NullSink sink;
  TileOutput output;
  const TileRows rows = rows_up_to(plan, element.row);
  ForwardPass<NullSink>(plan, operands, sink).run(rows, output);
  switch (element.output) {
    case TracedOutput::o:
      return to_double(
          output.o[output.o.size() - static_cast<size_t>(plan.problem.dim - element.feature)]);
    case TracedOutput::lse: break;
  }
  return to_double(output.lse.back());
}

// What the element's last rounding was given.
double before_last(const ElementHistory& history, double stored) {
  const HistoryStep& last = history.steps.back();
  const auto before = exact_before(history.format, last.value, last.record);
  return before ? bit_cast<double>(round_pack(fp64, *before, nearest_even).bits) : stored;
}

Plan with_exact(Plan plan, Site site) {
  plan.map[site] = exact_cast;
  return plan;
}

double reference_of(const Plan& plan, const TracedElement& element) {
  const TileRows rows = rows_up_to(plan, element.row);
  const DecodedHead head(plan, rows.batch, rows.head);
  WideRow wide;
  wide_attention_row(head.view(), element.row % plan.problem.rows, wide);
  switch (element.output) {
    case TracedOutput::o: return wide.o[static_cast<size_t>(element.feature)];
    case TracedOutput::lse: break;
  }
  return wide.lse;
}

}  // namespace

ErrorSources error_sources(const Plan& plan, const TracedElement& element,
                           const ElementHistory& history) {
  const HostFpGuard guard;
  const TileRows rows = rows_up_to(plan, element.row);
  const HeadOperands operands = decode_head(plan, rows.batch, kv_head_of(plan.problem, rows));
  const double exact = reference_of(plan, element);
  const double stored = element_of(plan, element, operands);
  if (!std::isfinite(exact) || !std::isfinite(stored) || history.steps.empty()) return {};
  const int ulp = ulp_exponent(history.format, exact);
  const auto in_ulps = [&](double x) { return std::ldexp(x, -ulp); };

  ErrorSources result{.exact = exact,
                      .stored = stored,
                      .error = in_ulps(stored - exact),
                      .sources = {},
                      .rest = in_ulps(stored - exact)};
  const auto add = [&](Site site, double part) {
    if (!(std::abs(part) > 0) || !std::isfinite(part)) return;
    result.sources.push_back({site, part});
    result.rest -= part;
  };
  const Site last = history.steps.back().site;
  add(last, in_ulps(stored - before_last(history, stored)));
  const Plan unrounded = with_exact(plan, last);
  const double before = element_of(unrounded, element, operands);
  std::set<Site> sites;
  for (const auto& step : history.steps) sites.insert(step.site);
  for (const Site site : sites) {
    if (site == last) continue;
    add(site, in_ulps(before - element_of(with_exact(unrounded, site), element, operands)));
  }
  std::stable_sort(result.sources.begin(), result.sources.end(),
                   [](const auto& x, const auto& y) { return std::abs(x.ulp) > std::abs(y.ulp); });
  return result;
}

}  // namespace ulpscope
