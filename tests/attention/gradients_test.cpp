#include "ulpscope/attention/gradients.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <string>

#include "attention/gradient_problems.hpp"
#include "attention/naive_backward.hpp"
#include <doctest/doctest.h>
#include <tbb/global_control.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

constexpr Shape several_heads{.rows = 40,
                              .keys = 50,
                              .dim = 8,
                              .mask = causal_mask,
                              .batch = 2,
                              .heads = 4,
                              .kv_heads = 2,
                              .launch_heads = 60};

const std::array all_rules{&fa2_backward, &memeff_backward, &cudnn_backward, &flex_backward};

struct Prepared {
  Prepared(const BackwardRules& rules, const Shape& shape, uint64_t seed)
      : recipe(recipe_with(rules, Alignment::top_left)),
        g(random_gradients(seed, shape, Alignment::top_left)) {}
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  Recipe recipe;
  OwnedGradients g;
  Plan plan = make_plan(recipe, chip_named("h200"), g.owned.problem, {});
  BackwardPlan backward = make_backward_plan(plan, g.owned.problem);
};

bool same_bits(const Gradients& a, const Gradients& b) {
  return a.dq == b.dq && a.dk == b.dk && a.dv == b.dv && a.delta == b.delta;
}

// Query head h of batch b, alone with its K and V.
Gradients run_alone(const Prepared& all, int64_t batch, int64_t head) {
  const Problem& p = all.g.owned.problem;
  const int64_t q_size = p.rows * p.dim;
  const int64_t kv_size = p.keys * p.dim;
  const int64_t q_head = batch * p.heads + head;
  const int64_t kv_head = batch * p.kv_heads + head / (p.heads / p.kv_heads);
  const auto part = [](auto span, int64_t n, int64_t size) {
    return span.subspan(static_cast<size_t>(n * size), static_cast<size_t>(size));
  };
  Problem alone = p;
  alone.batch = alone.heads = alone.kv_heads = 1;
  alone.q = part(p.q, q_head, q_size);
  alone.k = part(p.k, kv_head, kv_size);
  alone.v = part(p.v, kv_head, kv_size);
  const Plan plan = make_plan(all.recipe, chip_named("h200"), alone, {});
  return run_backward(make_backward_plan(plan, alone),
                      {.dout = part(std::span(all.g.dout), q_head, q_size),
                       .o = part(std::span(all.g.o), q_head, q_size),
                       .lse = part(std::span(all.g.lse), q_head, p.rows)},
                      {.logging = Logging::off});
}

std::vector<uint32_t> part_of(const std::vector<uint32_t>& x, int64_t n, int64_t size) {
  return {x.begin() + n * size, x.begin() + (n + 1) * size};
}

}  // namespace

TEST_CASE("logging changes no bit, and without it there are no statistics") {
  for (const BackwardRules* rules : all_rules) {
    const Prepared all(*rules, several_heads, 1);
    const Gradients logged = run_backward(all.backward, all.g.inputs(), {});
    const Gradients silent = run_backward(all.backward, all.g.inputs(), {.logging = Logging::off});
    CHECK(same_bits(logged, silent));
    CHECK(logged.complete);
    CHECK((silent.sites == SiteStatistics{}));
    CHECK(logged.sites[index(Site::dp)].moments.count == 8 * 820);  // heads, visible pairs
    CHECK(logged.sites[index(Site::scores)].moments.count == 0);
  }
}

TEST_CASE("any number of threads gives the same bits and the same statistics") {
  // More threads than a small machine has cores, all the same.
  const tbb::global_control seven(tbb::global_control::max_allowed_parallelism, 7);
  for (const BackwardRules* rules : all_rules) {
    const Prepared all(*rules, several_heads, 2);
    const Gradients one = run_backward(all.backward, all.g.inputs(), {.threads = 1});
    for (const int threads : {2, 7}) {
      const Gradients many = run_backward(all.backward, all.g.inputs(), {.threads = threads});
      CHECK(same_bits(one, many));
      CHECK((one.sites == many.sites));
    }
  }
}

TEST_CASE("statistics count every pair that is seen, and every row and key once") {
  const Prepared all(fa2_backward, {.rows = 20, .keys = 30, .dim = 8, .mask = causal_mask}, 3);
  const Gradients result = run_backward(all.backward, all.g.inputs(), {});
  const auto count = [&](Site site) { return result.sites[index(site)].moments.count; };
  for (const Site site : {Site::bwd_scores, Site::bwd_probability, Site::dp, Site::ds,
                          Site::ds_cast, Site::bwd_probability_cast}) {
    CHECK(count(site) == 210);
    CHECK(result.sites[index(site)].rows.clusters == 20);
    CHECK(result.sites[index(site)].columns.clusters == 20);  // ten keys are seen by no row
  }
  CHECK(count(Site::bwd_lse) == 20);
  CHECK(count(Site::dq_store) == 160);
  CHECK(count(Site::dk_store) == 240);
  CHECK(count(Site::dv_accumulate) == 160);
  CHECK(count(Site::group_sum) == 0);
}

TEST_CASE("every head is the head alone, with the K and V of its group") {
  for (const BackwardRules* rules : all_rules) {
    const Prepared all(*rules, several_heads, 4);
    const Gradients together =
        run_backward(all.backward, all.g.inputs(), {.threads = 2, .logging = Logging::off});
    for (int64_t n = 0; n < 8; ++n) {
      const Gradients alone = run_alone(all, n / 4, n % 4);
      CHECK(part_of(together.dq, n, 40 * 8) == alone.dq);
      CHECK(part_of(together.delta, n, 40) == alone.delta);
    }
  }
}

