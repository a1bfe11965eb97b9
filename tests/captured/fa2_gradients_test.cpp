// Every recorded gradient of FlashAttention-2 on the H200, deterministic mode, bit for bit.
#include "captured/capture.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("FlashAttention-2's dQ, dK, dV of all twelve recorded cases are the GPU's bits") {
  const auto folder = capture_folder("h200_torch2.11_sdpa");
  const auto cases = captured_cases(folder);
  REQUIRE(cases.size() == 12);
  for (const auto& name : cases) {
    CAPTURE(name);
    for (const auto& tensor : replay_backward(folder, name, fa2_torch, "fa_").tensors) {
      CAPTURE(tensor.name);
      CHECK(tensor.elements > 0);
      CHECK(tensor.different == 0);
    }
  }
}
