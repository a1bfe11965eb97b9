#include "ulpscope/compare/prefix_error.hpp"

#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/error_tally.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "decoded_head.hpp"
#include "element_pass.hpp"

namespace ulpscope {

namespace {

// The last key of every prefix: all that the row sees, or so many of them.
std::vector<int64_t> last_keys(const KeyRange& seen) {
  const int64_t count = seen.last - seen.first;
  const int64_t stride = (count + most_prefixes - 1) / most_prefixes;
  std::vector<int64_t> keys;
  for (int64_t key = seen.first + stride - 1; key < seen.last - 1; key += stride) {
    keys.push_back(key);
  }
  if (count > 0) keys.push_back(seen.last - 1);
  return keys;
}

// The element after every prefix, as registers that hold stored codes: a column each.
class PrefixPass {
 public:
  PrefixPass(const Plan& plan, const TracedElement& element)
      : plan_(plan),
        feature_(static_cast<size_t>(element.feature)),
        rows_(rows_up_to(plan, element.row)),
        operands_(decode_head(plan, rows_.batch, kv_head_of(plan.problem, rows_))) {
    const Problem& p = plan.problem;
    const auto size = static_cast<size_t>(p.keys * p.dim);
    const int64_t head = rows_.batch * p.kv_heads + kv_head_of(p, rows_);
    v_ = p.v.subspan(static_cast<size_t>(head) * size, size);
  }

  std::vector<uint32_t> run(const std::vector<int64_t>& keys) {
    const auto dim = static_cast<size_t>(plan_.problem.dim);
    std::vector<uint32_t> elements;
    TileOutput output;
    for (size_t first = 0; first < keys.size(); first += dim) {
      const auto some = std::span(keys).subspan(first, std::min(dim, keys.size() - first));
      operands_.v = masked_values(some);
      NullSink sink;
      ForwardPass<NullSink>(plan_, operands_, sink).run(rows_, output);
      const auto row = output.o.end() - static_cast<std::ptrdiff_t>(dim);
      elements.insert(elements.end(), row, row + static_cast<std::ptrdiff_t>(some.size()));
    }
    return elements;
  }

 private:
  // V whose column c is the element's feature up to the c-th key, zeros below.
  Operand masked_values(std::span<const int64_t> last) const {
    const Problem& p = plan_.problem;
    const auto dim = static_cast<size_t>(p.dim);
    std::vector<uint16_t> codes(static_cast<size_t>(p.keys) * dim);
    for (size_t c = 0; c < last.size(); ++c) {
      for (size_t key = 0; key <= static_cast<size_t>(last[c]); ++key) {
        codes[key * dim + c] = v_[key * dim + feature_];
      }
    }
    Operand v = operand_columns(p.format, codes, p.keys, p.dim, plan_.tile_keys);
    v.pack();
    return v;
  }

  Plan plan_;
  size_t feature_;
  TileRows rows_;
  HeadOperands operands_;
  std::span<const uint16_t> v_;  // of the head
};

// P of every key as the product with V takes it.
std::map<int64_t, double> probabilities(const Plan& plan, const TracedElement& element) {
  std::map<int64_t, double> result;
  for (const auto& step : history_of(plan, element).steps) {
    if (step.site == Site::probability_cast) result[step.column] = to_double(step.value);
  }
  return result;
}

// The plan whose O is the product, rounded once, over the row sum.
Plan with_rounded_product(Plan plan) {
  plan.tile_keys *= plan.key_tiles();
  plan.parts = 1;
  plan.accumulator = Accumulator::registers;
  plan.map[Site::output_accumulate] = plan.map[Site::output_store];
  for (const Site site :
       {Site::reciprocal, Site::normalise, Site::output_keep, Site::output_store}) {
    plan.map[site] = exact_cast;
  }
  return plan;
}

// The first step from `begin` on whose error has this sign and more than half of the whole.
bool has_half(const PrefixErrors& errors, size_t step) {
  const double whole = errors.error();
  const double part = errors.steps[step].error;
  return whole < 0 ? part < whole / 2 : part > whole / 2;
}

}  // namespace

size_t PrefixErrors::shortest_half() const {
  size_t step = 0;
  while (step + 1 < steps.size() && !has_half(*this, step)) ++step;
  return step;
}

size_t PrefixErrors::lasting_half() const {
  size_t step = steps.empty() ? 0 : steps.size() - 1;
  while (step > 0 && has_half(*this, step - 1)) --step;
  return step;
}

PrefixErrors prefix_errors(const Plan& plan, const TracedElement& element, PrefixOf what) {
  const HostFpGuard guard;
  const TileRows rows = rows_up_to(plan, element.row);
  const DecodedHead head(plan, rows.batch, rows.head);
  WideRow wide;
  wide_attention_row(head.view(), element.row % plan.problem.rows, wide);
  const bool is_product = what == PrefixOf::product;
  const double unit = is_product ? wide.sum : 1;  // of O
  PrefixErrors result;
  const auto feature = static_cast<size_t>(element.feature);
  result.exact = wide.o[feature] * unit;
  if (!std::isfinite(result.exact)) return result;
  result.ulp_exponent = ulp_exponent(plan.map[Site::output_store].format, result.exact);
  const std::vector<int64_t> keys = last_keys(wide.keys);
  const auto stored = PrefixPass(is_product ? with_rounded_product(plan) : plan, element).run(keys);
  const auto of_key = probabilities(plan, element);
  CompensatedSum exact;
  int64_t next = wide.keys.first;
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto value = [&](int64_t key) {
      return head.view().v[static_cast<size_t>(key * plan.problem.dim) + feature];
    };
    const auto weight = [&](int64_t key) {
      return wide.weights[static_cast<size_t>(key - wide.keys.first)];
    };
    for (; next <= keys[i]; ++next) exact.add(weight(next) * value(next));
    const double error = to_double(stored[i]) - exact.value() / wide.sum;
    const auto found = of_key.find(keys[i]);
    result.steps.push_back({.key = keys[i],
                            .probability = found == of_key.end() ? 0 : found->second,
                            .weight = weight(keys[i]),
                            .value = value(keys[i]),
                            .error = std::ldexp(error * unit, -result.ulp_exponent)});
  }
  const bool finite = std::all_of(result.steps.begin(), result.steps.end(),
                                  [](const auto& step) { return std::isfinite(step.error); });
  if (!finite) result.steps.clear();
  return result;
}

bool is_power_of_two(double probability) {
  int exponent = 0;
  return probability > 0 && std::frexp(probability, &exponent) <= 0.5;
}

}  // namespace ulpscope
