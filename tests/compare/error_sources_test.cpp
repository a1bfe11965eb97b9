#include "ulpscope/compare/error_sources.hpp"

#include <cmath>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

constexpr Shape some_tiles{.rows = 10, .keys = 200, .dim = 64};

ErrorSources sources_of(const Plan& plan, TracedOutput output) {
  const TracedElement element{.row = 6, .feature = 11, .output = output};
  return error_sources(plan, element, history_of(plan, element));
}

double part_of(const ErrorSources& sources, Site site) {
  for (const auto& source : sources.sources) {
    if (source.site == site) return source.ulp;
  }
  return 0;
}

}  // namespace

TEST_SUITE("error sources") {
  TEST_CASE("the parts and the rest are the error") {
    for (const auto output : {TracedOutput::o, TracedOutput::lse}) {
      const auto owned = random_problem(1, some_tiles);
      const auto sources = sources_of(plan_of(owned), output);
      double sum = sources.rest;
      for (const auto& source : sources.sources) sum += source.ulp;
      // A dozen additions of numbers below 100 ulp in binary64.
      CHECK(sum == doctest::Approx(sources.error).epsilon(1e-12));
      CHECK(std::abs(sources.error) > 0);
    }
  }

  TEST_CASE("a bf16 output's error is that of its store and of P's cast, up to binary32 noise") {
    const auto owned = random_problem(2, some_tiles);
    const auto sources = sources_of(plan_of(owned), TracedOutput::o);
    CHECK(std::abs(part_of(sources, Site::output_store)) <= 0.5);
    CHECK(std::abs(sources.rest) < 0.01);
    const Plan wide = plan_of(
        owned, {{Site::output_store, {fp32, nearest_even}}, {Site::probability_cast, exact_cast}});
    const auto without = sources_of(wide, TracedOutput::o);
    CHECK(part_of(without, Site::output_store) == 0.0);
    CHECK(part_of(without, Site::probability_cast) == 0.0);
  }

  TEST_CASE("a site that is made coarse is found") {
    const auto owned = random_problem(3, some_tiles);
    for (const Site site : {Site::shifted_score, Site::output_accumulate, Site::normalise}) {
      const Plan plan = plan_of(owned, {{site, {format_named("e5m2"), toward_zero}}});
      const auto sources = sources_of(plan, TracedOutput::o);
      CAPTURE(row_of(site).name);
      REQUIRE(!sources.sources.empty());
      CHECK(sources.sources.front().site == site);
      CHECK(std::abs(sources.sources.front().ulp) > 1);
    }
  }
}
