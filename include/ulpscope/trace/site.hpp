// Every place where the attention pass rounds, by name and in the order of the computation.
//
// The list is the documentation of where a flash-attention kernel loses bits. Precision maps
// (`--set probability_cast=e4m3fn:rne`), statistics, the report and the JSON are keyed by it.
// A site's step computes its exact result and rounds it once into the site's format; where the
// step is a hardware instruction with a result of its own (fused sums, MUFU), that binary32
// result is what is rounded.
//
// Tested by tests/trace/site_test.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ulpscope {

enum class Site : uint8_t {
  scores,
  scaled_score,
  cap_argument,
  cap_tanh,
  capped_score,
  alibi_score,
  biased_score,
  log2_score,
  scaled_maximum,
  maximum_less_tolerance,
  moved_maximum,
  shifted_score,
  probability,
  probability_cast,
  row_sum,
  row_sum_keep,
  maximum_step,
  scaled_step,
  rescale_factor,
  rescale,
  output_accumulate,
  output_add,
  output_keep,
  reciprocal,
  normalise,
  log2_row_sum,
  log_row_sum,
  natural_maximum,
  base2_lse,
  lse,
  combine_shift,
  combine_exponential,
  combine_sum,
  combine_log,
  combine_lse,
  combine_output,
  output_store,
  delta,
  delta_cast,
  bwd_lse,
  bwd_scores,
  bwd_scaled_score,
  bwd_cap_argument,
  bwd_cap_tanh,
  bwd_capped_score,
  bwd_alibi_score,
  bwd_biased_score,
  bwd_log2_score,
  bwd_shifted_score,
  bwd_probability,
  bwd_probability_cast,
  dp,
  dp_minus_delta,
  ds,
  cap_slope,
  ds_cap,
  ds_scale,
  ds_cast,
  dv_accumulate,
  dk_accumulate,
  dq_accumulate,
  dq_add,
  dq_combine,
  dv_combine,
  dk_combine,
  dk_scale,
  dq_scale,
  dv_store,
  dk_store,
  dq_store,
  group_sum,
};

// What a site's second index counts, besides the query row.
enum class Axis : uint8_t { none, key, feature };

struct SiteRow {
  Site site;
  std::string_view name;
  Axis axis;
  std::string_view step;  // in the letters of the paper: docs/glossary.md
};

