#include "ulpscope/compare/kernel_change.hpp"

#include "ulpscope/attention/softmax.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/hardware/fused_lanes.hpp"
#include "ulpscope/round/names.hpp"

#include <algorithm>
#include <initializer_list>

#include <fmt/format.h>

namespace ulpscope {

namespace {

using Changes = std::vector<KernelChange>;

template <class Value>
struct Choice {
  std::string_view name;
  Value value;
};

// One change for every choice that is not the row's own; `get` finds the field in a KernelRow.
template <class Get, class Value>
void add_field(Changes& all, std::string_view field, const KernelRow& own, Get get,
               std::initializer_list<Choice<Value>> choices) {
  KernelRow row = own;
  const Value mine = get(row);
  for (const auto& choice : choices) {
    if (choice.value == mine) continue;
    all.push_back({.name = fmt::format("{}={}", field, choice.name),
                   .row = [get, value = choice.value](KernelRow& r) { get(r) = value; }});
  }
}

constexpr std::array modes{Mode::toward_zero,  Mode::nearest_away, Mode::up,  Mode::down,
                           Mode::nearest_zero, Mode::to_odd,       Mode::away};

void add_cast(Changes& all, Site site, const Cast& cast) {
  all.push_back({.name = fmt::format("{}={}:{}", row_of(site).name, format_name(cast.format),
                                     rounding_name(cast.rounding)),
                 .plan = [site, cast](Plan& plan) { plan.map[site] = cast; }});
}

// Every other mode of a site, flushing where it did not and the other way round, and, if it
// rounds to binary32, the format of the input.
void add_site(Changes& all, Site site, const Plan& plan) {
  const Cast own = plan.map[site];
  for (const Mode mode : modes) {
    if (mode == own.rounding.mode) continue;
    add_cast(all, site, {own.format, {mode, own.rounding.policy}});
  }
  Cast flushed = own;
  const bool flushes = own.rounding.policy.flush == Flush::both;
  flushed.rounding.policy.flush = flushes ? Flush::none : Flush::both;
  add_cast(all, site, flushed);
  if (own.format == fp32) add_cast(all, site, {plan.problem.format, own.rounding});
}

// Hardware rounds these itself; a binary32 result leaves nothing to another mode.
constexpr std::array products{Site::scores,       Site::output_accumulate, Site::bwd_scores,
                              Site::dp,           Site::dv_accumulate,     Site::dk_accumulate,
                              Site::dq_accumulate};

bool is_one_of(std::span<const Site> sites, Site site) {
  return std::find(sites.begin(), sites.end(), site) != sites.end();
}

// The sites of a pass: its casts, or all others but the products.
void add_sites(Changes& all, std::span<const SiteRow> sites, std::span<const Site> casts,
               const Plan& plan, ChangeKind kind) {
  const size_t before = all.size();
  for (const SiteRow& row : sites) {
    if (is_one_of(products, row.site) && plan.map[row.site].format == fp32) continue;
    const auto term = term_of(row.site);
    if (term && !plan.problem.terms.has(*term)) continue;
    if (is_one_of(casts, row.site) == (kind == ChangeKind::cast)) add_site(all, row.site, plan);
  }
  for (size_t i = before; i < all.size(); ++i) all[i].kind = kind;
}

// Sites in other formats. That of a store is seen in what it stored.
void add_formats(Changes& all, std::span<const SiteRow> sites, const Plan& plan) {
  constexpr std::array stores{Site::output_store, Site::dq_store, Site::dk_store, Site::dv_store};
  for (const SiteRow& row : sites) {
    const auto term = term_of(row.site);
    if (is_one_of(stores, row.site) || (term && !plan.problem.terms.has(*term))) continue;
    const Cast own = plan.map[row.site];
    for (const Format& format : {fp32, tf32, fp16, bf16}) {
      const bool tried = own.format == fp32 && format == plan.problem.format;  // by add_site
      if (format == own.format || (tried && !is_one_of(products, row.site))) continue;
      add_cast(all, row.site, {format, own.rounding});
      all.back().kind = ChangeKind::other_format;
    }
  }
}

constexpr std::array forward_casts{Site::output_store, Site::probability_cast};
constexpr std::array backward_casts{Site::dq_store, Site::dk_store, Site::dv_store,
                                    Site::bwd_probability_cast, Site::ds_cast};

void add_masks(Changes& all, const KernelRow& own) {
  const Mask mask = own.problem.mask;
  if (mask == no_mask || mask == causal_mask) {
    add_field(
        all, "mask", own, [](KernelRow& r) -> Mask& { return r.problem.mask; },
        std::initializer_list<Choice<Mask>>{{"none", no_mask}, {"causal", causal_mask}});
  }
  if (mask == no_mask || own.problem.rows == own.problem.keys) return;
  add_field(
      all, "alignment", own, [](KernelRow & r) -> auto& { return r.recipe.alignment; },
      std::initializer_list<Choice<Alignment>>{{"top_left", Alignment::top_left},
                                               {"bottom_right", Alignment::bottom_right}});
}

void add_softmax(Changes& all, const KernelRow& own) {
  using enum KeyOrder;
  add_field(
      all, "key_order", own, [](KernelRow & r) -> auto& { return r.recipe.key_order; },
      std::initializer_list<Choice<KeyOrder>>{{"ascending", ascending},
                                              {"descending", descending}});
  add_field(
      all, "scaling", own, [](KernelRow & r) -> auto& { return r.recipe.scaling; },
      std::initializer_list<Choice<Scaling>>{{"after_maximum", Scaling::after_maximum},
                                             {"one_product", Scaling::one_product},
                                             {"two_products", Scaling::two_products}});
  add_field(
      all, "exponential", own, [](KernelRow & r) -> auto& { return r.recipe.exponential; },
      std::initializer_list<Choice<Exponential>>{{"ex2", Exponential::ex2},
                                                 {"ex2_ftz", Exponential::ex2_ftz}});
  add_field(
      all, "rescaling", own, [](KernelRow & r) -> auto& { return r.recipe.rescaling; },
      std::initializer_list<Choice<Rescaling>>{
          {"every_tile", Rescaling::every_tile},
          {"where_maximum_rose", Rescaling::where_maximum_rose}});
}

void add_row_sum(Changes& all, const KernelRow& own) {
  add_field(
      all, "row_sum.join", own, [](KernelRow & r) -> auto& { return r.recipe.row_sum.join; },
      std::initializer_list<Choice<Butterfly>>{{"far_first", Butterfly::far_first},
                                               {"near_first", Butterfly::near_first}});
  if (own.recipe.row_sum.lanes > most_lanes) return;  // a reduction of another kind
  add_field(
      all, "row_sum.lanes", own, [](KernelRow & r) -> auto& { return r.recipe.row_sum.lanes; },
      std::initializer_list<Choice<int>>{{"1", 1}, {"2", 2}, {"4", 4}, {"8", 8}});
  add_field(
      all, "row_sum.carry", own, [](KernelRow & r) -> auto& { return r.recipe.row_sum.carry; },
      std::initializer_list<Choice<Carry>>{{"first_addition", Carry::first_addition},
                                           {"lane_sums", Carry::lane_sums},
                                           {"tile_sum", Carry::tile_sum},
                                           {"group_sums", Carry::group_sums}});
}

void add_end(Changes& all, const KernelRow& own) {
  add_field(
      all, "normalise", own, [](KernelRow & r) -> auto& { return r.recipe.normalise; },
      std::initializer_list<Choice<Normalise>>{
          {"multiply_by_reciprocal", Normalise::multiply_by_reciprocal},
          {"multiply_by_rcp", Normalise::multiply_by_rcp}});
  const std::initializer_list<Choice<LogSumExp>> forms{
      {"scale_fused", LogSumExp::scale_fused},
      {"maximum_fused", LogSumExp::maximum_fused},
      {"logarithm_fused", LogSumExp::logarithm_fused},
      {"natural_sum", LogSumExp::natural_sum},
      {"product_of_base2", LogSumExp::product_of_base2}};
  add_field(
      all, "log_sum_exp", own, [](KernelRow & r) -> auto& { return r.recipe.log_sum_exp; }, forms);
}

// Other sums of the tensor cores, unless the slow form would have to add them.
void add_sum(Changes& all, const Plan& plan, int terms, int bits) {
  FusedSum sum = plan.sum;
  sum.terms = terms;
  sum.fraction_bits = bits;
  const Format& format = plan.problem.format;
  if (sum == plan.sum || !fits_lanes(sum, {format, format})) return;
  all.push_back({.name = terms == plan.sum.terms ? fmt::format("fraction_bits={}", bits)
                                                 : fmt::format("product_terms={}", terms),
                 .plan = [sum](Plan& p) { p.sum = sum; }});
}

// Sums of the tensor cores, tiles, parts: what the host code and the chip decide.
void add_decisions(Changes& all, const KernelRow& own, const Plan& plan) {
  if (own.recipe.scaling == Scaling::two_products) {
    all.push_back({.name = fmt::format("exponent_contraction={}", plan.contracts ? "no" : "yes"),
                   .plan = [](Plan& p) { p.contracts = !p.contracts; }});
  }
  const bool registers = plan.accumulator == Accumulator::registers;
  all.push_back({.name = fmt::format("accumulator={}", registers ? "memory" : "registers"),
                 .plan = [registers](Plan& p) {
                   p.accumulator = registers ? Accumulator::memory : Accumulator::registers;
                 }});
  for (const int terms : {4, 8, 16, 32}) add_sum(all, plan, terms, plan.sum.fraction_bits);
  for (const int bits : {23, 24, 25, 26}) add_sum(all, plan, plan.sum.terms, bits);
  for (const int64_t keys : {32, 64, 96, 128, 160, 192, 256}) {
    const bool cuts_blocks = own.recipe.mask_block > 0 && own.recipe.mask_block % keys != 0;
    if (keys == plan.tile_keys || cuts_blocks) continue;
    all.push_back({.name = fmt::format("tile_keys={}", keys), .plan = [keys](Plan& p) {
                     p.tile_keys = keys;
                     p.parts = std::min(p.parts, p.key_tiles());
                   }});
  }
  if (own.recipe.split.rule == SplitRule::never) return;
  for (const int64_t parts : {1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32}) {
    if (parts == plan.parts || parts > plan.key_tiles()) continue;
    all.push_back({.name = fmt::format("parts={}", parts),
                   .row = [parts](KernelRow& r) { r.problem.launch.parts = parts; }});
  }
}

KernelRow row_of_plan(const Plan& plan) {
  const BackwardRules* const rules = plan.recipe->backward;
  return {*plan.recipe, rules == nullptr ? BackwardRules{} : *rules, plan.problem};
}

}  // namespace

std::vector<KernelChange> forward_changes(const Plan& plan) {
  const KernelRow own = row_of_plan(plan);
  Changes all;
  add_sites(all, forward_sites(), forward_casts, plan, ChangeKind::cast);
  add_masks(all, own);
  add_softmax(all, own);
  add_row_sum(all, own);
  add_end(all, own);
  add_decisions(all, own, plan);
  add_sites(all, forward_sites(), forward_casts, plan, ChangeKind::other_site);
  add_formats(all, forward_sites(), plan);
  return all;
}

namespace {

void add_rules(Changes& all, const KernelRow& own) {
  using enum BlockOrder;
  add_field(
      all, "order", own, [](KernelRow & r) -> auto& { return r.backward.order; },
      std::initializer_list<Choice<BlockOrder>>{
          {"rows_descending", rows_descending},
          {"rows_ascending", rows_ascending},
          {"rows_ascending_keys_down", rows_ascending_keys_down},
          {"partial_before_full", partial_before_full}});
  add_field(
      all, "recompute", own, [](KernelRow & r) -> auto& { return r.backward.recompute; },
      std::initializer_list<Choice<Recompute>>{
          {"scaled_less_scaled", Recompute::scaled_less_scaled},
          {"natural_by_expf", Recompute::natural_by_expf},
          {"natural_by_ex2", Recompute::natural_by_ex2},
          {"base2", Recompute::base2}});
  add_field(
      all, "probability", own, [](KernelRow & r) -> auto& { return r.backward.probability; },
      std::initializer_list<Choice<GradientProbability>>{
          {"unrounded", GradientProbability::unrounded}, {"cast", GradientProbability::cast}});
  add_field(
      all, "scale", own, [](KernelRow & r) -> auto& { return r.backward.scale; },
      std::initializer_list<Choice<GradientScale>>{
          {"after_products", GradientScale::after_products}, {"inside", GradientScale::inside}});
  add_field(
      all, "query_gradient", own, [](KernelRow & r) -> auto& { return r.backward.query_gradient; },
      std::initializer_list<Choice<QueryGradient>>{
          {"one_chain", QueryGradient::one_chain},
          {"atomic_buffers", QueryGradient::atomic_buffers},
          {"sum_of_parts", QueryGradient::sum_of_parts}});
  if (own.problem.heads == own.problem.kv_heads) return;
  add_field(
      all, "group", own, [](KernelRow & r) -> auto& { return r.backward.group; },
      std::initializer_list<Choice<GroupGradient>>{
          {"rounded_then_summed", GroupGradient::rounded_then_summed},
          {"one_chain", GroupGradient::one_chain}});
}

KernelChange delta_layout_change(const DeltaLayout& layout, ChangeKind kind) {
  return {.name = fmt::format("delta={}", delta_layout_name(layout)),
          .backward = [layout](BackwardPlan& plan) { plan.delta = layout; },
          .kind = kind};
}

void add_delta(Changes& all, const KernelRow& own, const DeltaLayout& layout) {
  add_field(
      all, "delta.sum", own, [](KernelRow & r) -> auto& { return r.backward.delta.sum; },
      std::initializer_list<Choice<DeltaSum>>{
          {"second_product_first", DeltaSum::second_product_first},
          {"fused", DeltaSum::fused},
          {"products", DeltaSum::products},
          {"pairs_of_products", DeltaSum::pairs_of_products}});
  add_field(
      all, "delta.join", own, [](KernelRow & r) -> auto& { return r.backward.delta.join; },
      std::initializer_list<Choice<Butterfly>>{{"far_first", Butterfly::far_first},
                                               {"near_first", Butterfly::near_first}});
  for (const int lanes : {1, 2, 4, 8, 16, 32, 64}) {
    for (const int columns : {1, 2, 4, 8}) {
      if (lanes == layout.lanes && columns == layout.columns) continue;
      if (lanes / 2 * columns >= own.problem.dim) continue;  // half of the lanes would be idle
      all.push_back(delta_layout_change(
          {.largest_dim = layout.largest_dim, .lanes = lanes, .columns = columns},
          ChangeKind::choice));
    }
  }
}

}  // namespace

std::vector<KernelChange> backward_changes(const BackwardPlan& plan) {
  KernelRow own = row_of_plan(*plan.plan);
  own.problem = plan.problem;
  Changes all;
  add_sites(all, backward_sites(), backward_casts, *plan.plan, ChangeKind::cast);
  add_rules(all, own);
  add_delta(all, own, plan.delta);
  for (const auto& [rows, keys] : {std::pair{32, 32}, std::pair{32, 64}, std::pair{32, 128},
                                   std::pair{64, 32}, std::pair{64, 64}, std::pair{64, 128},
                                   std::pair{128, 32}, std::pair{128, 64}, std::pair{128, 128}}) {
    if (rows == plan.tile_rows && keys == plan.tile_keys) continue;
    all.push_back({.name = fmt::format("backward_tile={}x{}", rows, keys),
                   .backward = [rows = rows, keys = keys](BackwardPlan& p) {
                     p.tile_rows = rows;
                     p.tile_keys = keys;
                   }});
  }
  if (plan.rules->query_gradient == QueryGradient::atomic_buffers) {
    for (int64_t buffers = 1; buffers <= std::min<int64_t>(plan.key_tiles(), 16); ++buffers) {
      if (std::min(buffers, plan.key_tiles()) == std::min(plan.dq_buffers, plan.key_tiles())) {
        continue;
      }
      all.push_back({.name = fmt::format("dq_buffers={}", buffers),
                     .backward = [buffers](BackwardPlan& p) { p.dq_buffers = buffers; }});
    }
  }
  add_sites(all, backward_sites(), backward_casts, *plan.plan, ChangeKind::other_site);
  add_formats(all, backward_sites(), *plan.plan);
  return all;
}

std::vector<KernelChange> tuned_choices(const BackwardPlan& plan) {
  const auto layouts = possible_delta_layouts(*plan.rules, plan.problem.dim);
  Changes all;
  for (size_t i = 1; i < layouts.size(); ++i) {
    all.push_back(delta_layout_change(layouts[i], ChangeKind::tuned));
  }
  return all;
}

namespace {

KernelRow changed_row(const Recipe& recipe, const Problem& problem, const KernelChange& change) {
  const Recipe& own = row_for(recipe, problem);
  KernelRow row{own, own.backward == nullptr ? BackwardRules{} : *own.backward, problem};
  if (change.row) change.row(row);
  return row;
}

}  // namespace

ChangedKernel::ChangedKernel(const Recipe& recipe, const Chip& chip, const Problem& problem,
                             const KernelChange& change, std::span<const SiteOverride> stores)
    : row_(changed_row(recipe, problem, change)), change_(change.backward) {
  if (row_.recipe.backward != nullptr) row_.recipe.backward = &row_.backward;
  plan_ = make_plan(row_.recipe, chip, row_.problem, stores);
  if (change.plan) change.plan(plan_);
}

BackwardPlan ChangedKernel::backward() const {
  BackwardPlan plan = make_backward_plan(plan_, row_.problem);
  if (change_) change_(plan);
  return plan;
}

}  // namespace ulpscope
