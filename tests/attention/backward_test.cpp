// The tiled backward pass and the naive one over Soft end in the same bits: five kernels, any mask,
// any format at any site.
#include "ulpscope/round/names.hpp"

#include <set>
#include <string>

#include "attention/gradient_problems.hpp"
#include "attention/naive_backward.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

struct KernelRow {
  Kernel kernel;
  const BackwardRules* rules;
  Alignment alignment;
  const char* name;
  LseBase base = LseBase::natural;
};
constexpr auto top_left = Alignment::top_left;
constexpr auto bottom_right = Alignment::bottom_right;
const std::array kernels{
    KernelRow{Kernel::fa2, &fa2_backward, bottom_right, "fa2"},
    KernelRow{Kernel::memeff, &memeff_backward, top_left, "memeff"},
    KernelRow{Kernel::cudnn, &cudnn_backward, top_left, "cudnn"},
    KernelRow{Kernel::flex, &flex_backward, top_left, "flex", LseBase::two},
    KernelRow{Kernel::fa2_fast_math, &fa2_fast_math_backward, bottom_right, "fa2_fast_math"},
};

struct Bits {
  std::vector<uint32_t> dq, dk, dv, delta;
  friend bool operator==(const Bits&, const Bits&) = default;
};

Bits run_tiled(const Recipe& recipe, const OwnedGradients& g,
               std::vector<SiteOverride> overrides = {}) {
  const Problem& p = g.owned.problem;
  const Plan plan = make_plan(recipe, chip_named("h200"), p, overrides);
  Gradients result =
      run_backward(make_backward_plan(plan, p), g.inputs(), {.logging = Logging::off});
  return {result.dq, result.dk, result.dv, result.delta};
}

template <class Changed>
std::vector<SiteOverride> overrides_of(const std::vector<Site>& sites) {
  std::vector<SiteOverride> overrides;
  for (const Site site : sites) overrides.push_back({site, {Changed::format, Changed::rounding}});
  return overrides;
}

template <class Input, class Changed>
Bits run_naively(const Recipe& recipe, Kernel kernel, const OwnedGradients& g,
                 const std::vector<Site>& changed = {}) {
  const Problem& p = g.owned.problem;
  const Plan plan = make_plan(recipe, chip_named("h200"), p, overrides_of<Changed>(changed));
  const BackwardPlan backward = make_backward_plan(plan, p);
  NaiveBackward<Input, Changed> twin(backward, kernel, changed);
  twin.sweep({.q = p.q, .k = p.k, .v = p.v, .dout = g.dout, .o = g.o, .lse = g.lse});
  twin.finish();
  const auto bits = [](const Registers& x) {
    std::vector<uint32_t> result;
    for (const Register r : x) result.push_back(r.bits());
    return result;
  };
  return {bits(twin.dq), bits(twin.dk), bits(twin.dv), bits(twin.delta)};
}

size_t differences(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  REQUIRE(a.size() == b.size());
  size_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) count += a[i] != b[i];
  return count;
}
void same_bits(const Bits& tiled, const Bits& naive) {
  CHECK(differences(tiled.delta, naive.delta) == 0);
  CHECK(differences(tiled.dq, naive.dq) == 0);
  CHECK(differences(tiled.dk, naive.dk) == 0);
  CHECK(differences(tiled.dv, naive.dv) == 0);
}

Bits holds_as_built(const KernelRow& kernel, const Recipe& recipe, const OwnedGradients& g) {
  CAPTURE(std::string(kernel.name));
  const Bits tiled = run_tiled(recipe, g);
  same_bits(tiled, g.owned.problem.format == bf16
                       ? run_naively<Soft<bf16>, Register>(recipe, kernel.kernel, g)
                       : run_naively<Soft<fp16>, Register>(recipe, kernel.kernel, g));
  return tiled;
}

void every_kernel_holds(uint64_t seed, const Shape& shape, const Format& format = bf16) {
  CAPTURE(shape.rows);
  CAPTURE(shape.keys);
  CAPTURE(shape.dim);
  for (const KernelRow& kernel : kernels) {
    const Recipe recipe = recipe_with(*kernel.rules, kernel.alignment);
    holds_as_built(kernel, recipe,
                   random_gradients(seed, shape, kernel.alignment, format, kernel.base));
  }
}

