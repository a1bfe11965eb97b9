// Every recorded gradient of the H200's kernels, bit for bit, on the same twelve problems.
#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/flex_triton.hpp"
#include "ulpscope/attention/recipes/memeff_torch.hpp"

#include <map>

#include "captured/capture.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

using Elements = std::map<std::string, int64_t>;

// dQ of these three is an unordered sum: other bits than those of the ascending order, all of them
// those of another order.
const std::map<std::string, int64_t> unordered_dq{
    {"bf_d64_n512_full", 0}, {"bf_d128_n333_full", 1}, {"bf_d64_n200x777_full", 0}};

Elements check_case(const std::string& name, const Recipe& recipe, const std::string& prefix) {
  CAPTURE(name);
  Elements elements;
  const auto replay = replay_backward(capture_folder("h200_torch2.11_sdpa"), name, recipe, prefix);
  for (const auto& tensor : replay.tensors) {
    CAPTURE(tensor.name);
    const auto unordered = unordered_dq.find(name);
    const bool open = prefix == "cudnn_" && tensor.name == "dq" && unordered != unordered_dq.end();
    CHECK(tensor.different == (open ? unordered->second : 0));
    CHECK(tensor.unreachable == 0);
    elements[tensor.name] = tensor.elements;
  }
  return elements;
}

Elements check_cases(const Recipe& recipe, const std::string& prefix,
                     const std::vector<std::string>& names) {
  Elements total;
  for (const auto& name : names) {
    for (const auto& [tensor, count] : check_case(name, recipe, prefix)) total[tensor] += count;
  }
  return total;
}

std::vector<std::string> all_cases() {
  return captured_cases(capture_folder("h200_torch2.11_sdpa"));
}

const Elements everything{{"dq", 674'816}, {"dk", 748'672}, {"dv", 748'672}};

}  // namespace

TEST_SUITE("captured gradients") {
  TEST_CASE("FlashAttention-2's dQ, dK, dV of twelve recorded cases are the GPU's bits") {
    CHECK(check_cases(fa2_torch, "fa_", all_cases()) == everything);
  }

  TEST_CASE("memory-efficient dQ, dK, dV of twelve recorded cases are the GPU's bits") {
    CHECK(check_cases(memeff_torch, "eff_", all_cases()) == everything);
  }

  TEST_CASE("cuDNN's dQ, dK, dV are the GPU's bits, or reached by another order of its sum") {
    CHECK(check_cases(cudnn_9_19, "cudnn_", all_cases()) == everything);
  }

  TEST_CASE("FlexAttention's dQ, dK, dV of three recorded cases are the GPU's bits") {
    const Elements three = check_cases(
        flex_triton, "flex_", {"bf_d64_n512_full", "bf_d64_n200x777_full", "bf_d128_n333_full"});
    CHECK(three == Elements{{"dq", 176'384}, {"dk", 250'240}, {"dv", 250'240}});
  }
}
