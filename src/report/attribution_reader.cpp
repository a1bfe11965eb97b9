#include "attribution_reader.hpp"

namespace ulpscope::detail {
namespace {

MeanRow read_mean(const Field& field) {
  MeanRow out{.mean_ulp = field.at("mean_ulp").number(),
              .stderr_ulp = field.at("stderr_ulp").number(),
              .z = field.at("z").number()};
  const auto rms = field.find("rms_ulp");
  out.width_ulp = rms ? rms->number() : field.number_if_given("spread_ulp");
  return out;
}

SuspectRow read_step(const Field& field) {
  return {.name = field.at("name").text(),
          .step = field.text_or_empty("step"),
          .increment = read_mean(field.at("increment")),
          .left = read_mean(field.at("exact_here")),
          .alone = read_mean(field.at("exact_elsewhere"))};
}

AttributedTensor read_tensor(const Field& field) {
  return {.name = field.at("name").text(),
          .verdict = field.at("verdict").text(),
          .biased = field.at("biased").flag(),
          .head = field.count_if_given("head"),
          .kernel = read_mean(field.at("kernel")),
          .exact = read_mean(field.at("everything_exact")),
          .steps = read_list(field.at("steps").items(), read_step)};
}

CureRow read_cure(const Field& field) {
  return {.name = field.at("name").text(),
          .outcome = field.at("outcome").text(),
          .left = read_mean(field.at("left")),
          .all = read_mean(field.at("all")),
          .biased_heads = field.at("biased_heads").count(),
          .heads = field.at("heads").count(),
          .not_finite = field.at("not_finite").count()};
}

}  // namespace

AttributionRow read_attribution(const Field& field) {
  const Field rows = field.at("rows");
  return {.rows = rows.at("watched").count(),
          .equal_maxima = rows.at("equal_maxima").count(),
          .at_risk = rows.at("at_risk").count(),
          .tensors = read_list(field.at("tensors").items(), read_tensor)};
}

CuresRow read_cures(const Field& field) {
  CuresRow out{.refused = field.text_or_empty("refused"),
               .head = field.count_if_given("head"),
               .before = {},
               .treatments = {}};
  if (!out.refused.empty()) return out;
  out.before = read_mean(field.at("before"));
  out.treatments = read_list(field.at("treatments").items(), read_cure);
  return out;
}

}  // namespace ulpscope::detail
