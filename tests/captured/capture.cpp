#include "captured/capture.hpp"

#include "ulpscope/run/replay_call.hpp"

#include <algorithm>
#include <stdexcept>

namespace ulpscope {

namespace {

std::vector<ReplayedTensor> replay(const std::filesystem::path& folder, const std::string& name,
                                   const Recipe& recipe, const std::string& prefix,
                                   ReplayedPasses passes) {
  const Recording recording = read_recording(folder);
  const auto call = std::find_if(recording.calls.begin(), recording.calls.end(),
                                 [&](const auto& c) { return c.name == name + " " + prefix; });
  if (call == recording.calls.end()) throw std::runtime_error(name + ": not recorded");
  return replay_call(*call, recipe, {.chip = chip_named("h200"), .threads = 2, .passes = passes});
}

}  // namespace

Replay replay_forward(const std::filesystem::path& folder, const std::string& name,
                      const Recipe& recipe, const std::string& prefix) {
  Replay result;
  for (const ReplayedTensor& tensor :
       replay(folder, name, recipe, prefix, ReplayedPasses::forward)) {
    if (tensor.output == Output::o) {
      result.o_elements = tensor.elements;
      result.o_different = tensor.different;
    }
    if (tensor.output == Output::lse) {
      result.lse_elements = tensor.elements;
      result.lse_different = tensor.different;
    }
  }
  return result;
}

GradientReplay replay_backward(const std::filesystem::path& folder, const std::string& name,
                               const Recipe& recipe, const std::string& prefix) {
  GradientReplay result;
  for (const ReplayedTensor& tensor : replay(folder, name, recipe, prefix, ReplayedPasses::both)) {
    if (!is_gradient(tensor.output)) continue;
    result.tensors.push_back({.name = std::string(output_name(tensor.output)),
                              .elements = tensor.elements,
                              .different = tensor.different + tensor.other_order,
                              .unreachable = tensor.different});
  }
  return result;
}

}  // namespace ulpscope
