// The ablations of "Why Low-Precision Transformer Training Fails" (Qiu & Yao, arXiv 2510.04212,
// section 3): one thing of the kernel in high precision, and what is left of the error of delta and
// of dQ.
//
//   ablate({plan, backward, dout}, {.threads = 4})[0].heads[3].drift     the kernel as it is, head
//   3
//
// A row of `ablation_table` is one of them: which sites are exact in the forward pass, and of what
// delta is made. With the delta that it yields (lp) and that of exact attention (hp),
//
//   drift = sum over rows of (delta_lp - delta_hp)     share = drift / sum |delta_lp - delta_hp|
//   dq_norm = ||dQ_hp - dQ_lp||                        Frobenius
//
// dQ is computed twice with nothing but delta different: by the kernel's pass with its casts behind
// delta exact, so that what is seen is delta's doing. Then the paper's equation (1) holds,
//
//   dQ_hp - dQ_lp = scale diag(delta_lp - delta_hp) (P K),
//
// with the P of the pass itself, up to the binary32 roundings of dP - delta, dS, dQ and its sums:
// for an element (ablations.cpp derives it)
//
//   |difference| <= (2 n + 8) 2^-24 scale sum_j P_j (2 |dP_j - delta_hp| + |delta_lp - delta_hp|)
//                                                 |K_j|
//
// for n key tiles. `worst` is the largest ratio of the two sides: at most 1, or the equation fails.
//
// Limits: kernels with a backward pass that computes P unrounded once its casts are exact, no soft
// cap. Tested by tests/analysis/ablations_test.cpp.
#pragma once

#include "ulpscope/analysis/attribution.hpp"

#include <array>
#include <span>
#include <string_view>
#include <vector>

namespace ulpscope {

enum class DeltaSource : uint8_t {
  stored_output,  // rowsum(dO O), O as the ablation's forward pass stores it
  exact_output,   // the same, O of a forward pass whose every step is exact; some heads or all
  probabilities,  // rowsum(dP P), in binary64 and rounded once to binary32
};

enum class Tiling : uint8_t { own, one_tile };

inline constexpr std::array sites_of_output{
    Site::rescale,        Site::output_accumulate, Site::output_add,  Site::output_keep,
    Site::combine_output, Site::normalise,         Site::output_store};

struct AblationRow {
  std::string_view name;
  std::string_view change;
  std::string_view training;  // what the paper saw
  std::span<const Site> exact;
  DeltaSource delta = DeltaSource::stored_output;
  Tiling tiling = Tiling::own;
};

inline constexpr std::array ablation_table{
    AblationRow{"kernel", "nothing", "fails", {}},
    AblationRow{"one_tile",
                "tiles as long as the rows and the keys",
                "fails",
                {},
                DeltaSource::stored_output,
                Tiling::one_tile},
    AblationRow{"delta_of_probabilities",
                "delta = rowsum(dP P) instead of rowsum(dO O)",
                "stable",
                {},
                DeltaSource::probabilities},
    AblationRow{"output_exact_for_delta",
                "O computed again without rounding, for delta alone",
                "stable",
                {},
                DeltaSource::exact_output},
    AblationRow{"output_exact", "no rounding of O in the forward pass", "stable", sites_of_output},
    AblationRow{"output_store_exact", "no rounding where O is stored", "not tried",
                std::span(sites_of_output).last(1)},
    AblationRow{"product_exact", "no rounding of P.V", "stable",
                std::span(sites_of_output).subspan(1, 1)},
};

struct AblatedHead {
  double drift;
  double share;  // 0 where nothing differs
  double dq_norm;
};

struct Ablated {
  const AblationRow* row;
  std::vector<int64_t> exact_heads;  // of output_exact_for_delta, where not all
  std::vector<AblatedHead> heads;
  double worst;  // of equation (1), over all elements; NaN where no delta differs
};

struct Ablations {
  std::vector<Ablated> rows;
  bool complete = true;
};

// With `heads`, one row more: output_exact_for_delta in these heads (of all batches) alone. Errors
// of kind usage: a head that there is not.
Ablations ablate(const AttributionProblem& problem, std::span<const int64_t> heads,
                 const AttributionOptions& options);

}  // namespace ulpscope
