// Small problems for the tests of the backward pass: those of problems.hpp with dO, and with O and
// LSE as the mathematics has them, so that these tests need no forward kernel.
#pragma once

#include "ulpscope/attention/gradients.hpp"
#include "ulpscope/attention/recipes/backward.hpp"

#include <limits>

#include "attention/problems.hpp"

namespace ulpscope::test {

inline double number(const Format& f, uint16_t code) {
  return static_cast<double>(Soft<fp32>::from_bits(detail::widened(f, code)));
}

// A recipe with another backward pass.
inline Recipe recipe_with(const BackwardRules& rules, Alignment alignment) {
  Recipe recipe = fa2_torch;
  recipe.alignment = alignment;
  recipe.backward = &rules;
  return recipe;
}

// The same rules with tiles so small that a small problem has several.
inline BackwardRules in_small_tiles(const BackwardRules& rules) {
  static constexpr std::array tiles{TileRow{.largest_dim = 256, .rows = 32, .keys = 16}};
  BackwardRules small = rules;
  small.tiles = tiles;
  return small;
}

struct OwnedGradients {
  OwnedProblem owned;
  std::vector<uint16_t> dout;
  std::vector<uint32_t> o;
  std::vector<uint32_t> lse;

  BackwardInputs inputs() const { return {.dout = dout, .o = o, .lse = lse}; }
};

enum class LseBase { natural, two };

// O and LSE in binary64, rounded once; a row that sees nothing has O = 0 and LSE = +infinity.
inline void fill_forward(OwnedGradients& g, Alignment alignment, LseBase base) {
  const Problem& p = g.owned.problem;
  g.o.clear();
  g.lse.clear();
  for (int64_t row = 0; row < p.batch * p.heads * p.rows; ++row) {
    const int64_t head = row / p.rows;
    const int64_t kv_head = head / p.heads * p.kv_heads + head % p.heads / (p.heads / p.kv_heads);
    const auto at = [&](std::span<const uint16_t> x, int64_t i, int64_t d) {
      return number(p.format, x[static_cast<size_t>(i * p.dim + d)]);
    };
    std::vector<double> o(static_cast<size_t>(p.dim));
    double sum = 0;
    const SeenKeys seen = seen_keys(p, alignment, row % p.rows);
    for (int64_t j = seen.first; j < seen.end; ++j) {
      double score = 0;
      for (int64_t d = 0; d < p.dim; ++d) {
        score += at(p.q, row, d) * at(p.k, kv_head * p.keys + j, d);
      }
      const double weight = std::exp(score * static_cast<double>(Soft<fp32>::from_bits(p.scale)));
      sum += weight;
      for (int64_t d = 0; d < p.dim; ++d) {
        o[static_cast<size_t>(d)] += weight * at(p.v, kv_head * p.keys + j, d);
      }
    }
    const bool sees = seen.first < seen.end;
    for (const double x : o) {
      g.o.push_back(detail::widened(p.format, code16(p.format, sees ? x / sum : 0.0)));
    }
    const double lse = base == LseBase::natural ? std::log(sum) : std::log2(sum);
    g.lse.push_back(sees ? Soft<fp32>(lse).bits() : detail::infinity32);
  }
}

inline OwnedGradients random_gradients(uint64_t seed, const Shape& shape, Alignment alignment,
                                       const Format& format = bf16,
                                       LseBase base = LseBase::natural) {
  OwnedGradients g{.owned = random_problem(seed, shape, format), .dout = {}, .o = {}, .lse = {}};
  Random random(seed + 1'000'000);
  g.dout = random_codes(random, format, static_cast<int64_t>(g.owned.q.size()), 1.0, 2);
  fill_forward(g, alignment, base);
  return g;
}

}  // namespace ulpscope::test
