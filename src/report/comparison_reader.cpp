#include "comparison_reader.hpp"

#include "ulpscope/base/bits.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace ulpscope {

namespace detail {
namespace {

ElementRow read_element(const Field& field) {
  return {.bits = field.at("bits").text(),
          .fields = field.text_or_empty("fields"),
          .hex_float = field.text_or_empty("hex_float"),
          .value = field.at("value").number()};
}

FirstDifferenceRow read_first_difference(const Field& field) {
  return {.index = field.at("index").counts(),
          .a = read_element(field.at("a")),
          .b = read_element(field.at("b")),
          .ulp = field.number_if_given("ulp")};
}

GroupRow read_group(const Field& field) {
  GroupRow out{.name = field.at("name").text(),
               .count = field.at("count").count(),
               .skipped = field.at("skipped").count(),
               .different_bits = field.at("different_bits").count()};
  if (out.skipped > out.count || out.different_bits > out.count) {
    field.refuse(fmt::format("more elements than the {} of the group", out.count));
  }
  if (out.count > out.skipped) {  // a mean over no element does not exist
    out.mean_ulp = field.at("mean_ulp").number();
    out.stderr_ulp = field.at("stderr_ulp").number();
    out.z = field.at("z").number();
    out.z_away = field.number_if_given("z_away");
    out.max_abs_ulp = field.at("max_abs_ulp").number();
  }
  out.one_sided = field.at("one_sided").flag();
  return out;
}

FittedRow read_fitted(const Field& field) {
  FittedRow out{.roundings = {}, .explained = field.at("explained").count()};
  for (const Field& name : field.at("roundings").items()) {
    out.roundings += (out.roundings.empty() ? "" : ", ") + name.text();
  }
  return out;
}

StepRow read_step(const Field& field) {
  StepRow out{.site = field.at("site").text(),
              .bits = field.at("bits").text(),
              .place = {},
              .value = field.at("value").number(),
              .error_ulp = field.number_if_given("error_ulp")};
  for (const char* axis : {"key", "feature"}) {
    const auto index = field.count_if_given(axis);
    if (index) out.place = fmt::format("{} {}", axis, *index);
  }
  return out;
}

SiteStepsRow read_site_steps(const Field& field) {
  return {.steps = field.at("steps").count(),
          .inexact = field.at("inexact").count(),
          .max_abs_ulp = field.number_if_given("max_abs_ulp"),
          .last_bits = field.text_or_empty("last_bits"),
          .last_value = field.number_if_given("last_value")};
}

HistorySiteRow read_history_site(const Field& field) {
  return {.site = field.at("site").text(),
          .kernels = read_list(field.at("kernels").items(), read_site_steps),
          .different = field.at("different").count()};
}

HistoryKernelRow read_history_kernel(const Field& field) {
  return {.name = field.at("name").text(),
          .element = read_element(field),
          .agrees_with = read_list<std::string>(field.at("agrees_with").items(),
                                                [](const Field& side) { return side.text(); })};
}

}  // namespace

ComparisonRow read_comparison(const Field& field) {
  ComparisonRow out;
  out.a = field.at("a").text();
  out.b = field.at("b").text();
  out.elements = field.at("elements").count();
  out.different_bits = field.at("different_bits").count();
  out.different_values = field.at("different_values").count();
  out.max_ulp = field.number_if_given("max_ulp");
  out.nan_mismatch = field.count_if_given("nan_mismatch");
  out.inf_mismatch = field.count_if_given("inf_mismatch");
  const Field buckets = field.at("ulp_buckets");
  uint128 sum = 0;
  for (const std::string_view name : {"0", "1", "2", "3-10", "11-100", ">100"}) {
    const uint64_t count = buckets.at(name).count();
    out.ulp_buckets.emplace_back(name, count);
    sum += count;
  }
  // NaN against a number has no distance, so the sum may fall short, never exceed.
  if (sum > out.elements || out.different_bits > out.elements) {
    buckets.refuse(fmt::format("more elements than the {} that were compared", out.elements));
  }
  if (const auto first = field.find("first_difference")) {
    out.first_difference = read_first_difference(*first);
  }
  return out;
}

DivisionRow read_division(const Field& field) {
  return {.by = field.at("by").text(), .groups = read_list(field.at("groups").items(), read_group)};
}

// Drawings look sites and steps up by the kernel's place.
HistoryRow read_history(const Field& field) {
  HistoryRow out{.output = field.at("output").text(),
                 .index = field.at("index").counts(),
                 .kernels = read_list(field.at("kernels").items(), read_history_kernel),
                 .sites = read_list(field.at("sites").items(), read_history_site),
                 .parting = read_list(field.items_if_given("parting"), read_step)};
  const std::size_t kernels = out.kernels.size();
  const bool fits = std::all_of(out.sites.begin(), out.sites.end(),
                                [&](const auto& site) { return site.kernels.size() == kernels; });
  if (kernels < 1 || kernels > 2 || !fits ||
      (!out.parting.empty() && out.parting.size() != kernels)) {
    field.refuse("expected one or two kernels, and as many entries at every site and parting");
  }
  return out;
}

FitRow read_fit(const Field& field) {
  FitRow out{.from = field.at("from").text(),
             .to = field.at("to").text(),
             .elements = field.at("elements").count(),
             .telling = field.at("telling").count(),
             .either_neighbour = field.at("either_neighbour").count(),
             .ranking = read_list(field.at("ranking").items(), read_fitted)};
  for (const FittedRow& row : out.ranking) {
    if (row.explained > out.elements) {
      field.refuse(fmt::format("more elements explained than the {} there are", out.elements));
    }
  }
  return out;
}

}  // namespace detail

std::vector<const GroupRow*> worst_groups(const DivisionRow& division, std::size_t most) {
  std::vector<const GroupRow*> rows;
  for (const GroupRow& group : division.groups) {
    if (group.different_bits > 0) rows.push_back(&group);
  }
  const auto loudness = [](const GroupRow& group) {
    return group.one_sided ? std::max(std::fabs(group.z), std::fabs(group.z_away)) : 0.0;
  };
  std::stable_sort(rows.begin(), rows.end(), [&](const GroupRow* a, const GroupRow* b) {
    const double x = loudness(*a);
    const double y = loudness(*b);
    return x > y || (!(x < y) && a->different_bits > b->different_bits);
  });
  rows.resize(std::min(rows.size(), most));
  return rows;
}

}  // namespace ulpscope
