#include "ulpscope/attention/gradients.hpp"
#include "ulpscope/base/error.hpp"

#include <array>

#include "kernel_tally.hpp"

namespace ulpscope {

namespace {

enum class Tensor : size_t { delta, p, dp, ds, dq, dk, dv };
constexpr std::array<std::string_view, 7> names{"delta", "probabilities", "dp", "ds", "dq", "dk",
                                                "dv"};
constexpr size_t number(Tensor tensor) { return static_cast<size_t>(tensor); }

// The pairs of one head, held against the card's as the emulator comes to them.
class ComparedPairs : public PairObserver {
 public:
  ComparedPairs(const BackwardPlan& plan, const gpu::ExposedBackward& card, int64_t problem,
                int64_t head, Tally& tally)
      : plan_(plan), card_(card), problem_(problem), head_(head), tally_(tally) {}

  void row(const PairRow& pairs) override {
    const auto count = static_cast<size_t>(pairs.count);
    compare(Tensor::p, pairs, codes(pairs.p, count), card_.p);
    compare(Tensor::dp, pairs, {pairs.dp, pairs.dp + count}, card_.dp);
    compare(Tensor::ds, pairs, codes(pairs.ds, count), card_.ds);
  }

 private:
  std::vector<uint32_t> codes(const uint32_t* registers, size_t count) const {
    std::vector<uint32_t> result(count);
    for (size_t i = 0; i < count; ++i) {
      result[i] = static_cast<uint32_t>(code_of(plan_.problem.format, registers[i]));
    }
    return result;
  }

  template <class Word>
  void compare(Tensor tensor, const PairRow& pairs, const std::vector<uint32_t>& emulated,
               const std::vector<Word>& card) {
    const int64_t tile = pairs.first_key / plan_.tile_keys;
    const int64_t column = pairs.first_key % plan_.tile_keys;
    const int64_t row = head_ * plan_.problem.rows + pairs.row;
    const int64_t at = (row * plan_.key_tiles() + tile) * plan_.tile_keys + column;
    tally_.compare({problem_, head_, pairs.row, tile, number(tensor), column}, emulated,
                   &card[static_cast<size_t>(at)]);
  }

  const BackwardPlan& plan_;
  const gpu::ExposedBackward& card_;
  int64_t problem_;
  int64_t head_;
  Tally& tally_;
};

BackwardPlan backward_plan_of(const Plan& plan, const Problem& problem) {
  BackwardPlan backward = make_backward_plan(plan, problem);
  const gpu::KernelTiles tiles = gpu::backward_tiles(problem.dim);
  if (backward.tile_rows != tiles.rows || backward.tile_keys != tiles.keys) {
    throw Error(ErrorKind::usage, "the backward kernels have other tiles than their recipe");
  }
  return backward;
}

// One gradient by rows; `registers` before the store's code.
void compare_rows(const BackwardPlan& plan, Tensor tensor, int64_t problem, int64_t rows,
                  const std::vector<uint32_t>& registers, const std::vector<uint16_t>& card,
                  Tally& tally) {
  const int64_t dim = plan.problem.dim;
  std::vector<uint32_t> codes(static_cast<size_t>(dim));
  for (int64_t row = 0; row < plan.problem.heads * rows; ++row) {
    const auto at = static_cast<size_t>(row * dim);
    for (size_t d = 0; d < codes.size(); ++d) {
      codes[d] = static_cast<uint32_t>(code_of(plan.problem.format, registers[at + d]));
    }
    // Behind all pairs.
    tally.compare({problem, row / rows, row % rows, plan.key_tiles(), number(tensor), 0}, codes,
                  &card[at]);
  }
}

void check_problem(const KernelCheckOptions& options, const KernelRow& kernel, int64_t index,
                   Tally& tally) {
  DrawnProblem drawn;
  draw_problem(kernel, options.seed, index, drawn);
  const Problem& p = drawn.problem;
  const Plan plan = plan_of(kernel, p);
  const BackwardPlan backward = backward_plan_of(plan, p);
  const gpu::ForwardCall call = call_of(plan);
  const gpu::ExposedForward left = options.forward(call);
  const gpu::ExposedBackward card = options.backward({.problem = call,
                                                      .dq_buffers = backward.dq_buffers,
                                                      .delta_lanes = backward.delta.lanes,
                                                      .dout = drawn.tensors.dout,
                                                      .o = left.o,
                                                      .lse = left.lse});
  std::vector<uint32_t> o(left.o.size());
  for (size_t i = 0; i < o.size(); ++i) o[i] = detail::widened(p.format, left.o[i]);
  const Gradients emulated =
      run_backward(backward, {.dout = drawn.tensors.dout, .o = o, .lse = left.lse},
                   {.threads = threads_of(options),
                    .logging = Logging::off,
                    .observe = [&](int64_t, int64_t head) {
                      return std::make_unique<ComparedPairs>(backward, card, index, head, tally);
                    }});
  for (int64_t row = 0; row < p.heads * p.rows; ++row) {
    const auto at = static_cast<size_t>(row);
    tally.compare({index, row / p.rows, row % p.rows, -1, number(Tensor::delta), 0},
                  {&emulated.delta[at], 1}, &card.delta[at]);
  }
  compare_rows(backward, Tensor::dq, index, p.rows, emulated.dq, card.dq, tally);
  compare_rows(backward, Tensor::dk, index, p.keys, emulated.dk, card.dk, tally);
  compare_rows(backward, Tensor::dv, index, p.keys, emulated.dv, card.dv, tally);
}

}  // namespace

void check_backward(const KernelCheckOptions& options, std::vector<KernelCheck>& checks) {
  check_each(options, backward_kernels(), names, checks,
             [&](const KernelRow& kernel, int64_t index, Tally& tally) {
               check_problem(options, kernel, index, tally);
             });
}

}  // namespace ulpscope
