// gpu::run_forward: the forward pass on the card, the heads of a K/V head at a time. What it does
// not cover it refuses; nothing is computed on the host instead.
#include "ulpscope/attention/driver.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/gpu.hpp"

#include <algorithm>
#include <string>

#include "emulator/device_memory.hpp"
#include "emulator/kernels.hpp"

namespace ulpscope::gpu {

namespace {

using namespace cuda;

void check_covered(const Plan& plan, const DriverOptions& options) {
  if (options.logging == Logging::on) {
    throw Error(ErrorKind::usage,
                "--device cuda: roundings are not logged on the card; expected --log none");
  }
  for (size_t i = 0; i < forward_sites().size(); ++i) {
    const auto site = static_cast<Site>(i);
    if (plan.map[site].source != Source::exact) continue;
    throw Error(ErrorKind::usage, "--device cuda: " + std::string(row_of(site).name) +
                                      "=exact is not computed on the card; expected a format");
  }
}

// The device's copies of a plan and what it points to.
const Plan* plan_on_device(DeviceMemory& memory, const Plan& plan) {
  Plan copy = plan;
  copy.recipe = memory.copy(std::span(plan.recipe, 1));
  copy.tables = memory.copy(std::span(plan.tables, 1));
  copy.chip = nullptr;
  copy.unit = nullptr;
  copy.problem.q = copy.problem.k = copy.problem.v = {};
  copy.problem.terms = {};
  const Plan* const on_device = memory.copy(std::span<const Plan>(&copy, 1));
  memory.wait();  // `copy` is read until then
  return on_device;
}

DeviceOperand operand(DeviceMemory& memory, const Format& format, int64_t rows, int64_t length) {
  const int64_t stride = whole_chunks(length);
  return {.format = format,
          .stride = stride,
          .values = memory.room<float>(rows * stride),
          .exponents = memory.room<int16_t>(rows * stride),
          .codes = memory.room<uint32_t>(rows * stride),
          .special = memory.room<uint8_t>(rows)};
}

// Query heads that share a K/V head.
struct Group {
  int64_t batch;
  int64_t kv_head;
  int64_t heads;
  int64_t first;  // of the batch's query heads
};

// One group's pass, from the upload to its rows.
class GroupPass {
 public:
  GroupPass(const Plan& plan, const Group& group);

  // False if it was stopped.
  bool run(const std::atomic<bool>* stop);
  std::vector<uint32_t> o() const { return fetched(job_.o, rows_ * plan_.problem.dim); }
  std::vector<uint32_t> lse() const { return fetched(job_.lse, rows_); }
  std::vector<uint32_t> base2() const { return fetched(job_.base2, rows_); }

 private:
  void decode_operands();
  void place_terms();
  void place_rows();
  bool run_part(int64_t part, const std::atomic<bool>* stop);
  std::vector<uint32_t> fetched(const uint32_t* from, int64_t count) const {
    std::vector<uint32_t> to(static_cast<size_t>(count));
    memory_.fetch(from, std::span(to));
    return to;
  }

