#include "ulpscope/compare/engines.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>
#include <list>

#include "engine_pairs.hpp"
#include <fmt/format.h>

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

void take_delta_layouts(std::vector<PlannedEngine>& engines, const std::string& name) {
  bool somebody = false;
  std::string refusal = "no kernel with a backward pass";
  for (auto& engine : engines) {
    if (engine.backward == nullptr) continue;
    refusal = refusal_of([&] { take_delta_layout(*engine.backward, name); });
    somebody = somebody || refusal.empty();
  }
  if (!somebody) {
    throw Error(ErrorKind::usage, fmt::format("--delta-layout {}: {}", name, refusal));
  }
}

// Collects the outputs of one engine after the other, by tensor.
class Collector {
 public:
  explicit Collector(EngineResults& results) : results_(results) {}

  void forward(size_t engine, const Plan& plan, JudgedRun& run) {
    const Format& format = plan.map[Site::output_store].format;
    add(Output::o, {engine, format, std::move(run.o), run.o_errors.statistics()});
    add(Output::lse, {engine, fp32, std::move(run.lse), run.lse_errors.statistics()});
  }

  void backward(size_t engine, const Plan& plan, JudgedGradients& gradients) {
    const auto gradient = [&](Output tensor, Site store, JudgedTensor& judged) {
      add(tensor,
          {engine, plan.map[store].format, std::move(judged.codes), judged.errors.statistics()});
    };
    gradient(Output::dq, Site::dq_store, gradients.dq);
    gradient(Output::dk, Site::dk_store, gradients.dk);
    gradient(Output::dv, Site::dv_store, gradients.dv);
  }

 private:
  void add(Output tensor, EngineOutput output) {
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

// What the outputs should be, once for all engines that solve the same problem.
class References {
 public:
  References(std::span<const uint16_t> dout, const JudgedOptions& options)
      : dout_(dout), options_{.threads = options.threads, .stop = options.stop} {}

  const ForwardReference& forward(const Plan& plan) { return entry(plan).forward; }
  const GradientReference& gradients(const BackwardPlan& plan) {
    auto& gradients = entry(*plan.plan).gradients;
    if (!gradients) gradients = gradient_reference(plan, dout_, options_);
    return *gradients;
  }

 private:
  struct Entry {
    const Plan& plan;
    ForwardReference forward;
    std::optional<GradientReference> gradients = {};
  };

  Entry& entry(const Plan& plan) {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& e) { return share_reference(e.plan, plan); });
    if (found != entries_.end()) return *found;
    return entries_.emplace_back(Entry{plan, forward_reference(plan, options_)});
  }

  std::span<const uint16_t> dout_;
  ReferenceOptions options_;
  std::list<Entry> entries_;
};

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

std::vector<PlannedEngine> plan_engines(std::span<const EngineChoice> choices,
                                        const EngineProblem& problem) {
  std::vector<PlannedEngine> engines;
  for (const auto& choice : choices) engines.push_back(planned(choice, problem));
  if (!problem.delta_layout.empty()) take_delta_layouts(engines, problem.delta_layout);
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
  References references(given.dout, options);
  int64_t done = 0;
  for (size_t i = 0; i < engines.size() && results.complete; ++i) {
    const PlannedEngine& engine = engines[i];
    if (engine.plan == nullptr) continue;
    JudgedRun run =
        run_judged(*engine.plan, references.forward(*engine.plan), after(options, done));
    done += tile_count(*engine.plan);
    results.complete = run.complete;
    if (run.complete && engine.backward != nullptr) {
      auto gradients =
          run_judged_gradients(*engine.backward, given.dout, run,
                               references.gradients(*engine.backward), after(options, done));
      results.gradient_reference = gradients.reference;
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
