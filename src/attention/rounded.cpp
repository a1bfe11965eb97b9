#include "ulpscope/attention/rounded.hpp"

#include "ulpscope/arith/functions.hpp"
#include "ulpscope/attention/casts.hpp"

namespace ulpscope {

uint32_t rounded_exp(uint32_t x) {
  return detail::store(fp32, exp_exact(register_value(x)), nearest_even).value;
}

Exact<uint64_t> exact_log(const Exact<uint64_t>& x) { return log_exact(x); }
Exact<uint64_t> exact_tanh(const Exact<uint64_t>& x) { return tanh_exact(x); }

}  // namespace ulpscope
