#include "ulpscope/attention/driver.hpp"

#include <array>

#include "kernel_tally.hpp"

namespace ulpscope {

namespace {

enum class Tensor : size_t { scores, probabilities, maxima, lane_sums, running, lse, output };
constexpr std::array<std::string_view, 7> names{
    "scores", "probabilities", "maxima", "lane_sums", "running_output", "lse", "output"};
constexpr size_t number(Tensor tensor) { return static_cast<size_t>(tensor); }

// One head of the emulated pass, every number held against the card's as it comes.
class ComparedHead : public HeadObserver, ProbabilityObserver {
 public:
  ComparedHead(const Plan& plan, const gpu::ExposedForward& card, int64_t problem, int64_t head,
               Tally& tally)
      : plan_(plan), card_(card), problem_(problem), head_(head), tally_(tally) {}

  ProbabilityObserver* probabilities() override { return this; }

  void probabilities(const ProbabilityRow& p) override {
    compare(Tensor::probabilities, p.row, p.first_key, p.unrounded, card_.probabilities);
  }

  void after_tile(const RowAfterTile& row) override {
    const auto of = [&](Tensor tensor, std::span<const uint32_t> emulated,
                        const std::vector<uint32_t>& card) {
      compare(tensor, row.row, row.first_key, emulated, card);
    };
    of(Tensor::scores, row.scores, card_.scores);
    of(Tensor::maxima, {&row.maximum, 1}, card_.maxima);
    constexpr size_t lanes = 4;
    of(Tensor::lane_sums, row.lane_sums.first(lanes), card_.lane_sums);
    of(Tensor::running, row.output, card_.running);
  }

  void tile(const TileRows& rows, const TileOutput& output) override {
    const Problem& p = plan_.problem;
    for (int64_t r = 0; r < rows.count; ++r) {
      const int64_t row = head_ * p.rows + rows.first + r;
      std::vector<uint32_t> codes;
      for (int64_t d = 0; d < p.dim; ++d) {
        codes.push_back(static_cast<uint32_t>(
            output_code(plan_, output.o[static_cast<size_t>(r * p.dim + d)])));
      }
      const Place place{problem_, head_, rows.first + r, plan_.key_tiles(), number(Tensor::lse), 0};
      tally_.compare(place, {&output.lse[static_cast<size_t>(r)], 1},
                     &card_.lse[static_cast<size_t>(row)]);
      Place of_codes = place;
      of_codes.tensor = number(Tensor::output);
      tally_.compare(of_codes, codes, &card_.o[static_cast<size_t>(row * p.dim)]);
    }
  }

 private:
  // A row's numbers of one tile, in a tensor (heads, rows, tiles, as many).
  void compare(Tensor tensor, int64_t row, int64_t first_key, std::span<const uint32_t> emulated,
               const std::vector<uint32_t>& card) {
    const int64_t tile = first_key / plan_.tile_keys;
    const int64_t at = (head_ * plan_.problem.rows + row) * plan_.key_tiles() + tile;
    tally_.compare({problem_, head_, row, plan_.key_tiles() - 1 - tile, number(tensor), 0},
                   emulated, &card[static_cast<size_t>(at) * emulated.size()]);
  }

  const Plan& plan_;
  const gpu::ExposedForward& card_;
  int64_t problem_;
  int64_t head_;
  Tally& tally_;
};

}  // namespace

void check_forward(const KernelCheckOptions& options, std::vector<KernelCheck>& checks) {
  check_each(options, forward_kernels(), names, checks,
             [&](const KernelRow& kernel, int64_t index, Tally& tally) {
               DrawnProblem drawn;
               draw_problem(kernel, options.seed, index, drawn);
               const Plan plan = plan_of(kernel, drawn.problem);
               const gpu::ExposedForward card = options.forward(call_of(plan));
               run_forward(plan, {.threads = threads_of(options),
                                  .logging = Logging::off,
                                  .observe = [&](int64_t, int64_t head) {
                                    return std::make_unique<ComparedHead>(plan, card, index, head,
                                                                          tally);
                                  }});
             });
}

}  // namespace ulpscope
