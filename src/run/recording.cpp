#include "ulpscope/run/recording.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/run/seeded_operand.hpp"
#include "ulpscope/tensor/open.hpp"

#include <array>
#include <fstream>

#include <fmt/format.h>

namespace ulpscope {

namespace {

using nlohmann::json;

struct KernelRow {
  std::string_view name;
  std::string_view recipe;
};

// PyTorch's backends by the names that recordings give them.
constexpr std::array seeded_kernels{
    KernelRow{"flash", "fa2-torch"},
    KernelRow{"efficient", "memeff-torch"},
    KernelRow{"cudnn", "cudnn-9.19"},
    KernelRow{"flex", "flex-triton"},
};
constexpr std::array tensor_prefixes{
    KernelRow{"fa_", "fa2-torch"},
    KernelRow{"eff_", "memeff-torch"},
    KernelRow{"cudnn_", "cudnn-9.19"},
    KernelRow{"flex_", "flex-triton"},
    KernelRow{"eager_stable0_", "paper-eager"},
    KernelRow{"eager_stable1_", "paper-eager+stable"},
    KernelRow{"compiled_stable0_", "paper-compiled-inside"},
    KernelRow{"compiled_stable1_", "paper-compiled-inside+stable"},
    KernelRow{"compiled_outside_stable0_", "paper-compiled"},
    KernelRow{"compiled_outside_stable1_", "paper-compiled+stable"},
};

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what) {
  throw Error(ErrorKind::input, fmt::format("{}: {}", file.string(), what));
}

json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) fail(path, "cannot be read");
  try {
    return json::parse(file);
  } catch (const json::exception&) {
    fail(path, "not a JSON file");
  }
}

Recording read_seeded(const std::filesystem::path& path) {
  const json file = read_json(path);
  Recording recording{.machine = file.value("_recorded", json::object()), .calls = {}};
  for (const json& facts : file.at("cases")) {
    // The first recordings were of one kernel, which they did not name.
    const auto kernel = facts.value("kernel", std::string("flash"));
    const auto row = std::find_if(seeded_kernels.begin(), seeded_kernels.end(),
                                  [&](const KernelRow& r) { return r.name == kernel; });
    if (row == seeded_kernels.end()) {
      ++recording.without_row;
      continue;
    }
    recording.calls.push_back(
        {.name = fmt::format("{} {}", kernel, facts.at("seed").get<uint64_t>()),
         .recipe = &recipe_named(std::string(row->recipe)),
         .facts = facts});
  }
  return recording;
}

Recording read_tensors(const std::filesystem::path& folder) {
  const json file = read_json(folder / "cases.json");
  Recording recording{.machine = file.value("_recorded", json::object()), .calls = {}};
  for (const auto& [name, facts] : file.items()) {
    if (name.starts_with('_')) continue;
    const bool own_file = std::filesystem::exists(folder / (name + ".npz"));
    RecordedCall call{.name = {},
                      .recipe = nullptr,
                      .facts = facts,
                      .tensors = folder / (own_file ? name + ".npz" : "cases.npz"),
                      .before = own_file ? "" : name + "."};
    const TensorSource source = open_tensors(call.tensors);
    for (const KernelRow& row : tensor_prefixes) {
      if (source.find(fmt::format("{}{}o", call.before, row.name)) == nullptr) continue;
      call.name = fmt::format("{} {}", name, row.name);
      call.recipe = &recipe_named(std::string(row.recipe));
      call.prefix = row.name;
      recording.calls.push_back(call);
    }
  }
  return recording;
}

// Format, mask, scale and launch; the shape is there already.
void apply_facts(const json& facts, Problem& problem) {
  problem.format = facts.at("dtype") == "bfloat16" ? bf16 : fp16;
  problem.mask = facts.at("causal").get<bool>() ? causal_mask : no_mask;
  if (facts.contains("window")) {
    problem.mask = {.left = facts["window"].at(0), .right = facts["window"].at(1)};
  }
  const auto scale = facts.find("scale");
  problem.scale = scale != facts.end() && scale->is_number()
                      ? Soft<fp32>(scale->get<double>()).bits()
                      : default_scale(problem.dim);
  problem.launch = {.batch = problem.batch, .heads = problem.heads};
  if (facts.contains("lengths")) {
    problem.launch.batch = static_cast<int64_t>(facts["lengths"].size());
    problem.launch.parts = 1;
  }
  if (facts.contains("launch")) {
    problem.launch.batch = facts["launch"].at(0);
    problem.launch.heads = facts["launch"].at(1);
  }
}

void point_to_tensors(CallInputs& inputs) {
  inputs.problem.q = inputs.q;
  inputs.problem.k = inputs.k;
  inputs.problem.v = inputs.v;
}

// Sizes are bounded, so that a damaged file is a line of text and not a failing allocation.
int64_t positive(const RecordedCall& call, const json& size) {
  constexpr int64_t most = 1 << 20;
  const auto value = size.get<int64_t>();
  if (value >= 1 && value <= most) return value;
  throw Error(ErrorKind::input, fmt::format("recorded call {}: a size is {}; expected 1 to {}",
                                            call.name, value, most));
}

