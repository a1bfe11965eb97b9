// The numeric type and the simulator are tied: whatever format and rounding a site is given, the
// tiled pass and a naive one over Soft end in the same bits.
#include "ulpscope/round/names.hpp"

#include <string>

#include "attention/naive_pass.hpp"
#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// Head size 72 has tiles of 64 keys; where keys are split, 32 has tiles of 256 and 136 of 64.
constexpr Shape three_tiles{.rows = 10, .keys = 136, .dim = 72};
constexpr Shape three_tiles_causal{.rows = 10, .keys = 136, .dim = 72, .mask = causal_mask};
constexpr Shape two_parts_of_two{.rows = 2, .keys = 200, .dim = 136, .launch_heads = 130};
constexpr Shape ten_parts{.rows = 2, .keys = 2400, .dim = 32, .launch_heads = 1};

// Lanes of the combine kernel: for 32 columns, 16 rows share 128 threads; for 192, 8 rows.
size_t combine_lanes(const Plan& plan) {
  size_t lanes = 1;
  while (lanes < static_cast<size_t>(plan.parts) && lanes < 8) lanes *= 2;
  return lanes;
}

template <class Input, class Changed>
Outputs run_naively(const Plan& plan, std::optional<Site> changed) {
  NaivePass<Input, Changed> naive(plan, changed, combine_lanes(plan));
  Outputs all;
  for (int64_t i = 0; i < plan.problem.rows; ++i) {
    const NaiveRow row = naive.row(i);
    all.o.insert(all.o.end(), row.o.begin(), row.o.end());
    all.lse.push_back(row.lse);
  }
  return all;
}

size_t differences(const Outputs& a, const Outputs& b) {
  REQUIRE(a.o.size() == b.o.size());
  REQUIRE(a.lse.size() == b.lse.size());
  size_t count = 0;
  for (size_t i = 0; i < a.o.size(); ++i) count += a.o[i] != b.o[i];
  for (size_t i = 0; i < a.lse.size(); ++i) count += a.lse[i] != b.lse[i];
  return count;
}

bool is_combining(Site site) { return site >= Site::combine_shift && site <= Site::combine_output; }

// One site in the format and rounding of Changed. Says whether any bit moved by that.
template <class Changed>
bool holds_at(Site site, const OwnedProblem& owned) {
  CAPTURE(std::string(row_of(site).name));
  CAPTURE(format_name(Changed::format) + ":" + rounding_name(Changed::rounding));
  const Plan plan = plan_of(owned, {{site, {Changed::format, Changed::rounding}}});
  const Outputs tiled = run_one_head(plan);
  CHECK(differences(tiled, run_naively<Soft<bf16>, Changed>(plan, site)) == 0);
  return tiled != run_one_head(plan_of(owned));
}

template <class Changed>
void holds_at_every_site() {
  const auto whole = random_problem(1, three_tiles_causal);
  const auto split = random_problem(2, ten_parts);
  REQUIRE(plan_of(whole).parts == 1);
  REQUIRE(plan_of(split).parts == 10);
  size_t felt = 0;
  for (const SiteRow& row : forward_sites()) {
    felt += holds_at<Changed>(row.site, is_combining(row.site) ? split : whole);
  }
  // P and O are stored with eight significant bits anyway: three sites may leave no mark. Eight
  // more belong to other kernels (log2_score, natural_maximum, base2_lse, maximum_less_tolerance,
  // moved_maximum, row_sum_keep, output_add, output_keep), five to terms of the scores
  // (score_terms_test.cpp).
  CHECK(felt >= forward_sites().size() - 16);
}

template <class... Changed>
void holds_at_some_sites() {
  const auto whole = random_problem(3, three_tiles_causal);
  const auto split = random_problem(4, two_parts_of_two);
  for (const Site site : {Site::scores, Site::shifted_score, Site::probability_cast, Site::row_sum,
                          Site::rescale, Site::output_accumulate, Site::lse, Site::output_store}) {
    (holds_at<Changed>(site, whole), ...);
  }
  for (const Site site : {Site::combine_sum, Site::combine_output}) {
    (holds_at<Changed>(site, split), ...);
  }
}

void holds_as_built(const OwnedProblem& owned) {
  const Plan plan = plan_of(owned);
  const bool is_bf16 = owned.problem.format == bf16;
  const Outputs naive = is_bf16 ? run_naively<Soft<bf16>, Register>(plan, {})
                                : run_naively<Soft<fp16>, Register>(plan, {});
  CHECK(differences(run_one_head(plan), naive) == 0);
}

uint16_t random_special(Random& random) {
  constexpr uint16_t specials[] = {0x7F80, 0xFF80, 0x7FC0, 0x7F81, 0xFFFF, 0x7F7F, 0x0001, 0x8000};
  return specials[random.below(8)];
}

}  // namespace

TEST_CASE("the pass computes what its formulas say in the types of the recipe") {
  for (const Shape& shape : {three_tiles, three_tiles_causal, two_parts_of_two, ten_parts}) {
    CAPTURE(shape.keys);
    holds_as_built(random_problem(11, shape, bf16));
    holds_as_built(random_problem(12, shape, fp16));
    holds_as_built(random_problem(13, shape, bf16, 6.0));  // nearly one-hot rows
  }
}

