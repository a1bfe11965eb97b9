#include "captured/capture.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/attention/driver.hpp"
#include "ulpscope/attention/gradients.hpp"
#include "ulpscope/compare/reachable.hpp"
#include "ulpscope/tensor/open.hpp"

#include <fstream>

#include "captured/seeded.hpp"
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

nlohmann::json read_cases(const std::filesystem::path& folder) {
  std::ifstream file(folder / "cases.json");
  return nlohmann::json::parse(file);
}

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

}  // namespace

std::filesystem::path capture_folder(const std::string& name) {
  return std::filesystem::path(ULPSCOPE_DATA_DIR) / "captures" / name;
}

std::vector<std::string> captured_cases(const std::filesystem::path& folder) {
  const nlohmann::json cases = read_cases(folder);
  std::vector<std::string> names;
  for (const auto& [name, _] : cases.items()) {
    if (!name.starts_with('_')) names.push_back(name);  // _recorded: about the machine
  }
  return names;
}

namespace {

// Tensors of a case: NAME.npz holds q, k, ...; or cases.npz holds NAME.q, NAME.k, ...
class CaseFile {
 public:
  CaseFile(const std::filesystem::path& folder, const std::string& name)
      : own_(std::filesystem::exists(folder / (name + ".npz"))),
        prefix_(own_ ? "" : name + "."),
        source_(open_tensors(folder / (own_ ? name + ".npz" : "cases.npz"))) {}
  Tensor read(const std::string& tensor) const { return source_.read(prefix_ + tensor); }
  bool has(const std::string& tensor) const { return source_.find(prefix_ + tensor) != nullptr; }

 private:
  bool own_;
  std::string prefix_;
  TensorSource source_;
};

// The facts of a case: what the tensors cannot say.
void apply_facts(const nlohmann::json& facts, Problem& problem) {
  problem.format = facts.at("dtype") == "bfloat16" ? bf16 : fp16;
  problem.mask = facts.at("causal") ? causal_mask : no_mask;
  const auto scale = facts.find("scale");
  problem.scale = scale != facts.end() && scale->is_number()
                      ? Soft<fp32>(scale->get<double>()).bits()
                      : default_scale(problem.dim);
  problem.launch = {.batch = problem.batch, .heads = problem.heads};
  if (facts.contains("launch")) {
    problem.launch.batch = facts["launch"][0];
    problem.launch.heads = facts["launch"][1];
  }
}

}  // namespace

namespace {

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

namespace {

// A case's tensors and the problem that looks into them.
struct Case {
  Case(const std::filesystem::path& folder, const std::string& name) : file(folder, name) {
    problem.batch = q.info.shape[0];
    problem.heads = q.info.shape[1];
    problem.kv_heads = k.info.shape[1];
    problem.rows = q.info.shape[2];
    problem.keys = k.info.shape[2];
    problem.dim = q.info.shape[3];
    apply_facts(read_cases(folder).at(name), problem);
    problem.q = words<uint16_t>(q);
    problem.k = words<uint16_t>(k);
    problem.v = words<uint16_t>(v);
  }
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  CaseFile file;
  Tensor q = file.read("q");
  Tensor k = file.read("k");
  Tensor v = file.read("v");
  Problem problem;
};

// The first `rows` of every head: recordings of some kernels pad the LSE.
std::vector<uint32_t> unpadded(const Problem& p, std::span<const uint32_t> lse) {
  const auto heads = static_cast<size_t>(p.batch * p.heads);
  const size_t stride = lse.size() / heads;
  std::vector<uint32_t> result;
  for (size_t h = 0; h < heads; ++h) {
    const auto row = lse.subspan(h * stride, static_cast<size_t>(p.rows));
    result.insert(result.end(), row.begin(), row.end());
  }
  return result;
}

}  // namespace

GradientReplay replay_backward(const std::filesystem::path& folder, const std::string& name,
                               const Recipe& recipe, const std::string& prefix) {
  const Case recorded(folder, name);
  const Problem& p = recorded.problem;
  const Plan plan = make_plan(recipe, chip_named("h200"), p, {});
  const Simulated forward = simulate(plan);
  const Tensor dout = recorded.file.read("do");
  std::vector<uint32_t> o;
  for (const uint16_t code : forward.o) o.push_back(detail::widened(p.format, code));
  const BackwardPlan backward = make_backward_plan(plan, p);
  const BackwardInputs inputs{.dout = words<uint16_t>(dout), .o = o, .lse = forward.statistic};
  const BackwardOptions options{.threads = 2, .logging = Logging::off};
  const Gradients gradients = run_backward(backward, inputs, options);
  const bool unordered = has_unordered_dq(backward);
  const auto parts =
      unordered ? query_gradient_parts(backward, inputs, options) : QueryGradientParts{};

  GradientReplay result;
  for (const auto& [tensor, values] :
       {std::pair{"dq", &gradients.dq}, std::pair{"dk", &gradients.dk},
        std::pair{"dv", &gradients.dv}}) {
    const Tensor expected = recorded.file.read(prefix + tensor);
    const auto codes = words<uint16_t>(expected);
    GradientReplay::Tensor counts;
    counts.name = tensor;
    counts.elements = static_cast<int64_t>(codes.size());
    for (size_t i = 0; i < codes.size(); ++i) {
      if (code_of(p.format, (*values)[i]) == codes[i]) continue;
      ++counts.different;
      const bool possible = unordered && counts.name == "dq" && parts.reach(p.format, i, codes[i]);
      if (!possible) ++counts.unreachable;
    }
    result.tensors.push_back(counts);
  }
  return result;
}

Replay replay_forward(const std::filesystem::path& folder, const std::string& name,
                      const Recipe& recipe, const std::string& prefix) {
  const Case recorded(folder, name);
  const CaseFile& file = recorded.file;
  const Plan plan = make_plan(recipe, chip_named("h200"), recorded.problem, {});

  const Tensor o = file.read(prefix + "o");
  const auto o_recorded = words<uint16_t>(o);
  std::vector<uint32_t> lse_recorded;
  if (file.has(prefix + "lse")) {
    const Tensor lse = file.read(prefix + "lse");
    lse_recorded = unpadded(recorded.problem, words<uint32_t>(lse));
  }
  const Simulated simulated = simulate(plan);
  const auto& o_simulated = simulated.o;
  const auto& lse_simulated = simulated.lse;
  Replay result;
  for (size_t i = 0; i < o_recorded.size(); ++i) {
    ++result.o_elements;
    result.o_different += o_simulated[i] != o_recorded[i];
  }
  for (size_t i = 0; i < lse_recorded.size(); ++i) {
    ++result.lse_elements;
    result.lse_different += lse_simulated[i] != lse_recorded[i];
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
