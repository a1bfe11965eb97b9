#include "ulpscope/analysis/treatment.hpp"

#include "ulpscope/attention/driver.hpp"
#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/reference/wide_exp.hpp"
#include "ulpscope/round/value.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace ulpscope {

namespace {

constexpr double nothing = -std::numeric_limits<double>::infinity();

// In the order of the computation.
constexpr std::array sites_of_output{Site::rescale,    Site::output_accumulate,
                                     Site::output_add, Site::output_keep,
                                     Site::normalise,  Site::output_store};

bool is_narrow(const Plan& plan, Site site) { return width(plan.map[site].format) <= 16; }

double value32(uint32_t bits) { return static_cast<double>(bit_cast<float>(bits)); }

std::vector<double> decoded(const Format& format, std::span<const uint16_t> codes) {
  std::vector<double> values(codes.size());
  std::transform(codes.begin(), codes.end(), values.begin(),
                 [&](uint16_t code) { return double_value(format, uint64_t{code}); });
  return values;
}

}  // namespace

Site rounding_of_output(const Plan& plan) {
  for (const Site site : sites_of_output) {
    if (site != Site::rescale && is_narrow(plan, site)) return site;
  }
  throw Error(ErrorKind::usage,
              fmt::format("kernel {} rounds O to 16 bits nowhere: expected --site, the rounding to "
                          "replace by a stochastic one",
                          plan.recipe->name));
}

std::vector<Treatment> usual_treatments(const Plan& plan, Site site) {
  const auto published = [](double beta) {
    return MaximumOverride{.stable = MaximumOverride::Stable{beta, 0}, .clamp = 0.0};
  };
  MaximumOverride coded{.stable = MaximumOverride::Stable{2, 1e-3}};
  if (has_tile_sum(plan.recipe->row_sum.carry)) coded.clamp = 1e-10;
  constexpr double ln2 = 0.6931471805599453;

  const Cast& cast = plan.map[site];
  const Cast drawn{.format = cast.format, .drawn = Stochastic{.variant = Variant::a, .bits = 16}};
  Treatment wide{.name = "O in fp32"};
  for (const Site of_output : sites_of_output) {
    if (is_narrow(plan, of_output)) wide.sites.push_back({of_output, Cast{}});
  }
  return {{.name = "as it is"},
          {.name = "beta 2", .maximum = published(2)},
          {.name = "beta 7", .maximum = published(7)},
          {.name = "beta 2 as coded", .maximum = coded},
          {.name = "offset 0.1", .maximum = {.offset = 0.1}},
          {.name = "offset ln 2", .maximum = {.offset = ln2}},
          {.name = fmt::format("stochastic {}", row_of(site).name), .sites = {{site, drawn}}},
          wide};
}

Plan treated(Plan plan, const Treatment& treatment) {
  for (const auto& [site, cast] : treatment.sites) plan.map[site] = cast;
  apply(treatment.maximum, plan);
  return plan;
}

void OutputErrors::merge(const OutputErrors& other) {
  exact.merge(other.exact);
  rounded.merge(other.rounded);
  not_finite += other.not_finite;
  drift += other.drift;
  drift_magnitude += other.drift_magnitude;
}

// What a run leaves of every element and row.
struct OutputWitness::Run {
  std::vector<double> o;
  std::vector<double> numerator;    // sum P16 V
  std::vector<double> denominator;  // sum P
  std::vector<double> reference;    // the maximum that both are taken off, natural units
  std::vector<double> maximum;      // of the scores, natural units

  Run(size_t rows, size_t dim)
      : o(rows * dim),
        numerator(rows * dim),
        denominator(rows),
        reference(rows, nothing),
        maximum(rows, nothing) {}
};

namespace {

// One head: O, and the sums of P tile by tile.
class HeadWitness : public HeadObserver, public ProbabilityObserver {
 public:
  struct Sums {
    double* o;
    double* numerator;
    double* denominator;
    double* reference;
    double* maximum;
    const double* v;
  };

