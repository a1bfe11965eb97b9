// The paper's code as its formulas read, over Soft, a row and a tile at a time: the plain twin of
// the rows paper-eager and paper-eager+stable. It shares the numeric types and the functions of the
// chip with the pass, and none of its steps.
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
using Codes = std::vector<uint16_t>;
using Registers = std::vector<Register>;

Register bf(Register x) { return Register(Half(x)); }
Register exponential(Register x) { return Register::from_bits(library_expf(mufu_sm90, x.bits())); }
Register larger(Register x, Register y) { return x >= y ? x : y; }

class EagerTwin {
 public:
  EagerTwin(const Plan& plan, bool stable) : plan_(plan), p_(plan.problem), stable_(stable) {}

  Outputs run() const {
    Outputs all;
    for (int64_t i = 0; i < p_.rows; ++i) row(i, all);
    return all;
  }

 private:
  static constexpr int64_t tile = 512;

  Register product(const Codes& a, const Codes& b) const {
    return bf(Register::from_bits(
        fused_chain(plan_.sum, {bf16, bf16}, 0, a.data(), b.data(), static_cast<int>(a.size()))));
  }
  Codes line(std::span<const uint16_t> codes, int64_t i) const {
    return {codes.begin() + i * p_.dim, codes.begin() + (i + 1) * p_.dim};
  }

  Registers scores(int64_t i, int64_t first, int64_t end) const {
    const Register scale = Register::from_bits(p_.scale);
    Registers s;
    for (int64_t j = first; j < end; ++j) {
      const bool hidden = p_.mask == causal_mask && j > i;
      s.push_back(hidden ? Register::from_bits(0xFF7F'0000)
                         : bf(product(line(p_.q, i), line(p_.k, j)) * scale));
    }
    return s;
  }

  Register maximum(const Registers& s) const {
    Register most = s[0];
    for (const Register x : s) most = larger(most, x);
    const Register least = bf(most - Register(1e-3));
    const auto near = std::count_if(s.begin(), s.end(), [&](Register x) { return x >= least; });
    if (!stable_ || near < 2) return most;
    return most < Register(0.0) ? Register(0.0) : Register(2.0) * most;
  }

  static Register row_sum(const Registers& p) {
    Registers threads(128, Register(0.0));
    for (size_t c = 0; c < p.size(); ++c) threads[c % 128] = threads[c % 128] + p[c];
    Registers warp;
    for (size_t t = 0; t < 128; t += 4) {
      warp.push_back(threads[t] + threads[t + 1] + threads[t + 2] + threads[t + 3]);
    }
    for (size_t distance = 1; distance < 32; distance *= 2) {
      for (size_t t = 0; t + distance < 32; ++t) warp[t] = warp[t] + warp[t + distance];
    }
    return larger(warp[0], Register(1e-10));
  }

  void row(int64_t i, Outputs& all) const {
    Register m = Register::from_bits(0xFF7F'0000);
    Register l(0.0);
    Registers o(static_cast<size_t>(p_.dim), Register(0.0));
    for (int64_t first = 0; first < p_.keys; first += tile) {
      const int64_t end = std::min(first + tile, p_.keys);
      const Registers s = scores(i, first, end);
      const Register raised = larger(m, maximum(s));
      const Register r = exponential(bf(m - raised));
      Registers p;
      Codes p16;
      for (const Register x : s) {
        p.push_back(exponential(bf(x - raised)));
        p16.push_back(static_cast<uint16_t>(Half(p.back()).bits()));
      }
      l = bf(r * l + row_sum(p));
      for (size_t d = 0; d < o.size(); ++d) {
        Codes column;
        for (int64_t j = first; j < end; ++j) column.push_back(line(p_.v, j)[d]);
        o[d] = bf(bf(o[d] * r) + product(p16, column));
      }
      m = raised;
    }
    for (const Register x : o) all.o.push_back(Half(x / l).bits());
    all.lse.push_back((Register::from_bits(library_logf(l.bits())) + m).bits());
  }

  const Plan& plan_;
  const Problem& p_;
  bool stable_;
};

// Keys 0 and 1 are equal, so that many rows reach their maximum twice.
OwnedProblem with_equal_keys(uint64_t seed, const Shape& shape) {
  OwnedProblem owned = random_problem(seed, shape, bf16, 1.5);
  std::copy_n(owned.k.begin(), shape.dim, owned.k.begin() + shape.dim);
  return owned;
}

void holds(const OwnedProblem& owned) {
  const Plan eager = make_plan(paper_eager, chip_named("h200"), owned.problem, {});
  const Plan stable = make_plan(paper_eager_stable, chip_named("h200"), owned.problem, {});
  CHECK(run_one_head(eager) == EagerTwin(eager, false).run());
  CHECK(run_one_head(stable) == EagerTwin(stable, true).run());
  CHECK(run_one_head(eager).o != run_one_head(stable).o);
}

}  // namespace

TEST_CASE("the paper's eager code computes what its formulas say, over a whole and a cut tile") {
  holds(with_equal_keys(1, {.rows = 24, .keys = 600, .dim = 16}));
}

TEST_CASE("a tile that the mask hides entirely takes part, and so does a scale of many bits") {
  holds(with_equal_keys(2, {.rows = 24, .keys = 600, .dim = 24, .mask = causal_mask}));
}
