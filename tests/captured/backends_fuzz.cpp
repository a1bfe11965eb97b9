#include "captured/backends_fuzz.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/attention/gradients.hpp"

#include <fstream>
#include <functional>

#include "captured/seeded.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

// The tensors of one problem, made from its seed.
struct Seeded {
  std::vector<uint16_t> q, k, v, dout;
  Problem problem;

  Seeded(const json& facts, uint64_t seed) {
    const auto size = [&](const char* name) { return facts.at(name).get<int64_t>(); };
    problem.batch = facts.value("batch", int64_t{1});
    problem.heads = size("heads");
    problem.kv_heads = facts.value("kv_heads", problem.heads);
    problem.rows = size("seq_q");
    problem.keys = size("seq_k");
    problem.dim = size("head_dim");
    problem.format = facts.at("dtype") == "bfloat16" ? bf16 : fp16;
    problem.mask = facts.at("causal") ? causal_mask : no_mask;
    if (facts.contains("window")) {
      problem.mask = {.left = facts["window"][0], .right = facts["window"][1]};
    }
    const auto scale = facts.find("scale");
    problem.scale = scale != facts.end() && scale->is_number()
                        ? Soft<fp32>(scale->get<double>()).bits()
                        : default_scale(problem.dim);
    problem.launch = {.batch = problem.batch, .heads = problem.heads};
    if (facts.contains("lengths")) {  // a sequence of a packed batch
      problem.launch.batch = static_cast<int64_t>(facts["lengths"].size());
      problem.launch.parts = 1;
    }
    if (facts.contains("launch")) {
      problem.launch.batch = facts["launch"][0];
      problem.launch.heads = facts["launch"][1];
    }
    const int64_t q_count = problem.batch * problem.heads * problem.rows * problem.dim;
    const int64_t kv_count = problem.batch * problem.kv_heads * problem.keys * problem.dim;
    q = seeded_operand(problem.format, seed, 0, q_count);
    k = seeded_operand(problem.format, seed, 1, kv_count);
    v = seeded_operand(problem.format, seed, 2, kv_count);
    dout = seeded_operand(problem.format, seed, 3, q_count);
    problem.q = q;
    problem.k = k;
    problem.v = v;
  }
  Seeded(const Seeded&) = delete;
  Seeded& operator=(const Seeded&) = delete;
};

struct Outputs {
  std::vector<uint32_t> o, lse, statistic;  // registers
  Gradients gradients;
};

class Collector : public HeadObserver {
 public:
  Collector(const Plan& plan, Outputs& out) : plan_(plan), out_(out) {}
  void tile(const TileRows& rows, const TileOutput& output) override {
    const int64_t first =
        (rows.batch * plan_.problem.heads + rows.head) * plan_.problem.rows + rows.first;
    std::copy(output.o.begin(), output.o.end(), out_.o.begin() + first * plan_.problem.dim);
    std::copy(output.lse.begin(), output.lse.end(), out_.lse.begin() + first);
    std::copy(output.statistic().begin(), output.statistic().end(), out_.statistic.begin() + first);
  }

 private:
  const Plan& plan_;
  Outputs& out_;
};

// The layout of delta is the library's choice by timing: any of them may be the recorded one.
using Accept = std::function<bool(const Gradients&)>;

Outputs simulate(const Seeded& seeded, const Recipe& recipe, const Accept& accept) {
  const Problem& p = seeded.problem;
  const Plan plan = make_plan(recipe, chip_named("h200"), p, {});
  Outputs out;
  out.o.resize(p.q.size());
  out.lse.resize(p.q.size() / static_cast<size_t>(p.dim));
  out.statistic.resize(out.lse.size());
  run_forward(plan, {.threads = 2, .logging = Logging::off, .observe = [&](int64_t, int64_t) {
                       return std::make_unique<Collector>(plan, out);
                     }});
  BackwardPlan backward = make_backward_plan(plan, p);
  for (const DeltaLayout& layout : possible_delta_layouts(*backward.rules, p.dim)) {
    backward.delta = layout;
    out.gradients = run_backward(backward, {.dout = seeded.dout, .o = out.o, .lse = out.statistic},
                                 {.threads = 2, .logging = Logging::off});
    if (accept(out.gradients)) break;
  }
  return out;
}

// Codes of 16 bits, as they lie in memory.
std::vector<uint16_t> codes(const Format& format, const std::vector<uint32_t>& registers) {
  std::vector<uint16_t> result;
  for (const uint32_t x : registers) result.push_back(static_cast<uint16_t>(code_of(format, x)));
  return result;
}

