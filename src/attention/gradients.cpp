#include "ulpscope/attention/gradients.hpp"

#include "ulpscope/base/error.hpp"

#include <mutex>
#include <string_view>

#include <fmt/format.h>
#include <tbb/blocked_range.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

void spread(int64_t count, const std::function<void(int64_t, int64_t)>& body) {
  constexpr int64_t grain = 16;
  tbb::parallel_for(tbb::blocked_range<int64_t>(0, count, grain),
                    [&](const auto& range) { body(range.begin(), range.end()); });
}

struct Run {
  const BackwardPlan& plan;
  const BackwardInputs& inputs;
  const BackwardOptions& options;
  Gradients& result;
  std::mutex mutex{};
  std::atomic<int64_t> done = 0;
  std::atomic<bool> complete = true;

  bool stopped() {
    if (options.stop == nullptr || !options.stop->load(std::memory_order_relaxed)) return false;
    complete = false;
    return true;
  }
};

template <class Sink>
class Sinks;

template <>
class Sinks<NullSink> {
 public:
  explicit Sinks(const BackwardPlan&) {}
  NullSink& local() { return sink_; }
  void fold(Run&) {}

 private:
  NullSink sink_;
};

// One log a thread, each with room for every row and key of a head.
template <>
class Sinks<TileLog> {
 public:
  explicit Sinks(const BackwardPlan& plan)
      : logs_([&plan] {
          const Problem& p = plan.problem;
          return TileLog(std::max(p.rows, p.keys), p.keys, p.dim);
        }) {}
  TileLog& local() { return logs_.local(); }
  // A query head is done.
  void fold(Run& run) {
    HeadLog head;
    TileLog* first = nullptr;
    for (TileLog& log : logs_) {
      if (first == nullptr) {
        first = &log;
      } else {
        first->take(log);
      }
    }
    if (first == nullptr) return;
    head.take(*first);
    const std::lock_guard lock(run.mutex);
    head.fold_into(run.result.sites);
  }

 private:
  tbb::enumerable_thread_specific<TileLog> logs_;
};

HeadInputs inputs_of(const Run& run, int64_t batch, int64_t head) {
  const Problem& p = run.plan.problem;
  const auto q_size = static_cast<size_t>(p.rows * p.dim);
  const auto kv_size = static_cast<size_t>(p.keys * p.dim);
  const auto q_at = static_cast<size_t>(batch * p.heads + head) * q_size;
  const auto kv_at =
      static_cast<size_t>(batch * p.kv_heads + head / (p.heads / p.kv_heads)) * kv_size;
  const auto rows = static_cast<size_t>(p.rows);
  const auto rows_at = static_cast<size_t>(batch * p.heads + head) * rows;
  const auto& delta = run.inputs.delta;
  return {.q = p.q.subspan(q_at, q_size),
          .k = p.k.subspan(kv_at, kv_size),
          .v = p.v.subspan(kv_at, kv_size),
          .dout = run.inputs.dout.subspan(q_at, q_size),
          .o = run.inputs.o.subspan(q_at, q_size),
          .lse = run.inputs.lse.subspan(rows_at, rows),
          .terms = head_terms(p, run.plan.plan->recipe->alignment, batch, head),
          .delta = delta.empty() ? delta : delta.subspan(rows_at, rows)};
}

// The heads of a group, each rounded already, in binary32 from +0 and in order; the sum is rounded
// again. (From +0, so that two heads with -0 give +0: data/captures/h200_backends_fuzz.)
template <class Sink>
void add_head(const Plan& plan, Sink& sink, Site store, int64_t dim,
              const std::vector<uint32_t>& head, std::vector<uint32_t>& group, bool last) {
  const Machine<Sink> machine(plan, sink);
  const auto place = [&](size_t at) {
    return std::pair{static_cast<int64_t>(at) / dim, static_cast<int64_t>(at) % dim};
  };
  machine.at(Site::group_sum, [&](auto step) {
    for (size_t at = 0; at < group.size(); ++at) {
      const auto [j, d] = place(at);
      group[at] = step(j, d, add(step.operand(group[at]), step.operand(head[at]), step.mode()));
    }
  });
  if (!last) return;
  machine.at(store, [&](auto step) {
    for (size_t at = 0; at < group.size(); ++at) {
      const auto [j, d] = place(at);
      group[at] = step(j, d, register_value(group[at]));
    }
  });
}

