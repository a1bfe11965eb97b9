// Every recorded FlashAttention-2 output of the H200, O and LSE, bit for bit.
#include "captured/capture.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

TEST_SUITE("captured fa2-torch") {
  TEST_CASE("all twelve recorded cases give the GPU's bits in O and LSE") {
    const auto folder = capture_folder("h200_torch2.11_sdpa");
    const auto cases = captured_cases(folder);
    REQUIRE(cases.size() == 12);
    for (const auto& name : cases) {
      CAPTURE(name);
      const auto comparison = replay_forward(folder, name, fa2_torch, "fa_");
      CHECK(comparison.o_elements > 0);
      CHECK(comparison.lse_elements > 0);
      CHECK(comparison.o_different == 0);
      CHECK(comparison.lse_different == 0);
    }
  }
}
