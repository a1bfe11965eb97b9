// The other recorded gradients of the paper's compiled code: autocast inside, whose products are
// binary32 chains, and the program as the paper trains without its mitigation.
#include "ulpscope/attention/recipes/paper.hpp"

#include "captured/capture.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

void check(const Recipe& recipe, const char* name, const char* prefix) {
  CAPTURE(name);
  CAPTURE(prefix);
  const auto replay = replay_backward(capture_folder("h200_paper_code"), name, recipe, prefix);
  CHECK(replay.tensors.size() == 3);
  for (const auto& tensor : replay.tensors) {
    CAPTURE(tensor.name);
    CHECK(tensor.elements > 0);
    CHECK(tensor.different == 0);
  }
}

}  // namespace

TEST_SUITE("captured paper code") {
  TEST_CASE("gradients with autocast inside the compiled function are the GPU's bits") {
    for (const char* name : {"randn", "sink"}) {
      check(paper_compiled_inside, name, "compiled_stable0_");
      check(paper_compiled_inside_stable, name, "compiled_stable1_");
    }
  }

  TEST_CASE("gradients as the paper trains, without its mitigation, are the GPU's bits") {
    check(paper_compiled, "resonance", "compiled_outside_stable0_");
  }
}
