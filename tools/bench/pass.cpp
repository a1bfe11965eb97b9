// Speed of whole causal passes of fa2-torch, forward and backward, in multiply-adds of the visible
// pairs: with nobody listening (silent), with every rounding entered in the statistics of its site
// (statistics), and with every element judged against the reference as well (full). Beside them a
// plain binary32 attention. The sizes are such that each of N, D, heads and threads varies alone.
//
//   ulpscope_bench --benchmark_filter=pass/forward/silent/rows:1024/
#include "ulpscope/compare/judged_gradients.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <thread>

#include "eigen_attention.hpp"
#include "inputs.hpp"
#include <benchmark/benchmark.h>

namespace ulpscope::bench {
namespace {

enum class Direction { forward, backward };

// What a benchmark's four arguments say.
struct Case {
  CausalHeads heads;
  int threads;

  explicit Case(const benchmark::State& state)
      : heads(state.range(0), state.range(1), state.range(2)),
        threads(static_cast<int>(state.range(3))) {}
};

void report(benchmark::State& state, const Case& c, Direction direction) {
  const double products = direction == Direction::forward ? 2 : 5;
  state.counters["MAC/s"] = benchmark::Counter(products * c.heads.multiply_adds(),
                                               benchmark::Counter::kIsIterationInvariantRate);
}

void forward(benchmark::State& state, Logging logging) {
  const Case c(state);
  const Plan plan = c.heads.plan();
  for (auto _ : state) {
    benchmark::DoNotOptimize(run_forward(plan, {.threads = c.threads, .logging = logging}));
  }
  report(state, c, Direction::forward);
}

void backward(benchmark::State& state, Logging logging) {
  const Case c(state);
  const Plan plan = c.heads.plan();
  const BackwardPlan backward_plan = make_backward_plan(plan, c.heads.problem);
  // An O and LSE of the right size: speed does not depend on their values.
  std::vector<uint32_t> o;
  for (const uint16_t code : c.heads.v) o.push_back(detail::widened(bf16, code));
  constexpr uint32_t six = 0x40C0'0000;
  const std::vector<uint32_t> lse(o.size() / static_cast<size_t>(c.heads.problem.dim), six);
  const BackwardInputs inputs{.dout = c.heads.dout, .o = o, .lse = lse};
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        run_backward(backward_plan, inputs, {.threads = c.threads, .logging = logging}));
  }
  report(state, c, Direction::backward);
}

void judged_forward(benchmark::State& state) {
  const Case c(state);
  const Plan plan = c.heads.plan();
  for (auto _ : state) benchmark::DoNotOptimize(run_judged(plan, {.threads = c.threads}));
  report(state, c, Direction::forward);
}

void judged_backward(benchmark::State& state) {
  const Case c(state);
  const Plan plan = c.heads.plan();
  const BackwardPlan backward_plan = make_backward_plan(plan, c.heads.problem);
  const JudgedRun run = run_judged(plan, {.threads = c.threads});
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        run_judged_gradients(backward_plan, c.heads.dout, run, {.threads = c.threads}));
  }
  report(state, c, Direction::backward);
}

// The same numbers in binary32.
template <class Code>
std::vector<float> widened(const std::vector<Code>& codes) {
  std::vector<float> numbers;
  for (const Code code : codes) {
    numbers.push_back(bit_cast<float>(static_cast<uint32_t>(code) << 16));
  }
  return numbers;
}

// Equal but for the roundings to bf16 on the way.
bool close(const std::vector<float>& x, const std::vector<uint32_t>& codes) {
  const auto y = widened(codes);
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [](float a, float b) { return std::fabs(a - b) <= 0x1p-5F; });
}

// A head, its outputs and its gradients in binary32.
struct EigenHead {
  std::vector<float> q, k, v, dout, o, lse, dq, dk, dv;
  FloatHead head;

