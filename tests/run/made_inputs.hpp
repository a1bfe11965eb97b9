// Small inputs for whole runs: bell-shaped bf16 numbers in any layout, as a .safetensors file.
#pragma once

#include "ulpscope/run/attention_run.hpp"
#include "ulpscope/run/inputs.hpp"
#include "ulpscope/run/output_tensors.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include "attention/problems.hpp"
#include "support/temporary_folder.hpp"

namespace ulpscope::test {

struct MadeInput {
  int64_t batch = 1;
  int64_t heads = 4;
  int64_t kv_heads = 2;
  int64_t rows = 40;
  int64_t keys = 40;
  int64_t dim = 16;
  Layout layout = Layout::bhsd;
  bool gradients = false;
  uint64_t seed = 3;
};

// The file's path.
inline std::string made_file(const TemporaryFolder& here, const std::string& name,
                             const MadeInput& made) {
  Random random(made.seed);
  std::vector<Tensor> tensors;
  const auto add = [&](const char* role, int64_t heads, int64_t rows) {
    const std::array sizes{made.batch, heads, rows, made.dim};
    const auto codes = random_codes(random, bf16, made.batch * heads * rows * made.dim);
    tensors.push_back(
        packed(role, Element::bf16, shape_in_layout(sizes, made.layout),
               in_layout(std::vector<uint32_t>(codes.begin(), codes.end()), sizes, made.layout)));
  };
  add("q", made.heads, made.rows);
  add("k", made.kv_heads, made.keys);
  add("v", made.kv_heads, made.keys);
  if (made.gradients) add("do", made.heads, made.rows);
  const auto path = here.path() / name;
  write_safetensors(path, tensors, {{"layout", layout_name(made.layout)}});
  return path.string();
}

inline AttentionOptions options_for(const std::string& file, const std::filesystem::path& out) {
  AttentionOptions options;
  options.inputs.input = file;
  options.mask = causal_mask;
  options.out = out.string();
  options.command = "ulpscope attention";
  return options;
}

// All files of a run, one after the other.
inline std::string bytes_of_run(const std::filesystem::path& folder) {
  std::string all;
  for (const char* name :
       {"outputs.safetensors", "errors.safetensors", "summary.json", "report.html"}) {
    const auto bytes = read_back(folder / name);
    REQUIRE_FALSE(bytes.empty());
    all += bytes;
  }
  return all;
}

}  // namespace ulpscope::test
