// Every recorded forward output of the H200's other kernels, O and LSE, bit for bit: the same
// twelve problems as fa2_torch_test.cpp, and the one-field neighbours of a row that must fail.
#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/flex_triton.hpp"
#include "ulpscope/attention/recipes/memeff_torch.hpp"

#include "captured/capture.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr const char* folder_name = "h200_torch2.11_sdpa";
constexpr const char* flex_cases[] = {"bf_d64_n512_full", "bf_d64_n200x777_full",
                                      "bf_d128_n333_full"};

void check_case(const std::string& name, const Recipe& recipe, const std::string& prefix,
                Replay& total) {
  CAPTURE(name);
  const auto replay = replay_forward(capture_folder(folder_name), name, recipe, prefix);
  CHECK(replay.o_different == 0);
  CHECK(replay.lse_different == 0);
  total.o_elements += replay.o_elements;
  total.lse_elements += replay.lse_elements;
}

// Bits that a changed row gets wrong, O and LSE together.
int64_t differences(const Recipe& recipe, const std::string& prefix, const std::string& name) {
  const auto replay = replay_forward(capture_folder(folder_name), name, recipe, prefix);
  return replay.o_different + replay.lse_different;
}

}  // namespace

TEST_SUITE("captured forward kernels") {
  TEST_CASE("memory-efficient attention: twelve recorded cases give the GPU's bits") {
    Replay total;
    for (const auto& name : captured_cases(capture_folder(folder_name))) {
      check_case(name, memeff_torch, "eff_", total);
    }
    CHECK(total.o_elements == 674'816);
    CHECK(total.lse_elements == 8'022);
  }

  TEST_CASE("cuDNN: twelve recorded cases give the GPU's bits") {
    Replay total;
    for (const auto& name : captured_cases(capture_folder(folder_name))) {
      check_case(name, cudnn_9_19, "cudnn_", total);
    }
    CHECK(total.o_elements == 674'816);
    CHECK(total.lse_elements == 8'022);
  }

  TEST_CASE("FlexAttention: three recorded cases give the GPU's bits") {
    Replay total;
    for (const char* name : flex_cases) check_case(name, flex_triton, "flex_", total);
    CHECK(total.o_elements == 176'384);
    CHECK(total.lse_elements == 2'090);
  }

  TEST_CASE("a row with one field changed does not give them") {
    const auto changed = [](Recipe recipe, auto&& change) {
      change(recipe);
      return recipe;
    };
    const auto fails = [&](const Recipe& recipe, const char* prefix, const char* name,
                           auto&& change) {
      CHECK(differences(changed(recipe, change), prefix, name) > 0);
    };
    constexpr const char* queries_x6 = "bf_d32_n256_full";
    fails(memeff_torch, "eff_", queries_x6, [](Recipe& r) { r.product_terms = 0; });
    fails(memeff_torch, "eff_", queries_x6,
          [](Recipe& r) { r.row_sum.join = Butterfly::far_first; });
    fails(memeff_torch, "eff_", queries_x6, [](Recipe& r) { r.row_sum.carry = Carry::tile_sum; });
    fails(memeff_torch, "eff_", queries_x6,
          [](Recipe& r) { r.log_sum_exp = LogSumExp::product_of_base2; });
    fails(cudnn_9_19, "cudnn_", queries_x6,
          [](Recipe& r) { r.row_sum.join = Butterfly::far_first; });
    fails(cudnn_9_19, "cudnn_", queries_x6, [](Recipe& r) { r.row_sum.carry = Carry::tile_sum; });
    fails(cudnn_9_19, "cudnn_", queries_x6,
          [](Recipe& r) { r.log_sum_exp = LogSumExp::logarithm_fused; });
    fails(flex_triton, "flex_", "bf_d128_n333_full",
          [](Recipe& r) { r.log_sum_exp = LogSumExp::maximum_fused; });
    fails(flex_triton, "flex_", "bf_d64_n512_full",
          [](Recipe& r) { r.contraction = ExponentContraction::never; });
  }
}