// P, and the dV that is made of it, as they are before they are rounded to 16 bits.
const std::vector<Site> p_and_dv{Site::bwd_probability_cast, Site::dv_store};

void holds_to_the_last_bit(const KernelRow& kernel, const Shape& shape) {
  CAPTURE(std::string(kernel.name));
  CAPTURE(shape.rows);
  CAPTURE(shape.keys);
  const Recipe recipe = recipe_with(*kernel.rules, kernel.alignment);
  const auto g = random_gradients(10, shape, kernel.alignment, bf16, kernel.base);
  same_bits(run_tiled(recipe, g, overrides_of<Register>(p_and_dv)),
            run_naively<Soft<bf16>, Register>(recipe, kernel.kernel, g, p_and_dv));
}

// The sites that a kernel's steps round at.
std::set<Site> sites_of(Kernel kernel) {
  using enum Site;
  std::set<Site> sites{delta,
                       bwd_scores,
                       bwd_scaled_score,
                       bwd_shifted_score,
                       bwd_probability,
                       bwd_probability_cast,
                       dp,
                       dp_minus_delta,
                       ds,
                       ds_cast,
                       dv_accumulate,
                       dk_accumulate,
                       dq_accumulate,
                       dv_store,
                       dk_store,
                       dq_store};
  switch (kernel) {
    case Kernel::fa2: sites.insert({bwd_lse, dq_add, dq_combine, dk_scale, dq_scale}); break;
    case Kernel::fa2_fast_math:
      sites.erase(bwd_scaled_score);
      sites.insert({bwd_lse, dq_add, dq_combine, dk_scale, dq_scale});
      break;
    case Kernel::memeff: sites.insert(ds_scale); break;
    case Kernel::cudnn:
      sites.erase(bwd_scaled_score);
      sites.insert({bwd_log2_score, ds_scale, dq_combine});
      break;
    case Kernel::flex: sites.insert({bwd_log2_score, dk_scale, dq_scale}); break;
  }
  return sites;
}

// Three dQ buffers where the kernel has some; a scale that is no power of two.
constexpr Shape many_tiles{
    .rows = 40, .keys = 56, .dim = 8, .mask = causal_mask, .launch_heads = 60};

// Every site in the format and rounding of Changed; the sites where no bit moved by that.
template <class Changed>
std::set<Site> unfelt_sites(const KernelRow& kernel) {
  CAPTURE(std::string(kernel.name));
  CAPTURE(format_name(Changed::format) + ":" + rounding_name(Changed::rounding));
  const BackwardRules rules = in_small_tiles(*kernel.rules);
  const Recipe recipe = recipe_with(rules, kernel.alignment);
  const auto g = random_gradients(21, many_tiles, kernel.alignment, bf16, kernel.base);
  const Bits plain = run_tiled(recipe, g);
  std::set<Site> unfelt;
  for (const Site site : sites_of(kernel.kernel)) {
    CAPTURE(std::string(row_of(site).name));
    const Bits tiled = run_tiled(recipe, g, overrides_of<Changed>({site}));
    same_bits(tiled, run_naively<Soft<bf16>, Changed>(recipe, kernel.kernel, g, {site}));
    if (tiled == plain) unfelt.insert(site);
  }
  return unfelt;
}

template <class Changed>
void holds_at_every_site() {
  for (const KernelRow& kernel : kernels) {
    CAPTURE(std::string(kernel.name));
    for (const Site site : unfelt_sites<Changed>(kernel)) {
      CAPTURE(std::string(row_of(site).name));
      CHECK(false);
    }
  }
}

uint16_t random_special(Random& random) {
  constexpr uint16_t specials[] = {0x7F80, 0xFF80, 0x7FC0, 0x7F81, 0xFFFF, 0x7F7F, 0x0001, 0x8000};
  return specials[random.below(8)];
}

}  // namespace

