#include "ulpscope/run/sweep_engine.hpp"

#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/format/subset.hpp"
#include "ulpscope/round/value.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace ulpscope {

namespace {

// Which numbers a stochastic rounding draws for.
enum class DrawnFor : uint32_t { q = experiment_site, k, v, output };

bool changes_roundings(const SweepPoint& point) { return point.format || point.rounding; }

AnyRounding rounding_of(const SweepPoint& point) { return point.rounding.value_or(nearest_even); }

bool is_stochastic(const SweepPoint& point) {
  return std::holds_alternative<Stochastic>(rounding_of(point));
}

bool stores_by_draw(const SweepPoint& point) {
  const auto& sites = point.places.sites;
  return is_stochastic(point) &&
         std::find(sites.begin(), sites.end(), Site::output_store) != sites.end();
}

Draw draw_at(const SweepPoint& point, DrawnFor tensor, size_t element) {
  return {.seed = point.law.seed, .site = static_cast<uint32_t>(tensor), .element = element};
}

Operand16 operand(const char* role, const Sizes& sizes, const Format& format,
                  std::vector<uint16_t> codes) {
  return {.role = role,
          .file = "drawn",
          .tensor = role,
          .shape = {sizes.begin(), sizes.end()},
          .layout = Layout::bhsd,
          .sizes = sizes,
          .format = format,
          .codes = std::move(codes),
          .hash = {},
          .note = {}};
}

ProblemOperands drawn_operands(const Law& law, const LawShape& shape) {
  LawTensors tensors = draw(law, shape);
  const Sizes queries{1, shape.heads, shape.rows, shape.dim};
  const Sizes keys{1, shape.heads, shape.keys, shape.dim};
  return {.q = operand("q", queries, shape.format, std::move(tensors.q)),
          .k = operand("k", keys, shape.format, std::move(tensors.k)),
          .v = operand("v", keys, shape.format, std::move(tensors.v)),
          .dout = operand("do", queries, shape.format, std::move(tensors.dout)),
          .whole = {1, shape.heads}};
}

LawShape shape_of(const SweepPoint& point) {
  LawShape shape = point.shape;
  if (shape.keys == 0) shape.keys = shape.rows;
  return shape;
}

std::string key_of(const Law& law, const LawShape& shape) {
  return fmt::format("{} {} {} {} {} {} {} {}: {} {} {} {} {}", static_cast<int>(law.kind),
                     law.seed, law.maxima, law.gap, law.level, law.level_spread, law.sink,
                     law.outlier, shape.heads, shape.rows, shape.keys, shape.dim,
                     format_name(shape.format));
}

// What a reference depends on beside the operands.
std::string key_of(const Plan& plan) {
  const Problem& p = plan.problem;
  const auto alignment = p.rows == p.keys ? 0 : static_cast<int>(plan.recipe->alignment);
  return fmt::format("{} {} {} {} {} {}", p.heads, p.rows, p.mask.left, p.mask.right, p.scale,
                     alignment);
}

// The tensor in the point's format, spelled in its own.
void round_inputs(Operand16& tensor, const SweepPoint& point, DrawnFor which, PlaceCounts& counts) {
  const Format format = point.format.value_or(tensor.format);
  if (!is_subset(format, tensor.format)) {
    throw Error(ErrorKind::usage, fmt::format("--formats {} at inputs: the kernel reads {}, which "
                                              "does not hold all of its values",
                                              format_name(format), format_name(tensor.format)));
  }
  for (size_t i = 0; i < tensor.codes.size(); ++i) {
    const auto exact = decode<uint64_t>(tensor.format, uint64_t{tensor.codes[i]});
    const auto code = rounded(format, exact, rounding_of(point), draw_at(point, which, i));
    counts.add(code.flags);
    tensor.codes[i] = static_cast<uint16_t>(
        round_pack(tensor.format, decode<uint64_t>(format, code.bits), nearest_even).bits);
  }
}

// The point's format and mode at the sites of the pass.
std::vector<SiteOverride> casts_of(const SweepPoint& point, const PrecisionMap& own) {
  std::vector<SiteOverride> casts;
  if (!changes_roundings(point)) return casts;
  for (const Site site : point.places.sites) {
    const Format format = point.format.value_or(own[site].format);
    if (!is_subset(format, fp32)) {
      throw Error(ErrorKind::usage,
                  fmt::format("--formats {}: the simulator's registers are binary32, which does "
                              "not hold all of its values",
                              format_name(format)));
    }
    if (is_stochastic(point) && site != Site::output_store) {
      throw Error(ErrorKind::usage,
                  fmt::format("--modes {} at {}: inside the pass a mode has a direction; expected "
                              "inputs or output_store",
                              any_rounding_name(rounding_of(point)), row_of(site).name));
    }
    // What is drawn is rounded after the pass.
    casts.push_back({site, is_stochastic(point)
                               ? Cast{}
                               : Cast{format, std::get<Rounding>(rounding_of(point))}});
  }
  return casts;
}

void take_tile(const SweepPoint& point, Plan& plan) {
  if (point.whole_tile) {
    apply_tile({plan.problem.rows, (plan.problem.keys + 31) / 32 * 32}, plan);
  } else if (point.tile) {
    apply_tile(*point.tile, plan);
  }
}

// O as numbers, and its errors.
struct StoredOutput {
  Format format;
  std::vector<double> values;
  ErrorStatistics errors;
};

StoredOutput as_stored(const Plan& plan, const JudgedRun& run) {
  StoredOutput stored{.format = plan.map[Site::output_store].format,
                      .values = std::vector<double>(run.o.size()),
                      .errors = run.o_errors.statistics()};
  std::transform(run.o.begin(), run.o.end(), stored.values.begin(),
                 [&](uint32_t code) { return double_value(stored.format, uint64_t{code}); });
  return stored;
}

// The same where the store is drawn: `registers` are what the pass would have stored.
StoredOutput stored_by_draw(const Plan& plan, const Format& format, StoredOutput registers,
                            const ForwardReference& reference, const SweepPoint& point,
                            PlaceCounts& counts) {
  const Problem& p = plan.problem;
  StoredOutput stored{.format = format, .values = std::move(registers.values), .errors = {}};
  ErrorTally all(p.rows, p.dim, plan.tile_rows);
  std::vector<float> ulps(static_cast<size_t>(p.dim));
  size_t at = 0;
  for (int64_t outer = 0; outer < p.batch * p.heads; ++outer) {
    ErrorTally head(p.rows, p.dim, plan.tile_rows);
    for (int64_t row = 0; row < p.rows; ++row) {
      const size_t first = at;
      for (int64_t d = 0; d < p.dim; ++d, ++at) {
        const auto exact = decode<uint64_t>(fp64, bit_cast<uint64_t>(stored.values[at]));
        const auto code =
            rounded(stored.format, exact, rounding_of(point), draw_at(point, DrawnFor::output, at));
        counts.add(code.flags);
        stored.values[at] = double_value(stored.format, code.bits);
      }
      head.add_row(stored.format, outer, row, &stored.values[first], &reference.o[first],
                   ulps.data());
    }
    head.close_head();
    all.merge(head);
  }
  stored.errors = all.statistics();
  return stored;
}

Differences differences_of(const std::vector<double>& values, const std::vector<double>& exact) {
  Differences result;
  CompensatedSum squares;
  uint64_t count = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double difference = std::abs(values[i] - exact[i]);
    if (!std::isfinite(difference)) continue;
    result.largest = std::max(result.largest, difference);
    squares.add(difference * difference);
    ++count;
  }
  if (count > 0) result.rms = std::sqrt(squares.value() / static_cast<double>(count));
  return result;
}

