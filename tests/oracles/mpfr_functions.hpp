// The functions of arith/functions.hpp, and sqrt, beside MPFR's: one row each.
#pragma once

#include "ulpscope/arith/divide.hpp"
#include "ulpscope/arith/functions.hpp"

#include <mpfr.h>

namespace ulpscope {

// A number of MPFR's, of so many bits.
class Real {
 public:
  explicit Real(int bits) { mpfr_init2(value_, bits); }
  Real(const Real&) = delete;
  Real& operator=(const Real&) = delete;
  ~Real() { mpfr_clear(value_); }
  mpfr_ptr get() { return value_; }
  // The sign of *this - x.
  int compared_to(double x) const { return mpfr_cmp_d(value_, x); }

 private:
  mpfr_t value_;
};

template <class Word>
struct Function {
  const char* name;
  int (*mpfr)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);
  Exact<Word> (*ours)(const Exact<Word>&);
};
template <class Word>
constexpr Function<Word> functions[] = {
    {"sqrt", mpfr_sqrt, square_root<Word>}, {"exp", mpfr_exp, exp_exact<Word>},
    {"exp2", mpfr_exp2, exp2_exact<Word>},  {"log", mpfr_log, log_exact<Word>},
    {"log2", mpfr_log2, log2_exact<Word>},  {"tanh", mpfr_tanh, tanh_exact<Word>},
};

}  // namespace ulpscope
