// The end of a row: 1 / l and the log-sum-exp, in the forms that kernels have.
//
//   LSE = ln sum exp(scale S) = m scale + ln l, with m the maximum of S or of the scaled scores
//
// Kernels that scale before the maximum keep m in base 2 and bring it back by ln 2 or log2 e; the
// logarithm is MUFU.LG2 or the library's.
//
// Tested through the pass: tests/attention/recipes_test.cpp and tests/captured.
#pragma once

#include "ulpscope/attention/row_sum.hpp"

namespace ulpscope {

struct RowEnd {
  uint32_t lse = 0;
  uint32_t base2 = 0;  // the LSE in base 2, where it is made of that
};

// Whether a row sum is one to divide by.
ULPSCOPE_HD constexpr bool is_usable_sum(uint32_t sum) {
  return !detail::is_zero32(sum) && !detail::is_nan32(sum);
}

// The row sum that the end of the row starts from.
ULPSCOPE_HD constexpr uint32_t guarded_sum(const Recipe& recipe, uint32_t sum) {
  return recipe.unusable_sum == UnusableSum::one && detail::is_zero32(sum) ? detail::one32 : sum;
}

// 1 / l, or V's factor / l.
template <class Sink>
ULPSCOPE_STEP uint32_t reciprocal_of(const Machine<Sink>& machine, int64_t row, uint32_t sum) {
  const Plan& plan = machine.plan();
  const auto l = register_value(sum);
  const auto one = register_value(plan.problem.descale.v);
  const bool nan_counts = plan.recipe->unusable_sum == UnusableSum::zero_or_nan;
  if (detail::is_zero32(sum) || (nan_counts && detail::is_nan32(sum))) return detail::one32;
  switch (plan.recipe->normalise) {
    case Normalise::multiply_by_reciprocal:
    case Normalise::divide: break;
    case Normalise::multiply_by_rcp:
      return machine.one_hardware(Site::reciprocal, row, rcp_approx(*plan.tables, sum),
                                  [&] { return divide(one, l); });
  }
  return machine.one(Site::reciprocal, row, divide(one, l));
}

namespace detail {

// What the function returned for l, rounded at `site` and judged by log2 l or ln l.
template <class Sink>
ULPSCOPE_HD uint32_t logarithm(const Machine<Sink>& machine, Site site, int64_t row, uint32_t sum,
                               uint32_t returned) {
  const auto l = register_value(sum);
  const bool positive = l.kind == Kind::finite && !l.negative;
  return machine.one_hardware(site, row, returned, [&] {
    if (!positive) return exact_nan<uint64_t>();
    return site == Site::log_row_sum ? log_value(l) : log2_value(l);
  });
}

}  // namespace detail

// The LSE of a row; `none` where the recipe has nothing to take the logarithm of.
template <class Sink>
ULPSCOPE_STEP RowEnd log_sum_exp(const Machine<Sink>& machine, int64_t row, uint32_t maximum,
                                 uint32_t sum, uint32_t none) {
  using namespace detail;
  const Plan& plan = machine.plan();
  const bool guarded = plan.recipe->unusable_sum == UnusableSum::zero_or_nan;
  if (guarded && !is_usable_sum(sum)) return {none, none};
  const auto by_lg2 = [&] {
    return logarithm(machine, Site::log2_row_sum, row, sum, lg2_approx(*plan.tables, sum));
  };
  switch (plan.log_sum_exp) {
    case LogSumExp::scale_fused: {
      const uint32_t log = product(machine, Site::log_row_sum, row, by_lg2(), ln_2);
      return {fused(machine, Site::lse, row, maximum, plan.problem.scale, log), 0};
    }
    case LogSumExp::maximum_fused: {
      const uint32_t log = product(machine, Site::log_row_sum, row, by_lg2(), ln_2);
      return {fused(machine, Site::lse, row, maximum, ln_2, log), 0};
    }
    case LogSumExp::logarithm_fused: {
      const uint32_t m = product(machine, Site::natural_maximum, row, maximum, ln_2);
      return {fused(machine, Site::lse, row, by_lg2(), ln_2, m), 0};
    }
    case LogSumExp::natural_sum: {
      const uint32_t m = machine.one(Site::natural_maximum, row,
                                     divide(register_value(maximum), register_value(log2_of_e)));
      const uint32_t log = logarithm(machine, Site::log_row_sum, row, sum, library_logf(sum));
      return {sum_of(machine, Site::lse, row, m, log), 0};
    }
    case LogSumExp::product_of_base2: {
      const uint32_t log2 = logarithm(machine, Site::log2_row_sum, row, sum, library_log2f(sum));
      const uint32_t base2 = sum_of(machine, Site::base2_lse, row, maximum, log2);
      return {product(machine, Site::lse, row, base2, ln_2), base2};
    }
    case LogSumExp::kept_sum: {
      const uint32_t l = kept_row_sum(machine, row, sum);
      const uint32_t log = logarithm(machine, Site::log_row_sum, row, l, library_logf(l));
      return {sum_of(machine, Site::lse, row, maximum, log), 0};
    }
    case LogSumExp::rounded_sum: {
      const uint32_t log =
          machine.one(Site::log_row_sum, row, exact_log(machine.operand(Site::log_row_sum, sum)));
      return {sum_of(machine, Site::lse, row, maximum, log), 0};
    }
  }
  return {};
}

}  // namespace ulpscope
