// All 2^32 binary32 operands of exp, exp2, log, log2 and tanh: every result is proved.
//
// The rounding test proves each result by itself (arith/truncation.hpp), so that a sweep needs no
// oracle: it counts the operands whose first attempt, with two limbs, was not conclusive, and those
// whose second and last was not, of which there must be none. Then binary32 and every format
// within it, bf16, fp16, tf32, fp8 and so on, are correctly rounded in every mode.
//
// Left out are operands that take no attempt: those below 2^-62 (tanh: 2^-32), where the result is
// next to 1 or to x, and those beyond 2^8 (tanh: 32), where powers leave binary32 and tanh is next
// to 1. Exact results are left out too. Some ten minutes of one core.
#include "ulpscope/arith/functions.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace ulpscope;

namespace {

constexpr int first = detail::first_limbs<uint64_t>;
constexpr int last = detail::last_limbs<uint64_t>;

struct Counts {
  int64_t operands = 0;
  int64_t twice = 0;     // the first attempt failed
  int64_t unproved = 0;  // the last one too
};

using Operand = Exact<uint64_t>;

template <class Function>
void count(Counts& counts, const Operand& x, bool proved) {
  ++counts.operands;
  if (proved) return;
  ++counts.twice;
  if (!Function::template attempt<last>(x).proved) ++counts.unproved;
}

constexpr uint64_t minus = uint64_t{1} << 31;
constexpr uint64_t code_of(int exponent) { return static_cast<uint64_t>(127 + exponent) << 23; }
bool is_integer(const Operand& x) {
  return shift_right_jam(x.significand, x.exponent < 0 ? -x.exponent : 0).sticky == false;
}

// The operands of one sign from one power of two up to another.
template <class Function, class Skip>
void sweep(Counts& counts, uint64_t sign, int from, int to, Skip skip) {
  for (uint64_t bits = code_of(from); bits < code_of(to); ++bits) {
    const Operand x = decode<uint64_t>(fp32, sign | bits);
    if (!skip(x)) count<Function>(counts, x, Function::template attempt<first>(x).proved);
  }
}

// All positive numbers. Those that share a significand share ln m, so it is computed once for them;
// subnormal significands are those of normal numbers with fewer bits.
template <class Function, class Skip>
void sweep_logarithms(Counts& counts, Skip skip) {
  const uint64_t one = uint64_t{1} << 23;
  for (uint64_t significand = one; significand < 2 * one; ++significand) {
    const auto log_m = detail::log_of_one_plus(Fixed<first>{{0, (significand - one) << 41}});
    for (int k = -149; k <= 127; ++k) {
      const Operand x{.significand = significand, .exponent = k - 23, .kind = Kind::finite};
      if (k < -126 && significand % (uint64_t{1} << (-126 - k)) != 0) continue;
      if (skip(x)) continue;
      count<Function>(counts, x, Function::template attempt_from<uint64_t>(k, log_m).proved);
    }
  }
}

void judge(const char* name, const Counts& counts) {
  MESSAGE(fmt::format("{}: {} operands, {} not proved by two limbs, {} by four", name,
                      counts.operands, counts.twice, counts.unproved));
  CHECK(counts.unproved == 0);
}

bool never(const Operand&) { return false; }

}  // namespace

TEST_CASE("every e^x of binary32 is proved") {
  Counts counts;
  for (const uint64_t sign : {uint64_t{0}, minus}) {
    sweep<detail::Exponential>(counts, sign, -62, 8, never);
  }
  judge("exp", counts);
}

TEST_CASE("every 2^x of binary32 is proved") {
  Counts counts;
  for (const uint64_t sign : {uint64_t{0}, minus}) {
    sweep<detail::Exponential2>(counts, sign, -62, 8, is_integer);
  }
  judge("exp2", counts);
}

TEST_CASE("every ln x of binary32 is proved") {
  Counts counts;
  sweep_logarithms<detail::Logarithm>(
      counts, [](const Operand& x) { return exponent_of(x) == 0 && detail::is_power_of_two(x); });
  CHECK(counts.operands == 0x7F7F'FFFE);  // all positive numbers but 1
  judge("log", counts);
}

TEST_CASE("every log2 x of binary32 is proved") {
  Counts counts;
  sweep_logarithms<detail::Logarithm2>(counts,
                                       [](const Operand& x) { return detail::is_power_of_two(x); });
  CHECK(counts.operands == 0x7F7F'FFFF - 277);  // 2^-149 to 2^127
  judge("log2", counts);
}

TEST_CASE("every tanh x of binary32 is proved") {
  Counts counts;
  sweep<detail::HyperbolicTangent>(counts, 0, -32, 5, never);
  judge("tanh", counts);
}
