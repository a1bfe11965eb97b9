// The core against the FPU of the machine that runs the test: two implementations of IEEE 754
// that have nothing in common.
//
// The host computes under fesetround; the core runs under the same setting, which it must not
// notice. Operands and results are volatile, so that nothing is computed by the compiler.
// Compared are bits (NaN with NaN: payload and sign are the host's choice) and the five IEEE
// exceptions; x86 finds underflow after rounding. IEEE 754 leaves open whether fma(infinity, 0,
// NaN) is invalid: fma's third operand is never NaN here.
#pragma once

#include <cfenv>
#include <cmath>

#include "exhaustive/judge.hpp"
#include "exhaustive/operands.hpp"

namespace ulpscope {

template <class Float>
struct HostResult {
  Float value;
  int exceptions;
};

template <class Float>
HostResult<Float> host_result(Operation operation, Float x, Float y, Float z) {
  volatile Float a = x;
  volatile Float b = y;
  volatile Float c = z;
  volatile Float result = 0;
  std::feclearexcept(FE_ALL_EXCEPT);
  switch (operation) {
    case Operation::add: result = a + b; break;
    case Operation::sub: result = a - b; break;
    case Operation::mul: result = a * b; break;
    case Operation::div: result = a / b; break;
    case Operation::fma: result = std::fma(a, b, c); break;
    case Operation::sqrt: result = std::sqrt(a); break;
  }
  return {result, std::fetestexcept(FE_ALL_EXCEPT)};
}

inline bool same_exceptions(Flag core, int host) {
  const auto same_as = [&](Flag flag, int exception) {
    return has(core, flag) == ((host & exception) != 0);
  };
  return same_as(Flag::inexact, FE_INEXACT) && same_as(Flag::overflow, FE_OVERFLOW) &&
         same_as(Flag::divide_by_zero, FE_DIVBYZERO) && same_as(Flag::invalid, FE_INVALID) &&
         same_as(Flag::underflow_after, FE_UNDERFLOW);
}

// How many of `count` random cases differ from the host in this direction.
template <class Float, class Bits>
int64_t host_mismatches(const Format& f, Operation operation, Mode mode, int direction,
                        int64_t count, uint64_t seed) {
  Generator random(seed);
  int64_t mismatches = 0;
  const int before = std::fegetround();
  std::fesetround(direction);
  for (int64_t i = 0; i < count; ++i) {
    std::array<uint64_t, 3> codes{};
    do {
      for (uint64_t& code : codes) code = static_cast<uint64_t>(any_code(random, f));
    } while (operation == Operation::fma && is_nan(f, codes[2]));
    const auto number = [&](size_t n) { return bit_cast<Float>(static_cast<Bits>(codes[n])); };
    const auto host = host_result(operation, number(0), number(1), number(2));
    using Word = std::conditional_t<sizeof(Float) == 4, uint64_t, uint128>;
    const auto core =
        core_result<Word>({f, operation, {{{f, codes[0]}, {f, codes[1]}, {f, codes[2]}}}}, {mode});
    const uint64_t host_bits = bit_cast<Bits>(host.value);
    const bool both_nan = is_nan(f, core.bits) && is_nan(f, host_bits);
    const bool agrees =
        (both_nan || core.bits == host_bits) && same_exceptions(core.flags, host.exceptions);
    mismatches += agrees ? 0 : 1;
  }
  std::fesetround(before);
  return mismatches;
}

// The sum over all directions that the host has and all operations, `count` cases each.
template <class Float, class Bits>
int64_t host_mismatches(const Format& f, int64_t count, uint64_t seed) {
  struct Direction {
    Mode mode;
    int host;
  };
  constexpr std::array directions{
      Direction{Mode::nearest_even, FE_TONEAREST}, Direction{Mode::toward_zero, FE_TOWARDZERO},
      Direction{Mode::up, FE_UPWARD}, Direction{Mode::down, FE_DOWNWARD}};
  int64_t mismatches = 0;
  for (const auto& direction : directions) {
    for (const Operation operation : {Operation::add, Operation::sub, Operation::mul,
                                      Operation::div, Operation::fma, Operation::sqrt}) {
      mismatches +=
          host_mismatches<Float, Bits>(f, operation, direction.mode, direction.host, count, seed++);
    }
  }
  return mismatches;
}

}  // namespace ulpscope
