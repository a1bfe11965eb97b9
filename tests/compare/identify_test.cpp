#include "ulpscope/compare/identify.hpp"

#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/flex_triton.hpp"
#include "ulpscope/attention/recipes/memeff_torch.hpp"
#include "ulpscope/base/error.hpp"

#include <algorithm>

#include "attention/problems.hpp"
#include "compare/made_output.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

using Names = std::vector<std::string>;

// A random problem with the gradient of its output.
struct Call {
  explicit Call(const Shape& shape) : owned(random_problem(11, shape)) {
    Random random(12);
    dout = random_codes(random, bf16, static_cast<int64_t>(owned.q.size()));
  }

  Observed made(const Recipe& recipe, Output output, const char* change = nullptr) const {
    std::vector<SiteOverride> overrides;
    if (change != nullptr) overrides.push_back(parse_override(change));
    return made_output(recipe, owned.problem, dout, overrides, output);
  }
  Observation seen(std::vector<Observed> tensors) const {
    return {.problem = owned.problem, .dout = dout, .tensors = std::move(tensors)};
  }
  Identification identified(std::vector<Observed> tensors) const {
    return identify(seen(std::move(tensors)), {.threads = 2, .ranked = 1});
  }

  OwnedProblem owned;
  std::vector<uint16_t> dout;
};

constexpr Shape small{.rows = 40, .keys = 150, .dim = 16};

// "a; b": names that a failure shows.
std::string joined(const Names& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : "; ") + name;
  return text;
}

bool starts_any(const Names& names, const std::string& start) {
  return std::any_of(names.begin(), names.end(),
                     [&](const auto& name) { return name.starts_with(start); });
}

ErrorKind refusal(const Observation& seen) {
  try {
    identify(seen, {});
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("accepted");
  return {};
}

}  // namespace

TEST_CASE("all outputs of a kernel together lead to it and to no other") {
  const Call call(small);
  using enum Output;
  for (const Recipe* recipe : {&fa2_torch, &memeff_torch, &cudnn_9_19, &flex_triton}) {
    CAPTURE(recipe->name);
    std::vector<Observed> all;
    for (const Output output : all_outputs) all.push_back(call.made(*recipe, output));
    const auto found = call.identified(all);
    const Names kernels = found.kernels();
    CAPTURE(joined(kernels));
    CHECK_FALSE(kernels.empty());
    for (const auto& name : kernels) CHECK(name.starts_with(std::string(recipe->name) + "@h200"));
    CHECK(found.changes().empty());
    CHECK(found.ranking.front().elements() == 40 * 16 * 2 + 40 + 2 * 150 * 16);
  }
}

TEST_CASE("a layout of delta that the library picks by timing is the kernel as it is") {
  // Rows that see few keys have dP close to delta, so that its last bits show.
  const Call call({.rows = 70, .keys = 70, .dim = 64, .mask = causal_mask});
  const Problem& p = call.owned.problem;
  const Plan plan = make_plan(flex_triton, chip_named("h200"), p, {});
  const JudgedRun run = run_judged(plan, {.threads = 2});
  std::vector<uint32_t> o;
  for (const uint32_t code : run.o) o.push_back(detail::widened(bf16, code));
  BackwardPlan backward = make_backward_plan(plan, p);
  backward.delta = possible_delta_layouts(*backward.rules, p.dim).at(1);
  auto dq = run_backward(backward, {.dout = call.dout, .o = o, .lse = run.statistic}, {}).dq;
  for (auto& code : dq) code = static_cast<uint32_t>(code_of(bf16, code));
  const auto found = call.identified({{Output::dq, bf16, dq}});
  CHECK(joined(found.kernels()) == "flex-triton@h200 with delta=16x4; kernel@h200");
}

TEST_CASE("where kernels agree in every bit, all of them are named") {
  const Call call({.rows = 5, .keys = 1, .dim = 16});  // O is V
  const auto found = call.identified({call.made(fa2_torch, Output::o)});
  for (const char* kernel : {"fa2-torch@h200", "memeff-torch@h200", "cudnn-9.19@h200"}) {
    CHECK(starts_any(found.kernels(), kernel));
  }
}

