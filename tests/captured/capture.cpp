#include "captured/capture.hpp"

#include "ulpscope/attention/driver.hpp"
#include "ulpscope/tensor/open.hpp"

#include <fstream>

#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

nlohmann::json read_cases(const std::filesystem::path& folder) {
  std::ifstream file(folder / "cases.json");
  return nlohmann::json::parse(file);
}

// Writes the O codes and LSE bits of every tile to their places.
class Collector : public HeadObserver {
 public:
  Collector(const Plan& plan, std::vector<uint16_t>& o, std::vector<uint32_t>& lse)
      : plan_(plan), o_(o), lse_(lse) {}

  void tile(const TileRows& rows, const TileOutput& output) override {
    const auto first = static_cast<size_t>(
        (rows.batch * plan_.problem.heads + rows.head) * plan_.problem.rows + rows.first);
    const size_t o_first = first * static_cast<size_t>(plan_.problem.dim);
    for (size_t i = 0; i < output.o.size(); ++i) {
      o_[o_first + i] = static_cast<uint16_t>(output_code(plan_, output.o[i]));
    }
    std::copy(output.lse.begin(), output.lse.end(), lse_.begin() + static_cast<long>(first));
  }

 private:
  const Plan& plan_;
  std::vector<uint16_t>& o_;
  std::vector<uint32_t>& lse_;
};

}  // namespace

std::filesystem::path capture_folder(const std::string& name) {
  return std::filesystem::path(ULPSCOPE_DATA_DIR) / "captures" / name;
}

std::vector<std::string> captured_cases(const std::filesystem::path& folder) {
  const nlohmann::json cases = read_cases(folder);
  std::vector<std::string> names;
  for (const auto& [name, _] : cases.items()) names.push_back(name);
  return names;
}

Replay replay_forward(const std::filesystem::path& folder, const std::string& name,
                      const Recipe& recipe, const std::string& prefix) {
  const nlohmann::json cases = read_cases(folder);
  const nlohmann::json& facts = cases.at(name);
  const auto source = open_tensors(folder / (name + ".npz"));
  const Tensor q = source.read("q");
  const Tensor k = source.read("k");
  const Tensor v = source.read("v");
  Problem problem;
  problem.batch = q.info.shape[0];
  problem.heads = q.info.shape[1];
  problem.kv_heads = k.info.shape[1];
  problem.rows = q.info.shape[2];
  problem.keys = k.info.shape[2];
  problem.dim = q.info.shape[3];
  problem.format = facts.at("dtype") == "bfloat16" ? bf16 : fp16;
  problem.mask = facts.at("causal") ? Mask::causal : Mask::none;
  problem.scale = default_scale(problem.dim);
  problem.launch = {.batch = problem.batch, .heads = problem.heads};
  problem.q = words<uint16_t>(q);
  problem.k = words<uint16_t>(k);
  problem.v = words<uint16_t>(v);
  const Plan plan = make_plan(recipe, chip_named("h200"), problem, {});

  const Tensor o = source.read(prefix + "o");
  const Tensor lse = source.read(prefix + "lse");
  const auto o_recorded = words<uint16_t>(o);
  const auto lse_recorded = words<uint32_t>(lse);
  std::vector<uint16_t> o_simulated(o_recorded.size());
  std::vector<uint32_t> lse_simulated(lse_recorded.size());
  run_forward(plan, {.threads = 2, .logging = Logging::off, .observe = [&](int64_t, int64_t) {
                       return std::make_unique<Collector>(plan, o_simulated, lse_simulated);
                     }});
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

}  // namespace ulpscope