TEST_CASE("the pass computes what the notes on the kernels say") {
  every_kernel_holds(1, {.rows = 40, .keys = 270, .dim = 8});
  every_kernel_holds(2, {.rows = 270, .keys = 40, .dim = 8}, fp16);
  every_kernel_holds(3, {.rows = 140, .keys = 150, .dim = 8, .mask = causal_mask}, fp16);
  every_kernel_holds(4, {.rows = 150, .keys = 140, .dim = 8, .mask = {.left = 30, .right = 9}});
  every_kernel_holds(5, {.rows = 20, .keys = 140, .dim = 8, .mask = {.left = 30, .right = -1}});
}

TEST_CASE("any head size has its tiles and its layout of delta") {
  for (const int64_t dim : {24, 40, 72, 100, 136, 200}) {
    every_kernel_holds(static_cast<uint64_t>(dim), {.rows = 9, .keys = 11, .dim = dim},
                       dim % 16 == 0 ? bf16 : fp16);
  }
}

TEST_CASE("one row, one key, one pair") {
  every_kernel_holds(6, {.rows = 1, .keys = 150, .dim = 16});
  every_kernel_holds(7, {.rows = 1, .keys = 150, .dim = 16, .mask = causal_mask});
  every_kernel_holds(8, {.rows = 150, .keys = 1, .dim = 16}, fp16);
  every_kernel_holds(9, {.rows = 1, .keys = 1, .dim = 1});
}

TEST_CASE("P and dV are the twin's to the last bit before they are rounded to 16 bits") {
  for (const KernelRow& kernel : kernels) {
    holds_to_the_last_bit(kernel, {.rows = 90, .keys = 70, .dim = 8});
    holds_to_the_last_bit(kernel, {.rows = 90, .keys = 70, .dim = 8, .mask = causal_mask});
  }
}

TEST_CASE("blocks without hidden pairs may fuse where 128 divides both lengths") {
  const KernelRow& flex = kernels[3];
  holds_to_the_last_bit(flex, {.rows = 256, .keys = 128, .dim = 4});
  holds_to_the_last_bit(flex, {.rows = 256, .keys = 140, .dim = 4});
  holds_to_the_last_bit(flex, {.rows = 140, .keys = 128, .dim = 4});
  holds_to_the_last_bit(flex, {.rows = 256, .keys = 256, .dim = 4, .mask = causal_mask});
}

TEST_CASE("either alignment of the diagonal, and buffers of several key tiles") {
  const Shape wide{.rows = 40, .keys = 90, .dim = 8, .mask = causal_mask, .launch_heads = 60};
  const Shape tall{.rows = 90, .keys = 40, .dim = 8, .mask = causal_mask, .launch_heads = 60};
  for (const KernelRow& kernel : kernels) {
    for (const Alignment alignment : {top_left, bottom_right}) {
      const BackwardRules rules = in_small_tiles(*kernel.rules);
      const Recipe recipe = recipe_with(rules, alignment);
      for (const Shape& shape : {wide, tall}) {
        holds_as_built(kernel, recipe, random_gradients(12, shape, alignment, bf16, kernel.base));
      }
    }
  }
}

TEST_CASE("rows and keys that see nothing have gradients of zero") {
  const Shape tall{.rows = 50, .keys = 20, .dim = 8, .mask = causal_mask};
  const Shape wide{.rows = 20, .keys = 50, .dim = 8, .mask = causal_mask};
  for (const KernelRow& kernel : kernels) {
    const Recipe bottom = recipe_with(*kernel.rules, bottom_right);
    auto g = random_gradients(13, tall, bottom_right, bf16, kernel.base);
    for (const uint32_t of_nothing : {0x7F80'0000U, 0xFF80'0000U}) {
      for (size_t row = 0; row < 30; ++row) g.lse[row] = of_nothing;
      g.lse[45] = of_nothing;  // of a row that sees keys: -infinity is read as 0
      const Bits bits = holds_as_built(kernel, bottom, g);
      const auto first_seeing = bits.dq.begin() + 30 * 8;
      const auto is_zero_bits = [](uint32_t x) { return x == 0; };
      CHECK(std::all_of(bits.dq.begin(), first_seeing, is_zero_bits));
      CHECK_FALSE(std::all_of(first_seeing, bits.dq.end(), is_zero_bits));
    }
    const Recipe top = recipe_with(*kernel.rules, top_left);
    const Bits bits =
        holds_as_built(kernel, top, random_gradients(14, wide, top_left, bf16, kernel.base));
    for (size_t i = 20 * 8; i < 50 * 8; ++i) {
      CHECK(bits.dk[i] == 0);
      CHECK(bits.dv[i] == 0);
    }
  }
}

