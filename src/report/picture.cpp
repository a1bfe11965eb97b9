#include "ulpscope/report/picture.hpp"

#include "ulpscope/round/names.hpp"
#include "ulpscope/round/round_pack.hpp"
#include "ulpscope/round/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ulpscope {

namespace {

bool bit_at(const Exact<Uint256>& x, int power) {
  const int place = power - x.exponent;
  return place >= 0 && place < 256 && (x.significand >> place & Uint256{1}) == Uint256{1};
}

bool anything_below(const Exact<Uint256>& x, int power) {
  const int places = power - x.exponent;
  if (places <= 0) return x.sticky;
  if (places >= 256) return true;
  return x.sticky || (x.significand & low_mask<Uint256>(places)) != Uint256{0};
}

// The power of the lowest bit that is set; what is sticky has bits below every place.
int lowest_set(const Exact<Uint256>& x) {
  if (x.sticky) return x.exponent;
  int power = x.exponent;
  while (!bit_at(x, power)) ++power;
  return power;
}

// The powers of two that have a column, and where the point and the line stand: behind them.
struct Grid {
  int highest;
  int lowest;
  int point;
  int line;
};

// The lowest place that the destination keeps of this value.
int lowest_kept(const Format& to, const Exact<Uint256>& x) {
  const int top = exponent_of(x);
  return top < emin(to) ? smallest_positive_exponent(to) : top - to.trailing_bits;
}

Grid grid_of(std::span<const DrawnTerm> terms, const Exact<Uint256>& exact, const Format& to) {
  Grid grid{exponent_of(exact), lowest_set(exact), exponent_of(exact), lowest_kept(to, exact)};
  bool first = true;
  for (const auto& term : terms) {
    if (term.value.kind != Kind::finite) continue;
    grid.point = first ? exponent_of(term.value) : std::max(grid.point, exponent_of(term.value));
    grid.lowest = std::min(grid.lowest, lowest_set(term.value));
    first = false;
  }
  grid.highest = std::max({grid.highest, grid.point, grid.line});
  grid.lowest = std::clamp(std::min(grid.lowest, grid.line), grid.line - shown_below, grid.line);
  grid.lowest = std::min(grid.lowest, grid.point);
  grid.lowest = std::max(grid.lowest, grid.highest - 160);  // a line that a terminal still shows
  return grid;
}

// Blank above the point until the value begins, zeros from the point on.
std::string row(const Exact<Uint256>& x, const Grid& grid) {
  std::string text;
  for (int power = grid.highest; power >= grid.lowest; --power) {
    const bool leads = power > std::max(exponent_of(x), grid.point);
    text += leads ? ' ' : bit_at(x, power) ? '1' : '0';
    if (power == grid.point && power > grid.lowest) text += '.';
    if (power == grid.line) text += '|';
  }
  return text + (anything_below(x, grid.lowest) ? "..." : "");
}

const char* amount(Lost lost) {
  switch (lost) {
    case Lost::nothing: return "nothing is lost";
    case Lost::below_half: return "less than half an ulp is lost";
    case Lost::half: return "exactly half an ulp is lost: a tie";
    case Lost::above_half: return "more than half an ulp is lost";
  }
  return "";
}

std::string_view meaning(Mode mode) {
  for (const auto& known : mode_names) {
    if (known.mode == mode) return known.meaning;
  }
  return "";
}

std::string error_text(const BasicRounded<uint128>& rounded) {
  if (has(rounded.flags, Flag::residue_saturated)) return "none (not a number that was rounded)";
  if (rounded.residue == 0 && has(rounded.flags, Flag::inexact)) return "below 2^-32 ulp";
  return fmt::format("{:+.10g} ulp", static_cast<double>(rounded.residue) / 0x1p32);
}

std::string decision(const Format& to, const Exact<Uint256>& exact, Rounding rounding, Flag flags) {
  const int line = lowest_kept(to, exact);
  if (line <= exact.exponent) return "every bit is kept";
  const auto parts = split(exact, line - exact.exponent);
  const Lost lost = lost_of(parts.discarded);
  if (lost == Lost::nothing) return "every bit that is set is kept";
  return fmt::format("guard {}, rest {}: {}{}; {} -> {}", bit_at(exact, line - 1) ? 1 : 0,
                     anything_below(exact, line - 1) ? "not 0" : "0", amount(lost),
                     has(flags, Flag::broken_tie) ? ", but nearly a tie" : "",
                     meaning(rounding.mode),
                     has(flags, Flag::overflow) ? "beyond the largest number"
                     : has(flags, Flag::away)   ? "one ulp away from zero"
                                                : "cut");
}

}  // namespace

std::string significand_text(const Exact<Uint256>& x) {
  const char* const sign = x.negative ? "-" : "";
  switch (x.kind) {
    case Kind::zero: return fmt::format("{}0", sign);
    case Kind::infinity: return fmt::format("{}inf", sign);
    case Kind::nan: return "nan";
    case Kind::finite: break;
  }
  std::string bits = "1";
  for (int power = exponent_of(x) - 1; power >= x.exponent; --power) {
    if (bits.size() == 1) bits += '.';
    bits += bit_at(x, power) ? '1' : '0';
  }
  return fmt::format("{}{}{} x 2^{}", sign, bits, x.sticky ? "..." : "", exponent_of(x));
}

std::string cut_significand_text(const Exact<Uint256>& x, const Format& to, int below) {
  if (x.kind != Kind::finite) return significand_text(x);
  const int top = exponent_of(x);
  const int line = lowest_kept(to, x);
  const Grid grid{.highest = std::max(top, line),
                  .lowest = std::clamp(lowest_set(x), line - below, line),
                  .point = std::max(top, line),
                  .line = line};
  return fmt::format("{}{} x 2^{}", x.negative ? "-" : "", row(x, grid), grid.point);
}

std::string draw_rounding(std::span<const DrawnTerm> terms, const Exact<Uint256>& exact,
                          const Format& to, Rounding rounding) {
  const auto rounded = round_pack<uint128>(to, exact, rounding);
  std::string text;
  if (exact.kind == Kind::finite) {
    const Grid grid = grid_of(terms, exact, to);
    text += fmt::format("  aligned, the point behind 2^{}, {} keeps what is left of the line\n",
                        grid.point, rounding_name(rounding));
    for (const auto& term : terms) {
      if (term.value.kind != Kind::finite) continue;
      text += fmt::format("  {:>8} {} {}\n", term.label, term.value.negative ? '-' : '+',
                          row(term.value, grid));
    }
    if (terms.size() > 1) {
      text += fmt::format(
          "  {:>8} {} {}{}\n", "exact", exact.negative ? '-' : '+', row(exact, grid),
          has(exact.flags, Flag::carry_out) ? "   carry out: a binade above both terms" : "");
    }
    text += fmt::format("  {:>8}   {}\n", "decision", decision(to, exact, rounding, rounded.flags));
  } else {
    text += fmt::format("  {:>8}   {}\n", "exact", significand_text(exact));
  }
  text += fmt::format("  {:>8} = {}  {}  {}\n", "result", value_text(to, rounded.bits),
                      code_text(to, rounded.bits), fields_text(to, rounded.bits));
  text += fmt::format("  {:>8}   {}\n  {:>8}   {}\n", "error", error_text(rounded), "flags",
                      flag_names(rounded.flags));
  return text;
}

}  // namespace ulpscope