  HeadWitness(const Plan& plan, const Sums& sums)
      : dim_(static_cast<size_t>(plan.problem.dim)), unit_(natural_unit(plan)), sums_(sums) {}

  ProbabilityObserver* probabilities() override { return this; }

  void tile(const TileRows& rows, const TileOutput& output) override {
    double* const o = sums_.o + static_cast<size_t>(rows.first) * dim_;
    const size_t count = static_cast<size_t>(rows.count) * dim_;
    std::transform(output.o.begin(), output.o.begin() + static_cast<std::ptrdiff_t>(count), o,
                   value32);
  }

  void probabilities(const ProbabilityRow& p) override {
    const HostFpGuard guard;
    if (p.maximum == minus_infinity32) return;
    const auto row = static_cast<size_t>(p.row);
    const double maximum = value32(p.maximum) / unit_;
    const double factor = brought_to(row, maximum);
    CompensatedSum sum;
    double largest = 0;
    double* const numerator = sums_.numerator + row * dim_;
    for (size_t c = 0; c < p.cast.size(); ++c) {
      if (p.unrounded[c] == 0) continue;
      const double unrounded = value32(p.unrounded[c]);
      sum.add(unrounded);
      largest = std::max(largest, unrounded);
      const double weight = factor * value32(p.cast[c]);
      const double* const v = sums_.v + (static_cast<size_t>(p.first_key) + c) * dim_;
      for (size_t d = 0; d < dim_; ++d) numerator[d] += weight * v[d];
    }
    sums_.denominator[row] += factor * sum.value();
    if (largest > 0) {
      sums_.maximum[row] = std::max(sums_.maximum[row], maximum + wide_log(largest));
    }
  }

 private:
  // What P made with this maximum counts; the row's sums are brought down where it is higher.
  double brought_to(size_t row, double maximum) {
    double& reference = sums_.reference[row];
    if (maximum <= reference) return wide_exp(maximum - reference);
    const double down = wide_exp(reference - maximum);
    double* const numerator = sums_.numerator + row * dim_;
    for (size_t d = 0; d < dim_; ++d) numerator[d] *= down;
    sums_.denominator[row] *= down;
    reference = maximum;
    return 1;
  }

  size_t dim_;
  double unit_;
  Sums sums_;
};

}  // namespace

OutputWitness::OutputWitness(const Plan& plan, const ForwardReference& reference,
                             std::span<const uint16_t> dout)
    : problem_(plan.problem),
      reference_(reference),
      v_(decoded(plan.problem.format, plan.problem.v)),
      dout_(decoded(plan.problem.format, dout)) {}

bool OutputWitness::run(const Plan& plan, const TreatmentOptions& options, Run& run) const {
  const auto rows = static_cast<size_t>(problem_.rows);
  const auto dim = static_cast<size_t>(problem_.dim);
  const int64_t group = problem_.heads / problem_.kv_heads;
  const auto observe = [&](int64_t batch, int64_t head) -> std::unique_ptr<HeadObserver> {
    const auto first = static_cast<size_t>(batch * problem_.heads + head) * rows;
    const auto kv = static_cast<size_t>(batch * problem_.kv_heads + head / group);
    return std::make_unique<HeadWitness>(
        plan, HeadWitness::Sums{.o = &run.o[first * dim],
                                .numerator = &run.numerator[first * dim],
                                .denominator = &run.denominator[first],
                                .reference = &run.reference[first],
                                .maximum = &run.maximum[first],
                                .v = &v_[kv * static_cast<size_t>(problem_.keys) * dim]});
  };
  return run_forward(plan, {.threads = options.threads,
                            .logging = Logging::off,
                            .observe = observe,
                            .stop = options.stop})
      .complete;
}