TEST_CASE("peaked rows and tiny gradients: what is flushed and what is not") {
  for (const KernelRow& kernel : kernels) {
    const Recipe recipe = recipe_with(*kernel.rules, kernel.alignment);
    const Shape shape{.rows = 60, .keys = 140, .dim = 16};
    OwnedGradients g{
        .owned = random_problem(15, shape, bf16, 12.0), .dout = {}, .o = {}, .lse = {}};
    Random random(16);
    g.dout = random_codes(random, bf16, 60 * 16, 0x1p-60, 60);
    fill_forward(g, kernel.alignment, kernel.base);
    const Bits bits = holds_as_built(kernel, recipe, g);
    CHECK(std::count_if(bits.dv.begin(), bits.dv.end(),
                        [](uint32_t x) { return x << 1 != 0 && x << 1 < 0x0100'0000; }) > 0);
  }
}

TEST_CASE("any site computes in bfloat16, truncated, as Soft does") {
  holds_at_every_site<Soft<bf16, toward_zero>>();
}
TEST_CASE("any site computes in E4M3 as Soft<e4m3fn> does") { holds_at_every_site<Soft<e4m3fn>>(); }
TEST_CASE("any site computes in a format of the user's own as Soft of it does") {
  holds_at_every_site<Soft<ieee_like(5, 7), toward_zero>>();
}

TEST_CASE("infinities and NaN go where the hardware's arithmetic takes them") {
  Random random(17);
  for (size_t turn = 0; turn < 6 * kernels.size(); ++turn) {
    const KernelRow& kernel = kernels[turn % kernels.size()];
    const BackwardRules rules = in_small_tiles(*kernel.rules);
    auto g = random_gradients(random.word(), {.rows = 37, .keys = 50, .dim = 8}, kernel.alignment,
                              bf16, kernel.base);
    std::vector<uint16_t>* const targets[] = {&g.owned.q, &g.owned.k, &g.owned.v, &g.dout};
    auto& target = *targets[turn / kernels.size() % 4];
    const int64_t hits = 1 + random.below(3);
    for (int64_t i = 0; i < hits; ++i) {
      target[random.word() % target.size()] = random_special(random);
    }
    CAPTURE(turn);
    holds_as_built(kernel, recipe_with(rules, kernel.alignment), g);
  }
}

TEST_CASE("an infinity or NaN that only hidden pairs meet leaves no trace") {
  // Keys before the window of the first row, rows before the first that sees a key.
  const Shape wide{.rows = 20, .keys = 90, .dim = 8, .mask = {.left = 5, .right = 0}};
  const Shape tall{.rows = 90, .keys = 50, .dim = 8, .mask = causal_mask};
  for (const KernelRow& kernel : kernels) {
    const Recipe recipe = recipe_with(*kernel.rules, bottom_right);
    auto keys = random_gradients(18, wide, bottom_right, bf16, kernel.base);
    const Bits clean_keys = run_tiled(recipe, keys);
    keys.owned.k[64 * 8 + 3] = 0x7F80;  // row 0 sees keys 65 to 70
    keys.owned.v[64 * 8 + 3] = 0x7FC0;
    CHECK(holds_as_built(kernel, recipe, keys) == clean_keys);

    auto rows = random_gradients(19, tall, bottom_right, bf16, kernel.base);
    const auto in_full = overrides_of<Register>({Site::dv_store});
    const Bits clean_rows = run_tiled(recipe, rows);
    const Bits clean_in_full = run_tiled(recipe, rows, in_full);
    for (size_t d = 0; d < 8; ++d) {  // row 40 is the first to see a key
      rows.owned.q[39 * 8 + d] = 0x7F80;
      rows.dout[39 * 8 + d] = 0xFF80;
    }
    const Bits bits = holds_as_built(kernel, recipe, rows);
    CHECK(bits.dq == clean_rows.dq);
    CHECK(bits.dk == clean_rows.dk);
    CHECK(bits.dv == clean_rows.dv);
    CHECK(run_tiled(recipe, rows, in_full).dv == clean_in_full.dv);
  }
}
