// Small attention problems for the tests of this room: random operands, and a way to run the pass
// on one head and look at its codes.
#pragma once

#include "ulpscope/attention/driver.hpp"
#include "ulpscope/attention/recipes/fa2_torch.hpp"

#include <cmath>
#include <random>
#include <vector>

namespace ulpscope::test {

// Operands that a Problem looks into. Moving keeps the views valid, copying would not.
struct OwnedProblem {
  std::vector<uint16_t> q, k, v;
  Problem problem;

  OwnedProblem() = default;
  OwnedProblem(OwnedProblem&&) = default;
  OwnedProblem& operator=(OwnedProblem&&) = default;
};

struct Shape {
  int64_t rows;
  int64_t keys;
  int64_t dim;
  Mask mask = no_mask;
  int64_t batch = 1;
  int64_t heads = 1;
  int64_t kv_heads = 1;
  // Heads of the whole launch: 0 for so many that no kernel splits its keys.
  int64_t launch_heads = 0;
};

// Sums of uniform numbers: near enough to normal ones, and the same with every standard library.
class Random {
 public:
  explicit Random(uint64_t seed) : bits_(seed) {}
  uint64_t word() { return bits_(); }
  int64_t below(int64_t end) { return static_cast<int64_t>(word() % static_cast<uint64_t>(end)); }
  double uniform() { return static_cast<double>(word() >> 11) * 0x1p-53; }
  double bell() {
    constexpr double to_unit_variance = 1.7320508;  // of four uniform numbers: 1/3
    return (uniform() + uniform() + uniform() + uniform() - 2) * to_unit_variance;
  }

 private:
  std::mt19937_64 bits_;
};

inline uint16_t code16(const Format& f, double x) {
  const auto exact = decode<uint128>(fp64, bit_cast<uint64_t>(x));
  return static_cast<uint16_t>(round_pack(f, exact, nearest_even).bits);
}

// Bell-shaped numbers of the given width, each times 2^n with n in [-spread, spread].
inline std::vector<uint16_t> random_codes(Random& random, const Format& f, int64_t count,
                                          double width = 1.0, int spread = 0) {
  std::vector<uint16_t> codes(static_cast<size_t>(count));
  for (auto& code : codes) {
    const auto n = static_cast<int>(random.below(2 * spread + 1)) - spread;
    code = code16(f, std::ldexp(width * random.bell(), n));
  }
  return codes;
}

inline OwnedProblem random_problem(uint64_t seed, const Shape& shape, const Format& format = bf16,
                                   double width = 1.5, int spread = 0) {
  Random random(seed);
  OwnedProblem owned;
  const int64_t q_size = shape.batch * shape.heads * shape.rows * shape.dim;
  const int64_t k_size = shape.batch * shape.kv_heads * shape.keys * shape.dim;
  owned.q = random_codes(random, format, q_size, width, spread);
  owned.k = random_codes(random, format, k_size, width, spread);
  owned.v = random_codes(random, format, k_size, 1.0, spread);
  constexpr int64_t many = 100'000;
  owned.problem = {
      .batch = shape.batch,
      .heads = shape.heads,
      .kv_heads = shape.kv_heads,
      .rows = shape.rows,
      .keys = shape.keys,
      .dim = shape.dim,
      .format = format,
      .mask = shape.mask,
      .scale = default_scale(shape.dim),
      .launch = {.batch = shape.batch, .heads = shape.launch_heads > 0 ? shape.launch_heads : many},
      .q = owned.q,
      .k = owned.k,
      .v = owned.v};
  return owned;
}

inline Plan plan_of(const OwnedProblem& owned, std::vector<SiteOverride> overrides = {}) {
  return make_plan(fa2_torch, chip_named("h200"), owned.problem, overrides);
}

// Codes of O and bits of LSE, all heads in order.
struct Outputs {
  std::vector<uint64_t> o;
  std::vector<uint32_t> lse;

  friend bool operator==(const Outputs&, const Outputs&) = default;
};

// The pass on a problem of one head, tile after tile.
template <class Sink>
Outputs run_one_head(const Plan& plan, Sink& sink) {
  const HeadOperands head = decode_head(plan, 0, 0);
  ForwardPass<Sink> pass(plan, head, sink);
  TileOutput tile;
  Outputs all;
  for (int64_t first = 0; first < plan.problem.rows; first += plan.tile_rows) {
    const int64_t count = std::min(plan.tile_rows, plan.problem.rows - first);
    pass.run({.batch = 0, .head = 0, .first = first, .count = count}, tile);
    for (const uint32_t o : tile.o) all.o.push_back(output_code(plan, o));
    all.lse.insert(all.lse.end(), tile.lse.begin(), tile.lse.end());
  }
  return all;
}

inline Outputs run_one_head(const Plan& plan) {
  NullSink sink;
  return run_one_head(plan, sink);
}

}  // namespace ulpscope::test
