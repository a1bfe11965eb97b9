#include "ulpscope/run/attention_work.hpp"

#include "ulpscope/analysis/head_monitor.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/judged_gradients.hpp"
#include "ulpscope/run/memory_need.hpp"
#include "ulpscope/run/output_tensors.hpp"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

void require_delta(const AttentionOptions& options, const ProblemOperands& operands) {
  if (options.delta_layout.empty() || operands.dout) return;
  throw Error(ErrorKind::usage, fmt::format("--delta-layout {}: expected a tensor 'do', without "
                                            "which there is no backward pass",
                                            options.delta_layout));
}

// What the kernel can compute of the problem: gradients only where it has a backward pass here.
ProblemOptions possible_part(const AttentionOptions& options, const Recipe& recipe) {
  ProblemOptions possible = options;
  if (recipe.backward == nullptr && has_dout(options)) {
    if (options.inputs.files.contains("do")) {
      throw Error(
          ErrorKind::usage,
          fmt::format("--do: kernel {} has no backward pass; expected another kernel, or no "
                      "--do",
                      recipe.name));
    }
    possible.backward = BackwardChoice::off;
    if (options.note) {
      options.note(
          fmt::format("the input has a tensor 'do'; kernel {} has no backward pass here, "
                      "so only the forward pass is computed",
                      recipe.name));
    }
  }
  return possible;
}

// What another engine than the host's cores is not asked for is refused before anything is
// computed.
void check_engine(const AttentionOptions& options, const Recipe& recipe, bool backward) {
  if (!options.forward) return;
  if (options.log != LogLevel::none) {
    throw Error(ErrorKind::usage,
                "--device cuda: the card logs no roundings and judges no outputs; expected --log "
                "none");
  }
  if (backward) {
    throw Error(ErrorKind::usage,
                "--device cuda: the card computes the forward pass only; expected --no-backward");
  }
  switch (recipe.engine) {
    case Engine::tiled: return;
    case Engine::reference: break;
  }
  throw Error(ErrorKind::usage,
              fmt::format("--device cuda: kernel {} has no pass, it is the reference; expected "
                          "another kernel",
                          recipe.name));
}

}  // namespace

// The plans point at each other and at the operands, so that this stays where it is.
struct AttentionWork::Unit {
  ProblemOperands operands;
  Plan plan;
  std::optional<BackwardPlan> backward;

  Unit(const AttentionOptions& options, const KernelAndChip& kernel, ProblemOperands read,
       PartOf part)
      : operands(std::move(read)) {
    Problem problem = problem_of(options, operands);
    problem.part_of = part;
    if (!options.multiprocessors) problem.launch.multiprocessors = kernel.chip.multiprocessors;
    plan = plan_of(options, problem);
    require_delta(options, operands);
    if (operands.dout) backward = backward_plan_of(options, plan, problem);
  }
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;
};

AttentionWork::AttentionWork(const AttentionOptions& options)
    : options_(options),
      kernel_(kernel_and_chip(options.kernel)),
      inputs_(possible_part(options, kernel_.recipe)) {
  const ProblemOperands operands = inputs_.hashed();
  Problem whole = problem_of(options_, operands);
  if (!options_.multiprocessors) whole.launch.multiprocessors = kernel_.chip.multiprocessors;
  check_without_operands(whole);
  kv_heads_ = whole.kv_heads;
  outline_.units = whole_kv_heads(whole);
  room_ = room_for(whole);
  const auto first = planned(0);
  const BackwardPlan* const backward = first->backward ? &*first->backward : nullptr;
  outline_ = attention_outline(options_.command, {first->plan, backward},
                               {options_.overrides, options_.maximum}, operands, whole);
  outline_.log = options_.log;
  check_engine(options_, kernel_.recipe, backward != nullptr);
  const Problem& p = first->plan.problem;
  steps_ = p.heads * first->plan.row_tiles() + (backward != nullptr ? backward->problem.heads : 0);
  // Two products forward, five backward.
  const double products = backward != nullptr ? 7 : 2;
  for (const int64_t size : {outline_.units, p.heads, p.rows, p.keys, p.dim}) {
    multiply_adds_ *= static_cast<double>(size);
  }
  multiply_adds_ *= products;
}

namespace {

// In memory and, while it is read, in the file's format.
constexpr uint64_t bytes_of_bias = 8;

// Elements that the query heads of a K/V head see.
uint64_t bias_of_a_unit(const Problem& p) {
  const auto& sizes = p.terms.bias.sizes;
  const int64_t planes = sizes[1] == 1 ? 1 : p.heads / p.kv_heads;
  return static_cast<uint64_t>(planes * sizes[2] * sizes[3]);
}

}  // namespace

Room AttentionWork::room_for(const Problem& whole) const {
  const Room wanted{.threads = options_.threads,
                    .units = std::min<int64_t>(options_.threads, outline_.units)};
  if (!options_.memory_limit) return wanted;
  const ProblemOperands& o = inputs_.headers();
  MemoryNeed need =
      memory_need({.group = whole.heads / whole.kv_heads,
                   .rows = whole.rows,
                   .keys = whole.keys,
                   .dim = whole.dim,
                   .passes = o.dout ? Passes::forward_and_backward : Passes::forward});
  need.fixed += inputs_.bytes_to_keep();
  if (o.bias) need.per_unit += bytes_of_bias * bias_of_a_unit(whole);
  const Room room = room_within(*options_.memory_limit, need, wanted);
  if (room != wanted && options_.note) {
    options_.note(fmt::format("--mem-limit: {} K/V head{} at a time, {} thread{}", room.units,
                              room.units == 1 ? "" : "s", room.threads,
                              room.threads == 1 ? "" : "s"));
  }
  return room;
}