  explicit EigenHead(const CausalHeads& heads)
      : q(widened(heads.q)),
        k(widened(heads.k)),
        v(widened(heads.v)),
        dout(widened(heads.dout)),
        o(q.size()),
        lse(static_cast<size_t>(heads.problem.rows)),
        dq(q.size()),
        dk(q.size()),
        dv(q.size()),
        head{heads.problem.rows, heads.problem.dim, q.data(), k.data(), v.data()} {}
  EigenHead(const EigenHead&) = delete;
  EigenHead& operator=(const EigenHead&) = delete;

  void forward() { eigen_forward(head, o.data(), lse.data()); }
  void backward() {
    eigen_backward(head, {dout.data(), o.data(), lse.data()}, {dq.data(), dk.data(), dv.data()});
  }

  // Whether it computes what the kernel does, so that it is known what is measured.
  bool agrees(const CausalHeads& heads) {
    const Plan plan = heads.plan();
    const JudgedRun run = run_judged(plan, {});
    const JudgedGradients gradients =
        run_judged_gradients(make_backward_plan(plan, heads.problem), heads.dout, run, {});
    forward();
    backward();
    return close(o, run.o) && close(dq, gradients.dq.codes) && close(dk, gradients.dk.codes) &&
           close(dv, gradients.dv.codes);
  }
};

void eigen(benchmark::State& state, Direction direction) {
  const Case c(state);
  EigenHead head(c.heads);
  if (!head.agrees(c.heads)) return state.SkipWithError("not the kernel's numbers");
  for (auto _ : state) {
    switch (direction) {
      case Direction::forward: head.forward(); break;
      case Direction::backward: head.backward(); break;
    }
    benchmark::ClobberMemory();
  }
  report(state, c, direction);
}

struct Size {
  int64_t rows;
  int64_t dim = 64;
  int64_t heads = 1;
  int64_t threads = 1;
};

template <class Function, class... Arguments>
void add(const std::string& name, const std::vector<Size>& sizes, Function function,
         const Arguments&... arguments) {
  for (const Size& s : sizes) {
    auto* const bench =
        benchmark::RegisterBenchmark(("pass/" + name).c_str(), function, arguments...);
    bench->ArgNames({"rows", "dim", "heads", "threads"})
        ->Args({s.rows, s.dim, s.heads, s.threads})
        ->Unit(benchmark::kMillisecond);
    // One thread by its own time, so that other work on the machine disturbs less.
    if (s.threads > 1) bench->UseRealTime();
  }
}

// Each of the four varies alone.
std::vector<Size> scaling_sizes() {
  std::vector<Size> sizes;
  for (int64_t rows = 512; rows <= 16384; rows *= 2) sizes.push_back({.rows = rows});
  for (const int64_t dim : {128, 256}) {
    sizes.push_back({.rows = 1024, .dim = dim});
    sizes.push_back({.rows = 2048, .dim = dim});
  }
  for (const int64_t heads : {2, 4, 8}) sizes.push_back({.rows = 1024, .heads = heads});
  for (int64_t threads = 2; threads <= std::thread::hardware_concurrency(); threads *= 2) {
    sizes.push_back({.rows = 1024, .heads = 8, .threads = threads});
  }
  return sizes;
}

const bool registered = [] {
  const std::vector<Size> one_head{{.rows = 1024}, {.rows = 1024, .dim = 128}};
  add("forward/eigen", one_head, eigen, Direction::forward);
  add("backward/eigen", one_head, eigen, Direction::backward);
  add("forward/silent", scaling_sizes(), forward, Logging::off);
  add("backward/silent", scaling_sizes(), backward, Logging::off);
  add("forward/statistics", one_head, forward, Logging::on);
  add("backward/statistics", one_head, backward, Logging::on);
  add("forward/full", one_head, judged_forward);
  add("backward/full", one_head, judged_backward);
  return true;
}();

}  // namespace
}  // namespace ulpscope::bench
