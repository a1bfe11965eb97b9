// Runs in memory: arrays in, arrays out, and the same bytes as by way of files.
#include "ulpscope/run/run_tensors.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/run/attention_run.hpp"
#include "ulpscope/run/gemm_run.hpp"
#include "ulpscope/run/quantise_run.hpp"
#include "ulpscope/tensor/held.hpp"
#include "ulpscope/tensor/open.hpp"

#include "tensor/files.hpp"
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

const std::string captures = std::string(ULPSCOPE_DATA_DIR) + "/captures/";

void check_same(const std::vector<Tensor>& kept, const std::filesystem::path& file) {
  const TensorSource written = open_tensors(file);
  REQUIRE(kept.size() == written.tensors().size());
  for (const Tensor& tensor : kept) {
    CAPTURE(tensor.info.name);
    const Tensor stored = written.read(tensor.info.name);
    CHECK(tensor.info == stored.info);
    CHECK(tensor.bytes == stored.bytes);
  }
}

}  // namespace

TEST_CASE("attention on tensors in memory leaves in memory what files would hold") {
  const std::string capture = captures + "h200_torch2.11_sdpa/bf_d64_n300_small_causal.npz";
  const TensorSource source = open_tensors(capture);
  std::vector<Tensor> operands;
  for (const char* role : {"q", "k", "v", "do"}) operands.push_back(source.read(role));
  HeldTensors held;
  for (const auto& tensor : operands) held.files["<arrays>"].push_back({tensor.info, tensor.bytes});

  const TemporaryFolder here;
  RunTensors kept;
  AttentionOptions options;
  options.inputs.format = bf16;
  options.inputs.layout = Layout::bhsd;
  options.inputs.input = "<arrays>";
  options.inputs.held = &held;
  options.mask = causal_mask;
  options.out = (here.path() / "run").string();
  options.tensors = &kept;
  REQUIRE(run_attention(options).has_value());
  check_same(kept.outputs, here.path() / "run/outputs.safetensors");
  check_same(kept.errors, here.path() / "run/errors.safetensors");
}

TEST_CASE("a product's tensors are those of its files") {
  const std::string file = captures + "h200_torch2.11_gemm/gemm_e4m3_128x128x128.npz";
  const TemporaryFolder here;
  RunTensors kept;
  GemmOptions options;
  options.a = file + ":a";
  options.b = file + ":b";
  options.kernel = "cublaslt-e4m3";
  options.format = e4m3fn;
  options.out = (here.path() / "run").string();
  options.tensors = &kept;
  REQUIRE(run_gemm(options).has_value());
  check_same(kept.outputs, here.path() / "run/outputs.safetensors");
  check_same(kept.errors, here.path() / "run/errors.safetensors");
}

TEST_CASE("a quantised tensor's parts are those of its file") {
  const TemporaryFolder here;
  RunTensors kept;
  run_quantise({.input = captures + "h200_torch2.11_sdpa/bf_d64_n300_small_causal.npz:k",
                .format = bf16,
                .schemes = {"nvfp4"},
                .out = (here.path() / "k.safetensors").string(),
                .command = "",
                .tensors = &kept});
  check_same(kept.outputs, here.path() / "k.safetensors");
}
