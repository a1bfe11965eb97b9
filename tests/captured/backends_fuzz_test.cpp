// Random problems of four backends of the H200: grouped heads, windows, packed lengths, one row,
// odd lengths and head sizes, both formats, launches up to 40 times the stored batch.
#include "captured/backends_fuzz.hpp"

#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/fa2_torch.hpp"
#include "ulpscope/attention/recipes/flex_triton.hpp"
#include "ulpscope/attention/recipes/memeff_torch.hpp"

#include "captured/capture.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

BackendsReplay replay(const FuzzSelection& selection, const Recipe& recipe) {
  return replay_backends(capture_folder("h200_backends_fuzz"), selection, recipe);
}

using Seeds = std::vector<std::string>;

}  // namespace

TEST_SUITE("captured random problems") {
  TEST_CASE("FlashAttention-2: O, LSE, dQ, dK, dV of 150 problems") {
    const auto result = replay({.kernel = "flash", .packed = false}, fa2_torch);
    CHECK(result.cases == 150);
    CHECK(result.checksums == 750);
    CHECK(result.different == Seeds{});
  }

  TEST_CASE("FlashAttention-2 with packed lengths: 20 problems of 2 to 4 sequences") {
    const auto result = replay({.kernel = "flash", .packed = true}, fa2_torch);
    CHECK(result.cases == 20);
    CHECK(result.checksums == 100);
    CHECK(result.different == Seeds{});
  }

  TEST_CASE("memory-efficient: 80 problems") {
    const auto result = replay({.kernel = "efficient", .packed = false}, memeff_torch);
    CHECK(result.cases == 80);
    CHECK(result.checksums == 400);
    CHECK(result.different == Seeds{});
  }

  TEST_CASE("cuDNN: 73 problems") {
    const auto result = replay({.kernel = "cudnn", .packed = false}, cudnn_9_19);
    CHECK(result.cases == 73);
    CHECK(result.checksums == 355);
    CHECK(result.different == Seeds{});
  }

  TEST_CASE("FlexAttention: six problems, causal, windowed and ragged") {
    const auto result = replay({.kernel = "flex", .packed = false}, flex_triton);
    CHECK(result.cases == 6);
    CHECK(result.checksums == 30);
    CHECK(result.different == Seeds{});
  }
}
