// What a score has beside scale S before the softmax: a soft cap, ALiBi slopes and a bias, in this
// order.
//
//   x = scale S
//   x = C tanh(x / C)               soft cap C, as flash-attn and FlexAttention's examples have it
//   x = x - slope_h |j - d_i|       ALiBi; d_i the diagonal key of row i, aligned as the mask
//   x = x + bias[b, h, i, j]        -infinity hides the pair
//
//   cap 30, slope 1/4, bias 1; x = 45, three keys off the diagonal -> 27.15 - 0.75 + 1 = 27.40
//
// flash-attn adds slope j instead of -slope |j - d_i| under a causal mask: O and the gradients are
// the same but for rounding, its LSE is larger by slope d_i.
//
// Limits: gradients go through the terms to Q, K and V; those of slopes and bias are not computed.
// Tested by tests/attention/score_terms_test.cpp.
#pragma once

#include "ulpscope/base/bits.hpp"
#include "ulpscope/trace/site.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace ulpscope {

enum class ScoreTerm { soft_cap, alibi, bias };
inline constexpr std::array every_score_term{ScoreTerm::soft_cap, ScoreTerm::alibi,
                                             ScoreTerm::bias};

// How a user knows the term: "--softcap", "--alibi", "attention bias".
std::string_view name_of(ScoreTerm term);

// The term in whose steps a site rounds; none of a site that every problem may visit.
std::optional<ScoreTerm> term_of(Site site);

// Registers, broadcast over the axes of size 1.
struct ScoreBias {
  std::array<int64_t, 4> sizes{};  // batch, heads, rows, keys: those of the problem, or 1
  std::span<const uint32_t> values = {};
};

// All numbers are binary32 bits.
struct ScoreTerms {
  uint32_t cap = 0;                       // C; 0: no cap
  std::span<const uint32_t> slopes = {};  // (batch, heads); empty: none
  ScoreBias bias = {};                    // without values: none

  constexpr bool has(ScoreTerm term) const {
    switch (term) {
      case ScoreTerm::soft_cap: return cap != 0;
      case ScoreTerm::alibi: return !slopes.empty();
      case ScoreTerm::bias: return !bias.values.empty();
    }
    return false;
  }
};

// What the pairs of one head see of the terms.
struct HeadTerms {
  uint32_t cap = 0;
  uint32_t slope = 0;
  int64_t diagonal = 0;            // the key of row 0
  const uint32_t* bias = nullptr;  // of row 0 and key 0; null: none
  int64_t bias_row_step = 0;
  int64_t bias_key_step = 0;

  ULPSCOPE_HD constexpr bool none() const { return cap == 0 && slope == 0 && bias == nullptr; }
  // How many keys the pair is off the diagonal.
  ULPSCOPE_HD constexpr int64_t distance(int64_t row, int64_t key) const {
    const int64_t off = key - row - diagonal;
    return off < 0 ? -off : off;
  }
  ULPSCOPE_HD constexpr uint32_t bias_of(int64_t row, int64_t key) const {
    return bias[row * bias_row_step + key * bias_key_step];
  }
};

// The usual slopes: 2^(-8 i / H) for heads i = 1 to H, a power of two. Other H: those of the
// largest power of two N below H, then the first, third, fifth ... of 2 N. Each the nearest
// binary32 number.
std::vector<uint32_t> default_slopes(int64_t heads);

}  // namespace ulpscope