// Sum of d over sum of |d|, d = rowsum(dO * (O - exact O)); rows that are not finite left out.
double delta_share(const std::vector<double>& values, const std::vector<double>& exact,
                   const Operand16& dout) {
  CompensatedSum drift, magnitude;
  const auto dim = static_cast<size_t>(dout.sizes[3]);
  for (size_t first = 0; first < values.size(); first += dim) {
    CompensatedSum row;
    for (size_t i = first; i < first + dim; ++i) {
      row.add(double_value(dout.format, uint64_t{dout.codes[i]}) * (values[i] - exact[i]));
    }
    if (!std::isfinite(row.value())) continue;
    drift.add(row.value());
    magnitude.add(std::abs(row.value()));
  }
  return magnitude.value() > 0 ? drift.value() / magnitude.value() : 0.0;
}

}  // namespace

void PlaceCounts::add(Flag flags) {
  ++rounded;
  saturated += has(flags, Flag::overflow);
  underflow += has(flags, Flag::underflow);
}

void PlaceCounts::add(const Moments& site) {
  rounded += site.count;
  saturated += site.overflow;
  underflow += site.underflow;
}

SweepEngine::SweepEngine(SweepEngineOptions options, const ProblemOperands* operands)
    : options_(std::move(options)), given_(operands) {}

