#include "ulpscope/report/summary.hpp"

#include "ulpscope/base/bits.hpp"
#include "ulpscope/report/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "attribution_reader.hpp"
#include "comparison_reader.hpp"
#include "json_field.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {
namespace {

using detail::Field;
using detail::read_list;

constexpr std::string_view schema_name = "ulpscope.summary/1";
constexpr std::array all_status = {Status::unbiased, Status::biased, Status::equal,
                                   Status::different, Status::not_judged};

// The schema takes six levels. The parser takes any number, but printing a value is recursive: a
// megabyte of brackets would end in a stack overflow.
constexpr int deepest_nesting = 64;

bool nests_deeper_than(const nlohmann::json& value, int levels) {
  if (!value.is_structured()) return false;
  return levels == 0 || std::any_of(value.begin(), value.end(), [&](const nlohmann::json& item) {
           return nests_deeper_than(item, levels - 1);
         });
}

// Figures draw the part between -1 and 1 ulp linearly and tell too small from too large at 0, so
// these three have to be edges; everything else about the bins is the writer's choice.
void check_edges(const Field& field, const Histogram& histogram) {
  const auto& edges = histogram.edges;
  if (edges.size() != histogram.counts.size() + 1) {
    field.refuse(fmt::format("expected one edge more than counts, found {} edges and {} counts",
                             edges.size(), histogram.counts.size()));
  }
  // Negated, so that a NaN among the edges is refused too.
  const auto out_of_order = [](double low, double high) { return !(low < high); };
  if (std::adjacent_find(edges.begin(), edges.end(), out_of_order) != edges.end()) {
    field.refuse("edges are not ascending");
  }
  if (edges.size() < 2 || !std::isinf(edges.front()) || !std::isinf(edges.back())) {
    field.refuse("the first edge must be \"-Infinity\" and the last \"Infinity\"");
  }
  for (const double needed : {-1.0, 0.0, 1.0}) {
    if (!std::binary_search(edges.begin(), edges.end(), needed)) {
      field.refuse(fmt::format("{} is not among the edges", needed));
    }
  }
}

Histogram read_histogram(const Field& field, const Statistics& owner) {
  Histogram histogram = {.edges = field.at("edges").numbers(),
                         .counts = field.at("counts").counts(),
                         .zero = field.at("zero").count()};
  check_edges(field, histogram);
  // 2^64 counts of 64 bits each still fit: a hostile file cannot wrap the sum around to `count`.
  uint128 sum = uint128{histogram.zero} + owner.skipped;
  for (const uint64_t count : histogram.counts) sum += count;
  if (sum != owner.count) {
    const bool huge = sum > ~uint64_t{0};
    field.refuse(fmt::format("counts, zero and skipped add up to {}, but count is {}",
                             huge ? "2^64 or more" : fmt::format("{}", static_cast<uint64_t>(sum)),
                             owner.count));
  }
  return histogram;
}

HeatMap read_heat_map(const Field& field) {
  HeatMap map = {.row_tile = field.at("row_tile").count(), .mean_ulp = {}};
  const uint64_t rows = field.at("rows").count();
  const uint64_t columns = field.at("columns").count();
  const Field cells = field.at("mean_ulp");
  for (const Field& row : cells.items()) map.mean_ulp.push_back(row.numbers());
  if (map.mean_ulp.size() != rows) {
    cells.refuse(fmt::format("expected {} rows, found {}", rows, map.mean_ulp.size()));
  }
  for (std::size_t r = 0; r < rows; ++r) {
    if (map.mean_ulp[r].size() != columns) {
      cells.refuse(fmt::format("expected {} columns in row {}, found {}", columns, r,
                               map.mean_ulp[r].size()));
    }
  }
  return map;
}

// Drawings number the rows of a map by the heads and count bins from the middle.
MagnitudeMap read_magnitudes(const Field& field) {
  MagnitudeMap map{.octaves = field.at("octaves").numbers(), .binades = {}, .counts = {}};
  const std::size_t bins = 2 * map.octaves.size() + 1;
  for (const Field& row : field.at("binades").items()) {
    map.binades.push_back(row.at("binade").integer());
    map.counts.push_back(row.at("counts").counts());
    if (map.counts.back().size() != bins) {
      row.refuse(fmt::format("expected {} counts, found {}", bins, map.counts.back().size()));
    }
  }
  const auto out_of_order = [](int64_t low, int64_t high) { return low >= high; };
  if (std::adjacent_find(map.binades.begin(), map.binades.end(), out_of_order) !=
      map.binades.end()) {
    field.refuse("binades are not ascending");
  }
  return map;
}

HeadRow read_head(const Field& field) {
  HeadRow head{.index = field.at("index").counts(),
               .count = field.at("count").count(),
               .one_sided = field.at("one_sided").flag(),
               .one_sided_features = field.at("one_sided_features").count()};
  head.mean_ulp = field.at("mean_ulp").number();
  head.stderr_ulp = field.at("stderr_ulp").number();
  head.z = field.at("z").number();
  head.z_away = field.at("z_away").number();
  return head;
}

RowKindRow read_row_kind(const Field& field) {
  RowKindRow kind{.name = field.at("name").text(),
                  .rows = field.at("rows").count(),
                  .count = field.at("count").count()};
  kind.mean_ulp = field.at("mean_ulp").number();
  kind.stderr_ulp = field.at("stderr_ulp").number();
  kind.z = field.at("z").number();
  kind.share = field.number_if_given("share");
  return kind;
}

WorstElement read_worst(const Field& field) {
  return {.index = field.at("index").counts(),
          .bits = field.at("bits").text(),
          .value = field.at("value").number(),
          .reference = field.at("reference").number(),
          .error_ulp = field.at("error_ulp").number()};
}

void read_optional_counts(const Field& field, Statistics& out) {
  out.larger = field.count_if_given("larger");
  out.smaller = field.count_if_given("smaller");
  out.exact = field.count_if_given("exact");
  out.ties = field.count_if_given("ties");
  out.ties_away = field.count_if_given("ties_away");
  out.near_ties_above = field.count_if_given("near_ties_above");
  out.near_ties_below = field.count_if_given("near_ties_below");
  out.carry_out = field.count_if_given("carry_out");
  out.round_carry = field.count_if_given("round_carry");
  out.subnormal = field.count_if_given("subnormal");
  out.underflow = field.count_if_given("underflow");
  out.overflow = field.count_if_given("overflow");
}

Statistics read_statistics(const Field& field) {
  Statistics out;
  out.name = field.at("name").text();
  out.format = field.at("format").text();
  out.mode = field.text_or_empty("mode");
  out.description = field.text_or_empty("description");
  out.count = field.at("count").count();
  out.skipped = field.at("skipped").count();
  out.histogram = read_histogram(field.at("histogram"), out);
  if (out.count > out.skipped) {  // a mean over no element does not exist
    out.mean_ulp = field.at("mean_ulp").number();
    out.stderr_ulp = field.at("stderr_ulp").number();
    out.z = field.at("z").number();
  }
  out.mean_away_ulp = field.number_if_given("mean_away_ulp");
  out.stderr_away_ulp = field.number_if_given("stderr_away_ulp");
  out.z_away = field.number_if_given("z_away");
  out.sign_z = field.number_if_given("sign_z");
  out.max_abs_ulp = field.number_if_given("max_abs_ulp");
  read_optional_counts(field, out);
  out.shape = field.counts_if_given("shape");
  if (const auto map = field.find("heatmap")) out.heat_map = read_heat_map(*map);
  if (const auto map = field.find("head_map")) out.head_map = read_heat_map(*map);
  if (const auto map = field.find("magnitudes")) out.magnitudes = read_magnitudes(*map);
  out.heads = read_list(field.items_if_given("heads"), read_head);
  out.row_kinds = read_list(field.items_if_given("row_kinds"), read_row_kind);
  out.worst = read_list(field.items_if_given("worst"), read_worst);
  return out;
}

KernelRow read_kernel(const Field& field) {
  return {.name = field.at("name").text(),
          .description = field.text_or_empty("description"),
          .variant = field.text_or_empty("variant"),
          .chip = field.text_or_empty("chip"),
          .chip_row = field.text_or_empty("chip_row"),
          .tile_rows = field.count_if_given("tile_rows"),
          .tile_keys = field.count_if_given("tile_keys"),
          .splits = field.count_if_given("splits")};
}

ProblemRow read_problem(const Field& field) {
  ProblemRow out;
  out.batch = field.at("batch").count();
  out.heads = field.at("heads").count();
  out.seq_q = field.at("seq_q").count();
  out.seq_k = field.at("seq_k").count();
  out.head_dim = field.at("head_dim").count();
  out.kv_heads = field.count_if_given("kv_heads");
  if (const auto causal = field.find("causal")) out.causal = causal->flag();
  out.scale = field.number_if_given("scale");
  out.launch = field.counts_if_given("launch");
  constexpr std::array<std::string_view, 9> known = {
      "batch", "heads", "kv_heads", "seq_q", "seq_k", "head_dim", "causal", "scale", "launch"};
  for (const auto& [key, value] : field.value().items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    out.others.emplace_back(key,
                            value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  return out;
}

InputRow read_input(const Field& field) {
  return {.tensor = field.at("tensor").text(),
          .file = field.at("file").text(),
          .layout = field.text_or_empty("layout"),
          .format = field.at("format").text(),
          .hash = field.at("xxh3_128").text(),
          .note = field.text_or_empty("note"),
          .shape = field.at("shape").counts()};
}

FormatRow read_format(const Field& field) {
  return {.name = field.at("name").text(),
          .specials = field.text_or_empty("specials"),
          .exponent_bits = field.at("exponent_bits").integer(),
          .trailing_bits = field.at("trailing_bits").integer(),
          .bias = field.at("bias").integer()};
}

CastRow read_cast(const Field& field) {
  const auto overridden = field.find("overridden");
  return {.site = field.at("site").text(),
          .format = field.at("format").text(),
          .mode = field.text_or_empty("mode"),
          .preset = field.text_or_empty("preset"),
          .origin = overridden && overridden->flag() ? CastOrigin::overridden : CastOrigin::kernel};
}

GradientReferenceRow read_gradient_reference(const Field& field) {
  GradientReferenceRow out{.name = field.at("name").text(),
                           .judged_rows = field.count_if_given("judged_rows"),
                           .judged_keys = field.count_if_given("judged_keys")};
  if (const auto differences = field.find("max_difference_ulp")) {
    out.max_difference_ulp =
        std::max({differences->at("dq").number(), differences->at("dk").number(),
                  differences->at("dv").number()});
  }
  return out;
}

ReferenceRow read_reference(const Field& field) {
  ReferenceRow out{.name = field.at("name").text(),
                   .description = field.text_or_empty("description"),
                   .judged_rows = field.count_if_given("judged_rows"),
                   .judged_elements = field.count_if_given("judged_elements"),
                   .max_difference_ulp = field.number_if_given("max_difference_ulp"),
                   .gradients = {}};
  if (const auto gradients = field.find("gradients")) {
    out.gradients = read_gradient_reference(*gradients);
  }
  return out;
}

EngineRow read_engine(const Field& field) {
  return {.name = field.at("name").text(),
          .description = field.text_or_empty("description"),
          .refusal = field.text_or_empty("refusal"),
          .backward_refusal = field.text_or_empty("backward_refusal"),
          .tile_rows = field.count_if_given("tile_rows"),
          .tile_keys = field.count_if_given("tile_keys"),
          .splits = field.count_if_given("splits")};
}

EnginePairRow read_pair(const Field& field, const EngineMatrix& matrix) {
  EnginePairRow out{.different_bits = field.at("different_bits").count(),
                    .skipped = field.at("skipped").count()};
  if (out.different_bits > matrix.elements || out.skipped > matrix.elements) {
    field.refuse(fmt::format("more elements than the {} that were compared", matrix.elements));
  }
  if (out.skipped < matrix.elements) {
    out.mean_ulp = field.at("mean_ulp").number();
    out.stderr_ulp = field.at("stderr_ulp").number();
    out.z = field.at("z").number();
    out.max_abs_ulp = field.at("max_abs_ulp").number();
  }
  return out;
}

// The pairs have to be all, in order: a drawing looks them up by place.
EngineMatrix read_matrix(const Field& field) {
  EngineMatrix out{.tensor = field.at("tensor").text(),
                   .elements = field.at("elements").count(),
                   .engines = read_list<std::string>(field.at("engines").items(),
                                                     [](const Field& name) { return name.text(); }),
                   .pairs = {}};
  const Field pairs = field.at("pairs");
  const auto items = pairs.items();
  const std::size_t n = out.engines.size();
  const std::size_t expected = n == 0 ? 0 : n * (n - 1) / 2;
  if (items.size() != expected) {
    pairs.refuse(
        fmt::format("expected {} pairs of {} engines, found {}", expected, n, items.size()));
  }
  for (std::size_t b = 1; b < n; ++b) {
    for (std::size_t a = 0; a < b; ++a) {
      const Field& item = items[out.pairs.size()];
      if (item.at("a").count() != a || item.at("b").count() != b) {
        item.refuse(fmt::format("expected the pair of {} and {}", a, b));
      }
      out.pairs.push_back(read_pair(item, out));
    }
  }
  return out;
}

Status read_status(const Field& field) {
  const std::string name = field.text();
  const auto* found = std::find_if(all_status.begin(), all_status.end(),
                                   [&](Status status) { return status_name(status) == name; });
  if (found == all_status.end()) {
    field.refuse(
        fmt::format("expected unbiased, biased, equal, different or not judged, found \"{}\"",
                    shortened(visible(name), 60)));
  }
  return *found;
}

void read_kind(const Field& root, Summary& out) {
  out.kind = root.at("kind").text();
  if (out.kind == "attention") {
    out.kernel = read_kernel(root.at("kernel"));
    out.problem = read_problem(root.at("problem"));
    out.sites = read_list(root.at("sites").items(), read_statistics);
    out.outputs = read_list(root.at("outputs").items(), read_statistics);
    if (const auto attribution = root.find("attribution")) {
      out.attribution = detail::read_attribution(*attribution);
    }
    if (const auto cures = root.find("cures")) out.cures = detail::read_cures(*cures);
  } else if (out.kind == "attribution") {
    out.kernel = read_kernel(root.at("kernel"));
    out.problem = read_problem(root.at("problem"));
    out.attribution = detail::read_attribution(root.at("attribution"));
  } else if (out.kind == "gemm") {
    out.kernel = read_kernel(root.at("kernel"));
    if (const auto comparison = root.find("comparison")) {
      out.comparison = detail::read_comparison(*comparison);
    }
    out.outputs = read_list(root.at("outputs").items(), read_statistics);
  } else if (out.kind == "engines") {
    out.problem = read_problem(root.at("problem"));
    out.engines = read_list(root.at("engines").items(), read_engine);
    out.matrices = read_list(root.at("matrices").items(), read_matrix);
    out.outputs = read_list(root.at("outputs").items(), read_statistics);
  } else if (out.kind == "compare") {
    out.comparison = detail::read_comparison(root.at("comparison"));
    out.breakdown = read_list(root.items_if_given("breakdown"), detail::read_division);
    if (const auto history = root.find("history")) out.history = detail::read_history(*history);
    if (const auto fit = root.find("fit")) out.fit = detail::read_fit(*fit);
    out.sites = read_list(root.items_if_given("sites"), read_statistics);
    out.outputs = read_list(root.items_if_given("outputs"), read_statistics);
  } else {
    root.at("kind").refuse(
        fmt::format("expected \"attention\", \"attribution\", \"engines\", \"gemm\" or "
                    "\"compare\", found \"{}\"",
                    shortened(visible(out.kind), 60)));
  }
}

}  // namespace

std::string status_name(Status status) {
  switch (status) {
    case Status::unbiased: return "unbiased";
    case Status::biased: return "biased";
    case Status::equal: return "equal";
    case Status::different: return "different";
    case Status::not_judged: return "not judged";
  }
  return {};
}

Summary parse_summary(const nlohmann::json& summary) {
  const Field root(summary, "");
  if (nests_deeper_than(summary, deepest_nesting)) {
    root.refuse(fmt::format("nested more than {} levels deep", deepest_nesting));
  }
  const std::string schema = root.at("schema").text();
  if (schema != schema_name) {
    root.at("schema").refuse(
        fmt::format("expected \"{}\", found \"{}\"", schema_name, shortened(visible(schema), 60)));
  }
  Summary out;
  out.tool = root.at("tool").at("name").text();
  out.version = root.at("tool").at("version").text();
  out.command = root.at("command").text();
  out.status = read_status(root.at("verdict").at("status"));
  out.verdict = root.at("verdict").at("text").text();
  const auto sentence = [](const Field& reason) { return reason.text(); };
  out.causes = read_list<std::string>(root.at("verdict").items_if_given("causes"), sentence);
  out.reasons = read_list<std::string>(root.at("verdict").items_if_given("reasons"), sentence);
  read_kind(root, out);
  if (const auto reference = root.find("reference")) out.reference = read_reference(*reference);
  out.inputs = read_list(root.items_if_given("inputs"), read_input);
  out.formats = read_list(root.items_if_given("formats"), read_format);
  out.casts = read_list(root.items_if_given("casts"), read_cast);
  out.notes = read_list<std::string>(root.items_if_given("notes"),
                                     [](const Field& note) { return note.text(); });
  return out;
}

}  // namespace ulpscope