template <class Sink>
void run_group(Run& run, int64_t batch, int64_t kv_head) {
  const Problem& p = run.plan.problem;
  const int64_t group = p.heads / p.kv_heads;
  const auto kv_size = static_cast<size_t>(p.keys * p.dim);
  const bool shared = run.plan.rules->group == GroupGradient::one_chain;
  Sinks<Sink> sinks(run.plan);
  BackwardPass<Sink> pass(run.plan, spread, [&]() -> Sink& { return sinks.local(); });
  KeyAccumulators keys;
  HeadGradients head;
  std::vector<uint32_t> dk;
  std::vector<uint32_t> dv;
  for (int64_t g = 0; g < group; ++g) {
    if (run.stopped()) return;
    const int64_t query_head = kv_head * group + g;
    if (g == 0 || !shared) {
      keys.dk.assign(kv_size, 0);
      keys.dv.assign(kv_size, 0);
    }
    const auto observer = run.options.observe ? run.options.observe(batch, query_head) : nullptr;
    pass.run(inputs_of(run, batch, query_head), keys, head, observer.get());
    const bool last = g + 1 == group;
    if (!shared || last) pass.finish(keys, head);
    if (!shared && group > 1) {
      dk.resize(kv_size, 0);
      dv.resize(kv_size, 0);
      add_head(*run.plan.plan, sinks.local(), Site::dk_store, p.dim, head.dk, dk, last);
      add_head(*run.plan.plan, sinks.local(), Site::dv_store, p.dim, head.dv, dv, last);
    }
    const auto row_at = (batch * p.heads + query_head) * p.rows;
    std::copy(head.dq.begin(), head.dq.end(), run.result.dq.begin() + row_at * p.dim);
    std::copy(head.delta.begin(), head.delta.end(), run.result.delta.begin() + row_at);
    sinks.fold(run);
    const int64_t done = ++run.done;
    if (run.options.progress) run.options.progress(done);
  }
  const auto& joint_dk = dk.empty() ? head.dk : dk;
  const auto& joint_dv = dv.empty() ? head.dv : dv;
  const auto at = (batch * p.kv_heads + kv_head) * static_cast<int64_t>(kv_size);
  std::copy(joint_dk.begin(), joint_dk.end(), run.result.dk.begin() + at);
  std::copy(joint_dv.begin(), joint_dv.end(), run.result.dv.begin() + at);
}

void require_size(std::string_view name, size_t found, size_t expected) {
  if (found == expected) return;
  throw Error(ErrorKind::input,
              fmt::format("{} has {} elements; expected {}", name, found, expected));
}

}  // namespace

Gradients run_backward(const BackwardPlan& plan, const BackwardInputs& inputs,
                       const BackwardOptions& options) {
  const Problem& p = plan.problem;
  const auto rows = static_cast<size_t>(p.batch * p.heads * p.rows);
  require_size("do", inputs.dout.size(), p.q.size());
  require_size("o", inputs.o.size(), p.q.size());
  require_size("lse", inputs.lse.size(), rows);
  if (!inputs.delta.empty()) require_size("delta", inputs.delta.size(), rows);
  Gradients result{.dq = std::vector<uint32_t>(p.q.size()),
                   .dk = std::vector<uint32_t>(p.k.size()),
                   .dv = std::vector<uint32_t>(p.v.size()),
                   .delta = std::vector<uint32_t>(rows),
                   .sites = {}};
  Run run{.plan = plan, .inputs = inputs, .options = options, .result = result};
  // More threads than cores only if asked, and then without a word from the library.
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(options.threads));
  tbb::task_arena arena(options.threads);
  arena.execute([&] {
    tbb::parallel_for(int64_t{0}, p.batch * p.kv_heads, [&](int64_t i) {
      if (run.stopped()) return;
      // A thread that waits for its head's tiles must not start another head meanwhile.
      tbb::this_task_arena::isolate([&] {
        switch (options.logging) {
          case Logging::off: run_group<NullSink>(run, i / p.kv_heads, i % p.kv_heads); break;
          case Logging::on: run_group<TileLog>(run, i / p.kv_heads, i % p.kv_heads); break;
        }
      });
    });
  });
  result.complete = run.complete;
  return result;
}

}  // namespace ulpscope