  const Plan& plan_;
  const Group group_;
  const int64_t rows_;  // of all heads
  DeviceMemory memory_;
  ForwardJob job_{};
};

GroupPass::GroupPass(const Plan& plan, const Group& group)
    : plan_(plan), group_(group), rows_(group.heads * plan.problem.rows) {
  const Problem& p = plan.problem;
  job_.plan = plan_on_device(memory_, plan);
  job_.heads = group.heads;
  job_.rows = p.rows;
  job_.row_tiles = plan.row_tiles();
  job_.first_head = static_cast<uint64_t>(first_head(p) + group.batch * p.heads + group.first);
  decode_operands();
  place_terms();
  place_rows();
}

void GroupPass::decode_operands() {
  const Problem& p = plan_.problem;
  const int64_t padded_keys = plan_.key_tiles() * plan_.tile_keys;
  // The last tile's chunks may end behind its keys.
  const int64_t v_length = padded_keys - plan_.tile_keys + whole_chunks(plan_.tile_keys);
  job_.q = operand(memory_, p.format, rows_, p.dim);
  job_.k = operand(memory_, p.format, p.keys, p.dim);
  job_.v = operand(memory_, p.format, p.dim, v_length);
  const auto codes = [&](std::span<const uint16_t> all, int64_t first, int64_t size) {
    return memory_.copy(all.subspan(static_cast<size_t>(first), static_cast<size_t>(size)));
  };
  const int64_t kv_size = p.keys * p.dim;
  const int64_t kv_first = (group_.batch * p.kv_heads + group_.kv_head) * kv_size;
  int* const any = memory_.room<int>(1);
  checked(cudaMemsetAsync(any, 0, sizeof *any, memory_.stream()), "cudaMemset");
  decode(memory_.stream(), Codes::by_rows,
         codes(p.q, (group_.batch * p.heads + group_.first) * p.rows * p.dim, rows_ * p.dim), rows_,
         p.dim, job_.q, rows_, nullptr);
  decode(memory_.stream(), Codes::by_rows, codes(p.k, kv_first, kv_size), p.keys, p.dim, job_.k,
         p.keys, nullptr);
  decode(memory_.stream(), Codes::by_columns, codes(p.v, kv_first, kv_size), p.keys, p.dim, job_.v,
         p.dim, any);
  job_.v_special = any;
}

void GroupPass::place_terms() {
  const Problem& p = plan_.problem;
  const auto& bias = p.terms.bias.values;
  const uint32_t* const on_device = bias.empty() ? nullptr : memory_.copy(bias);
  std::vector<HeadTerms> terms;
  for (int64_t head = group_.first; head < group_.first + group_.heads; ++head) {
    terms.push_back(head_terms(p, plan_.recipe->alignment, group_.batch, head));
    auto& of_head = terms.back().bias;
    if (of_head != nullptr) of_head = on_device + (of_head - bias.data());
  }
  std::vector<TileEnds> ends;
  for (int64_t tile = 0; tile < plan_.row_tiles(); ++tile) {
    ends.push_back(plan_.tile_ends(tile * plan_.tile_rows));
  }
  job_.terms = memory_.copy(std::span<const HeadTerms>(terms));
  job_.ends = memory_.copy(std::span<const TileEnds>(ends));
  memory_.wait();
}

void GroupPass::place_rows() {
  const int64_t dim = plan_.problem.dim;
  job_.score_stride = whole_chunks(plan_.tile_keys);
  job_.p = operand(memory_, plan_.map[Site::probability_cast].format, rows_, plan_.tile_keys);
  job_.states = memory_.room<RowState>(rows_);
  job_.factors = memory_.room<uint32_t>(rows_);
  job_.last_tiles = memory_.room<int32_t>(rows_);
  checked(cudaMemsetAsync(job_.last_tiles, 0, static_cast<size_t>(rows_) * sizeof(int32_t),
                          memory_.stream()),
          "cudaMemset");
  job_.scores = memory_.room<uint32_t>(rows_ * job_.score_stride);
  const bool scales_apart = plan_.recipe->scaling == Scaling::one_product ||
                            plan_.recipe->scaling == Scaling::two_products;
  job_.scaled = scales_apart ? memory_.room<uint32_t>(rows_ * job_.score_stride) : job_.scores;
  job_.o = memory_.room<uint32_t>(rows_ * dim);
  const bool apart = plan_.accumulator != Accumulator::registers;
  job_.update = apart ? memory_.room<uint32_t>(rows_ * dim) : job_.o;
  job_.lse = memory_.room<uint32_t>(rows_);
  job_.base2 = memory_.room<uint32_t>(rows_);
}

bool GroupPass::run_part(int64_t part, const std::atomic<bool>* stop) {
  std::vector<std::vector<Visit>> walks;
  size_t turns = 1;
  for (int64_t tile = 0; tile < plan_.row_tiles(); ++tile) {
    walks.push_back(key_walk(plan_, tile * plan_.tile_rows, part));
    turns = std::max(turns, walks.back().size());
  }
  std::vector<Visit> visits;
  for (auto& walk : walks) {
    walk.resize(turns, Visit{.tile = -1});
    visits.insert(visits.end(), walk.begin(), walk.end());
  }
  job_.turns = static_cast<int>(turns);
  job_.visits = memory_.copy(std::span<const Visit>(visits));
  start_rows(memory_.stream(), job_, plan_);
  for (int turn = 0; turn < job_.turns; ++turn) {
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) return false;
    run_score_chains(memory_.stream(), job_, plan_, turn);
    run_softmax(memory_.stream(), job_, turn);
    set_probabilities(memory_.stream(), job_, turn);
    run_output_chains(memory_.stream(), job_, plan_, turn);
    run_joins(memory_.stream(), job_, turn);
  }
  memory_.wait();
  return true;
}

bool GroupPass::run(const std::atomic<bool>* stop) {
  if (plan_.parts == 1) {
    if (!run_part(0, stop)) return false;
    finish_rows(memory_.stream(), job_);
    return true;
  }
  const int64_t dim = plan_.problem.dim;
  const PartOutput parts{.o = memory_.room<uint32_t>(plan_.parts * rows_ * dim),
                         .lse = memory_.room<uint32_t>(plan_.parts * rows_),
                         .maximum = memory_.room<uint32_t>(plan_.parts * rows_),
                         .sum = memory_.room<uint32_t>(plan_.parts * rows_)};
  for (int64_t part = 0; part < plan_.parts; ++part) {
    if (!run_part(part, stop)) return false;
    const int64_t first = part * rows_;
    finish_part(
        memory_.stream(), job_,
        {parts.o + first * dim, parts.lse + first, parts.maximum + first, parts.sum + first});
  }
  job_.parts = {dim, parts.o, parts.lse, parts.maximum, parts.sum};
  combine_parts(memory_.stream(), job_);
  return true;
}

// The rows of a tile out of those of a group.
std::vector<uint32_t> piece(const std::vector<uint32_t>& all, int64_t first, int64_t count) {
  const auto begin = all.begin() + first;
  return {begin, begin + count};
}

void deliver(const Plan& plan, const Group& group, const GroupPass& pass,
             const DriverOptions& options, int64_t& done) {
  const Problem& p = plan.problem;
  const auto o = pass.o();
  const auto lse = pass.lse();
  const bool in_base2 = plan.log_sum_exp == LogSumExp::product_of_base2;
  const auto base2 = in_base2 ? pass.base2() : std::vector<uint32_t>();
  for (int64_t h = 0; h < group.heads; ++h) {
    const auto observer = options.observe ? options.observe(group.batch, group.first + h) : nullptr;
    for (int64_t tile = 0; tile < plan.row_tiles(); ++tile) {
      const int64_t first = tile * plan.tile_rows;
      const TileRows rows{group.batch, group.first + h, first,
                          std::min(plan.tile_rows, p.rows - first)};
      const int64_t at = h * p.rows + first;
      TileOutput output{.o = piece(o, at * p.dim, rows.count * p.dim),
                        .lse = piece(lse, at, rows.count),
                        .base2 = {}};
      if (in_base2) {
        output.base2 = piece(base2, at, rows.count);
      }
      if (observer) observer->tile(rows, output);
      ++done;
      if (options.progress) options.progress(done);
    }
  }
}

}  // namespace

DriverResult run_forward(const Plan& plan, const DriverOptions& options) {
  int count = 0;
  checked(cudaGetDeviceCount(&count), "no CUDA device");
  check_covered(plan, options);
  const Problem& p = plan.problem;
  const int64_t heads = p.heads / p.kv_heads;
  int64_t done = 0;
  for (int64_t outer = 0; outer < p.batch * p.kv_heads; ++outer) {
    const int64_t kv_head = outer % p.kv_heads;
    const Group group{outer / p.kv_heads, kv_head, heads, kv_head * heads};
    GroupPass pass(plan, group);
    if (!pass.run(options.stop)) return {{}, false};
    deliver(plan, group, pass, options, done);
  }
  return {{}, true};
}

}  // namespace ulpscope::gpu
