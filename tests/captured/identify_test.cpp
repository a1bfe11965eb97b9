// Every recorded tensor is traced back to the kernel that made it, and one made by a changed kernel
// to the change.
#include "ulpscope/compare/identify.hpp"

#include "ulpscope/attention/driver.hpp"
#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/fa2_torch.hpp"
#include "ulpscope/compare/judged_run.hpp"
#include "ulpscope/tensor/open.hpp"

#include <algorithm>
#include <map>

#include "captured/capture.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// One of the twelve problems; names say format and mask.
struct Recorded {
  explicit Recorded(const std::string& name_in)
      : name(name_in),
        source(open_tensors(capture_folder("h200_torch2.11_sdpa") / (name_in + ".npz"))) {
    const auto ends = [&](std::string_view end) { return name.ends_with(end); };
    Problem& p = seen.problem;
    p.batch = q.info.shape[0];
    p.heads = q.info.shape[1];
    p.kv_heads = k.info.shape[1];
    p.rows = q.info.shape[2];
    p.keys = k.info.shape[2];
    p.dim = q.info.shape[3];
    p.format = name.starts_with("bf") ? bf16 : fp16;
    p.mask = ends("causal") || ends("sink") ? causal_mask : no_mask;
    p.scale = default_scale(p.dim);
    p.launch = {.batch = p.batch, .heads = p.heads};
    p.q = words<uint16_t>(q);
    p.k = words<uint16_t>(k);
    p.v = words<uint16_t>(v);
    seen.dout = words<uint16_t>(dout);
  }
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;

  bool has(const std::string& tensor) const { return source.find(tensor) != nullptr; }

  // The observation of one recorded tensor.
  Observation of(const std::string& prefix, Output output) const {
    const Tensor tensor = source.read(prefix + std::string(output_name(output)));
    Observed x{output, output == Output::lse ? fp32 : seen.problem.format, {}};
    const Problem& p = seen.problem;
    if (output == Output::lse) {
      const auto codes = words<uint32_t>(tensor);
      const auto heads = static_cast<size_t>(p.batch * p.heads);
      for (size_t h = 0; h < heads; ++h) {  // some recordings pad the rows
        const auto row = codes.subspan(h * codes.size() / heads, static_cast<size_t>(p.rows));
        x.codes.insert(x.codes.end(), row.begin(), row.end());
      }
    } else {
      const auto codes = words<uint16_t>(tensor);
      x.codes.assign(codes.begin(), codes.end());
    }
    return {.problem = p, .dout = seen.dout, .tensors = {x}};
  }

  // O of a kernel with one site changed.
  Observation made(const Recipe& recipe, const std::string& change) const {
    const std::vector<SiteOverride> overrides{parse_override(change)};
    const Plan plan = make_plan(recipe, chip_named("h200"), seen.problem, overrides);
    const JudgedRun run = run_judged(plan, {.threads = 2, .logging = Logging::off});
    return {.problem = seen.problem, .dout = {}, .tensors = {{Output::o, bf16, run.o}}};
  }

  std::string name;
  TensorSource source;
  Tensor q = source.read("q");
  Tensor k = source.read("k");
  Tensor v = source.read("v");
  Tensor dout = source.read("do");
  Observation seen;
};

const std::map<std::string, std::string> kernels{{"fa_", "fa2-torch"},
                                                 {"eff_", "memeff-torch"},
                                                 {"cudnn_", "cudnn-9.19"},
                                                 {"flex_", "flex-triton"}};

// Whether the kernel is among those that give every bit.
bool is_found(const Identification& found, const std::string& kernel) {
  return std::any_of(found.ranking.begin(), found.ranking.end(), [&](const Match& match) {
    return match.kernel == kernel && match.chip == "h200" && match.different() == 0;
  });
}

int64_t identified(const std::string& name, std::initializer_list<Output> outputs) {
  const Recorded recorded(name);
  int64_t tensors = 0;
  for (const auto& [prefix, kernel] : kernels) {
    for (const Output output : outputs) {
      if (!recorded.has(prefix + std::string(output_name(output)))) continue;
      CAPTURE(name);
      CAPTURE(prefix);
      CAPTURE(output_name(output));
      CHECK(is_found(identify(recorded.of(prefix, output), {.threads = 2}), kernel));
      ++tensors;
    }
  }
  return tensors;
}

// The candidates with no different bit, as "KERNEL CHANGE".
std::vector<std::string> explanations(const Observation& seen) {
  std::vector<std::string> names;
  for (const Match& match : identify(seen, {.threads = 2}).ranking) {
    if (match.different() == 0) names.push_back(match.kernel + " " + match.change);
  }
  return names;
}

}  // namespace

TEST_SUITE("captured identify") {
  TEST_CASE("every recorded O and LSE leads back to its kernel") {
    int64_t tensors = 0;
    for (const auto& name : captured_cases(capture_folder("h200_torch2.11_sdpa"))) {
      tensors += identified(name, {Output::o, Output::lse});
    }
    CHECK(tensors == 78);  // twelve cases of three kernels, three of FlexAttention
  }

  TEST_CASE("recorded gradients lead back to their kernel, an unordered dQ too") {
    using enum Output;
    CHECK(identified("bf_d80_n256_full", {dq, dk, dv}) == 9);
    CHECK(identified("bf_d64_n300_small_causal", {dq, dk, dv}) == 9);
    CHECK(identified("bf_d128_n333_full", {dq}) == 4);
  }

  TEST_CASE("an O that was stored by another mode names the store") {
    const Recorded recorded("bf_d64_n300_small_causal");
    CHECK(explanations(recorded.made(fa2_torch, "output_store=bf16:rz")) ==
          std::vector<std::string>{"fa2-torch output_store=bf16:rz"});
    CHECK(explanations(recorded.made(cudnn_9_19, "output_store=bf16:ru")) ==
          std::vector<std::string>{"cudnn-9.19 output_store=bf16:ru"});
  }

  TEST_CASE("an O whose P was cast by another mode names the cast") {
    const Recorded recorded("bf_d32_n256_full");
    // P is never negative: down is toward zero.
    CHECK(explanations(recorded.made(fa2_torch, "probability_cast=bf16:rz")) ==
          std::vector<std::string>{"fa2-torch probability_cast=bf16:rz",
                                   "fa2-torch probability_cast=bf16:rd"});
  }

  TEST_CASE("one wrong bit fits nothing, and the nearest kernel leads the ranking") {
    const Recorded recorded("bf_d80_n256_full");
    Observation seen = recorded.of("eff_", Output::lse);
    seen.tensors[0].codes[100] ^= 1;
    const Identification found = identify(seen, {.threads = 2});
    CHECK_FALSE(found.found());
    CHECK(found.tried > 400);
    CHECK(found.ranking.front().kernel == "memeff-torch");
    CHECK(found.ranking.front().different() == 1);
    CHECK(found.ranking.front().tensors.front().first == 100);
  }
}
