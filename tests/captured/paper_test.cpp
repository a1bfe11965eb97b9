// The paper's own attention code (Qiu & Yao) as an H200 ran it: outputs of the eager and the
// compiled program and gradients of the program as the paper trains, bit for bit. The other
// gradients: paper_gradients_test.cpp.
#include "ulpscope/attention/recipes/paper.hpp"

#include "captured/capture.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

int64_t differences(const Recipe& recipe, const char* name, const char* prefix) {
  const Replay replay = replay_forward(capture_folder("h200_paper_code"), name, recipe, prefix);
  REQUIRE(replay.o_elements > 0);
  return replay.o_different;
}

}  // namespace

TEST_SUITE("captured paper code") {
  TEST_CASE("outputs of the eager program are the GPU's bits, with and without the mitigation") {
    for (const char* name : {"randn", "sink", "resonance"}) {
      CAPTURE(name);
      CHECK(differences(paper_eager, name, "eager_stable0_") == 0);
      CHECK(differences(paper_eager_stable, name, "eager_stable1_") == 0);
    }
  }

  TEST_CASE("outputs of the compiled program are the GPU's bits, wherever autocast is entered") {
    for (const char* name : {"randn", "sink"}) {
      CAPTURE(name);
      CHECK(differences(paper_compiled_inside, name, "compiled_stable0_") == 0);
      CHECK(differences(paper_compiled_inside_stable, name, "compiled_stable1_") == 0);
    }
    CHECK(differences(paper_compiled, "resonance", "compiled_outside_stable0_") == 0);
    CHECK(differences(paper_compiled_stable, "resonance", "compiled_outside_stable1_") == 0);
  }

  TEST_CASE("gradients as the paper trains are the GPU's bits") {
    const auto replay = replay_backward(capture_folder("h200_paper_code"), "resonance",
                                        paper_compiled_stable, "compiled_outside_stable1_");
    for (const auto& tensor : replay.tensors) {
      CAPTURE(tensor.name);
      CHECK(tensor.elements == 196'608);
      CHECK(tensor.different == 0);
    }
  }

  TEST_CASE("a row with one field changed does not give them") {
    Recipe sums_in_registers = paper_eager;
    sums_in_registers.tile_ends = {};
    CHECK(differences(sums_in_registers, "randn", "eager_stable0_") > 0);
    Recipe three_times = paper_eager_stable;
    three_times.stable->factor = 0x4040'0000;
    CHECK(differences(three_times, "randn", "eager_stable1_") > 0);
    Recipe without_clamp = paper_compiled_stable;
    without_clamp.row_sum.tile_least = 0;
    CHECK(differences(without_clamp, "resonance", "compiled_outside_stable1_") > 0);
  }
}
