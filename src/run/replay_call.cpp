#include "ulpscope/run/replay_call.hpp"

#include "ulpscope/attention/gradients.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/compare/reachable.hpp"
#include "ulpscope/run/seeded_operand.hpp"

#include <map>

#include <fmt/format.h>

namespace ulpscope {

namespace {

// What one sequence gives: registers.
struct Simulated {
  std::vector<uint32_t> o, lse, statistic;  // the last: what the backward pass reads of the LSE
  Gradients gradients;
};

class Collector : public HeadObserver {
 public:
  Collector(const Plan& plan, Simulated& to) : plan_(plan), to_(to) {}
  void tile(const TileRows& rows, const TileOutput& output) override {
    const auto first = static_cast<size_t>(
        (rows.batch * plan_.problem.heads + rows.head) * plan_.problem.rows + rows.first);
    const auto put = [](std::span<const uint32_t> from, std::vector<uint32_t>& to, size_t at) {
      std::copy(from.begin(), from.end(), to.begin() + static_cast<long>(at));
    };
    put(output.o, to_.o, first * static_cast<size_t>(plan_.problem.dim));
    put(output.lse, to_.lse, first);
    put(output.statistic(), to_.statistic, first);
  }

 private:
  const Plan& plan_;
  Simulated& to_;
};

Simulated forward(const Plan& plan, const ReplaySettings& settings) {
  const Problem& p = plan.problem;
  const auto rows = static_cast<size_t>(p.batch * p.heads * p.rows);
  Simulated result{.o = std::vector<uint32_t>(rows * static_cast<size_t>(p.dim)),
                   .lse = std::vector<uint32_t>(rows),
                   .statistic = std::vector<uint32_t>(rows),
                   .gradients = {}};
  run_forward(
      plan,
      {.threads = settings.threads, .logging = Logging::off, .observe = [&](int64_t, int64_t) {
         return std::make_unique<Collector>(plan, result);
       }});
  return result;
}

// Outputs as a recording has them: codes, for the LSE binary32 bits.
using Outputs = std::map<Output, std::vector<uint32_t>>;

void put(Outputs& outputs, Output output, const Format& format,
         const std::vector<uint32_t>& registers) {
  auto& to = outputs[output];
  for (const uint32_t x : registers) to.push_back(static_cast<uint32_t>(code_of(format, x)));
}

Outputs as_recorded(const Plan& plan, const Simulated& simulated) {
  Outputs outputs{{Output::lse, simulated.lse}};
  const Format& format = plan.problem.format;
  put(outputs, Output::o, plan.map[Site::output_store].format, simulated.o);
  put(outputs, Output::dq, format, simulated.gradients.dq);
  put(outputs, Output::dk, format, simulated.gradients.dk);
  put(outputs, Output::dv, format, simulated.gradients.dv);
  return outputs;
}

// Rows of all heads in turn (heads, length, dim) become (length, heads, dim), behind what is there;
// the LSE of packed calls stays (heads, total) and is joined at the end.
void append_packed(std::vector<uint32_t>& packed, std::span<const uint32_t> heads_first,
                   const Problem& p) {
  const auto dim = static_cast<size_t>(p.dim);
  const auto rows = static_cast<size_t>(p.rows);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t h = 0; h < static_cast<size_t>(p.heads); ++h) {
      const auto row = heads_first.subspan((h * rows + i) * dim, dim);
      packed.insert(packed.end(), row.begin(), row.end());
    }
  }
}

uint32_t checksum(Output output, const std::vector<uint32_t>& codes) {
  if (output == Output::lse) return crc32_of(std::span<const uint32_t>(codes));
  const std::vector<uint16_t> halves(codes.begin(), codes.end());
  return crc32_of(std::span<const uint16_t>(halves));
}

// The first `rows` of every head: some kernels pad them.
std::vector<uint32_t> unpadded(const Problem& p, std::span<const uint32_t> lse) {
  const auto heads = static_cast<size_t>(p.batch * p.heads);
  std::vector<uint32_t> result;
  for (size_t h = 0; h < heads; ++h) {
    const auto row = lse.subspan(h * (lse.size() / heads), static_cast<size_t>(p.rows));
    result.insert(result.end(), row.begin(), row.end());
  }
  return result;
}

class Replay {
 public:
  Replay(const RecordedCall& call, const Recipe& recipe, const ReplaySettings& settings)
      : call_(call), recipe_(recipe), settings_(settings), recorded_(outputs_of(call)) {}

  std::vector<ReplayedTensor> run() {
    if (call_.is_packed()) return compared(packed());
    inputs_ = inputs_of(call_);
    const Plan plan = plan_of(inputs_);
    Simulated simulated = forward(plan, settings_);
    if (wants_gradients()) go_back(plan, simulated);
    return compared(as_recorded(plan, simulated));
  }

