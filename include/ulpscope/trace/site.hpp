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
#include <string>
#include <string_view>

namespace ulpscope {

enum class Site : uint8_t {
  scores,
  scaled_score,
  scaled_maximum,
  shifted_score,
  probability,
  probability_cast,
  row_sum,
  maximum_step,
  scaled_step,
  rescale_factor,
  rescale,
  output_accumulate,
  reciprocal,
  normalise,
  log2_row_sum,
  log_row_sum,
  lse,
  combine_shift,
  combine_exponential,
  combine_sum,
  combine_log,
  combine_lse,
  combine_output,
  output_store,
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
    SiteRow{Site::scaled_score, "scaled_score", Axis::key, "S * (scale * log2 e)"},
    SiteRow{Site::scaled_maximum, "scaled_maximum", Axis::none, "m * (scale * log2 e)"},
    SiteRow{Site::shifted_score, "shifted_score", Axis::key, "scaled score - scaled maximum"},
    SiteRow{Site::probability, "probability", Axis::key, "P = 2^(shifted score)"},
    SiteRow{Site::probability_cast, "probability_cast", Axis::key,
            "P cast to the format of the second product"},
    SiteRow{Site::row_sum, "row_sum", Axis::key,
            "l, the sum of unrounded P: lane sums, then the sums of lanes"},
    SiteRow{Site::maximum_step, "maximum_step", Axis::none, "old m - new m"},
    SiteRow{Site::scaled_step, "scaled_step", Axis::none, "(old m - new m) * (scale * log2 e)"},
    SiteRow{Site::rescale_factor, "rescale_factor", Axis::none, "r = 2^(scaled step)"},
    SiteRow{Site::rescale, "rescale", Axis::feature, "O * r"},
    SiteRow{Site::output_accumulate, "output_accumulate", Axis::feature,
            "O + P.V of one key tile, one chain of fused sums an element"},
    SiteRow{Site::reciprocal, "reciprocal", Axis::none, "1 / l"},
    SiteRow{Site::normalise, "normalise", Axis::feature, "O * (1 / l)"},
    SiteRow{Site::log2_row_sum, "log2_row_sum", Axis::none, "log2 l"},
    SiteRow{Site::log_row_sum, "log_row_sum", Axis::none, "ln l = log2 l * ln 2"},
    SiteRow{Site::lse, "lse", Axis::none, "LSE = m * scale + ln l"},
    SiteRow{Site::combine_shift, "combine_shift", Axis::none,
            "LSE of a part - the largest, and - the joint LSE"},
    SiteRow{Site::combine_exponential, "combine_exponential", Axis::none, "e^(combine shift)"},
    SiteRow{Site::combine_sum, "combine_sum", Axis::none, "sum of the parts' exponentials"},
    SiteRow{Site::combine_log, "combine_log", Axis::none, "ln of that sum"},
    SiteRow{Site::combine_lse, "combine_lse", Axis::none, "joint LSE = ln sum + the largest"},
    SiteRow{Site::combine_output, "combine_output", Axis::feature, "O + weight * O of a part"},
    SiteRow{Site::output_store, "output_store", Axis::feature, "O cast to the output format"},
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

// The site of that name; an unknown one is an Error of kind usage that lists them.
Site site_named(std::string_view name);

}  // namespace ulpscope