std::unique_ptr<const AttentionWork::Unit> AttentionWork::planned(int64_t unit) const {
  const int64_t head = unit % kv_heads_;
  const std::lock_guard lock(reading_);
  return std::make_unique<const Unit>(
      options_, kernel_, inputs_.read({.batch = unit / kv_heads_, .first = head, .end = head + 1}),
      PartOf{.first = unit, .all = outline_.units});
}

namespace {

// Adds what one of the passes left to the result of a unit.
class Collector {
 public:
  Collector(const Outline& outline, UnitResult& result)
      : result_(result), outputs_(unit_outputs(outline)), errors_(unit_errors(outline)) {}

  void add(const std::vector<uint32_t>& codes, const std::vector<float>& ulp,
           const ErrorTally& tally) {
    const size_t i = result_.outputs.size();
    const auto& [name, element, shape] = outputs_[i];
    result_.outputs.push_back(packed(name, element, shape, codes));
    if (!errors_.empty()) {
      result_.errors.push_back(packed(errors_[i].name, errors_[i].element, shape, ulp));
    }
    result_.totals.tensors[i] = tally;
  }
  void add(const JudgedTensor& tensor) { add(tensor.codes, tensor.ulp, tensor.errors); }

 private:
  UnitResult& result_;
  std::vector<TensorInfo> outputs_;
  std::vector<TensorInfo> errors_;
};

// The kind of every row of the plan, and how many there are of each; none of a kernel that has no
// scores of its own.
std::vector<RowKind> row_kinds(const Plan& plan, int threads, const std::atomic<bool>* stop,
                               RowCensus& census) {
  switch (plan.recipe->engine) {
    case Engine::tiled: break;
    case Engine::reference: return {};
  }
  std::vector<RowKind> kinds;
  const Problem& p = plan.problem;
  for (int64_t outer = 0; outer < p.batch * p.heads; ++outer) {
    const auto rows =
        monitor_rows(plan, {.threads = threads, .stop = stop}, outer / p.heads, outer % p.heads);
    for (const RowMonitor& row : rows) {
      census.add(row);
      const RowKind of_maxima = row.equal >= 2 ? RowKind::tied : RowKind::plain;
      kinds.push_back(row.at_risk ? RowKind::at_risk : of_maxima);
    }
  }
  return kinds;
}

}  // namespace

std::optional<UnitResult> AttentionWork::compute(int64_t unit, int threads,
                                                 const std::function<void()>& step,
                                                 const std::atomic<bool>* stop) const {
  JudgedOptions judged{.threads = threads,
                       .logging = outline_.log == LogLevel::none ? Logging::off : Logging::on,
                       .judging = outline_.log == LogLevel::full ? Judging::on : Judging::off,
                       .progress = [&](int64_t) { step(); },
                       .stop = stop};
  if (options_.forward) judged.forward = options_.forward;
  const auto planned_unit = planned(unit);
  const auto& [operands, plan, backward] = *planned_unit;
  UnitResult result{.unit = unit, .outputs = {}, .errors = {}, .totals = RunTotals(outline_)};
  Collector collector(outline_, result);
  std::vector<RowKind> kinds;
  if (outline_.log == LogLevel::full) kinds = row_kinds(plan, threads, stop, result.totals.rows);
  judged.row_kinds = kinds;
  const JudgedRun run = run_judged(plan, judged);
  if (!run.complete) return std::nullopt;
  collector.add(run.o, run.o_ulp, run.o_errors);
  collector.add(run.lse, run.lse_ulp, run.lse_errors);
  result.totals.o_by_rows = run.o_by_rows;
  result.totals.sites = run.sites;
  result.totals.reference = run.reference;
  if (!backward) return result;

  const auto gradients = run_judged_gradients(*backward, operands.dout->codes, run, judged);
  if (!gradients.complete) return std::nullopt;
  for (const auto* tensor : {&gradients.dq, &gradients.dk, &gradients.dv, &gradients.delta}) {
    collector.add(*tensor);
  }
  for (size_t i = 0; i < site_count; ++i) result.totals.sites[i].merge(gradients.sites[i]);
  result.totals.pairs = gradients.pairs;
  result.totals.gradients = gradients.reference;
  return result;
}

bool compute_units(const AttentionWork& work, std::span<const int64_t> units,
                   const AttentionOptions& options,
                   const std::function<void(const UnitResult&)>& deliver) {
  const int64_t all = static_cast<int64_t>(units.size()) * work.steps_of_a_unit();
  std::atomic<int64_t> done = 0;
  std::atomic<bool> complete = true;
  const auto step = [&] {
    const int64_t now = ++done;
    if (options.progress) options.progress(now, all);
  };
  // More threads than cores only if asked, and then without a word from the library.
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(work.room().threads));
  tbb::task_arena arena(static_cast<int>(work.room().units));
  arena.execute([&] {
    const auto unit = [&](size_t i) {
      const HostFpGuard guard;
      const auto result = work.compute(units[i], work.room().threads, step, options.stop);
      // Another unit's Error cancels the loops inside this one, too.
      if (tbb::is_current_task_group_canceling()) return;
      if (result) {
        deliver(*result);
      } else {
        complete = false;
      }
    };
    tbb::parallel_for(
        tbb::blocked_range<size_t>(0, units.size(), 1),
        [&](const auto& range) {
          for (size_t i = range.begin(); i < range.end(); ++i) unit(i);
        },
        tbb::simple_partitioner());
  });
  return complete;
}

}  // namespace ulpscope
