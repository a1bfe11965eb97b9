// Every recorded FlashAttention-2 output of the H200, O and LSE, bit for bit.
#include "ulpscope/run/replay_run.hpp"

#include "captured/capture.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;

namespace {

void check_all_cases(const char* folder_name, size_t expected_cases) {
  const auto folder = capture_folder(folder_name);
  const auto cases = captured_cases(folder);
  REQUIRE(cases.size() == expected_cases);
  for (const auto& name : cases) {
    CAPTURE(name);
    const auto replay = replay_forward(folder, name, fa2_torch, "fa_");
    CHECK(replay.o_elements > 0);
    CHECK(replay.lse_elements > 0);
    CHECK(replay.o_different == 0);
    CHECK(replay.lse_different == 0);
  }
}

}  // namespace

TEST_SUITE("captured fa2-torch") {
  TEST_CASE("all twelve recorded cases give the GPU's bits in O and LSE") {
    check_all_cases("h200_torch2.11_sdpa", 12);
  }

  TEST_CASE("odd launches, head sizes, grouped heads, masks and special values give them too") {
    check_all_cases("h200_fa2_corners", 25);
  }

  TEST_CASE(
      "rows whose visible scores are minus infinity, in some tiles or in all, give them too") {
    check_all_cases("h200_fa2_infinite", 4);
  }

  TEST_CASE("400 random problems have the GPU's checksums of O and LSE") {
    const auto replay = run_replay(
        {.folder = capture_folder("h200_fa2_fuzz").string(), .chip = "h200", .threads = 2});
    const auto& kernel = replay->at("kernels").at(0);
    CHECK(kernel.at("kernel") == "fa2-torch");
    CHECK(kernel.at("calls") == 400);
    CHECK(kernel.at("tensors") == 800);
    CHECK(kernel.at("different") == 0);
  }
}
