// Remainders, comparisons, integers and integral values against Berkeley SoftFloat 3e: the frozen
// vectors of data/golden/testfloat (docs/numerics/testfloat.md says how a line reads), values and
// flags, NaNs by class. Their build saturates as RISC-V does.
#include "ulpscope/arith/compare.hpp"
#include "ulpscope/arith/integers.hpp"
#include "ulpscope/arith/remainder.hpp"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

struct Answer {
  uint64_t bits;
  Flag flags;
};

// The options of a section's first line.
struct Section {
  Mode mode = Mode::nearest_even;
  Inexact inexact = Inexact::silent;
};

Section section_of(const std::string& line) {
  Section section;
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    if (word == "-rnear_maxMag") section.mode = Mode::nearest_away;
    if (word == "-rminMag") section.mode = Mode::toward_zero;
    if (word == "-rmin") section.mode = Mode::down;
    if (word == "-rmax") section.mode = Mode::up;
    if (word == "-rodd") section.mode = Mode::to_odd;
    if (word == "-exact") section.inexact = Inexact::raised;
  }
  return section;
}

// TestFloat's five flags; vectors of these functions have no underflow.
unsigned flag_bits(Flag flags) {
  return (has(flags, Flag::inexact) ? 1U : 0U) | (has(flags, Flag::overflow) ? 4U : 0U) |
         (has(flags, Flag::divide_by_zero) ? 8U : 0U) | (has(flags, Flag::invalid) ? 16U : 0U);
}

struct Tally {
  int lines = 0;
  int mismatches = 0;
};

// Runs a file through `answer`, a function of the operands and the section; `result` is the format
// of the answers where they are floating-point.
template <class Function>
Tally tally(const std::string& name, const Format* result, Function answer) {
  std::ifstream file(ULPSCOPE_DATA_DIR "/golden/testfloat/" + name + ".txt");
  Tally count;
  Section section;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("testfloat_gen")) {
      section = section_of(line);
      continue;
    }
    std::istringstream words(line);
    std::vector<uint64_t> numbers;
    for (uint64_t number = 0; words >> std::hex >> number;) numbers.push_back(number);
    if (numbers.size() < 3) continue;
    const uint64_t flags = numbers.back();
    const uint64_t bits = numbers[numbers.size() - 2];
    const Answer found = answer(numbers, section);
    const bool same_bits =
        found.bits == bits || (result != nullptr && is_nan(*result, bits) &&
                               is_nan(*result, found.bits) && !is_signalling(*result, found.bits));
    ++count.lines;
    count.mismatches += same_bits && flag_bits(found.flags) == flags ? 0 : 1;
  }
  return count;
}

struct Operand {
  std::string name;
  Format format;
};
const Operand formats[] = {{"f16", fp16}, {"f32", fp32}, {"f64", fp64}};

Exact<uint128> number(const Format& f, uint64_t bits) { return decode<uint128>(f, bits); }

struct Integers {
  std::string name;
  IntegerType type;
};
const Integers integers[] = {{"i32", {32, Sign::present}},
                             {"ui32", {32, Sign::absent}},
                             {"i64", {64, Sign::present}},
                             {"ui64", {64, Sign::absent}}};

void check(const std::string& name, Tally count) {
  CHECK_MESSAGE(count.lines >= 30, name);
  CHECK_MESSAGE(count.mismatches == 0, name);
}

}  // namespace

TEST_CASE("remainders and integral values are SoftFloat's") {
  for (const auto& [name, f] : formats) {
    const auto remainder_of = [&f = f](const auto& x, Section) {
      const Rounded r = round_pack(f, remainder(number(f, x[0]), number(f, x[1])), nearest_even);
      return Answer{r.bits, r.flags};
    };
    check(name + "_rem", tally(name + "_rem", &f, remainder_of));
    const auto integral = [&f = f](const auto& x, Section section) {
      const Rounded r =
          round_to_integral<uint128>(f, x[0], Rounding{section.mode}, section.inexact);
      return Answer{r.bits, r.flags};
    };
    check(name + "_roundToInt", tally(name + "_roundToInt", &f, integral));
  }
}

TEST_CASE("the six comparisons are SoftFloat's") {
  struct Predicate {
    std::string name;
    Signal signal;
    bool (Comparison::*holds)() const;
  };
  const Predicate predicates[] = {{"eq", Signal::quiet, &Comparison::equal},
                                  {"eq_signaling", Signal::always, &Comparison::equal},
                                  {"le", Signal::always, &Comparison::less_equal},
                                  {"le_quiet", Signal::quiet, &Comparison::less_equal},
                                  {"lt", Signal::always, &Comparison::less},
                                  {"lt_quiet", Signal::quiet, &Comparison::less}};
  for (const auto& [name, f] : formats) {
    for (const Predicate& predicate : predicates) {
      const auto compared = [&, &f = f](const auto& x, Section) {
        const auto c = compare(number(f, x[0]), number(f, x[1]), predicate.signal);
        return Answer{(c.*predicate.holds)() ? uint64_t{1} : 0, c.flags};
      };
      const std::string file = name + "_" + predicate.name;
      check(file, tally(file, nullptr, compared));
    }
  }
}

TEST_CASE("conversions to and from integers are SoftFloat's") {
  for (const auto& [name, f] : formats) {
    for (const auto& [integer, type] : integers) {
      const auto to = [&f = f, &type = type](const auto& x, Section section) {
        const ToInteger how{OutOfRange::saturate, section.inexact};
        const auto r = to_integer(number(f, x[0]), type, section.mode, how);
        return Answer{r.bits, r.flags};
      };
      check(name + "_to_" + integer, tally(name + "_to_" + integer, nullptr, to));
      const auto from = [&f = f, &type = type](const auto& x, Section section) {
        const auto exact = exact_integer<uint128>(x[0], type);
        const Rounded r = round_pack(f, exact, Rounding{section.mode});
        return Answer{r.bits, r.flags};
      };
      check(integer + "_to_" + name, tally(integer + "_to_" + name, &f, from));
    }
  }
}
