// Replays a recorded kernel by the library's own replay (run/replay_call.hpp): one call by the name
// of its case and of its kernel's outputs.
#pragma once

#include "ulpscope/attention/recipes/fa2_torch.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "captured/recorded.hpp"

namespace ulpscope {

struct Replay {
  int64_t o_elements = 0;
  int64_t o_different = 0;
  int64_t lse_elements = 0;
  int64_t lse_different = 0;
};

// `prefix` names the outputs in the file: fa_o, fa_lse for "fa_". Not every recording has an LSE.
Replay replay_forward(const std::filesystem::path& folder, const std::string& name,
                      const Recipe& recipe, const std::string& prefix);

struct GradientReplay {
  struct Tensor {
    std::string name;
    int64_t elements = 0;
    int64_t different = 0;
    int64_t unreachable = 0;  // of the different: values of no order, where dQ has no fixed one
  };
  std::vector<Tensor> tensors;  // dq, dk, dv
};

// The backward pass after the forward pass, on the recorded inputs.
GradientReplay replay_backward(const std::filesystem::path& folder, const std::string& name,
                               const Recipe& recipe, const std::string& prefix);

}  // namespace ulpscope
