#include "captured/recorded.hpp"

#include "ulpscope/arith/soft.hpp"

#include <fstream>

#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

nlohmann::json read_cases(const std::filesystem::path& folder) {
  std::ifstream file(folder / "cases.json");
  return nlohmann::json::parse(file);
}

// The first `rows` of every head.
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

Recorded::Recorded(const std::filesystem::path& folder, const std::string& name)
    : own_file_(std::filesystem::exists(folder / (name + ".npz"))),
      name_(name),
      source_(open_tensors(folder / (own_file_ ? name + ".npz" : "cases.npz"))) {
  const std::string prefix = own_file_ ? "" : name + ".";
  q_ = source_.read(prefix + "q");
  k_ = source_.read(prefix + "k");
  v_ = source_.read(prefix + "v");
  if (source_.find(prefix + "do") != nullptr) dout_ = source_.read(prefix + "do");
  problem_.batch = q_.info.shape[0];
  problem_.heads = q_.info.shape[1];
  problem_.kv_heads = k_.info.shape[1];
  problem_.rows = q_.info.shape[2];
  problem_.keys = k_.info.shape[2];
  problem_.dim = q_.info.shape[3];
  apply_facts(read_cases(folder).at(name), problem_);
  problem_.q = words<uint16_t>(q_);
  problem_.k = words<uint16_t>(k_);
  problem_.v = words<uint16_t>(v_);
}

std::span<const uint16_t> Recorded::dout() const {
  if (dout_.bytes.empty()) return {};
  return words<uint16_t>(dout_);
}

std::string Recorded::name_of(const std::string& prefix, Output output) const {
  return (own_file_ ? "" : name_ + ".") + prefix + std::string(output_name(output));
}

bool Recorded::has(const std::string& prefix, Output output) const {
  return source_.find(name_of(prefix, output)) != nullptr;
}

Observed Recorded::output(const std::string& prefix, Output output) const {
  const Tensor tensor = source_.read(name_of(prefix, output));
  if (output == Output::lse) return {output, fp32, unpadded(problem_, words<uint32_t>(tensor))};
  const auto codes = words<uint16_t>(tensor);
  return {output, problem_.format, {codes.begin(), codes.end()}};
}

}  // namespace ulpscope