TEST_CASE("the ranking has the best of each round, and no more than were asked for") {
  const Call call(small);
  Observed o = call.made(cudnn_9_19, Output::o);
  for (auto& code : o.codes) code ^= 1;
  const auto found = identify(call.seen({o}), {.threads = 2, .ranked = 2});
  CHECK_FALSE(found.found());
  const auto own = std::count_if(found.ranking.begin(), found.ranking.end(),
                                 [](const Match& match) { return match.as_it_is; });
  CHECK(own == 4);  // two on verified chips, two on others
  CHECK(std::is_sorted(found.ranking.begin(), found.ranking.end(),
                       [](const auto& a, const auto& b) { return a.different() < b.different(); }));
}

TEST_CASE("one wrong bit fits nothing, and the nearest kernel leads the ranking") {
  const Call call(small);
  Observed lse = call.made(memeff_torch, Output::lse);
  lse.codes[30] ^= 1;
  const auto found = call.identified({lse});
  CHECK_FALSE(found.found());
  CHECK(found.tried > 400);
  CHECK(found.ranking.front().kernel == "memeff-torch");
  CHECK(found.ranking.front().different() == 1);
  CHECK(found.ranking.front().tensors.front().first == 30);
}

TEST_CASE("a gradient whose dS was rounded by another mode names the cast") {
  const Call call(small);
  const auto found = call.identified({call.made(memeff_torch, Output::dk, "ds_cast=bf16:rz")});
  CHECK(found.kernels().empty());
  CHECK(joined(found.changes()) == "memeff-torch@h200 with ds_cast=bf16:rz");
}

TEST_CASE("O in a wider format than Q's is that of a kernel whose store is changed") {
  const Call call(small);
  const auto found = call.identified({call.made(fa2_torch, Output::o, "output_store=fp32")});
  CHECK(found.kernels().empty());
  CHECK(joined(found.changes()) == "fa2-torch@h200 with output_store=fp32");
}

TEST_CASE("any NaN is as good as another") {
  Call call({.rows = 5, .keys = 40, .dim = 16});
  call.owned.v[3] = 0x7FC0;
  Observed o = call.made(fa2_torch, Output::o);
  auto nan = std::find_if(o.codes.begin(), o.codes.end(),
                          [](uint32_t code) { return is_nan(bf16, code); });
  REQUIRE(nan != o.codes.end());
  *nan ^= 0x8001;
  CHECK(starts_any(call.identified({o}).kernels(), "fa2-torch"));
}

TEST_CASE("kernels that do not take the problem are kept with the reason") {
  Shape windowed = small;
  windowed.mask = {.left = 20, .right = 0};
  const Call call(windowed);
  const auto found = call.identified({call.made(fa2_torch, Output::o)});
  CHECK(joined(found.kernels()) == "fa2-torch@h200; fa2-pip@h200");
  const auto cudnn = std::find_if(found.refused.begin(), found.refused.end(),
                                  [](const auto& x) { return x.kernel == "cudnn-9.19"; });
  REQUIRE(cudnn != found.refused.end());
  CHECK(cudnn->why.find("windows") != std::string::npos);
}

TEST_CASE("what cannot be identified is refused") {
  const Call call(small);
  const Observed o = call.made(fa2_torch, Output::o);
  CHECK(refusal(call.seen({})) == ErrorKind::usage);
  CHECK(refusal(call.seen({o, o})) == ErrorKind::usage);
  Observed short_one = o;
  short_one.codes.pop_back();
  CHECK(refusal(call.seen({short_one})) == ErrorKind::input);
  Observed wide = o;
  wide.format = fp64;
  CHECK(refusal(call.seen({wide})) == ErrorKind::usage);
  auto without_do = call.seen({call.made(fa2_torch, Output::dq)});
  without_do.dout = {};
  CHECK(refusal(without_do) == ErrorKind::input);
}

TEST_CASE("the number of threads changes nothing, and a stop ends the search") {
  const Call call(small);
  const auto seen = call.seen({call.made(memeff_torch, Output::o, "probability_cast=bf16:rz")});
  const auto one = identify(seen, {.threads = 1, .ranked = 1});
  const auto seven = identify(seen, {.threads = 7, .ranked = 1});
  CHECK(starts_any(one.changes(), "memeff-torch@h200 with probability_cast=bf16:rz"));
  CHECK(one.changes() == seven.changes());
  CHECK(one.tried == seven.tried);
  const std::atomic<bool> stop = true;
  CHECK_FALSE(identify(seen, {.stop = &stop}).complete);
}
