// The gradients of the paper's compiled code as its formulas read, over Soft: the plain twin of
// the backward rules paper and paper_inside, on shapes small enough to read. It shares the numeric
// types and the functions of the chip with the pass, and none of its steps.
#include "ulpscope/attention/gradients.hpp"
#include "ulpscope/attention/recipes/paper.hpp"
#include "ulpscope/hardware/library_functions.hpp"
#include "ulpscope/hardware/profiles/mufu_sm90.hpp"

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

using Register = Soft<fp32>;
using Half = Soft<bf16>;
using Registers = std::vector<Register>;

constexpr Shape tall{.rows = 530, .keys = 24, .dim = 16};
constexpr Shape wide{.rows = 24, .keys = 530, .dim = 16, .mask = causal_mask};
constexpr Shape square{.rows = 600, .keys = 520, .dim = 16, .mask = causal_mask};

Register bf(Register x) { return Register(Half(x)); }
Register widened(uint16_t code) { return Register(Half::from_bits(code)); }

enum class Autocast { outside, inside };

// Operands, and what the forward pass left.
struct Inputs {
  OwnedProblem owned;
  std::vector<uint16_t> dout;
  std::vector<uint32_t> o, lse;
};

class BackwardTwin {
 public:
  BackwardTwin(const Plan& plan, const Inputs& inputs, Autocast autocast)
      : plan_(plan), p_(plan.problem), in_(inputs), outside_(autocast == Autocast::outside) {
    const auto cells = static_cast<size_t>(p_.rows * p_.keys);
    probability_.resize(cells, Register(0.0));
    ds_.resize(cells, Register(0.0));
    for (int64_t i = 0; i < p_.rows; ++i) row(i);
  }

  uint32_t dq(int64_t i, int64_t d) const {
    return sum_of_tiles(
        p_.keys, [&](int64_t j) { return at(ds_, i, j); },
        [&](int64_t j) { return element(p_.k, j, d); });
  }
  uint32_t dk(int64_t j, int64_t d) const {
    return sum_of_tiles(
        p_.rows, [&](int64_t i) { return at(ds_, i, j); },
        [&](int64_t i) { return element(p_.q, i, d); });
  }
  uint32_t dv(int64_t j, int64_t d) const {
    return sum_of_tiles(
        p_.rows, [&](int64_t i) { return at(probability_, i, j); },
        [&](int64_t i) { return element(in_.dout, i, d); });
  }

 private:
  Register at(const Registers& x, int64_t i, int64_t j) const {
    return x[static_cast<size_t>(i * p_.keys + j)];
  }
  uint16_t element(std::span<const uint16_t> x, int64_t i, int64_t d) const {
    return x[static_cast<size_t>(i * p_.dim + d)];
  }

  Register tensor_core(const std::vector<uint16_t>& a, const std::vector<uint16_t>& b) const {
    return bf(Register::from_bits(
        fused_chain(plan_.sum, {bf16, bf16}, 0, a.data(), b.data(), static_cast<int>(a.size()))));
  }
  Register dot(std::span<const uint16_t> x, int64_t i, std::span<const uint16_t> y,
               int64_t j) const {
    std::vector<uint16_t> a;
    std::vector<uint16_t> b;
    for (int64_t d = 0; d < p_.dim; ++d) {
      a.push_back(element(x, i, d));
      b.push_back(element(y, j, d));
    }
    return tensor_core(a, b);
  }

  // Two threads of eight columns.
  Register delta(int64_t i) const {
    Register half[2] = {Register(0.0), Register(0.0)};
    for (int64_t d = 0; d < p_.dim; ++d) {
      const Register o = Register::from_bits(in_.o[static_cast<size_t>(i * p_.dim + d)]);
      const Register product = widened(element(in_.dout, i, d)) * o;
      half[d / 8] = d % 8 == 0 ? product : half[d / 8] + product;
    }
    return outside_ ? half[0] + half[1] : bf(half[0] + half[1]);
  }

  void row(int64_t i) {
    const Register scale = Register::from_bits(p_.scale);
    const Register lse = Register::from_bits(in_.lse[static_cast<size_t>(i)]);
    const Register delta_i = delta(i);
    for (int64_t j = 0; j < p_.keys; ++j) {
      if (p_.mask == causal_mask && j > i) continue;
      const Register x = dot(p_.q, i, p_.k, j) * scale - lse;
      const Register p = Register::from_bits(library_expf(mufu_sm90, x.bits()));
      const Register ds = p * (dot(in_.dout, i, p_.v, j) - delta_i) * scale;
      const auto cell = static_cast<size_t>(i * p_.keys + j);
      probability_[cell] = outside_ ? bf(p) : p;
      ds_[cell] = outside_ ? bf(ds) : ds;
    }
  }

