#include "identify_outputs.hpp"

#include <algorithm>

namespace ulpscope {

namespace {

// Writes the registers of every tile to their places.
class Collector : public HeadObserver {
 public:
  Collector(const Plan& plan, ForwardOutput& to) : plan_(plan), to_(to) {}

  void tile(const TileRows& rows, const TileOutput& output) override {
    const Problem& p = plan_.problem;
    const int64_t first = (rows.batch * p.heads + rows.head) * p.rows + rows.first;
    std::copy(output.o.begin(), output.o.end(), to_.o.begin() + first * p.dim);
    std::copy(output.lse.begin(), output.lse.end(), to_.lse.begin() + first);
    const auto& statistic = output.statistic();
    std::copy(statistic.begin(), statistic.end(), to_.statistic.begin() + first);
  }

 private:
  const Plan& plan_;
  ForwardOutput& to_;
};

ForwardOutput zeros(const Problem& p) {
  const auto rows = static_cast<size_t>(p.batch * p.heads * p.rows);
  return {.o = std::vector<uint32_t>(rows * static_cast<size_t>(p.dim)),
          .lse = std::vector<uint32_t>(rows),
          .statistic = std::vector<uint32_t>(rows)};
}

}  // namespace

bool wants(const Observation& seen, Output output) {
  return std::any_of(seen.tensors.begin(), seen.tensors.end(),
                     [&](const Observed& x) { return x.output == output; });
}

bool wants_forward(const Observation& seen) {
  return wants(seen, Output::o) || wants(seen, Output::lse);
}

bool wants_gradients(const Observation& seen) {
  return std::any_of(seen.tensors.begin(), seen.tensors.end(),
                     [](const Observed& x) { return is_gradient(x.output); });
}

// The LSE lies in binary32, whatever its site rounds to.
const Format& stored_format(const Plan& plan, Output output) {
  if (output == Output::lse) return fp32;
  return plan.map[store_site(output)].format;
}

const std::vector<uint32_t>& gradient_of(const Gradients& gradients, Output output) {
  return output == Output::dq ? gradients.dq : output == Output::dk ? gradients.dk : gradients.dv;
}

ForwardOutput forward_of_rows(const Plan& plan, int64_t first, int64_t end) {
  const Problem& p = plan.problem;
  ForwardOutput result = zeros(p);
  Collector collector(plan, result);
  NullSink sink;
  TileOutput output;
  const int64_t group = p.heads / p.kv_heads;
  for (int64_t head = 0; head < p.batch * p.heads; ++head) {
    const int64_t batch = head / p.heads;
    const HeadOperands operands = decode_head(plan, batch, head % p.heads / group);
    ForwardPass<NullSink> pass(plan, operands, sink);
    for (int64_t row = first / plan.tile_rows * plan.tile_rows; row < end; row += plan.tile_rows) {
      const TileRows rows{batch, head % p.heads, row, std::min(plan.tile_rows, p.rows - row)};
      pass.run(rows, output);
      collector.tile(rows, output);
    }
  }
  return result;
}

ForwardOutput whole_forward(const Plan& plan, const IdentifyOptions& options) {
  ForwardOutput result = zeros(plan.problem);
  run_forward(
      plan, {.threads = options.threads,
             .logging = Logging::off,
             .observe = [&](int64_t, int64_t) { return std::make_unique<Collector>(plan, result); },
             .stop = options.stop});
  return result;
}

SomeOutputs whole_outputs(const Plan& plan, const BackwardPlan* backward,
                          const ForwardOutput& forward, const Observation& seen,
                          const IdentifyOptions& options) {
  SomeOutputs result;
  const auto add = [&](Output output, const std::vector<uint32_t>& values) {
    if (!wants(seen, output)) return;
    SomeOutput some{.output = output, .where = {}, .codes = values};
    const Format& format = stored_format(plan, output);
    for (auto& code : some.codes) code = static_cast<uint32_t>(code_of(format, code));
    result.push_back(std::move(some));
  };
  add(Output::o, forward.o);
  add(Output::lse, forward.lse);
  if (backward == nullptr) return result;
  const Gradients gradients =
      run_backward(*backward, {.dout = seen.dout, .o = forward.o, .lse = forward.statistic},
                   {.threads = options.threads, .logging = Logging::off, .stop = options.stop});
  for (const Output output : gradient_outputs) add(output, gradient_of(gradients, output));
  return result;
}

}  // namespace ulpscope
