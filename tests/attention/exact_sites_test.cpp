#include "ulpscope/attention/gradients.hpp"
#include "ulpscope/attention/recipes/backward.hpp"
#include "ulpscope/attention/recipes/kernel.hpp"
#include "ulpscope/trace/history.hpp"

#include <cmath>
#include <map>

#include "attention/gradient_problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// What the steps on the way to one element left, the last of each.
class Life {
 public:
  Life(const Plan& plan, int64_t row, int64_t feature) {
    HistorySink sink(row, feature);
    outputs = run_one_head(plan, sink);
    for (const HistoryStep& step : sink.steps())
      steps_.insert_or_assign({step.site, step.column}, step);
  }

  float at(Site site, int64_t column) const {
    return bit_cast<float>(steps_.at({site, column}).value);
  }
  const auto& steps() const { return steps_; }

  Outputs outputs;

 private:
  std::map<std::pair<Site, int64_t>, HistoryStep> steps_;
};

constexpr int64_t rows_looked_at[] = {5, 17, 31};

constexpr int64_t residue_half_ulp = residue_one_ulp / 2;

// Rows of one tile, so that the sink's rows are those of the head.
OwnedProblem small_problem(uint64_t seed) {
  return random_problem(seed, {.rows = 32, .keys = 64, .dim = 64, .mask = causal_mask});
}

uint32_t bits_of(float x) { return bit_cast<uint32_t>(x); }

long double wide(const Format& f, uint16_t code) {
  return static_cast<long double>(number(f, code));
}

PrecisionMap everything_exact() {
  PrecisionMap map;
  for (const SiteRow& row : site_table) map[row.site] = exact_cast;
  return map;
}

Plan with_exact(Plan plan, Site site) {
  plan.map[site] = exact_cast;
  return plan;
}

std::vector<uint32_t> all_gradients(const Gradients& g) {
  std::vector<uint32_t> all = g.dq;
  for (const auto* part : {&g.dk, &g.dv, &g.delta})
    all.insert(all.end(), part->begin(), part->end());
  return all;
}

}  // namespace

TEST_CASE("exact scores are the dot products, rounded once to binary32") {
  const auto owned = small_problem(1);
  const Problem& p = owned.problem;
  int differing = 0;
  for (const int64_t i : rows_looked_at) {
    const Life exact(plan_of(owned, {{Site::scores, exact_cast}}), i, 0);
    const Life hardware(plan_of(owned), i, 0);
    for (int64_t j = 0; j <= i; ++j) {
      long double sum = 0;
      for (int64_t d = 0; d < p.dim; ++d) {
        sum += wide(bf16, owned.q[static_cast<size_t>(i * p.dim + d)]) *
               wide(bf16, owned.k[static_cast<size_t>(j * p.dim + d)]);
      }
      REQUIRE(bits_of(exact.at(Site::scores, j)) == bits_of(static_cast<float>(sum)));
      differing += bits_of(exact.at(Site::scores, j)) != bits_of(hardware.at(Site::scores, j));
    }
  }
  CHECK(differing > 10);  // the tensor core cuts
}

TEST_CASE("exact probabilities are the exponentials, rounded once to binary32") {
  const auto owned = small_problem(2);
  for (const int64_t i : rows_looked_at) {
    const Life life(plan_of(owned, {{Site::probability, exact_cast}}), i, 0);
    for (int64_t j = 0; j <= i; ++j) {
      const auto exponent = static_cast<long double>(life.at(Site::shifted_score, j));
      REQUIRE(bits_of(life.at(Site::probability, j)) ==
              bits_of(static_cast<float>(std::exp2(exponent))));
    }
  }
}

TEST_CASE("an exact second product takes P as it is cast, or as it is where the cast is exact") {
  const auto owned = small_problem(3);
  const Problem& p = owned.problem;
  for (const bool keeps_p : {false, true}) {
    Plan plan = plan_of(owned, {{Site::output_accumulate, exact_cast}});
    if (keeps_p) plan.map[Site::probability_cast] = exact_cast;
    for (const int64_t i : rows_looked_at) {
      const int64_t d = i;
      const Life life(plan, i, d);
      long double sum = 0;
      for (int64_t j = 0; j < plan.seen(i).end; ++j) {
        sum += static_cast<long double>(life.at(Site::probability_cast, j)) *
               wide(bf16, owned.v[static_cast<size_t>(j * p.dim + d)]);
        if (!keeps_p) continue;
        REQUIRE(bits_of(life.at(Site::probability_cast, j)) ==
                bits_of(life.at(Site::probability, j)));
      }
      REQUIRE(bits_of(life.at(Site::output_accumulate, d)) == bits_of(static_cast<float>(sum)));
    }
  }
}