  template <class Left, class Right>
  uint32_t sum_of_tiles(int64_t length, Left&& left, Right&& right) const {
    Register sum(0.0);
    for (int64_t first = 0; first < length; first += 512) {
      const int64_t end = std::min<int64_t>(first + 512, length);
      std::vector<uint16_t> a;
      std::vector<uint16_t> b;
      Register chain(0.0);
      for (int64_t n = first; n < end; ++n) {
        a.push_back(static_cast<uint16_t>(Half(left(n)).bits()));
        b.push_back(right(n));
        chain = fma(left(n), widened(right(n)), chain);
      }
      sum = sum + (outside_ ? tensor_core(a, b) : chain);
    }
    return bf(sum).bits();
  }

  const Plan& plan_;
  const Problem& p_;
  const Inputs& in_;
  bool outside_;
  Registers probability_, ds_;
};

// The compiled row for any shape: its forward pass only supplies O and the LSE here.
Recipe anywhere(Recipe recipe) {
  recipe.only = {};
  return recipe;
}

Inputs inputs_of(const Recipe& recipe, uint64_t seed, const Shape& shape) {
  Inputs inputs{.owned = random_problem(seed, shape, bf16), .dout = {}, .o = {}, .lse = {}};
  Random random(seed + 100);
  inputs.dout = random_codes(random, bf16, shape.rows * shape.dim);
  const Plan plan = make_plan(recipe, chip_named("h200"), inputs.owned.problem, {});
  const Outputs forward = run_one_head(plan);
  for (const uint64_t code : forward.o) {
    inputs.o.push_back(widened(static_cast<uint16_t>(code)).bits());
  }
  inputs.lse = forward.lse;
  return inputs;
}

void holds(const Recipe& row, Autocast autocast, uint64_t seed, const Shape& shape) {
  const Recipe recipe = anywhere(row);
  const Inputs inputs = inputs_of(recipe, seed, shape);
  const Plan plan = make_plan(recipe, chip_named("h200"), inputs.owned.problem, {});
  const BackwardInputs given{.dout = inputs.dout, .o = inputs.o, .lse = inputs.lse};
  const BackwardPlan backward = make_backward_plan(plan, inputs.owned.problem);
  const Gradients gradients =
      run_backward(backward, given, {.threads = 2, .logging = Logging::off});
  const BackwardTwin twin(plan, inputs, autocast);
  int64_t different = 0;
  for (int64_t d = 0; d < shape.dim; ++d) {
    for (int64_t i = 0; i < shape.rows; ++i) {
      different += gradients.dq[static_cast<size_t>(i * shape.dim + d)] != twin.dq(i, d);
    }
    for (int64_t j = 0; j < shape.keys; ++j) {
      different += gradients.dk[static_cast<size_t>(j * shape.dim + d)] != twin.dk(j, d);
      different += gradients.dv[static_cast<size_t>(j * shape.dim + d)] != twin.dv(j, d);
    }
  }
  CHECK(different == 0);
}

}  // namespace

TEST_CASE("gradients of the paper's code with autocast outside are what their formulas say") {
  holds(paper_compiled, Autocast::outside, 1, tall);
  holds(paper_compiled, Autocast::outside, 2, wide);
  holds(paper_compiled_stable, Autocast::outside, 3, square);
}

TEST_CASE("gradients of the paper's code with autocast inside are what their formulas say") {
  holds(paper_compiled_inside, Autocast::inside, 4, tall);
  holds(paper_compiled_inside_stable, Autocast::inside, 5, wide);
}

TEST_CASE("logging changes no bit of the paper's gradients") {
  for (const Recipe& row : {paper_compiled, paper_compiled_inside}) {
    const Recipe recipe = anywhere(row);
    const Inputs inputs = inputs_of(recipe, 7, tall);
    const Plan plan = make_plan(recipe, chip_named("h200"), inputs.owned.problem, {});
    const BackwardPlan backward = make_backward_plan(plan, inputs.owned.problem);
    const BackwardInputs given{.dout = inputs.dout, .o = inputs.o, .lse = inputs.lse};
    const Gradients plain = run_backward(backward, given, {.logging = Logging::off});
    const Gradients logged = run_backward(backward, given, {.logging = Logging::on});
    CHECK(plain.dq == logged.dq);
    CHECK(plain.dk == logged.dk);
    CHECK(plain.dv == logged.dv);
  }
}

TEST_CASE("logging changes no bit of the paper's eager code") {
  const auto owned = random_problem(6, wide);
  const Plan plan = make_plan(paper_eager_stable, chip_named("h200"), owned.problem, {});
  TileLog log(plan.tile_rows, plan.problem.keys, plan.problem.dim);
  CHECK(run_one_head(plan, log) == run_one_head(plan));
}
