#include "ulpscope/attention/rounded.hpp"

#include "ulpscope/arith/functions.hpp"
#include "ulpscope/attention/casts.hpp"

namespace ulpscope::detail {

uint32_t rounded_exp_of_host(uint32_t x) {
  return store(fp32, exp_exact(register_value(x)), nearest_even).value;
}

Exact<uint64_t> exact_log_of_host(const Exact<uint64_t>& x) { return log_exact(x); }
Exact<uint64_t> exact_tanh_of_host(const Exact<uint64_t>& x) { return tanh_exact(x); }

}  // namespace ulpscope::detail