inline constexpr std::array site_table{
    SiteRow{Site::scores, "scores", Axis::key, "S = Q.K^T, one chain of fused sums a score"},
    SiteRow{Site::scaled_score, "scaled_score", Axis::key,
            "S * (scale * log2 e), or S * scale where a second product follows"},
    SiteRow{Site::cap_argument, "cap_argument", Axis::key, "scaled score / C, C the soft cap"},
    SiteRow{Site::cap_tanh, "cap_tanh", Axis::key, "tanh(scaled score / C)"},
    SiteRow{Site::capped_score, "capped_score", Axis::key, "C * tanh(scaled score / C)"},
    SiteRow{Site::alibi_score, "alibi_score", Axis::key,
            "score - slope * distance from the diagonal, one rounding"},
    SiteRow{Site::biased_score, "biased_score", Axis::key, "score + attention bias"},
    SiteRow{Site::log2_score, "log2_score", Axis::key, "scaled score * log2 e"},
    SiteRow{Site::scaled_maximum, "scaled_maximum", Axis::none, "m * (scale * log2 e)"},
    SiteRow{Site::maximum_less_tolerance, "maximum_less_tolerance", Axis::none,
            "a tile's maximum - tolerance: from here on scores count as equal to it"},
    SiteRow{Site::moved_maximum, "moved_maximum", Axis::none,
            "a tile's maximum moved off the scores that reach it: beta m, or m + offset"},
    SiteRow{Site::shifted_score, "shifted_score", Axis::key, "scaled score - scaled maximum"},
    SiteRow{Site::probability, "probability", Axis::key, "P = 2^(shifted score)"},
    SiteRow{Site::probability_cast, "probability_cast", Axis::key,
            "P cast to the format of the second product"},
    SiteRow{Site::row_sum, "row_sum", Axis::key,
            "l, the sum of unrounded P: lane sums, then the sums of lanes"},
    SiteRow{Site::row_sum_keep, "row_sum_keep", Axis::none,
            "l cast to the format of the buffer that holds it between kernels"},
    SiteRow{Site::maximum_step, "maximum_step", Axis::none, "old m - new m"},
    SiteRow{Site::scaled_step, "scaled_step", Axis::none, "(old m - new m) * (scale * log2 e)"},
    SiteRow{Site::rescale_factor, "rescale_factor", Axis::none,
            "r = 2^(scaled step); with O in memory, r / l in the last tile"},
    SiteRow{Site::rescale, "rescale", Axis::feature, "O * r"},
    SiteRow{Site::output_accumulate, "output_accumulate", Axis::feature,
            "O + P.V of one key tile, one chain of fused sums an element"},
    SiteRow{Site::output_add, "output_add", Axis::feature,
            "O + a tile's own P.V, where that is rounded by itself"},
    SiteRow{Site::output_keep, "output_keep", Axis::feature,
            "O cast to the format of the buffer that holds it between kernels"},
    SiteRow{Site::reciprocal, "reciprocal", Axis::none, "1 / l, or V's factor / l"},
    SiteRow{Site::normalise, "normalise", Axis::feature, "O * (1 / l), or O / l"},
    SiteRow{Site::log2_row_sum, "log2_row_sum", Axis::none, "log2 l"},
    SiteRow{Site::log_row_sum, "log_row_sum", Axis::none, "ln l, or log2 l * ln 2"},
    SiteRow{Site::natural_maximum, "natural_maximum", Axis::none,
            "the scaled maximum / log2 e, or * ln 2"},
    SiteRow{Site::base2_lse, "base2_lse", Axis::none, "scaled maximum + log2 l"},
    SiteRow{Site::lse, "lse", Axis::none, "LSE = m * scale + ln l, in the kernel's form"},
    SiteRow{Site::combine_shift, "combine_shift", Axis::none,
            "LSE of a part - the largest, and - the joint LSE"},
    SiteRow{Site::combine_exponential, "combine_exponential", Axis::none, "e^(combine shift)"},
    SiteRow{Site::combine_sum, "combine_sum", Axis::none, "sum of the parts' exponentials"},
    SiteRow{Site::combine_log, "combine_log", Axis::none, "ln of that sum, or its log2"},
    SiteRow{Site::combine_lse, "combine_lse", Axis::none, "joint LSE = ln sum + the largest"},
    SiteRow{Site::combine_output, "combine_output", Axis::feature, "O + weight * O of a part"},
    SiteRow{Site::output_store, "output_store", Axis::feature, "O cast to the output format"},
    SiteRow{Site::delta, "delta", Axis::feature, "delta = rowsum(dO * O): products, sums, joins"},
    SiteRow{Site::delta_cast, "delta_cast", Axis::none, "delta cast to the format it is stored in"},
    SiteRow{Site::bwd_lse, "bwd_lse", Axis::none, "LSE * log2 e"},
    SiteRow{Site::bwd_scores, "bwd_scores", Axis::key, "S = Q.K^T, computed again"},
    SiteRow{Site::bwd_scaled_score, "bwd_scaled_score", Axis::key,
            "S * scale, or S * (scale * log2 e)"},
    SiteRow{Site::bwd_cap_argument, "bwd_cap_argument", Axis::key, "scaled score / C"},
    SiteRow{Site::bwd_cap_tanh, "bwd_cap_tanh", Axis::key, "t = tanh(scaled score / C)"},
    SiteRow{Site::bwd_capped_score, "bwd_capped_score", Axis::key, "C * t"},
    SiteRow{Site::bwd_alibi_score, "bwd_alibi_score", Axis::key,
            "score - slope * distance from the diagonal, one rounding"},
    SiteRow{Site::bwd_biased_score, "bwd_biased_score", Axis::key, "score + attention bias"},
    SiteRow{Site::bwd_log2_score, "bwd_log2_score", Axis::key,
            "scaled score * log2 e, before or after the LSE is taken off"},
    SiteRow{Site::bwd_shifted_score, "bwd_shifted_score", Axis::key, "scaled score - LSE"},
    SiteRow{Site::bwd_probability, "bwd_probability", Axis::key,
            "P = 2^ or e^(shifted score), normalised"},
    SiteRow{Site::bwd_probability_cast, "bwd_probability_cast", Axis::key,
            "P cast to the format of the product for dV"},
    SiteRow{Site::dp, "dp", Axis::key, "dP = dO.V^T"},
    SiteRow{Site::dp_minus_delta, "dp_minus_delta", Axis::key, "dP - delta"},
    SiteRow{Site::ds, "ds", Axis::key, "dS = P * (dP - delta)"},
    SiteRow{Site::cap_slope, "cap_slope", Axis::key, "1 - t^2, by which the soft cap bends dS"},
    SiteRow{Site::ds_cap, "ds_cap", Axis::key, "dS * (1 - t^2)"},
    SiteRow{Site::ds_scale, "ds_scale", Axis::key, "dS * scale"},
    SiteRow{Site::ds_cast, "ds_cast", Axis::key, "dS cast to the format of the products"},
    SiteRow{Site::dv_accumulate, "dv_accumulate", Axis::feature, "dV + P^T.dO of one row tile"},
    SiteRow{Site::dk_accumulate, "dk_accumulate", Axis::feature, "dK + dS^T.Q of one row tile"},
    SiteRow{Site::dq_accumulate, "dq_accumulate", Axis::feature, "dQ + dS.K of one key tile"},
    SiteRow{Site::dq_add, "dq_add", Axis::feature, "a key tile's dQ added to its buffer"},
    SiteRow{Site::dq_combine, "dq_combine", Axis::feature, "the sum of buffers or of key tiles"},
    SiteRow{Site::dv_combine, "dv_combine", Axis::feature, "the sum of row tiles"},
    SiteRow{Site::dk_combine, "dk_combine", Axis::feature, "the sum of row tiles"},
    SiteRow{Site::dk_scale, "dk_scale", Axis::feature, "dK * scale"},
    SiteRow{Site::dq_scale, "dq_scale", Axis::feature, "dQ * scale"},
    SiteRow{Site::dv_store, "dv_store", Axis::feature, "dV cast to the output format"},
    SiteRow{Site::dk_store, "dk_store", Axis::feature, "dK cast to the output format"},
    SiteRow{Site::dq_store, "dq_store", Axis::feature, "dQ cast to the output format"},
    SiteRow{Site::group_sum, "group_sum", Axis::feature,
            "dK, dV of the query heads that share a K/V head, added up"},
};
inline constexpr size_t site_count = site_table.size();

constexpr size_t index(Site site) { return static_cast<size_t>(site); }
constexpr const SiteRow& row_of(Site site) { return site_table[index(site)]; }

static_assert(
    [] {
      for (size_t i = 0; i < site_count; ++i) {
        if (index(site_table[i].site) != i) return false;
      }
      return true;
    }(),
    "the table lists the sites in the order of the enumeration");

// The sites of the forward pass, then those of the backward pass.
constexpr std::span<const SiteRow> forward_sites() {
  return std::span(site_table).first(index(Site::delta));
}
constexpr std::span<const SiteRow> backward_sites() {
  return std::span(site_table).subspan(index(Site::delta));
}

// The site of that name; an unknown one is an Error of kind usage that lists them.
Site site_named(std::string_view name);

}  // namespace ulpscope
