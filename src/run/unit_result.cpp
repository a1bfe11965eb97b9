#include "ulpscope/run/unit_result.hpp"

#include "ulpscope/trace/statistics_words.hpp"

#include <algorithm>

namespace ulpscope {

namespace {

TensorInfo share(const Outline& outline, const OutlineTensor& tensor, std::string name,
                 Element element) {
  const auto& [batch, heads, rows, dim] = tensor.sizes;
  return {std::move(name), element, {batch * heads / outline.units, rows, tensor.columns()}};
}

template <class Words, AnyOf<RunTotals> T>
void list_numbers(Words& words, T& t) {
  for (auto* pairs : {&t.pairs.p, &t.pairs.dp, &t.pairs.ds}) list_words(words, *pairs);
  list_words(words, t.sites);
  list_census(words, t.rows);
  words(t.reference.judged_rows, t.reference.judged_elements, t.reference.largest_difference_ulp);
  auto& g = t.gradients;
  words(g.judged_rows, g.judged_keys, g.exact_rows, g.dq_difference_ulp, g.dk_difference_ulp,
        g.dv_difference_ulp);
}

}  // namespace

RunTotals::RunTotals(const Outline& outline)
    : o_by_rows(outline.tensors.front().tally_rows, outline.tensors.front().columns()) {
  for (const auto& t : outline.tensors) {
    const int64_t tally_columns = t.columns();
    tensors.emplace_back(t.tally_rows, tally_columns, t.row_tile, Heads::apart);
  }
}

void RunTotals::merge(const RunTotals& other) {
  for (size_t i = 0; i < tensors.size(); ++i) tensors[i].merge(other.tensors[i]);
  o_by_rows.merge(other.o_by_rows);
  rows.merge(other.rows);
  pairs.p.merge(other.pairs.p);
  pairs.dp.merge(other.pairs.dp);
  pairs.ds.merge(other.pairs.ds);
  for (size_t i = 0; i < site_count; ++i) sites[i].merge(other.sites[i]);
  reference.merge(other.reference);
  gradients.merge(other.gradients);
}

void RunTotals::write(WordWriter& words) const {
  for (const auto& tally : tensors) tally.write(words);
  o_by_rows.tied.write(words);
  o_by_rows.at_risk.write(words);
  list_numbers(words, *this);
}

void RunTotals::read(WordReader& words) {
  for (auto& tally : tensors) tally.read(words);
  o_by_rows.tied.read(words);
  o_by_rows.at_risk.read(words);
  list_numbers(words, *this);
}

std::vector<TensorInfo> unit_outputs(const Outline& outline) {
  std::vector<TensorInfo> infos;
  for (const auto& t : outline.tensors) infos.push_back(share(outline, t, t.name, t.element));
  return infos;
}

std::vector<TensorInfo> unit_errors(const Outline& outline) {
  std::vector<TensorInfo> infos;
  if (outline.log != LogLevel::full) return infos;
  for (const auto& t : outline.tensors) {
    infos.push_back(share(outline, t, t.name + "_ulp", Element::fp32));
  }
  return infos;
}

}  // namespace ulpscope