const ProblemOperands& SweepEngine::operands_of(const SweepPoint& point) {
  if (given_ != nullptr) return *given_;
  const LawShape shape = shape_of(point);
  const std::string key = key_of(point.law, shape);
  if (!drawn_ || key != drawn_key_) {
    reference_.reset();
    drawn_ = drawn_operands(point.law, shape);
    drawn_key_ = key;
  }
  return *drawn_;
}

Problem SweepEngine::problem_at(const SweepPoint& point, const Chip& chip,
                                const ProblemOperands& operands) const {
  const ProblemOptions& options = options_.problem;
  Problem p = problem_of(options, operands);
  if (point.mask) p.mask = *point.mask;
  if (!options.multiprocessors) p.launch.multiprocessors = chip.multiprocessors;
  // A drawn head is one of many: its keys are split only where that is asked for.
  const bool is_drawn = given_ == nullptr;
  if (is_drawn && !options.launch && options.parts == 0) p.launch.parts = 1;
  const double scale = static_cast<double>(bit_cast<float>(p.scale)) * point.logit_scale;
  p.scale = bit_cast<uint32_t>(static_cast<float>(scale));
  return p;
}

PrecisionMap SweepEngine::map_before(const Recipe& recipe, const Format& input) const {
  PrecisionMap map = precision_map(recipe, input);
  for (const SiteOverride& change : options_.overrides) map[change.site] = change.cast;
  return map;
}

Plan SweepEngine::plan_at(const SweepPoint& point, const ProblemOperands& operands) const {
  const Recipe& recipe = point.recipe != nullptr ? *point.recipe : recipe_named("fa2-torch");
  const Chip& chip = point.chip != nullptr ? *point.chip : chip_named("h200");
  const Problem problem = problem_at(point, chip, operands);
  auto overrides = options_.overrides;
  const auto casts = casts_of(point, map_before(recipe, problem.format));
  overrides.insert(overrides.end(), casts.begin(), casts.end());
  Plan plan = make_plan(recipe, chip, problem, overrides);
  take_tile(point, plan);
  return plan;
}

const ForwardReference& SweepEngine::reference_of(const Plan& plan) {
  const std::string key = key_of(plan);
  if (!reference_ || key != reference_key_) {
    reference_ = forward_reference(plan, {.threads = options_.threads, .stop = options_.stop});
    reference_key_ = key;
  }
  return *reference_;
}

std::optional<JudgedPoint> SweepEngine::judge(const SweepPoint& point) {
  const ProblemOperands& exact = operands_of(point);
  Plan plan = plan_at(point, exact);
  const ForwardReference& reference = reference_of(plan);
  if (!reference.complete) {
    reference_.reset();
    return std::nullopt;
  }
  PlaceCounts counts;
  if (point.places.inputs && changes_roundings(point)) {
    rounded_ = exact;
    round_inputs(rounded_.q, point, DrawnFor::q, counts);
    round_inputs(rounded_.k, point, DrawnFor::k, counts);
    round_inputs(rounded_.v, point, DrawnFor::v, counts);
    plan = plan_at(point, rounded_);
  }
  const bool logs = changes_roundings(point) && !point.places.sites.empty();
  const JudgedRun run = run_judged(plan, reference,
                                   {.threads = options_.threads,
                                    .logging = logs ? Logging::on : Logging::off,
                                    .stop = options_.stop});
  if (!run.complete) return std::nullopt;
  StoredOutput stored = as_stored(plan, run);
  if (stores_by_draw(point)) {
    const PrecisionMap own = map_before(*plan.recipe, plan.problem.format);
    const Format format = point.format.value_or(own[Site::output_store].format);
    stored = stored_by_draw(plan, format, std::move(stored), reference, point, counts);
  } else if (changes_roundings(point)) {
    for (const Site site : point.places.sites) counts.add(run.sites[index(site)].moments);
  }
  JudgedPoint result{.plan = plan,
                     .format = stored.format,
                     .errors = stored.errors,
                     .differences = differences_of(stored.values, reference.o),
                     .places = counts};
  if (exact.dout) result.delta_share = delta_share(stored.values, reference.o, *exact.dout);
  return result;
}

}  // namespace ulpscope