TEST_CASE("rounded_then_summed: dK and dV of a group are the rounded sum of rounded heads") {
  using Register = Soft<fp32>;
  Shape groups_of_three = several_heads;
  groups_of_three.heads = 6;
  for (const BackwardRules* rules : {&fa2_backward, &memeff_backward, &cudnn_backward}) {
    const Prepared all(*rules, groups_of_three, 5);
    const Gradients together =
        run_backward(all.backward, all.g.inputs(), {.logging = Logging::off});
    for (int64_t group = 0; group < 4; ++group) {
      std::vector<Register> dk(50 * 8);
      std::vector<Register> dv(50 * 8);
      for (int64_t head = 3 * (group % 2); head < 3 * (group % 2) + 3; ++head) {
        const Gradients alone = run_alone(all, group / 2, head);
        for (size_t i = 0; i < dk.size(); ++i) {
          dk[i] += Register::from_bits(alone.dk[i]);
          dv[i] += Register::from_bits(alone.dv[i]);
        }
      }
      const auto rounded = [](const std::vector<Register>& x) {
        std::vector<uint32_t> bits;
        for (const Register r : x) bits.push_back(Register(Soft<bf16>(r)).bits());
        return bits;
      };
      CHECK(part_of(together.dk, group, 50 * 8) == rounded(dk));
      CHECK(part_of(together.dv, group, 50 * 8) == rounded(dv));
    }
  }
}

TEST_CASE("one_chain: the heads of a group go through the same accumulators") {
  Shape one_group = several_heads;
  one_group.batch = one_group.kv_heads = 1;
  one_group.heads = 3;
  const Prepared all(flex_backward, one_group, 6);
  const Problem& p = all.g.owned.problem;
  const Gradients chained = run_backward(all.backward, all.g.inputs(), {.logging = Logging::off});

  NaiveBackward<Soft<bf16>, Soft<fp32>> twin(all.backward, Kernel::flex, {});
  for (size_t head = 0; head < 3; ++head) {
    constexpr size_t size = 40 * 8;
    twin.sweep({.q = p.q.subspan(head * size, size),
                .k = p.k,
                .v = p.v,
                .dout = std::span(all.g.dout).subspan(head * size, size),
                .o = std::span(all.g.o).subspan(head * size, size),
                .lse = std::span(all.g.lse).subspan(head * 40, 40)});
  }
  twin.finish();
  const auto bits = [](const Registers& x) {
    std::vector<uint32_t> result;
    for (const auto& r : x) result.push_back(r.bits());
    return result;
  };
  CHECK(chained.dk == bits(twin.dk));
  CHECK(chained.dv == bits(twin.dv));

  BackwardRules rules = flex_backward;
  rules.group = GroupGradient::rounded_then_summed;
  const Prepared other(rules, one_group, 6);
  const Gradients summed =
      run_backward(other.backward, other.g.inputs(), {.logging = Logging::off});
  CHECK(summed.dq == chained.dq);
  CHECK(summed.dk != chained.dk);
  CHECK(summed.dv != chained.dv);
}

TEST_CASE("inputs of another size than q's are input errors that name the tensor") {
  const Prepared all(fa2_backward, {.rows = 4, .keys = 4, .dim = 8}, 7);
  const auto message = [&](const BackwardInputs& inputs) {
    try {
      run_backward(all.backward, inputs, {});
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::input);
      return std::string(error.what());
    }
    return std::string();
  };
  BackwardInputs inputs = all.g.inputs();
  CHECK(message(inputs).empty());
  inputs.dout = inputs.dout.first(31);
  CHECK(message(inputs) == "do has 31 elements; expected 32");
  inputs = all.g.inputs();
  inputs.o = inputs.o.first(8);
  CHECK(message(inputs) == "o has 8 elements; expected 32");
  inputs = all.g.inputs();
  inputs.lse = inputs.lse.first(3);
  CHECK(message(inputs) == "lse has 3 elements; expected 4");
}

TEST_CASE("progress counts every query head once") {
  const Prepared all(fa2_backward, several_heads, 8);
  std::mutex mutex;
  std::set<int64_t> seen;
  run_backward(all.backward, all.g.inputs(),
               {.threads = 2, .logging = Logging::off, .progress = [&](int64_t done) {
                  const std::lock_guard lock(mutex);
                  seen.insert(done);
                }});
  CHECK(seen.size() == 8);
  CHECK(*seen.begin() == 1);
  CHECK(*seen.rbegin() == 8);
}

TEST_CASE("a run that is told to stop leaves heads out and says so") {
  const Prepared all(fa2_backward, several_heads, 9);
  std::atomic<bool> stop = true;
  const Gradients nothing =
      run_backward(all.backward, all.g.inputs(), {.threads = 2, .stop = &stop});
  CHECK_FALSE(nothing.complete);
  CHECK(std::all_of(nothing.dq.begin(), nothing.dq.end(), [](uint32_t x) { return x == 0; }));

  stop = false;
  int64_t heads = 0;
  const Gradients some = run_backward(all.backward, all.g.inputs(),
                                      {.progress =
                                           [&](int64_t done) {
                                             heads = done;
                                             stop = done >= 3;
                                           },
                                       .stop = &stop});
  CHECK_FALSE(some.complete);
  CHECK(heads == 3);

  stop = false;
  CHECK(run_backward(all.backward, all.g.inputs(), {.threads = 2, .stop = &stop}).complete);
}
