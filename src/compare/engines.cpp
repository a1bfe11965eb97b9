#include "ulpscope/compare/engines.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/reachable.hpp"

#include <algorithm>

#include "decoded_head.hpp"
#include <fmt/format.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

// A refusal is a usage error of the planning; what is wrong with the files stays an Error.
template <class Make>
std::string refusal_of(Make&& make) {
  try {
    make();
    return "";
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::usage) throw;
    return error.what();
  }
}

PlannedEngine planned(const EngineChoice& choice, const EngineProblem& given) {
  PlannedEngine engine{
      .choice = choice, .plan = {}, .backward = {}, .refusal = "", .backward_refusal = ""};
  Problem problem = given.problem;
  if (problem.launch.multiprocessors == 0) {
    problem.launch.multiprocessors = choice.chip->multiprocessors;
  }
  engine.refusal = refusal_of([&] {
    engine.plan = std::make_unique<Plan>(make_plan(*choice.recipe, *choice.chip, problem, {}));
  });
  if (engine.plan == nullptr || given.dout.empty()) return engine;
  engine.backward_refusal = refusal_of([&] {
    engine.backward = std::make_unique<BackwardPlan>(make_backward_plan(*engine.plan, problem));
  });
  return engine;
}

// A tensor's heads, rows and columns; those of K and V for their gradients.
struct Sizes {
  int64_t outer;
  int64_t rows;
  int64_t columns;
};

Sizes sizes_of(EngineTensor tensor, const Problem& p) {
  switch (tensor) {
    case EngineTensor::o:
    case EngineTensor::dq: return {p.batch * p.heads, p.rows, p.dim};
    case EngineTensor::lse: return {p.batch * p.heads, p.rows, 1};
    case EngineTensor::dk:
    case EngineTensor::dv: return {p.batch * p.kv_heads, p.keys, p.dim};
  }
  return {0, 0, 0};
}

EnginePair compared(const Sizes& sizes, const std::vector<EngineOutput>& outputs, size_t a,
                    size_t b) {
  const HostFpGuard guard;
  const EngineOutput& x = outputs[a];
  const EngineOutput& y = outputs[b];
  const bool one_format = x.format == y.format;
  EnginePair pair{.a = a, .b = b, .different_bits = 0, .difference = {}};
  ErrorTally tally(sizes.rows, sizes.columns, sizes.rows);
  const auto columns = static_cast<size_t>(sizes.columns);
  std::vector<double> values(columns);
  std::vector<double> references(columns);
  size_t at = 0;
  for (int64_t outer = 0; outer < sizes.outer; ++outer) {
    for (int64_t row = 0; row < sizes.rows; ++row) {
      for (size_t c = 0; c < columns; ++c, ++at) {
        const uint32_t from_x = detail::widened(x.format, x.codes[at]);
        const uint32_t from_y = detail::widened(y.format, y.codes[at]);
        pair.different_bits += one_format ? x.codes[at] != y.codes[at] : from_x != from_y;
        values[c] = to_double(from_x);
        references[c] = to_double(from_y);
      }
      tally.add_row(x.format, outer, row, values.data(), references.data(), nullptr);
    }
    tally.close_head();
  }
  pair.difference = tally.statistics();
  return pair;
}

// Collects the outputs of one engine after the other, by tensor.
class Collector {
 public:
  explicit Collector(EngineResults& results) : results_(results) {}

  void forward(size_t engine, const Plan& plan, JudgedRun& run) {
    const Format& format = plan.map[Site::output_store].format;
    add(EngineTensor::o, {engine, format, std::move(run.o), run.o_errors.statistics()});
    add(EngineTensor::lse, {engine, fp32, std::move(run.lse), run.lse_errors.statistics()});
  }

  void backward(size_t engine, const Plan& plan, JudgedGradients& gradients) {
    const auto gradient = [&](EngineTensor tensor, Site store, JudgedTensor& judged) {
      add(tensor,
          {engine, plan.map[store].format, std::move(judged.codes), judged.errors.statistics()});
    };
    gradient(EngineTensor::dq, Site::dq_store, gradients.dq);
    gradient(EngineTensor::dk, Site::dk_store, gradients.dk);
    gradient(EngineTensor::dv, Site::dv_store, gradients.dv);
  }

 private:
  void add(EngineTensor tensor, EngineOutput output) {
    auto& tensors = results_.tensors;
    auto found = std::find_if(tensors.begin(), tensors.end(),
                              [&](const auto& t) { return t.tensor == tensor; });
    if (found == tensors.end()) {
      tensors.push_back({.tensor = tensor, .outputs = {}, .pairs = {}});
      found = std::prev(tensors.end());
    }
    found->outputs.push_back(std::move(output));
  }

  EngineResults& results_;
};

