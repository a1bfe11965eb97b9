#include "ulpscope/attention/score_terms.hpp"

#include "ulpscope/arith/functions.hpp"
#include "ulpscope/arith/soft.hpp"

#include <algorithm>

namespace ulpscope {

std::string_view name_of(ScoreTerm term) {
  switch (term) {
    case ScoreTerm::soft_cap: return "--softcap";
    case ScoreTerm::alibi: return "--alibi";
    case ScoreTerm::bias: return "attention bias";
  }
  return "";
}

std::optional<ScoreTerm> term_of(Site site) {
  constexpr std::array cap_sites{Site::cap_argument,     Site::cap_tanh,     Site::capped_score,
                                 Site::bwd_cap_argument, Site::bwd_cap_tanh, Site::bwd_capped_score,
                                 Site::cap_slope,        Site::ds_cap};
  constexpr std::array alibi_sites{Site::alibi_score, Site::bwd_alibi_score};
  constexpr std::array bias_sites{Site::biased_score, Site::bwd_biased_score};
  const auto is_in = [&](const auto& sites) {
    return std::find(sites.begin(), sites.end(), site) != sites.end();
  };
  if (is_in(cap_sites)) return ScoreTerm::soft_cap;
  if (is_in(alibi_sites)) return ScoreTerm::alibi;
  if (is_in(bias_sites)) return ScoreTerm::bias;
  return std::nullopt;
}

namespace {

// 2^(-8 i / n), n a power of two: the exponent is a binary64 number.
uint32_t power_slope(int64_t i, int64_t n) {
  const double exponent = -8.0 * static_cast<double>(i) / static_cast<double>(n);
  const auto power = exp2_exact(decode<uint64_t>(fp64, bit_cast<uint64_t>(exponent)));
  return static_cast<uint32_t>(round_pack(fp32, power, nearest_even).bits);
}

}  // namespace

std::vector<uint32_t> default_slopes(int64_t heads) {
  int64_t power = 1;
  while (2 * power <= heads) power *= 2;
  std::vector<uint32_t> slopes;
  for (int64_t i = 1; i <= power; ++i) slopes.push_back(power_slope(i, power));
  for (int64_t i = 1; i <= heads - power; ++i) slopes.push_back(power_slope(2 * i - 1, 2 * power));
  return slopes;
}

}  // namespace ulpscope
