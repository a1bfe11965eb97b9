// Every recorded matrix product of the H200, bit for bit, and how many bits the nearest other
// rules would miss. The e4m3 recordings have k = 128, one group: they do not tell the group's
// length, which larger recordings did (include/ulpscope/gemm/recipe.hpp).
#include "ulpscope/gemm/product.hpp"
#include "ulpscope/tensor/open.hpp"

#include <filesystem>
#include <string>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

struct Recording {
  TensorSource source;
  Operand a;
  Operand b;

  Recording(const std::string& file, const Format& format)
      : source(open_tensors(std::filesystem::path(ULPSCOPE_DATA_DIR) /
                            "captures/h200_torch2.11_gemm" / file)),
        a(operand("a", format)),
        b(operand("b", format)) {
    b.pack();
  }

  Operand operand(const std::string& name, const Format& format) const {
    const Tensor tensor = source.read(name);
    Operand result(format, tensor.info.shape[0], tensor.info.shape[1]);
    for (int64_t i = 0; i < result.rows(); ++i) {
      for (int64_t k = 0; k < result.length(); ++k) {
        result.set(i, k, element_bits(tensor, static_cast<size_t>(i * result.length() + k)));
      }
    }
    return result;
  }

  // Elements of D whose bits are not the recorded ones.
  int64_t different(const GemmPlan& plan, const std::string& name) const {
    const Tensor d = source.read(name);
    REQUIRE(d.info.shape == std::vector<int64_t>{a.rows(), b.rows()});
    int64_t count = 0;
    std::vector<uint32_t> row(static_cast<size_t>(b.rows()));
    for (int64_t i = 0; i < a.rows(); ++i) {
      product_row(plan, a, i, b, 0, row);
      for (size_t j = 0; j < row.size(); ++j) {
        const auto at = static_cast<size_t>(i) * row.size() + j;
        count += output_code(plan, row[j]) != element_bits(d, at);
      }
    }
    return count;
  }

  GemmPlan plan(const char* kernel, const Format& output) const {
    return make_gemm_plan(gemm_recipe_named(kernel), chip_named("h200"), a.length(),
                          {.output = output});
  }

  // The same with another fused sum.
  int64_t different_with(const FusedSum& sum, GemmPlan plan, const std::string& name) const {
    MatrixUnit unit = *plan.unit;
    unit.sum = sum;
    plan.unit = &unit;
    return different(plan, name);
  }
};

}  // namespace

TEST_SUITE("captured gemm") {
  TEST_CASE("cublas-bf16 gives the GPU's bits at both recorded shapes") {
    for (const char* file : {"gemm_bf16_512x512x64.npz", "gemm_bf16_512x64x512.npz"}) {
      const Recording recording(file, bf16);
      CAPTURE(file);
      CHECK(recording.different(recording.plan("cublas-bf16", bf16), "d") == 0);
    }
  }

  TEST_CASE("a grid of one bit less or more, and shorter or longer steps, miss some of them") {
    const Recording recording("gemm_bf16_512x512x64.npz", bf16);
    const auto plan = recording.plan("cublas-bf16", bf16);
    const auto missed = [&](const FusedSum& sum) {
      return recording.different_with(sum, plan, "d");
    };
    CHECK(missed({16, 25, -133}) == 0);
    CHECK(missed({16, 24, -133}) == 3);
    CHECK(missed({16, 26, -133}) == 1);
    CHECK(missed({8, 25, -133}) == 6);
    CHECK(missed({32, 25, -133}) == 4);
  }

  TEST_CASE("both e4m3 kernels give the GPU's bits, D in binary32 and in bf16") {
    const Recording recording("gemm_e4m3_128x128x128.npz", e4m3fn);
    const auto different = [&](const char* kernel, const Format& output, const char* name) {
      return recording.different(recording.plan(kernel, output), name);
    };
    CHECK(different("cublaslt-e4m3-fast", fp32, "d_fast1_float32") == 0);
    CHECK(different("cublaslt-e4m3-fast", bf16, "d_fast1_bfloat16") == 0);
    CHECK(different("cublaslt-e4m3", fp32, "d_fast0_float32") == 0);
    CHECK(different("cublaslt-e4m3", bf16, "d_fast0_bfloat16") == 0);
  }

  TEST_CASE("other grids, accumulators and steps of the e4m3 unit miss many of 16,384") {
    const Recording recording("gemm_e4m3_128x128x128.npz", e4m3fn);
    const auto plan = recording.plan("cublaslt-e4m3-fast", fp32);
    const auto missed = [&](const FusedSum& sum) {
      return recording.different_with(sum, plan, "d_fast1_float32");
    };
    CHECK(missed({32, 13, -139, 13}) == 0);
    CHECK(missed({32, 14, -139, 13}) == 10059);
    CHECK(missed({32, 12, -139, 13}) == 13016);
    CHECK(missed({32, 13, -139, 23}) == 2981);
    CHECK(missed({16, 13, -139, 13}) == 7318);
  }
}
