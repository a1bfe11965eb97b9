// What the tests of round_array share: the core's answer element by element, and a comparison with
// it on every instruction set that this machine has.
#pragma once

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/array.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/round/operand.hpp"

#include <array>
#include <sstream>
#include <string>
#include <vector>

#include "round/array_inputs.hpp"
#include <doctest/doctest.h>
#include <hwy/highway.h>

namespace ulpscope {

inline constexpr std::array all_modes{Mode::nearest_even, Mode::nearest_away, Mode::nearest_zero,
                                      Mode::toward_zero,  Mode::up,           Mode::down,
                                      Mode::away,         Mode::to_odd};

// Runs `body` on each instruction set; the last, HWY_SCALAR, has no lanes and is the core itself.
template <class Body>
void on_every_target(const Body& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (target == HWY_SCALAR) continue;
    hwy::SetSupportedTargetsForTest(target);
    INFO("target " << std::string(hwy::TargetName(target)));
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
}

inline uint32_t code_of(float x) { return bit_cast<uint32_t>(x); }
inline uint64_t code_of(double x) { return bit_cast<uint64_t>(x); }

inline Exact<uint64_t> exact(float x, Flush flush) {
  return operand<uint64_t>(fp32, code_of(x), flush);
}
inline Exact<uint128> exact(double x, Flush flush) {
  return operand<uint128>(fp64, code_of(x), flush);
}

template <class Code, class Number>
std::vector<Code> expected_codes(const std::vector<Number>& x, const Format& f, Rounding r) {
  std::vector<Code> codes(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    codes[i] = static_cast<Code>(round_pack(f, exact(x[i], r.policy.flush), r).bits);
  }
  return codes;
}

// The first place where they differ, as one line; empty if they agree.
template <class Number, class Code>
std::string difference(const std::vector<Number>& x, const std::vector<Code>& found,
                       const std::vector<Code>& expected) {
  for (size_t i = 0; i < x.size(); ++i) {
    if (found[i] == expected[i]) continue;
    std::ostringstream text;
    text << "element " << i << ", input 0x" << std::hex << code_of(x[i]) << ": 0x"
         << uint64_t{found[i]} << ", core 0x" << uint64_t{expected[i]};
    return text.str();
  }
  return "";
}

template <class Code, class Number>
void check_against_core(const std::vector<Number>& x, const Format& f, Rounding r) {
  const auto expected = expected_codes<Code>(x, f, r);
  on_every_target([&] {
    std::vector<Code> found(x.size());
    round_array(x, f, r, found);
    const auto where = difference(x, found, expected);
    INFO(format_name(f) << " " << rounding_name(r) << ": " << where);
    CHECK(where.empty());
  });
}

// Draws are those of random_bits, element by element.
template <class Number>
void check_draws(const std::vector<Number>& x, const Format& f, Stochastic r, const Draw& first) {
  std::vector<uint32_t> expected(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    Draw draw = first;
    draw.element += i;
    expected[i] = static_cast<uint32_t>(
        round_pack(f, exact(x[i], r.policy.flush), r, random_bits(draw, r.bits)).bits);
  }
  on_every_target([&] {
    std::vector<uint32_t> found(x.size());
    round_array(x, f, r, first, found);
    const auto where = difference(x, found, expected);
    INFO(format_name(f) << " " << stochastic_name(r) << ": " << where);
    CHECK(where.empty());
  });
}

// Some of them, for the longer lists of formats and policies.
template <class Number>
std::vector<Number> every(size_t stride, const std::vector<Number>& x) {
  std::vector<Number> some;
  for (size_t i = 0; i < x.size(); i += stride) some.push_back(x[i]);
  return some;
}

}  // namespace ulpscope