 private:
  Plan plan_of(const CallInputs& inputs) const {
    return make_plan(recipe_, settings_.chip, inputs.problem, {});
  }

  bool wants_gradients() const {
    return settings_.passes == ReplayedPasses::both && recorded_.contains(Output::dk) &&
           (call_.tensors.empty() || !inputs_.dout.empty());
  }

  BackwardInputs backward_inputs(const CallInputs& inputs, const Simulated& simulated) const {
    return {.dout = inputs.dout, .o = simulated.o, .lse = simulated.statistic};
  }

  void go_back(const Plan& plan, Simulated& simulated) {
    BackwardPlan backward = make_backward_plan(plan, inputs_.problem);
    const BackwardInputs inputs = backward_inputs(inputs_, simulated);
    const BackwardOptions options{.threads = settings_.threads, .logging = Logging::off};
    for (const DeltaLayout& layout : possible_delta_layouts(*backward.rules, inputs_.problem.dim)) {
      backward.delta = layout;
      simulated.gradients = run_backward(backward, inputs, options);
      std::vector<uint32_t> dk;
      for (const uint32_t x : simulated.gradients.dk) {
        dk.push_back(static_cast<uint32_t>(code_of(inputs_.problem.format, x)));
      }
      if (agrees(Output::dk, dk)) break;
    }
    if (!call_.tensors.empty() && has_unordered_dq(backward)) {
      parts_ = query_gradient_parts(backward, inputs, options);
    }
  }

  // Every sequence is a problem of its own; the launch has as many batches as there are sequences.
  Outputs packed() const {
    Outputs all;
    std::vector<std::vector<uint32_t>> lse;  // by head
    for (size_t i = 0; i < call_.facts["lengths"].size(); ++i) {
      const CallInputs inputs = inputs_of(call_, i);
      const Plan plan = plan_of(inputs);
      Simulated simulated = forward(plan, settings_);
      simulated.gradients =
          run_backward(make_backward_plan(plan, inputs.problem), backward_inputs(inputs, simulated),
                       {.threads = settings_.threads, .logging = Logging::off});
      const Problem& p = inputs.problem;
      for (const auto& [output, codes] : as_recorded(plan, simulated)) {
        if (output != Output::lse) append_packed(all[output], codes, p);
      }
      lse.resize(static_cast<size_t>(p.heads));
      for (size_t h = 0; h < lse.size(); ++h) {
        const auto rows = static_cast<size_t>(p.rows);
        const auto row = std::span(simulated.lse).subspan(h * rows, rows);
        lse[h].insert(lse[h].end(), row.begin(), row.end());
      }
    }
    for (const auto& head : lse) {
      all[Output::lse].insert(all[Output::lse].end(), head.begin(), head.end());
    }
    return all;
  }

  // The recorded codes of a tensor that is known in full.
  std::vector<uint32_t> codes(Output output) const {
    auto found = std::get<std::vector<uint32_t>>(recorded_.at(output));
    if (output != Output::lse) return found;
    return unpadded(inputs_.problem, found);
  }

  bool agrees(Output output, const std::vector<uint32_t>& simulated) const {
    const RecordedOutput& recorded = recorded_.at(output);
    if (const auto* known = std::get_if<uint32_t>(&recorded)) {
      return *known == checksum(output, simulated);
    }
    return codes(output) == simulated;
  }

  ReplayedTensor compared(Output output, const std::vector<uint32_t>& ours) const {
    ReplayedTensor result{.output = output};
    if (std::holds_alternative<uint32_t>(recorded_.at(output))) {
      result.different = agrees(output, ours) ? 0 : 1;
      return result;
    }
    const auto recorded = codes(output);
    result.elements = static_cast<int64_t>(ours.size());
    for (size_t i = 0; i < ours.size(); ++i) {
      if (recorded[i] == ours[i]) continue;
      const bool other_order = output == Output::dq && parts_.parts > 0 &&
                               parts_.reach(inputs_.problem.format, i, recorded[i]);
      ++(other_order ? result.other_order : result.different);
    }
    return result;
  }

  std::vector<ReplayedTensor> compared(const Outputs& simulated) const {
    std::vector<ReplayedTensor> result;
    for (const auto& [output, recorded] : recorded_) {
      if (is_gradient(output) && !wants_gradients()) continue;
      result.push_back(compared(output, simulated.at(output)));
    }
    return result;
  }

  const RecordedCall& call_;
  const Recipe& recipe_;
  const ReplaySettings& settings_;
  const std::map<Output, RecordedOutput> recorded_;
  CallInputs inputs_;
  QueryGradientParts parts_;
};

}  // namespace

std::vector<ReplayedTensor> replay_call(const RecordedCall& call, const Recipe& recipe,
                                        const ReplaySettings& settings) {
  return Replay(call, recipe, settings).run();
}

}  // namespace ulpscope
