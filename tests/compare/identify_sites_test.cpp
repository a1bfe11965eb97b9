// One rounding mode changed, at every site of four kernels in turn: no kernel as it is gives the
// output, and the changed site is named. Output by output, of a small problem.
#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/flex_triton.hpp"
#include "ulpscope/attention/recipes/memeff_torch.hpp"
#include "ulpscope/round/names.hpp"

#include <algorithm>

#include "attention/problems.hpp"
#include "compare/made_output.hpp"
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

struct Counts {
  int altered = 0;  // outputs
  int named = 0;
  int alone = 0;  // named without another site beside them
};

// The site of "fa2-torch@h200 with ds_cast=bf16:rz".
std::string site_of(const std::string& name) {
  const auto start = name.find(" with ") + 6;
  return name.substr(start, name.find('=') - start);
}

bool is_forward(Site site) {
  const auto sites = forward_sites();
  return std::any_of(sites.begin(), sites.end(),
                     [&](const SiteRow& row) { return row.site == site; });
}

// Of the outputs that the site reaches first, the first one that its change alters.
void change(const Recipe& recipe, const OwnedProblem& owned, const std::vector<uint16_t>& dout,
            Site site, Counts& counts) {
  const Plan plan = make_plan(recipe, chip_named("h200"), owned.problem, {});
  Cast cast = plan.map[site];
  cast.rounding.mode = Mode::toward_zero;
  using enum Output;
  const std::vector<Output> reached =
      is_forward(site) ? std::vector{o, lse} : std::vector{dv, dk, dq};
  for (const Output output : reached) {
    const Observed own = made_output(recipe, owned.problem, dout, {}, output);
    const Observed made = made_output(recipe, owned.problem, dout, {{site, cast}}, output);
    if (made.codes == own.codes) continue;
    CAPTURE(recipe.name);
    CAPTURE(row_of(site).name);
    CAPTURE(output_name(output));
    const auto found = identify({.problem = owned.problem, .dout = dout, .tensors = {made}},
                                {.threads = 2, .ranked = 1});
    CHECK(found.kernels().empty());
    const auto changes = found.changes();
    const auto is_the_site = [&](const auto& name) { return site_of(name) == row_of(site).name; };
    const bool named = std::any_of(changes.begin(), changes.end(), is_the_site);
    CHECK(named);
    ++counts.altered;
    counts.named += named;
    counts.alone += named && std::all_of(changes.begin(), changes.end(), is_the_site);
    return;
  }
}

}  // namespace

TEST_CASE("a changed mode is traced to its site, at every site of every kernel that alters a bit") {
  const OwnedProblem owned = random_problem(21, {.rows = 70, .keys = 150, .dim = 16});
  Random random(22);
  const auto dout = random_codes(random, bf16, static_cast<int64_t>(owned.q.size()));
  Counts all;
  for (const Recipe* recipe : {&fa2_torch, &memeff_torch, &cudnn_9_19, &flex_triton}) {
    Counts counts;
    for (const SiteRow& row : site_table) change(*recipe, owned, dout, row.site, counts);
    MESSAGE(fmt::format("{}: {} sites altered an output, {} named, {} of them alone", recipe->name,
                        counts.altered, counts.named, counts.alone));
    all.altered += counts.altered;
    all.named += counts.named;
  }
  CHECK(all.altered > 50);
  CHECK(all.named == all.altered);
}