namespace {

// The rows of one head that are counted together.
class Counted {
 public:
  explicit Counted(const Problem& p)
      : dim_(static_cast<size_t>(p.dim)), exact_(p.rows, p.dim, p.rows), rounded_(exact_) {}

  struct Row {
    int64_t outer;
    int64_t row;
    const double* o;
    const double* exact;
    const double* rounded;  // null where P is not cast
    const double* dout;     // null without dO
  };
  void add(const Format& format, const Row& row) {
    std::vector<float> errors(dim_);
    exact_.add_row(format, row.outer, row.row, row.o, row.exact, errors.data());
    if (row.rounded != nullptr) {
      rounded_.add_row(format, row.outer, row.row, row.o, row.rounded, errors.data());
    }
    CompensatedSum delta;
    for (size_t d = 0; d < dim_; ++d) {
      if (!std::isfinite(row.o[d]) && std::isfinite(row.exact[d])) ++not_finite_;
      if (row.dout != nullptr) delta.add(row.dout[d] * (row.o[d] - row.exact[d]));
    }
    if (!std::isfinite(delta.value())) return;
    drift_.add(delta.value());
    magnitude_.add(std::abs(delta.value()));
  }
  OutputErrors errors() {
    exact_.close_head();
    rounded_.close_head();
    return {.exact = exact_.statistics(),
            .rounded = rounded_.statistics(),
            .not_finite = not_finite_,
            .drift = drift_.value(),
            .drift_magnitude = magnitude_.value()};
  }

 private:
  size_t dim_;
  ErrorTally exact_;
  ErrorTally rounded_;
  uint64_t not_finite_ = 0;
  CompensatedSum drift_;
  CompensatedSum magnitude_;
};

}  // namespace

TreatedHead OutputWitness::head_errors(const Plan& plan, const Run& run, int64_t outer,
                                       int64_t first_row) const {
  const auto dim = static_cast<size_t>(problem_.dim);
  const bool casts = is_narrow(plan, Site::probability_cast);
  Counted all(problem_);
  std::map<int, Counted> by_maximum;
  std::vector<double> rounded(dim);
  for (int64_t r = first_row; r < problem_.rows; ++r) {
    const auto row = static_cast<size_t>(outer * problem_.rows + r);
    for (size_t d = 0; d < dim; ++d) {
      rounded[d] = run.numerator[row * dim + d] / run.denominator[row];
    }
    const Counted::Row counted{.outer = outer,
                               .row = r,
                               .o = &run.o[row * dim],
                               .exact = &reference_.o[row * dim],
                               .rounded = casts ? rounded.data() : nullptr,
                               .dout = dout_.empty() ? nullptr : &dout_[row * dim]};
    all.add(problem_.format, counted);
    if (!std::isfinite(maximum_[row])) continue;
    const int from = static_cast<int>(std::floor(maximum_[row] / bin)) * bin;
    by_maximum.try_emplace(from, problem_).first->second.add(problem_.format, counted);
  }
  TreatedHead head{.batch = outer / problem_.heads,
                   .head = outer % problem_.heads,
                   .all = all.errors(),
                   .by_maximum = {}};
  for (auto& [from, rows] : by_maximum) head.by_maximum.emplace(from, rows.errors());
  return head;
}

std::optional<std::vector<TreatedHead>> OutputWitness::errors(const Plan& plan,
                                                              const TreatmentOptions& options) {
  const int64_t heads = problem_.batch * problem_.heads;
  Run run(static_cast<size_t>(heads * problem_.rows), static_cast<size_t>(problem_.dim));
  if (!this->run(plan, options, run)) return std::nullopt;
  const HostFpGuard guard;
  if (maximum_.empty()) maximum_ = run.maximum;
  std::vector<TreatedHead> result;
  for (int64_t outer = 0; outer < heads; ++outer) {
    result.push_back(head_errors(plan, run, outer, options.first_row));
  }
  return result;
}

}  // namespace ulpscope
