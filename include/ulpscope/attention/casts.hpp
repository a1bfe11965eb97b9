// A precision map says, for every site, into which format its step rounds and how; a cast is one
// such pair at work.
//
// The simulator's registers are binary32, as on the GPU: a value of any site's format is kept
// as the binary32 number that equals it. So a site's format must be a subset of binary32, and a
// step reads its operands without asking which format they came from.
//
// `with_cast` turns a site's pair into a verb once a tile row: the formats that real kernels use
// become compile-time constants, all others go through the same functions as values.
//
// Tested by tests/attention/casts_test.cpp.
#pragma once

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/hardware/mufu.hpp"
#include "ulpscope/round/random_bits.hpp"
#include "ulpscope/round/round_pack.hpp"
#include "ulpscope/trace/site.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace ulpscope {

// What a step rounds: what its instruction returned, where that rounds in its own way (fused sums,
// special functions), or the exact value of the step's operands.
enum class Source : uint8_t { instruction, exact };

struct Cast {
  Format format = fp32;
  Rounding rounding = nearest_even;
  Source source = Source::instruction;
  std::optional<Stochastic> drawn = {};  // in place of the rounding's mode

  friend constexpr bool operator==(const Cast&, const Cast&) = default;
};

// The step as nobody's hardware does it: its exact value, rounded once to the registers' format.
inline constexpr Cast exact_cast{.source = Source::exact};

class PrecisionMap {
 public:
  ULPSCOPE_HD constexpr const Cast& operator[](Site site) const { return casts_[index(site)]; }
  ULPSCOPE_HD constexpr Cast& operator[](Site site) { return casts_[index(site)]; }

 private:
  std::array<Cast, site_count> casts_{};  // binary32, nearest even
};

struct SiteOverride {
  Site site;
  Cast cast;
};

// "probability_cast=e4m3fn:rne", the mode optional (rne), or "probability_cast=exact";
// "output_store=bf16:sr16" at sites of the forward pass. Error of kind usage for an unknown site,
// format or mode, and for a format that binary32 does not hold.
SiteOverride parse_override(std::string_view text);

// "rne", "rz:sat", "sr16a".
std::string mode_name(const Cast& cast);

// What a drawn direction depends on beside site, row and column (round/random_bits.hpp):
// `first_row` is where the row tile begins, counted over all heads, `turn` the key tile.
struct DrawPlace {
  uint64_t seed = 1;
  uint64_t first_row = 0;
  uint32_t turn = 0;
};

// What a step leaves behind: the value as binary32, and what its rounding threw away.
struct Stored {
  uint32_t value;
  int64_t residue;
  Flag flags;
};

namespace detail {

// The binary32 number that equals a code; NaN is the one NaN that the GPU's arithmetic returns.
ULPSCOPE_HD constexpr uint32_t widened(const Format& f, uint64_t bits) {
  constexpr Format binary32 = fp32;
  if (f == binary32) return is_nan(f, bits) ? gpu_nan : static_cast<uint32_t>(bits);
  if (is_nan(f, bits)) return gpu_nan;
  return static_cast<uint32_t>(round_pack(binary32, decode<uint64_t>(f, bits), nearest_even).bits);
}

template <class Word>
ULPSCOPE_HD constexpr Stored store(const Format& f, const Exact<Word>& x, Rounding r) {
  const Rounded rounded = round_pack(f, x, r);
  return {widened(f, rounded.bits), rounded.residue, rounded.flags};
}

}  // namespace detail

template <Format F, Rounding R>
struct FixedCast {
  ULPSCOPE_HD static constexpr Format format() { return F; }
  ULPSCOPE_HD static constexpr Mode mode() { return R.mode; }
  ULPSCOPE_HD static constexpr Rounding rounding() { return R; }
  // Flattened, so that the format's numbers become constants: three times faster than the call.
  [[gnu::flatten]] ULPSCOPE_HD constexpr Stored operator()(const Exact<uint64_t>& x) const {
    if (!detail::rounds_to_normal<uint64_t>(F, x)) [[unlikely]]
      return any(x);
    const Rounded rounded = detail::round_normal<uint64_t>(F, x, detail::ByMode{R.mode});
    return {detail::widened(F, rounded.bits), rounded.residue, rounded.flags};
  }

