#include "ulpscope/attention/driver.hpp"

#include <mutex>
#include <optional>

#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

template <class Sink>
struct Worker;

template <>
struct Worker<NullSink> {
  Worker(const Plan& plan, const HeadOperands& head) : pass(plan, head, sink) {}
  NullSink sink;
  ForwardPass<NullSink> pass;
  TileOutput output;
};

template <>
struct Worker<TileLog> {
  Worker(const Plan& plan, const HeadOperands& head)
      : sink(plan.tile_rows, plan.problem.keys, plan.problem.dim), pass(plan, head, sink) {}
  TileLog sink;
  ForwardPass<TileLog> pass;
  TileOutput output;
};

// What all heads share.
struct Run {
  const Plan& plan;
  const DriverOptions& options;
  std::mutex mutex{};
  SiteStatistics sites{};
  std::atomic<int64_t> done = 0;
  std::atomic<bool> complete = true;

  bool stopped() {
    if (options.stop == nullptr || !options.stop->load(std::memory_order_relaxed)) return false;
    complete = false;
    return true;
  }
};

template <class Sink>
void run_head(Run& run, int64_t batch, int64_t head) {
  const Plan& plan = run.plan;
  const int64_t group = plan.problem.heads / plan.problem.kv_heads;
  const HeadOperands operands = decode_head(plan, batch, head / group);
  const auto observer = run.options.observe ? run.options.observe(batch, head) : nullptr;
  tbb::enumerable_thread_specific<std::optional<Worker<Sink>>> workers;
  HeadLog log;
  std::mutex log_mutex;
  tbb::parallel_for(int64_t{0}, plan.row_tiles(), [&](int64_t tile) {
    if (run.stopped()) return;
    auto& worker = workers.local();
    if (!worker) worker.emplace(plan, operands);
    const int64_t first = tile * plan.tile_rows;
    const TileRows rows{batch, head, first, std::min(plan.tile_rows, plan.problem.rows - first)};
    worker->pass.run(rows, worker->output, observer ? observer->probabilities() : nullptr);
    if (observer) observer->tile(rows, worker->output);
    if constexpr (Sink::enabled) {
      const std::lock_guard lock(log_mutex);
      log.take(worker->sink);
    }
    const int64_t done = ++run.done;
    if (run.options.progress) run.options.progress(done);
  });
  if constexpr (Sink::enabled) {
    const std::lock_guard lock(run.mutex);
    log.fold_into(run.sites);
  }
}

}  // namespace

DriverResult run_forward(const Plan& plan, const DriverOptions& options) {
  Run run{.plan = plan, .options = options};
  // More threads than cores only if asked, and then without a word from the library.
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(options.threads));
  tbb::task_arena arena(options.threads);
  arena.execute([&] {
    tbb::parallel_for(int64_t{0}, plan.problem.batch * plan.problem.heads, [&](int64_t i) {
      if (run.stopped()) return;
      // A thread that waits for its head's tiles must not start another head meanwhile.
      tbb::this_task_arena::isolate([&] {
        const int64_t batch = i / plan.problem.heads;
        const int64_t head = i % plan.problem.heads;
        switch (options.logging) {
          case Logging::off: run_head<NullSink>(run, batch, head); break;
          case Logging::on: run_head<TileLog>(run, batch, head); break;
        }
      });
    });
  });
  return {run.sites, run.complete};
}

}  // namespace ulpscope