void compare_pairs(EngineResults& results, const Problem& problem, int threads) {
  struct Task {
    EngineTensorResult* tensor;
    size_t pair;
  };
  std::vector<Task> tasks;
  for (auto& tensor : results.tensors) {
    for (size_t b = 1; b < tensor.outputs.size(); ++b) {
      for (size_t a = 0; a < b; ++a) {
        tasks.push_back({&tensor, tensor.pairs.size()});
        tensor.pairs.push_back({.a = a, .b = b, .different_bits = 0, .difference = {}});
      }
    }
  }
  // More threads than cores only if asked, and then without a word from the library.
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(threads));
  tbb::task_arena arena(threads);
  arena.execute([&] {
    tbb::parallel_for(size_t{0}, tasks.size(), [&](size_t i) {
      EngineTensorResult& tensor = *tasks[i].tensor;
      EnginePair& pair = tensor.pairs[tasks[i].pair];
      pair = compared(sizes_of(tensor.tensor, problem), tensor.outputs, pair.a, pair.b);
    });
  });
}

// One report for all: references differ by alignment at most.
void note_reference(const ReferenceReport& of_engine, ReferenceReport& of_all) {
  const double largest = std::max(of_all.largest_difference_ulp, of_engine.largest_difference_ulp);
  of_all = of_engine;
  of_all.largest_difference_ulp = largest;
}

// The options of one engine, whose steps come after `before` others.
JudgedOptions after(const JudgedOptions& options, int64_t before) {
  JudgedOptions result = options;
  result.logging = Logging::off;
  result.progress = [&options, before](int64_t done) {
    if (options.progress) options.progress(before + done);
  };
  return result;
}

int64_t backward_steps(const PlannedEngine& engine) {
  return engine.backward == nullptr
             ? 0
             : engine.backward->problem.batch * engine.backward->problem.heads;
}

}  // namespace

std::string engine_name(const EngineChoice& choice) {
  switch (choice.recipe->engine) {
    case Engine::tiled: break;
    case Engine::reference: return std::string(choice.recipe->name);
  }
  return fmt::format("{}@{}", choice.recipe->name, choice.chip->name);
}

std::string engine_tensor_name(EngineTensor tensor) {
  switch (tensor) {
    case EngineTensor::o: return "o";
    case EngineTensor::lse: return "lse";
    case EngineTensor::dq: return "dq";
    case EngineTensor::dk: return "dk";
    case EngineTensor::dv: return "dv";
  }
  return "";
}

std::vector<PlannedEngine> plan_engines(std::span<const EngineChoice> choices,
                                        const EngineProblem& problem) {
  std::vector<PlannedEngine> engines;
  for (const auto& choice : choices) engines.push_back(planned(choice, problem));
  return engines;
}

std::vector<std::vector<size_t>> EngineTensorResult::groups() const {
  std::vector<std::vector<size_t>> result;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto group = std::find_if(result.begin(), result.end(), [&](const auto& members) {
      const EngineOutput& first = outputs[members.front()];
      return first.format == outputs[i].format && first.codes == outputs[i].codes;
    });
    if (group == result.end()) {
      result.push_back({i});
    } else {
      group->push_back(i);
    }
  }
  return result;
}

int64_t engine_steps(const std::vector<PlannedEngine>& engines) {
  int64_t steps = 0;
  for (const auto& engine : engines) {
    if (engine.plan != nullptr) steps += tile_count(*engine.plan) + backward_steps(engine);
  }
  return steps;
}

EngineResults run_engines(const std::vector<PlannedEngine>& engines, const EngineProblem& given,
                          const JudgedOptions& options) {
  EngineResults results{
      .tensors = {}, .unordered_dq = std::vector<bool>(engines.size()), .reference = {}};
  Collector collector(results);
  int64_t done = 0;
  for (size_t i = 0; i < engines.size() && results.complete; ++i) {
    const PlannedEngine& engine = engines[i];
    if (engine.plan == nullptr) continue;
    JudgedRun run = run_judged(*engine.plan, after(options, done));
    done += tile_count(*engine.plan);
    results.complete = run.complete;
    if (run.complete && engine.backward != nullptr) {
      auto gradients =
          run_judged_gradients(*engine.backward, given.dout, run, after(options, done));
      done += backward_steps(engine);
      results.complete = gradients.complete;
      results.unordered_dq[i] = gradients.unordered_dq;
      collector.backward(i, *engine.plan, gradients);
    }
    note_reference(run.reference, results.reference);
    collector.forward(i, *engine.plan, run);
  }
  std::sort(results.tensors.begin(), results.tensors.end(),
            [](const auto& x, const auto& y) { return x.tensor < y.tensor; });
  if (results.complete) compare_pairs(results, given.problem, options.threads);
  return results;
}

}  // namespace ulpscope