 private:
  // A call of its own, so that it does not crowd what is common.
  [[gnu::flatten, gnu::noinline]] ULPSCOPE_HD static constexpr Stored any(
      const Exact<uint64_t>& x) {
    return detail::store(F, x, R);
  }
};

struct ExactCast : FixedCast<fp32, nearest_even> {
  using FixedCast<fp32, nearest_even>::operator();
  ULPSCOPE_HD constexpr Stored operator()(const Exact<uint128>& x) const {
    return detail::store(fp32, x, nearest_even);
  }
};

struct AnyCast {
  Cast cast;
  ULPSCOPE_HD constexpr Format format() const { return cast.format; }
  ULPSCOPE_HD constexpr Mode mode() const { return cast.rounding.mode; }
  ULPSCOPE_HD constexpr Rounding rounding() const { return cast.rounding; }
  ULPSCOPE_HD constexpr Stored operator()(const Exact<uint64_t>& x) const {
    return detail::store(cast.format, x, cast.rounding);
  }
};

// A stochastic rounding: the direction is drawn for site, element and key tile.
struct DrawnCast {
  Cast cast;
  ULPSCOPE_HD constexpr Format format() const { return cast.format; }
  ULPSCOPE_HD static constexpr Mode mode() { return Mode::nearest_even; }
  ULPSCOPE_HD constexpr Rounding rounding() const {
    return {Mode::nearest_even, cast.drawn->policy};
  }
  ULPSCOPE_HD Stored operator()(const Exact<uint64_t>& x, const Draw& draw) const {
    const uint64_t random = random_bits(draw, cast.drawn->bits);
    const Rounded rounded = round_pack(cast.format, x, *cast.drawn, random);
    return {detail::widened(cast.format, rounded.bits), rounded.residue, rounded.flags};
  }
};

// Every cast but the exact one in a single verb that is not inlined: for GPU kernels, whose code
// would be too large with one verb a format.
struct BriefCast {
  Cast cast;
  ULPSCOPE_HD constexpr Format format() const { return cast.format; }
  ULPSCOPE_HD constexpr Mode mode() const {
    return cast.drawn ? Mode::nearest_even : cast.rounding.mode;
  }
  ULPSCOPE_HD constexpr Rounding rounding() const {
    return cast.drawn ? Rounding{Mode::nearest_even, cast.drawn->policy} : cast.rounding;
  }
  [[gnu::noinline]] ULPSCOPE_HD Stored operator()(const Exact<uint64_t>& x,
                                                  const Draw& draw) const {
    if (cast.drawn) return DrawnCast{cast}(x, draw);
    return detail::store(cast.format, x, cast.rounding);
  }
};

// What an instruction with .ftz does.
inline constexpr Rounding nearest_even_flushed{.mode = Mode::nearest_even,
                                               .policy = {.flush = Flush::both}};

template <class Body>
void with_cast(const Cast& cast, Body&& body) {
  if (cast.source == Source::exact) {
    body(ExactCast{});
  } else if (cast.drawn) {
    body(DrawnCast{cast});
  } else if (cast == Cast{fp32, nearest_even}) {
    body(FixedCast<fp32, nearest_even>{});
  } else if (cast == Cast{fp32, nearest_even_flushed}) {
    body(FixedCast<fp32, nearest_even_flushed>{});
  } else if (cast == Cast{bf16, nearest_even}) {
    body(FixedCast<bf16, nearest_even>{});
  } else if (cast == Cast{fp16, nearest_even}) {
    body(FixedCast<fp16, nearest_even>{});
  } else {
    body(AnyCast{cast});
  }
}

// A register as an exact value.
[[gnu::flatten]] ULPSCOPE_HD constexpr Exact<uint64_t> register_value(uint32_t bits) {
  constexpr Format binary32 = fp32;
  return decode<uint64_t>(binary32, bits);
}

// The code of `f` for a register that holds one of its values; NaN is all ones, as the GPU's
// conversions give it.
ULPSCOPE_HD constexpr uint64_t code_of(const Format& f, uint32_t bits) {
  if (detail::is_nan32(bits))
    return detail::nan_result<uint64_t>(f, exact_nan<uint64_t>(), NanRule::all_ones);
  return round_pack(f, register_value(bits), nearest_even).bits;
}

}  // namespace ulpscope