TEST_CASE("an exact site of the forward pass rounds once, with or without a log to the same bits") {
  const auto owned = random_problem(4, {.rows = 70, .keys = 150, .dim = 64, .mask = causal_mask});
  for (const SiteRow& row : forward_sites()) {
    CAPTURE(row.name);
    const Plan plan = with_exact(plan_of(owned), row.site);
    const Outputs silent = run_one_head(plan);
    for (const int64_t i : rows_looked_at) {
      const Life life(plan, i, 7);
      CHECK(life.outputs == silent);
      for (const auto& [place, step] : life.steps()) {
        if (place.first != row.site || !has_error(step.record)) continue;
        REQUIRE_FALSE(has(step.record.flags, Flag::judged));
        REQUIRE(std::abs(step.record.residue) <= residue_half_ulp);
      }
    }
  }
}

TEST_CASE("an exact site of the backward pass gives the same bits with or without a log") {
  const auto g = random_gradients(5, {.rows = 70, .keys = 150, .dim = 64}, Alignment::top_left);
  const auto gradients = [&](const Plan& plan, Logging logging) {
    return run_backward(make_backward_plan(plan, g.owned.problem), g.inputs(),
                        {.logging = logging});
  };
  Plan own = plan_of(g.owned);
  // Narrow casts would hide what the sites before them do.
  for (const Site site : {Site::bwd_probability_cast, Site::ds_cast, Site::dq_store, Site::dk_store,
                          Site::dv_store}) {
    own.map[site] = exact_cast;
  }
  const auto before = all_gradients(gradients(own, Logging::off));
  for (const SiteRow& row : backward_sites()) {
    CAPTURE(row.name);
    const Plan plan = with_exact(own, row.site);
    const auto silent = all_gradients(gradients(plan, Logging::off));
    CHECK(silent == all_gradients(gradients(plan, Logging::on)));
    const bool cuts = row.site == Site::bwd_scores || row.site == Site::dp ||
                      row.site == Site::dv_accumulate || row.site == Site::dk_accumulate ||
                      row.site == Site::dq_accumulate;
    if (cuts) CHECK(silent != before);
  }
}

TEST_CASE("an exact cast is the cast to binary32") {
  const auto owned = small_problem(6);
  for (const Site site : {Site::output_store, Site::probability_cast}) {
    CHECK(run_one_head(plan_of(owned, {{site, exact_cast}})) ==
          run_one_head(plan_of(owned, {{site, {fp32, nearest_even}}})));
  }
}

TEST_CASE("with every site exact the output is off by binary32 alone") {
  for (const Recipe* recipe : {&fa2_torch, &kernel_of_binary32}) {
    auto g = random_gradients(7, {.rows = 64, .keys = 64, .dim = 64, .mask = causal_mask},
                              Alignment::top_left);
    Problem problem = g.owned.problem;
    Plan plan = make_plan(*recipe, chip_named("h200"), problem, {});
    plan.map = everything_exact();
    const Outputs outputs = run_one_head(plan);
    for (int64_t i = 0; i < problem.rows; ++i) {
      std::vector<double> weights;
      double sum = 0;
      for (int64_t j = 0; j <= i; ++j) {
        double score = 0;
        for (int64_t d = 0; d < problem.dim; ++d) {
          score += number(bf16, g.owned.q[static_cast<size_t>(i * problem.dim + d)]) *
                   number(bf16, g.owned.k[static_cast<size_t>(j * problem.dim + d)]);
        }
        weights.push_back(std::exp(score / 8));
        sum += weights.back();
      }
      for (int64_t d = 0; d < problem.dim; ++d) {
        double o = 0;
        for (int64_t j = 0; j <= i; ++j) {
          o += weights[static_cast<size_t>(j)] / sum *
               number(bf16, g.owned.v[static_cast<size_t>(j * problem.dim + d)]);
        }
        const auto bits =
            static_cast<uint32_t>(outputs.o[static_cast<size_t>(i * problem.dim + d)]);
        REQUIRE(std::abs(static_cast<double>(bit_cast<float>(bits)) - o) < 0x1p-19);
      }
    }
  }
}

TEST_CASE("where there is no exact value the hardware's result stays") {
  auto owned = small_problem(8);
  owned.k[3] = 0x7F80;  // an infinity in key 0
  owned.v[5] = 0x7F80;  // and in feature 5
  for (const Site site : {Site::scores, Site::output_accumulate}) {
    const Life exact(plan_of(owned, {{site, exact_cast}}), 9, 5);
    const Life hardware(plan_of(owned), 9, 5);
    const int64_t column = site == Site::scores ? 0 : 5;
    CHECK_FALSE(std::isfinite(hardware.at(site, column)));
    CHECK(bits_of(exact.at(site, column)) == bits_of(hardware.at(site, column)));
  }
}