// Every sequence of a packed call is seeded like a call of its own.
CallInputs seeded_inputs(const RecordedCall& call, size_t sequence) {
  const json& facts = call.facts;
  const auto size = [&](const char* name) { return positive(call, facts.at(name)); };
  CallInputs inputs;
  Problem& p = inputs.problem;
  p.heads = size("heads");
  p.batch = facts.contains("batch") ? size("batch") : 1;
  p.kv_heads = facts.contains("kv_heads") ? size("kv_heads") : p.heads;
  p.rows = call.is_packed() ? positive(call, facts["lengths"].at(sequence)) : size("seq_q");
  p.keys = call.is_packed() ? p.rows : size("seq_k");
  p.dim = size("head_dim");
  apply_facts(facts, p);
  const uint64_t seed = facts.at("seed").get<uint64_t>() + 1000 * sequence;
  const SeededLaw law = seeded_law(facts.value("law", std::string("wide")));
  const SeededShape queries{p.batch * p.heads, p.rows, p.dim};
  const SeededShape keys{p.batch * p.kv_heads, p.keys, p.dim};
  inputs.q = seeded_operand(p.format, {seed, 0, law}, queries);
  inputs.k = seeded_operand(p.format, {seed, 1, law}, keys);
  inputs.v = seeded_operand(p.format, {seed, 2, law}, keys);
  inputs.dout = seeded_operand(p.format, {seed, 3, law}, queries);
  point_to_tensors(inputs);
  return inputs;
}

std::vector<uint16_t> codes_of(const Tensor& tensor) {
  const auto all = words<uint16_t>(tensor);
  return {all.begin(), all.end()};
}

CallInputs stored_inputs(const RecordedCall& call) {
  const TensorSource source = open_tensors(call.tensors);
  const Tensor q = source.read(call.before + "q");
  const Tensor k = source.read(call.before + "k");
  for (const Tensor* tensor : {&q, &k}) {
    if (tensor->info.shape.size() == 4) continue;
    fail(call.tensors, fmt::format("{} has {} dimensions; expected (batch, heads, seq, dim)",
                                   tensor->info.name, tensor->info.shape.size()));
  }
  CallInputs inputs;
  inputs.q = codes_of(q);
  inputs.k = codes_of(k);
  inputs.v = codes_of(source.read(call.before + "v"));
  if (source.find(call.before + "do") != nullptr) {
    inputs.dout = codes_of(source.read(call.before + "do"));
  }
  Problem& p = inputs.problem;
  p.batch = q.info.shape[0];
  p.heads = q.info.shape[1];
  p.kv_heads = k.info.shape[1];
  p.rows = q.info.shape[2];
  p.keys = k.info.shape[2];
  p.dim = q.info.shape[3];
  apply_facts(call.facts, p);
  point_to_tensors(inputs);
  return inputs;
}

std::vector<uint32_t> widened_words(const Tensor& tensor) {
  if (tensor.info.element == Element::fp32 || tensor.info.element == Element::u32) {
    const auto all = words<uint32_t>(tensor);
    return {all.begin(), all.end()};
  }
  const auto all = words<uint16_t>(tensor);
  return {all.begin(), all.end()};
}

}  // namespace

Recording read_recording(const std::filesystem::path& folder) {
  const auto seeded = folder / "fuzz.json";
  const auto cases = folder / "cases.json";
  const bool has_seeded = std::filesystem::exists(seeded);
  if (!has_seeded && !std::filesystem::exists(cases)) {
    fail(folder, "no recording: expected a fuzz.json or a cases.json in it");
  }
  try {
    return has_seeded ? read_seeded(seeded) : read_tensors(folder);
  } catch (const json::exception& error) {
    fail(has_seeded ? seeded : cases, fmt::format("not as recordings are: {}", error.what()));
  }
}

CallInputs inputs_of(const RecordedCall& call, size_t sequence) {
  try {
    return call.tensors.empty() ? seeded_inputs(call, sequence) : stored_inputs(call);
  } catch (const json::exception& error) {
    fail(call.name, fmt::format("not as recordings are: {}", error.what()));
  }
}

std::map<Output, RecordedOutput> outputs_of(const RecordedCall& call) {
  std::map<Output, RecordedOutput> found;
  if (call.tensors.empty()) {
    for (const Output output : all_outputs) {
      const auto checksum = call.facts.find(std::string(output_name(output)));
      if (checksum == call.facts.end() || checksum->is_null()) continue;
      found[output] = checksum->get<uint32_t>();
    }
    return found;
  }
  const TensorSource source = open_tensors(call.tensors);
  for (const Output output : all_outputs) {
    const std::string name = call.before + call.prefix + std::string(output_name(output));
    if (source.find(name) != nullptr) found[output] = widened_words(source.read(name));
  }
  return found;
}

}  // namespace ulpscope
