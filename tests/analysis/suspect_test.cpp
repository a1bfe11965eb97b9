#include "ulpscope/analysis/suspect.hpp"

#include "ulpscope/attention/recipe.hpp"
#include "ulpscope/hardware/chip.hpp"

#include <algorithm>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

const std::vector<uint16_t> ones(size_t{64} * 64, 0x3F80);

Plan plan_of(const char* kernel, std::span<const SiteOverride> overrides = {}) {
  const Problem problem{.batch = 1,
                        .heads = 1,
                        .kv_heads = 1,
                        .rows = 64,
                        .keys = 64,
                        .dim = 64,
                        .format = bf16,
                        .mask = no_mask,
                        .scale = default_scale(64),
                        .launch = {.batch = 1, .heads = 1000, .multiprocessors = 132},
                        .q = ones,
                        .k = ones,
                        .v = ones};
  return make_plan(recipe_named(kernel), chip_named("h200"), problem, overrides);
}

std::vector<Suspect> suspects_if_all_round(const Plan& plan) {
  std::array<uint64_t, site_count> counts{};
  counts.fill(1);
  return suspects_of(plan, counts);
}

int64_t place_of(const std::vector<Suspect>& suspects, std::string_view name) {
  const auto found = std::find_if(suspects.begin(), suspects.end(),
                                  [&](const Suspect& s) { return s.name() == name; });
  return found == suspects.end() ? -1 : found - suspects.begin();
}

}  // namespace

TEST_CASE(
    "suspects are instructions with results of their own, and what does not round as binary32") {
  const auto fa2 = suspects_if_all_round(plan_of("fa2-torch"));
  CHECK(place_of(fa2, "output_store") > place_of(fa2, "probability_cast"));
  CHECK(place_of(fa2, "probability_cast") > place_of(fa2, "scores"));
  CHECK(place_of(fa2, "scores") == 0);
  CHECK(place_of(fa2, "normalise") == -1);  // binary32, nearest even, as an exact step is
  const SiteOverride narrow{Site::normalise, {bf16, nearest_even}};
  CHECK(place_of(suspects_if_all_round(plan_of("fa2-torch", std::span(&narrow, 1))), "normalise") >
        0);
  const SiteOverride exact{Site::output_store, exact_cast};
  CHECK(place_of(suspects_if_all_round(plan_of("fa2-torch", std::span(&exact, 1))),
                 "output_store") == -1);
}

TEST_CASE("a site that never rounds is no suspect") {
  std::array<uint64_t, site_count> counts{};
  counts[index(Site::scores)] = 7;
  const auto suspects = suspects_of(plan_of("fa2-torch"), counts);
  CHECK(suspects == std::vector<Suspect>{{Site::scores}});
}

TEST_CASE("rescaling stands behind the tile whose sums it brings to the next") {
  const auto paper = suspects_if_all_round(plan_of("paper-eager"));
  CHECK(place_of(paper, "output_accumulate") < place_of(paper, "output_keep"));
  CHECK(place_of(paper, "output_keep") < place_of(paper, "rescale_factor"));
  CHECK(place_of(paper, "rescale_factor") < place_of(paper, "rescale"));
  CHECK(place_of(paper, "rescale") < place_of(paper, "output_store"));
}

TEST_CASE("the clamp of row sums is a suspect of the kernels that have it, behind the row sum") {
  CHECK(place_of(suspects_if_all_round(plan_of("fa2-torch")), "row_sum_clamp") == -1);
  const auto paper = suspects_if_all_round(plan_of("paper-eager"));
  const auto clamp = place_of(paper, "row_sum_clamp");
  REQUIRE(clamp > 0);
  CHECK(clamp < place_of(paper, "row_sum_keep"));
}

TEST_CASE("what is switched off is exact, and the rest as the kernel has it") {
  const Plan own = plan_of("paper-eager");
  const auto suspects = suspects_if_all_round(own);
  std::vector<bool> on(suspects.size(), true);
  const Plan same = switched(own, suspects, on);
  CHECK(same.maximum.tile_least == own.maximum.tile_least);
  for (const SiteRow& row : site_table) CHECK(same.map[row.site] == own.map[row.site]);

  on[static_cast<size_t>(place_of(suspects, "row_sum_clamp"))] = false;
  on[static_cast<size_t>(place_of(suspects, "output_keep"))] = false;
  const Plan two = switched(own, suspects, on);
  CHECK(two.maximum.tile_least == 0);
  CHECK(two.map[Site::output_keep] == exact_cast);
  CHECK(two.map[Site::output_store] == own.map[Site::output_store]);
  CHECK(own.maximum.tile_least != 0);
}
