// Replays a recorded kernel: the capture's inputs through the emulator, its outputs compared by
// bits.
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

// The random problems of a folder's fuzz.json: inputs made from seeds, outputs known by checksum.
struct FuzzReplay {
  int64_t cases = 0;
  std::vector<uint64_t> different;  // seeds whose O or LSE has another checksum
};
FuzzReplay replay_fuzz(const std::filesystem::path& folder, const Recipe& recipe);

}  // namespace ulpscope