TEST_CASE("any site computes in bfloat16 as Soft<bf16> does") { holds_at_every_site<Soft<bf16>>(); }
TEST_CASE("any site computes in E4M3 as Soft<e4m3fn> does") { holds_at_every_site<Soft<e4m3fn>>(); }
TEST_CASE("any site computes in a format of the user's own as Soft of it does") {
  holds_at_every_site<Soft<ieee_like(5, 7)>>();
}

TEST_CASE("a site rounds by the mode of the type") {
  holds_at_some_sites<Soft<bf16, toward_zero>, Soft<bf16, upward>, Soft<bf16, downward>,
                      Soft<bf16, nearest_away>, Soft<bf16, to_odd>,
                      Soft<e4m3fn, saturating(nearest_even)>>();
}

TEST_CASE("probabilities that stay in binary32 go through the second product as they are") {
  CHECK(holds_at<Register>(Site::probability_cast, random_problem(5, three_tiles_causal)));
  CHECK(holds_at<Register>(Site::output_store, random_problem(5, three_tiles_causal)));
  CHECK(holds_at<Soft<fp16>>(Site::probability_cast, random_problem(5, three_tiles_causal)));
}

TEST_CASE("rows that see no key give O = 0 and LSE = +infinity") {
  const auto owned = random_problem(6, {.rows = 40, .keys = 24, .dim = 64, .mask = causal_mask});
  holds_as_built(owned);
  const Outputs outputs = run_one_head(plan_of(owned));
  for (size_t row = 0; row < 40; ++row) {
    const bool sees_none = row < 16;
    CHECK((outputs.lse[row] == 0x7F80'0000) == sees_none);
    CHECK((outputs.o[row * 64] == 0) == sees_none);
  }
}

TEST_CASE("windows hide keys on either side, and whole tiles at either end") {
  constexpr Mask windows[] = {{.left = 20, .right = 0},
                              {.left = 70, .right = 10},
                              {.left = Mask::unbounded, .right = 15},
                              {.left = 40, .right = Mask::unbounded},
                              {.left = 500, .right = 0},
                              {.left = 0, .right = 0}};
  for (const Mask& mask : windows) {
    CAPTURE(mask.left);
    holds_as_built(random_problem(21, {.rows = 150, .keys = 200, .dim = 72, .mask = mask}));
    holds_as_built(random_problem(22, {.rows = 200, .keys = 150, .dim = 32, .mask = mask}));
    holds_as_built(random_problem(
        23, {.rows = 2, .keys = 200, .dim = 136, .mask = mask, .launch_heads = 130}));
  }
}

TEST_CASE("one query row sees every key, causal or not") {
  auto owned = random_problem(7, {.rows = 1, .keys = 300, .dim = 64, .mask = causal_mask});
  const Outputs causal = run_one_head(plan_of(owned));
  holds_as_built(owned);
  owned.problem.mask = no_mask;
  CHECK(causal == run_one_head(plan_of(owned)));
}

TEST_CASE("infinities and NaN in Q, K and V go where the hardware's arithmetic takes them") {
  Random random(8);
  for (int turn = 0; turn < 24; ++turn) {
    const Shape shapes[] = {three_tiles, three_tiles_causal, two_parts_of_two};
    auto owned = random_problem(random.word(), shapes[turn % 3]);
    std::vector<uint16_t>* const targets[] = {&owned.q, &owned.k, &owned.v};
    auto& target = *targets[turn / 3 % 3];
    const int64_t hits = 1 + random.below(3);
    for (int64_t i = 0; i < hits; ++i) {
      target[random.word() % target.size()] = random_special(random);
    }
    CAPTURE(turn);
    holds_as_built(owned);
  }
}

TEST_CASE("a NaN row is stored as codes of all ones and has LSE = +infinity") {
  auto owned = random_problem(9, {.rows = 4, .keys = 20, .dim = 32});
  owned.q[0] = 0x7FC0;
  const Outputs outputs = run_one_head(plan_of(owned));
  CHECK(outputs.o[0] == 0x7FFF);
  CHECK(outputs.o[31] == 0x7FFF);
  CHECK(outputs.o[32] != 0x7FFF);
  CHECK(outputs.lse[0] == 0x7F80'0000);
  const Plan fp8 = plan_of(owned, {{Site::output_store, {e4m3fn, nearest_even}}});
  CHECK(run_one_head(fp8).o[0] == 0x7F);
}

TEST_CASE("specials meet changed sites as they do in the types") {
  Random random(10);
  auto owned = random_problem(10, three_tiles_causal);
  for (int i = 0; i < 6; ++i) owned.k[random.word() % owned.k.size()] = random_special(random);
  for (const SiteRow& row : forward_sites()) {
    holds_at<Soft<e4m3fn>>(row.site, owned);
    holds_at<Soft<bf16, toward_zero>>(row.site, owned);
  }
}

TEST_CASE("logging changes no bit") {
  for (const Shape& shape : {three_tiles_causal, ten_parts}) {
    const auto owned = random_problem(14, shape);
    const Plan plan = plan_of(owned);
    TileLog log(plan.tile_rows, plan.problem.keys, plan.problem.dim);
    CHECK(run_one_head(plan, log) == run_one_head(plan));
  }
}
