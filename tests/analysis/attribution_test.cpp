#include "ulpscope/analysis/attribution.hpp"

#include "ulpscope/analysis/law.hpp"
#include "ulpscope/attention/recipe.hpp"
#include "ulpscope/hardware/chip.hpp"

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// Drawn ties: the resonance, where nearly every rounding of O errs one way.
struct Drawn {
  LawShape shape{.rows = 256, .keys = 256};
  LawTensors tensors;

  explicit Drawn(const Law& law) : tensors(draw(law, shape)) {}

  Problem problem() const {
    return {.batch = 1,
            .heads = 1,
            .kv_heads = 1,
            .rows = shape.rows,
            .keys = shape.keys,
            .dim = shape.dim,
            .format = bf16,
            .mask = causal_mask,
            .scale = default_scale(shape.dim),
            .launch = {.batch = 1, .heads = 1000, .multiprocessors = 132},
            .q = tensors.q,
            .k = tensors.k,
            .v = tensors.v};
  }
};

const Law resonance{.kind = LawKind::ties, .gap = 17, .sink = 0.5};

Plan plan_of(const std::string& kernel, const Drawn& drawn,
             std::span<const SiteOverride> overrides = {}) {
  return make_plan(recipe_named(kernel), chip_named("h200"), drawn.problem(), overrides);
}

const SiteEffect& effect_of(const TensorAttribution& tensor, Site site) {
  return *std::find_if(tensor.sites.begin(), tensor.sites.end(),
                       [&](const auto& effect) { return effect.site == site; });
}

}  // namespace

TEST_CASE("the bias of FlashAttention-2 at the resonance comes from the store of O") {
  const Drawn drawn(resonance);
  const Plan plan = plan_of("fa2-torch", drawn);
  const auto backward = make_backward_plan(plan, drawn.problem());
  int64_t last = 0;
  const auto attribution =
      attribute({.plan = plan, .backward = &backward, .dout = drawn.tensors.dout},
                {.threads = 2, .progress = [&](int64_t done, int64_t all) {
                   CHECK(done == last + 1);
                   CHECK(done <= all);
                   last = done;
                 }});
  REQUIRE(attribution.complete);
  REQUIRE(attribution.tensors.size() == 5);
  const auto& o = attribution.tensors[0];
  CHECK(o.tensor == Attributed::o);
  REQUIRE(o.biased());
  CHECK(std::abs(o.kernel[0].bias.mean) > 0.05);
  REQUIRE(o.cause);
  CHECK(o.cause->site == Site::output_store);
  CHECK(o.cause->exact_at == std::vector{Site::output_store});
  CHECK(o.sites.front().site == Site::output_store);
  CHECK(o.bias_removed(o.sites.front()) > 0.9);
  CHECK(o.bias_brought(o.sites.front()) > 0.5);
  CHECK(o.error_brought(o.sites.front()) > 0.5);
  CHECK(o.exact[0].rms < 0.01);

  // delta is made of the stored O
  const auto& delta = attribution.tensors[1];
  REQUIRE(delta.biased());
  REQUIRE(delta.cause);
  CHECK(delta.cause->site == Site::output_store);
}

TEST_CASE("the bias of the paper's code comes from the rounding of P.V") {
  const Drawn drawn(resonance);
  const Plan plan = plan_of("paper-eager", drawn);
  const auto attribution = attribute({.plan = plan}, {.threads = 2});
  const auto& o = attribution.tensors.at(0);
  REQUIRE(o.biased());
  REQUIRE(o.cause);
  CHECK(o.cause->site == Site::output_accumulate);
  CHECK(o.bias_brought(effect_of(o, Site::output_accumulate)) > 0.5);
  CHECK(std::abs(o.cause->left.bias.mean) < 0.1 * std::abs(o.kernel[0].bias.mean));
}

TEST_CASE("a rounding that is planted is the one that is named") {
  const Drawn drawn({.kind = LawKind::uniform});  // of one sign, so that no error hides
  for (const Site site : {Site::normalise, Site::probability_cast}) {
    CAPTURE(row_of(site).name);
    const SiteOverride planted{site, {bf16, {.mode = Mode::toward_zero}}};
    const Plan plan = plan_of("fa2-torch", drawn, std::span(&planted, 1));
    const auto attribution = attribute({.plan = plan}, {.threads = 2});
    const auto& o = attribution.tensors.at(0);
    REQUIRE(o.biased());
    REQUIRE(o.cause);
    CHECK(o.cause->site == site);
  }
}

TEST_CASE("a run without bias accuses nobody") {
  const Drawn drawn({.kind = LawKind::normal});
  const Plan plan = plan_of("fa2-torch", drawn);
  const auto attribution = attribute({.plan = plan}, {.threads = 2});
  const auto& o = attribution.tensors.at(0);
  CHECK_FALSE(o.biased());
  CHECK_FALSE(o.cause);
  CHECK(o.sites.front().site == Site::probability_cast);
  CHECK(o.error_brought(o.sites.front()) > 0.5);  // elements near 0 have small ulps
}

TEST_CASE("a stopped attribution says so") {
  const Drawn drawn({.kind = LawKind::normal});
  const Plan plan = plan_of("fa2-torch", drawn);
  const std::atomic<bool> stop = true;
  CHECK_FALSE(attribute({.plan = plan}, {.stop = &stop}).complete);
}