template <class Word>
uint32_t checksum(const std::vector<Word>& words) {
  Crc32 crc;
  crc.add_words(std::span<const Word>(words));
  return crc.value();
}

void compare(BackendsReplay& result, const json& facts, const char* tensor, uint32_t found) {
  if (facts.at(tensor).is_null()) return;  // the kernel adds in no fixed order
  ++result.checksums;
  if (facts.at(tensor).get<uint32_t>() != found) {
    result.different.push_back(fmt::format("{} {}", facts.at("seed").get<uint64_t>(), tensor));
  }
}

void replay_dense(BackendsReplay& result, const json& facts, const Recipe& recipe) {
  const Seeded seeded(facts, facts.at("seed").get<uint64_t>());
  const Format& format = seeded.problem.format;
  const Outputs out = simulate(seeded, recipe, [&](const Gradients& g) {
    return facts.at("dk").get<uint32_t>() == checksum(codes(format, g.dk));
  });
  compare(result, facts, "o", checksum(codes(format, out.o)));
  compare(result, facts, "lse", checksum(out.lse));
  compare(result, facts, "dq", checksum(codes(format, out.gradients.dq)));
  compare(result, facts, "dk", checksum(codes(format, out.gradients.dk)));
  compare(result, facts, "dv", checksum(codes(format, out.gradients.dv)));
}

// One sequence's tensor (heads, length, dim), put behind those before it: (total, heads, dim).
void append_packed(std::vector<uint16_t>& packed, const std::vector<uint16_t>& heads_first,
                   int64_t heads, int64_t length, int64_t dim) {
  for (int64_t i = 0; i < length; ++i) {
    for (int64_t h = 0; h < heads; ++h) {
      const auto from = heads_first.begin() + (h * length + i) * dim;
      packed.insert(packed.end(), from, from + dim);
    }
  }
}

// Every sequence is a problem of its own; the launch has as many batches as there are sequences.
void replay_packed(BackendsReplay& result, const json& facts, const Recipe& recipe) {
  const auto lengths = facts.at("lengths").get<std::vector<int64_t>>();
  const auto heads = facts.at("heads").get<int64_t>();
  const auto dim = facts.at("head_dim").get<int64_t>();
  std::array<std::vector<uint16_t>, 4> packed;                         // o, dq, dk, dv
  std::vector<std::vector<uint32_t>> lse(static_cast<size_t>(heads));  // (heads, total)
  for (size_t i = 0; i < lengths.size(); ++i) {
    json one = facts;
    one["seq_q"] = one["seq_k"] = lengths[i];
    const Seeded seeded(one, facts.at("seed").get<uint64_t>() + 1000 * i);
    Problem problem = seeded.problem;
    const Outputs out = simulate(seeded, recipe, [](const Gradients&) { return true; });
    size_t tensor = 0;
    for (const auto* registers :
         {&out.o, &out.gradients.dq, &out.gradients.dk, &out.gradients.dv}) {
      append_packed(packed[tensor++], codes(problem.format, *registers), heads, lengths[i], dim);
    }
    for (int64_t h = 0; h < heads; ++h) {
      auto& row = lse[static_cast<size_t>(h)];
      const auto from = out.lse.begin() + h * lengths[i];
      row.insert(row.end(), from, from + lengths[i]);
    }
  }
  std::vector<uint32_t> all;
  for (const auto& row : lse) all.insert(all.end(), row.begin(), row.end());
  compare(result, facts, "o", checksum(packed[0]));
  compare(result, facts, "lse", checksum(all));
  compare(result, facts, "dq", checksum(packed[1]));
  compare(result, facts, "dk", checksum(packed[2]));
  compare(result, facts, "dv", checksum(packed[3]));
}

}  // namespace

BackendsReplay replay_backends(const std::filesystem::path& folder, const FuzzSelection& selection,
                               const Recipe& recipe) {
  std::ifstream file(folder / "fuzz.json");
  const json recorded = json::parse(file);
  BackendsReplay result;
  for (const json& facts : recorded.at("cases")) {
    if (facts.at("kernel") != selection.kernel) continue;
    if (facts.contains("lengths") != selection.packed) continue;
    ++result.cases;
    if (selection.packed) {
      replay_packed(result, facts, recipe);
    } else {
      replay_dense(result, facts, recipe);
    }
  }
  return result;
}

}  // namespace ulpscope
