// Every recorded tensor is traced back to the kernel that made it, and tensors of kernels with one
// rounding mode changed to the change. All sites, of a small problem:
// tests/compare/identify_sites_test.cpp.
#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/fa2_torch.hpp"
#include "ulpscope/attention/recipes/memeff_torch.hpp"

#include <algorithm>
#include <iostream>

#include "captured/identifying.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

struct Program {
  std::string prefix;  // of its tensors
  std::string kernel;  // ours
};

struct Counts {
  int64_t tensors = 0;
  int64_t found = 0;
  int64_t ties = 0;  // of those found, with others
};

// Whether the kernel is in the set of every tensor that the program left in the recording.
void identify_all(const Recorded& recorded, const std::string& name, const Program& program,
                  Counts& counts) {
  for (const Output output : all_outputs) {
    if (!recorded.has(program.prefix, output)) continue;
    CAPTURE(name);
    CAPTURE(program.prefix);
    CAPTURE(output_name(output));
    const auto kernels = kernels_of(recorded, program.prefix, output);
    CHECK(kernels.contains(program.kernel));
    ++counts.tensors;
    counts.found += kernels.contains(program.kernel);
    counts.ties += kernels.size() > 1;
    for (const auto& kernel : kernels) {
      if (kernel == program.kernel) continue;
      std::cout << name << ' ' << program.prefix << output_name(output) << ": as " << kernel
                << '\n';
    }
  }
}

Counts identify_folder(const char* folder, const std::vector<Program>& programs) {
  Counts counts;
  for (const auto& name : captured_cases(capture_folder(folder))) {
    const Recorded recorded(capture_folder(folder), name);
    for (const Program& program : programs) identify_all(recorded, name, program, counts);
  }
  return counts;
}

// One rounding mode changed: no kernel as it is gives the output, and the change is named.
void check_named(const Recorded& recorded, const Recipe& recipe, const std::string& change,
                 Output output) {
  CAPTURE(recipe.name);
  CAPTURE(change);
  const auto seen = made_with(recorded, recipe, change, output);
  REQUIRE(seen);
  const Identification found = identify(*seen, {.threads = 2, .ranked = 1});
  CHECK(found.kernels().empty());
  const auto changes = found.changes();
  const std::string name = std::string(recipe.name) + "@h200 with " + change;
  CHECK(std::find(changes.begin(), changes.end(), name) != changes.end());
}

}  // namespace

TEST_SUITE("captured identify, all of it") {
  TEST_CASE("every recorded O, LSE and gradient of PyTorch's backends leads back to its kernel") {
    const Counts counts = identify_folder("h200_torch2.11_sdpa", {{"fa_", "fa2-torch"},
                                                                  {"eff_", "memeff-torch"},
                                                                  {"cudnn_", "cudnn-9.19"},
                                                                  {"flex_", "flex-triton"}});
    std::cout << counts.found << " of " << counts.tensors << " found, " << counts.ties << " ties\n";
    CHECK(counts.tensors == 195);  // twelve cases of three kernels, three of FlexAttention
    CHECK(counts.found == counts.tensors);
  }

  TEST_CASE("every recorded O and gradient of the paper's code leads back to its program") {
    const Counts counts = identify_folder("h200_paper_code",
                                          {{"eager_stable0_", "paper-eager"},
                                           {"eager_stable1_", "paper-eager+stable"},
                                           {"compiled_stable0_", "paper-compiled-inside"},
                                           {"compiled_stable1_", "paper-compiled-inside+stable"},
                                           {"compiled_outside_stable0_", "paper-compiled"},
                                           {"compiled_outside_stable1_", "paper-compiled+stable"}});
    std::cout << counts.found << " of " << counts.tensors << " found, " << counts.ties << " ties\n";
    CHECK(counts.tensors == 30);
    CHECK(counts.found == counts.tensors);
  }

  TEST_CASE("one mode changed, forward or backward: no kernel explains it, the change is named") {
    using enum Output;
    const Recorded recorded(capture_folder("h200_torch2.11_sdpa"), "bf_d80_n256_full");
    check_named(recorded, fa2_torch, "output_store=bf16:rd", o);
    check_named(recorded, fa2_torch, "shifted_score=fp32:rz", lse);
    check_named(recorded, fa2_torch, "row_sum=fp32:rz", lse);
    check_named(recorded, fa2_torch, "dq_store=bf16:ru", dq);
    check_named(recorded, memeff_torch, "probability_cast=bf16:ru", o);
    check_named(recorded, memeff_torch, "bwd_probability_cast=bf16:rz", dv);
    check_named(recorded, memeff_torch, "ds_scale=fp32:rz", dk);
    check_named(recorded, cudnn_9_19, "ds_cast=bf16:rz", dq);
  }
}
