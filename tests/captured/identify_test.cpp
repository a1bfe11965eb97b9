// Recorded tensors are traced back to the kernels that made them, and tensors of a kernel with one
// rounding mode changed to that site: the smaller recordings. All of them:
// identify_nightly_test.cpp.
#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/fa2_torch.hpp"
#include "ulpscope/attention/recipes/memeff_torch.hpp"

#include "captured/identifying.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

using Names = std::set<std::string>;

Recorded sdpa(const std::string& name) { return {capture_folder("h200_torch2.11_sdpa"), name}; }

// Without the rows that no recording holds, which share many bits with others.
Names recorded_only(Names names) {
  std::erase_if(names, [](const std::string& name) {
    return name.starts_with("fa2-pip") || name.starts_with("kernel");
  });
  return names;
}

// That the kernel of every prefix is found for these outputs, and alone.
void check_found(const std::string& name, std::initializer_list<Output> outputs) {
  const Recorded recorded = sdpa(name);
  for (const auto& [prefix, kernel] :
       {std::pair{"fa_", "fa2-torch"}, std::pair{"eff_", "memeff-torch"},
        std::pair{"cudnn_", "cudnn-9.19"}, std::pair{"flex_", "flex-triton"}}) {
    for (const Output output : outputs) {
      if (!recorded.has(prefix, output)) continue;
      CAPTURE(name);
      CAPTURE(prefix);
      CAPTURE(output_name(output));
      CHECK(recorded_only(kernels_of(recorded, prefix, output)) == Names{kernel});
    }
  }
}

// The changes that explain what no kernel as it is explains.
Names changes_of(const Recorded& recorded, const Recipe& recipe, std::string_view change,
                 Output output) {
  const auto seen = made_with(recorded, recipe, change, output);
  REQUIRE(seen);
  const Identification found = identify(*seen, {.threads = 2, .ranked = 1});
  CHECK(found.kernels().empty());
  const auto changes = found.changes();
  return recorded_only({changes.begin(), changes.end()});
}

}  // namespace

TEST_SUITE("captured identify") {
  TEST_CASE("recorded O and LSE lead back to their kernels") {
    using enum Output;
    check_found("bf_d80_n256_full", {o, lse});
    check_found("bf_d64_n300_small_causal", {o, lse});
    check_found("bf_d128_n333_full", {o, lse});
  }

  TEST_CASE("recorded gradients lead back to their kernels, an unordered dQ too") {
    using enum Output;
    check_found("bf_d64_n300_small_causal", {dq, dk, dv});
    check_found("bf_d128_n333_full", {dq});
  }

  TEST_CASE("an O that was stored or summed by another mode names the site") {
    const Recorded recorded = sdpa("bf_d64_n300_small_causal");
    CHECK(changes_of(recorded, fa2_torch, "output_store=bf16:rz", Output::o) ==
          Names{"fa2-torch@h200 with output_store=bf16:rz"});
    CHECK(changes_of(recorded, cudnn_9_19, "output_store=bf16:ru", Output::o) ==
          Names{"cudnn-9.19@h200 with output_store=bf16:ru"});
    // P is never negative: down is toward zero.
    CHECK(changes_of(recorded, fa2_torch, "probability_cast=bf16:rz", Output::o) ==
          Names{"fa2-torch@h200 with probability_cast=bf16:rz",
                "fa2-torch@h200 with probability_cast=bf16:rd"});
    CHECK(
        changes_of(recorded, memeff_torch, "row_sum=fp32:ru", Output::lse) ==
        Names{"memeff-torch@h200 with row_sum=fp32:ru", "memeff-torch@h200 with row_sum=fp32:ra"});
  }

  TEST_CASE("gradients whose store or dS was rounded by another mode name the site") {
    const Recorded recorded = sdpa("bf_d64_n300_small_causal");
    CHECK(changes_of(recorded, fa2_torch, "dk_store=bf16:rz", Output::dk) ==
          Names{"fa2-torch@h200 with dk_store=bf16:rz"});
    CHECK(changes_of(recorded, cudnn_9_19, "ds_cast=bf16:rz", Output::dq) ==
          Names{"cudnn-9.19@h200 with ds_cast=bf16:rz"});
  }
}
