#include "captured/capture.hpp"

#include "ulpscope/attention/driver.hpp"
#include "ulpscope/attention/gradients.hpp"
#include "ulpscope/compare/reachable.hpp"

#include <fstream>

#include "captured/recorded.hpp"
#include "captured/seeded.hpp"
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

struct Simulated {
  std::vector<uint16_t> o;          // codes
  std::vector<uint32_t> lse;        // registers
  std::vector<uint32_t> statistic;  // what the backward pass reads of the LSE
};

// Writes the O codes and LSE bits of every tile to their places.
class Collector : public HeadObserver {
 public:
  Collector(const Plan& plan, Simulated& to) : plan_(plan), to_(to) {}

  void tile(const TileRows& rows, const TileOutput& output) override {
    const auto first = static_cast<size_t>(
        (rows.batch * plan_.problem.heads + rows.head) * plan_.problem.rows + rows.first);
    const size_t o_first = first * static_cast<size_t>(plan_.problem.dim);
    for (size_t i = 0; i < output.o.size(); ++i) {
      to_.o[o_first + i] = static_cast<uint16_t>(output_code(plan_, output.o[i]));
    }
    const auto at = static_cast<long>(first);
    std::copy(output.lse.begin(), output.lse.end(), to_.lse.begin() + at);
    std::copy(output.statistic().begin(), output.statistic().end(), to_.statistic.begin() + at);
  }

 private:
  const Plan& plan_;
  Simulated& to_;
};

Simulated simulate(const Plan& plan) {
  const Problem& p = plan.problem;
  const auto rows = static_cast<size_t>(p.batch * p.heads * p.rows);
  Simulated result{.o = std::vector<uint16_t>(rows * static_cast<size_t>(p.dim)),
                   .lse = std::vector<uint32_t>(rows),
                   .statistic = std::vector<uint32_t>(rows)};
  run_forward(plan, {.threads = 2, .logging = Logging::off, .observe = [&](int64_t, int64_t) {
                       return std::make_unique<Collector>(plan, result);
                     }});
  return result;
}

}  // namespace

GradientReplay replay_backward(const std::filesystem::path& folder, const std::string& name,
                               const Recipe& recipe, const std::string& prefix) {
  const Recorded recorded(folder, name);
  const Problem& p = recorded.problem();
  const Plan plan = make_plan(recipe, chip_named("h200"), p, {});
  const Simulated forward = simulate(plan);
  std::vector<uint32_t> o;
  for (const uint16_t code : forward.o) o.push_back(detail::widened(p.format, code));
  const BackwardPlan backward = make_backward_plan(plan, p);
  const BackwardInputs inputs{.dout = recorded.dout(), .o = o, .lse = forward.statistic};
  const BackwardOptions options{.threads = 2, .logging = Logging::off};
  const Gradients gradients = run_backward(backward, inputs, options);
  const bool unordered = has_unordered_dq(backward);
  const auto parts =
      unordered ? query_gradient_parts(backward, inputs, options) : QueryGradientParts{};

  GradientReplay result;
  for (const auto& [output, values] :
       {std::pair{Output::dq, &gradients.dq}, std::pair{Output::dk, &gradients.dk},
        std::pair{Output::dv, &gradients.dv}}) {
    const auto codes = recorded.output(prefix, output).codes;
    GradientReplay::Tensor counts;
    counts.name = output_name(output);
    counts.elements = static_cast<int64_t>(codes.size());
    for (size_t i = 0; i < codes.size(); ++i) {
      if (code_of(p.format, (*values)[i]) == codes[i]) continue;
      ++counts.different;
      const bool possible = unordered && output == Output::dq && parts.reach(p.format, i, codes[i]);
      if (!possible) ++counts.unreachable;
    }
    result.tensors.push_back(counts);
  }
  return result;
}

Replay replay_forward(const std::filesystem::path& folder, const std::string& name,
                      const Recipe& recipe, const std::string& prefix) {
  const Recorded recorded(folder, name);
  const Simulated simulated =
      simulate(make_plan(recipe, chip_named("h200"), recorded.problem(), {}));
  const auto count = [&](Output output, const auto& values, int64_t& elements, int64_t& different) {
    const auto codes = recorded.output(prefix, output).codes;
    for (size_t i = 0; i < codes.size(); ++i) different += values[i] != codes[i];
    elements = static_cast<int64_t>(codes.size());
  };
  Replay result;
  count(Output::o, simulated.o, result.o_elements, result.o_different);
  if (recorded.has(prefix, Output::lse)) {
    count(Output::lse, simulated.lse, result.lse_elements, result.lse_different);
  }
  return result;
}

FuzzReplay replay_fuzz(const std::filesystem::path& folder, const Recipe& recipe) {
  std::ifstream file(folder / "fuzz.json");
  const nlohmann::json recorded = nlohmann::json::parse(file);
  FuzzReplay result;
  for (const nlohmann::json& facts : recorded.at("cases")) {
    const auto size = [&](const char* name) { return facts.at(name).get<int64_t>(); };
    Problem problem;
    problem.batch = size("batch");
    problem.heads = size("heads");
    problem.kv_heads = size("kv_heads");
    problem.rows = size("seq_q");
    problem.keys = size("seq_k");
    problem.dim = size("head_dim");
    apply_facts(facts, problem);
    const auto seed = facts.at("seed").get<uint64_t>();
    const int64_t q_count = problem.batch * problem.heads * problem.rows * problem.dim;
    const int64_t kv_count = problem.batch * problem.kv_heads * problem.keys * problem.dim;
    const auto q = seeded_operand(problem.format, seed, 0, q_count);
    const auto k = seeded_operand(problem.format, seed, 1, kv_count);
    const auto v = seeded_operand(problem.format, seed, 2, kv_count);
    problem.q = q;
    problem.k = k;
    problem.v = v;
    const auto simulated = simulate(make_plan(recipe, chip_named("h200"), problem, {}));
    Crc32 o;
    Crc32 lse;
    o.add_words(std::span<const uint16_t>(simulated.o));
    lse.add_words(std::span<const uint32_t>(simulated.lse));
    ++result.cases;
    if (o.value() != facts.at("o").get<uint32_t>() ||
        lse.value() != facts.at("lse").get<uint32_t>()) {
      result.different.push_back(seed);
    }
  }
  return result;
}

}  // namespace ulpscope
