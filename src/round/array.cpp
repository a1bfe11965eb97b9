#include "ulpscope/round/array.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/format/subset.hpp"
#include "ulpscope/round/operand.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "lanes.hpp"
#include <fmt/format.h>

namespace ulpscope {

namespace {

using detail::CodePointer;

constexpr const Format& format_of(float) { return fp32; }
constexpr const Format& format_of(double) { return fp64; }
uint32_t bits_of(float x) { return bit_cast<uint32_t>(x); }
uint64_t bits_of(double x) { return bit_cast<uint64_t>(x); }

// A stochastic rounding and where its draws begin.
struct Drawn {
  Stochastic rounding;
  Draw first;
};

// The same for a part of the array that begins at element i.
Rounding how_from(const Rounding& rounding, size_t) { return rounding; }
Drawn how_from(Drawn drawn, size_t i) {
  drawn.first.element += i;
  return drawn;
}

void check_length(const char* what, size_t found, size_t expected) {
  if (found == expected) return;
  throw Error(ErrorKind::usage,
              fmt::format("round_array: {} {} for {} numbers", found, what, expected));
}
void check_length(const Details& details, size_t expected) {
  if (!details.residues.empty()) check_length("residues", details.residues.size(), expected);
  if (!details.flags.empty()) check_length("flags", details.flags.size(), expected);
}
void check_format(const Format& format, int code_bits) {
  if (!is_valid(format)) throw Error(ErrorKind::usage, "round_array: not a format");
  if (width(format) > code_bits) {
    throw Error(ErrorKind::usage, fmt::format("round_array: codes of {} have {} bits, elements {}",
                                              format_name(format), width(format), code_bits));
  }
}
void check_rounding(const Rounding&) {}
void check_rounding(const Drawn& drawn) {
  if (is_valid(drawn.rounding)) return;
  throw Error(ErrorKind::usage, fmt::format("round_array: {} random bits; 1 to 64 expected, 64 for "
                                            "the exact variant",
                                            drawn.rounding.bits));
}

// ---- One by one ----

const Policy& policy_of(const Rounding& rounding) { return rounding.policy; }
const Policy& policy_of(const Drawn& drawn) { return drawn.rounding.policy; }

template <class Word>
Rounded round_one(const Format& format, const Exact<Word>& x, const Rounding& rounding, size_t) {
  return round_pack(format, x, rounding);
}
template <class Word>
Rounded round_one(const Format& format, const Exact<Word>& x, const Drawn& drawn, size_t i) {
  const Draw draw = how_from(drawn, i).first;
  return round_pack(format, x, drawn.rounding, random_bits(draw, drawn.rounding.bits));
}

template <class Number, class How, class Code>
void round_scalars(std::span<const Number> x, const Format& format, const How& how, Code* codes,
                   const Details& details) {
  constexpr Format from = format_of(Number{});
  for (size_t i = 0; i < x.size(); ++i) {
    const auto number = operand<word_for<from>>(from, bits_of(x[i]), policy_of(how).flush);
    const Rounded rounded = round_one(format, number, how, i);
    codes[i] = static_cast<Code>(rounded.bits);
    if (!details.residues.empty()) details.residues[i] = rounded.residue;
    if (!details.flags.empty()) details.flags[i] = rounded.flags;
  }
}

// ---- In lanes ----

bool machine_has_lanes() { return detail::lane_kernels<float>().round != nullptr; }

auto plan_of(const Format& from, const Format& to, const Rounding& rounding) {
  return detail::plan_for(from, to, rounding);
}
auto plan_of(const Format& from, const Format& to, const Drawn& drawn) {
  return detail::plan_for(from, to, drawn.rounding);
}

template <class Number>
void run_kernel(std::span<const Number> x, const detail::Plan& plan, const Rounding&,
                CodePointer codes) {
  detail::lane_kernels<Number>().round(x.data(), x.size(), plan, codes);
}
template <class Number>
void run_kernel(std::span<const Number> x, const detail::DrawnPlan& plan, const Drawn& drawn,
                CodePointer codes) {
  detail::lane_kernels<Number>().round_drawn(x.data(), x.size(), plan, drawn.first, codes);
}

template <class R>
bool has_kernel(const Format& from, const Format& to, const R& rounding) {
  const bool planned = detail::plan_for(from, to, rounding) ||
                       (from == fp32 && detail::plan_for(fp64, to, rounding));
  return planned && machine_has_lanes();
}

constexpr size_t chunk = 512;

// Formats with smaller numbers than binary32 has take them from binary64, which loses nothing.
template <class Code, class Plan, class How>
void run_widened(std::span<const float> x, const Plan& plan, const How& how, Code* codes) {
  const HostFpGuard guard;
  const bool flushes = flushes_inputs(policy_of(how).flush);
  std::array<double, chunk> wide;
  for (size_t i = 0; i < x.size(); i += chunk) {
    const auto some = x.subspan(i, std::min(chunk, x.size() - i));
    std::transform(some.begin(), some.end(), wide.begin(), [&](float number) -> double {
      // No longer subnormal once it is wide.
      const bool flushed = flushes && is_subnormal(fp32, bits_of(number));
      return static_cast<double>(flushed ? std::copysign(0.0F, number) : number);
    });
    run_kernel(std::span<const double>(wide).first(some.size()), plan, how_from(how, i), codes + i);
  }
}

// Whether there was a kernel for it.
template <class Number, class How, class Code>
bool round_in_lanes(std::span<const Number> x, const Format& format, const How& how, Code* codes) {
  if constexpr (sizeof(Code) <= sizeof(uint32_t)) {
    if (!machine_has_lanes()) return false;
    if (const auto plan = plan_of(format_of(Number{}), format, how)) {
      run_kernel(x, *plan, how, codes);
      return true;
    }
    if constexpr (sizeof(Number) == sizeof(float)) {
      if (const auto plan = plan_of(fp64, format, how)) {
        run_widened(x, *plan, how, codes);
        return true;
      }
    }
  }
  return false;
}

// ---- Both ----

template <class How>
void round_codes(const Numbers& numbers, const Format& format, const How& how, const Codes& codes,
                 const Details& details) {
  const bool plain = details.residues.empty() && details.flags.empty();
  const auto round = [&](auto x, auto to) {
    check_format(format, 8 * static_cast<int>(sizeof(to[0])));
    check_rounding(how);
    check_length("codes", to.size(), x.size());
    check_length(details, x.size());
    if (plain && round_in_lanes(x, format, how, to.data())) return;
    round_scalars(x, format, how, to.data(), details);
  };
  std::visit(round, numbers, codes);
}

// Codes back to numbers; exact, as the format is a subset of theirs.
template <class Number>
void decode_codes(std::span<const uint64_t> codes, const Format& format, Number* values) {
  constexpr Format to = format_of(Number{});
  for (const uint64_t code : codes) {
    const auto bits = round_pack(to, decode<uint128>(format, code), nearest_even).bits;
    *values++ = bit_cast<Number>(static_cast<decltype(bits_of(Number{}))>(bits));
  }
}

// Chunks of codes that stay in the first cache, and from them the numbers.
template <class How>
void round_numbers(const Numbers& numbers, const Format& format, const How& how,
                   const Values& values) {
  const auto round = [&](auto x, auto to) {
    using Number = typename decltype(to)::value_type;
    constexpr Format output = format_of(Number{});
    check_format(format, 64);
    if (!is_subset(format, output)) {
      throw Error(ErrorKind::usage, fmt::format("round_values: {} does not hold every number of {}",
                                                format_name(output), format_name(format)));
    }
    check_rounding(how);
    check_length("values", to.size(), x.size());
    const auto plan = detail::decode_plan_for(format, output);
    std::array<uint32_t, chunk> narrow;
    std::array<uint64_t, chunk> wide;
    for (size_t i = 0; i < x.size(); i += chunk) {
      const auto some = x.subspan(i, std::min(chunk, x.size() - i));
      const auto here = how_from(how, i);
      if (plan && round_in_lanes(some, format, here, narrow.data())) {
        detail::lane_kernels<Number>().decode(narrow.data(), some.size(), *plan, to.data() + i);
      } else {
        round_scalars(some, format, here, wide.data(), {});
        decode_codes(std::span<const uint64_t>(wide).first(some.size()), format, to.data() + i);
      }
    }
  };
  std::visit(round, numbers, values);
}

}  // namespace

void round_array(Numbers x, const Format& format, Rounding rounding, Codes codes) {
  round_codes(x, format, rounding, codes, {});
}
void round_array(Numbers x, const Format& format, Rounding rounding, Codes codes,
                 const Details& details) {
  round_codes(x, format, rounding, codes, details);
}
void round_array(Numbers x, const Format& format, Stochastic rounding, const Draw& first,
                 Codes codes) {
  round_codes(x, format, Drawn{rounding, first}, codes, {});
}
void round_array(Numbers x, const Format& format, Stochastic rounding, const Draw& first,
                 Codes codes, const Details& details) {
  round_codes(x, format, Drawn{rounding, first}, codes, details);
}

void round_values(Numbers x, const Format& format, Rounding rounding, Values values) {
  round_numbers(x, format, rounding, values);
}
void round_values(Numbers x, const Format& format, Stochastic rounding, const Draw& first,
                  Values values) {
  round_numbers(x, format, Drawn{rounding, first}, values);
}

bool is_vectorised(const Format& from, const Format& to, const Rounding& rounding) {
  return has_kernel(from, to, rounding);
}
bool is_vectorised(const Format& from, const Format& to, const Stochastic& rounding) {
  return has_kernel(from, to, rounding);
}

}  // namespace ulpscope
