// Arithmetic and conversions of the narrow formats against LLVM 19's APFloat: bits, NaN payloads
// and flags, in the five directions that APFloat has. Differences with a reason are in
// apfloat_differences.hpp and counted; everything else is a mismatch.
//
// All pairs of the formats of 8 bits or fewer, all triples of those of 6 or fewer, and random
// vectors for the rest; conversions of all codes of 16 bits or fewer. About 10 seconds of one core.
// `oracles_apfloat_test -s` prints the counts of every format.
#include "ulpscope/round/presets.hpp"

#include <string>

#include "oracles/apfloat_differences.hpp"
#include "oracles/core_side.hpp"
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace ulpscope;

namespace {

using llvm::APFloat;

const std::array<ApfloatFormat, 14> formats{{
    {"e5m2", e5m2, APFloat::Float8E5M2},
    {"e4m3fn", e4m3fn, APFloat::Float8E4M3FN},
    {"e4m3", e4m3, APFloat::Float8E4M3},
    {"e4m3fnuz", e4m3fnuz, APFloat::Float8E4M3FNUZ},
    {"e5m2fnuz", e5m2fnuz, APFloat::Float8E5M2FNUZ},
    {"e4m3b11fnuz", e4m3b11fnuz, APFloat::Float8E4M3B11FNUZ},
    {"e2m3fn", e2m3fn, APFloat::Float6E2M3FN},
    {"e3m2fn", e3m2fn, APFloat::Float6E3M2FN},
    {"e2m1fn", e2m1fn, APFloat::Float4E2M1FN},
    {"bf16", bf16, APFloat::BFloat},
    {"fp16", fp16, APFloat::IEEEhalf},
    {"tf32", tf32, APFloat::FloatTF32},
    {"fp32", fp32, APFloat::IEEEsingle},
    {"fp64", fp64, APFloat::IEEEdouble},
}};
constexpr int small = 8;        // bits of formats whose pairs are all tried
constexpr int tiny = 6;         // and whose triples are
constexpr int arithmetic = 19;  // wider ones are only converted

Rounding apfloat_rounding(const Format& f, Mode mode) {
  return {mode, find_preset("apfloat", f).value()};
}

std::string text(const ApfloatAnswer& x) {
  return fmt::format("kind {} bits {:#x} flags {:#x}", static_cast<int>(x.kind), x.bits,
                     static_cast<unsigned>(x.flags));
}

// Counts and the first mismatch of the answers in one format.
class Comparison {
 public:
  explicit Comparison(const ApfloatFormat& to) : to_(to), expectation_(to.format) {}

  void judge(const Rounded& core, const ApfloatAnswer& apfloat, const Circumstance& circumstance,
             std::string_view what, const Operands& x, Mode mode) {
    ++count_;
    const auto expected = expectation_.from(core, circumstance);
    if (!expected || *expected == apfloat) return;
    if (expectation_.is_defect(*expected, circumstance)) return;
    if (mismatches_++ == 0) {
      first_ =
          fmt::format("; first: {} mode {} of {:#x} {:#x} {:#x}: expected {}, APFloat {}", what,
                      static_cast<int>(mode), x.a, x.b, x.c, text(*expected), text(apfloat));
    }
  }

  bool agrees() const { return count_ > 0 && mismatches_ == 0; }
  const DifferenceCounts& differences() const { return expectation_.counts(); }
  std::string report() const {
    auto line = fmt::format("{}: {} of {} differ", to_.name, mismatches_, count_);
    for (size_t i = 0; i < difference_names.size(); ++i) {
      if (differences()[i] > 0) {
        line += fmt::format(", {} {}", differences()[i], difference_names[i]);
      }
    }
    return line + first_;
  }

 private:
  ApfloatFormat to_;
  ApfloatExpectation expectation_;
  int64_t count_ = 0;
  int64_t mismatches_ = 0;
  std::string first_;
};

template <Operation operation>
void judge(Comparison& comparison, const ApfloatFormat& row, const Operands& x, Mode mode) {
  const Format& f = row.format;
  const bool by_zero = operation == Operation::div && is_zero(f, x.b);
  const Circumstance circumstance{
      .exact_infinity = by_zero && is_finite(f, x.a) && !is_zero(f, x.a),
      .subnormal_addend = operation == Operation::fma && is_subnormal(f, x.c)};
  const bool undefined = by_zero && is_zero(f, x.a) && !has_nan(f);
  const auto apfloat = undefined ? ApfloatAnswer{} : apfloat_operation<operation>(row, x, mode);
  const auto core = core_operation<operation>(f, x, apfloat_rounding(f, mode));
  constexpr std::array names{"add", "sub", "mul", "div", "fma", "sqrt"};
  comparison.judge(core, apfloat, circumstance, names[static_cast<size_t>(operation)], x, mode);
}

template <Operation operation>
void judge_pairs(Comparison& comparison, const ApfloatFormat& f) {
  const uint64_t codes = uint64_t{1} << width(f.format);
  for (const Mode mode : apfloat_modes) {
    for (uint64_t i = 0; i < codes * codes; ++i) {
      judge<operation>(comparison, f, {i / codes, i % codes, 0}, mode);
    }
  }
}

void judge_triples(Comparison& comparison, const ApfloatFormat& f) {
  const uint64_t codes = uint64_t{1} << width(f.format);
  for (const Mode mode : apfloat_modes) {
    for (uint64_t i = 0; i < codes * codes * codes; ++i) {
      const Operands x{i / codes / codes, i / codes % codes, i % codes};
      judge<Operation::fma>(comparison, f, x, mode);
    }
  }
}

template <Operation operation>
void judge_random(Comparison& comparison, const ApfloatFormat& f, uint64_t count) {
  for (const Mode mode : apfloat_modes) {
    const VectorSource vectors(f.format, operation, static_cast<uint64_t>(mode));
    for (uint64_t i = 0; i < count; ++i) judge<operation>(comparison, f, vectors.at(i), mode);
  }
}

void judge_arithmetic(Comparison& comparison, const ApfloatFormat& f) {
  if (width(f.format) > small) {
    constexpr uint64_t vectors = 100'000;
    judge_random<Operation::add>(comparison, f, vectors);
    judge_random<Operation::sub>(comparison, f, vectors);
    judge_random<Operation::mul>(comparison, f, vectors);
    judge_random<Operation::div>(comparison, f, vectors);
    judge_random<Operation::fma>(comparison, f, vectors);
    return;
  }
  judge_pairs<Operation::add>(comparison, f);
  judge_pairs<Operation::sub>(comparison, f);
  judge_pairs<Operation::mul>(comparison, f);
  judge_pairs<Operation::div>(comparison, f);
  if (width(f.format) <= tiny) {
    judge_triples(comparison, f);
  } else {
    judge_random<Operation::fma>(comparison, f, 50'000);
  }
}

void judge_conversion(Comparison& comparison, const ApfloatFormat& from, const ApfloatFormat& to,
                      uint64_t bits) {
  const Circumstance circumstance{.converted_from = &from.format,
                                  .operand = bits,
                                  .exact_infinity = is_infinity(from.format, bits)};
  for (const Mode mode : apfloat_modes) {
    const auto core = round_pack(to.format, decode<uint128>(from.format, bits),
                                 apfloat_rounding(to.format, mode));
    comparison.judge(core, apfloat_conversion(from, bits, to, mode), circumstance, from.name,
                     {bits, 0, 0}, mode);
  }
}

// All codes of 16 bits and fewer, random ones of wider formats.
void judge_conversions(Comparison& comparison, const ApfloatFormat& from, const ApfloatFormat& to) {
  if (width(from.format) <= 16) {
    for (uint64_t bits = 0; bits >> width(from.format) == 0; ++bits) {
      judge_conversion(comparison, from, to, bits);
    }
    return;
  }
  const VectorSource vectors(from.format, Operation::add, 1);
  for (uint64_t i = 0; i < 20'000; ++i) {
    judge_conversion(comparison, from, to, vectors.at(i).a);
  }
}

}  // namespace

TEST_CASE("every answer of APFloat is the core's, or differs in a way that is listed") {
  DifferenceCounts found{};
  for (const auto& to : formats) {
    Comparison comparison(to);
    if (width(to.format) <= arithmetic) judge_arithmetic(comparison, to);
    for (const auto& from : formats) {
      // To the same format APFloat returns the object as it is, signalling NaNs too.
      if (from.name != to.name) judge_conversions(comparison, from, to);
    }
    CHECK_MESSAGE(comparison.agrees(), comparison.report());
    for (size_t i = 0; i < found.size(); ++i) found[i] += comparison.differences()[i];
  }
  // A difference that never happens has no place in the list, and the defect is rare.
  for (size_t i = 0; i < found.size(); ++i) CHECK_MESSAGE(found[i] > 0, difference_names[i]);
  CHECK(found[static_cast<size_t>(Difference::fma_of_subnormal)] < 1'000);
}

TEST_CASE("an answer that no difference explains is a mismatch") {
  const ApfloatFormat half{"fp16", fp16, APFloat::IEEEhalf};
  const Operands x{0x3C00, 0x1001, 0};  // 1 and a little more than half an ulp of it
  Comparison comparison(half);
  const auto core = core_operation<Operation::add>(fp16, x, nearest_even);
  const auto apfloat = apfloat_operation<Operation::add>(half, x, Mode::toward_zero);
  comparison.judge(core, apfloat, {}, "add", x, Mode::toward_zero);
  CHECK_FALSE(comparison.agrees());
}

TEST_CASE("APFloat 19's fused multiply-add can return infinity for a value below 2^-14") {
  const ApfloatFormat row{"e4m3", e4m3, APFloat::Float8E4M3};
  const Operands x{0x05, 0x25, 0x81};  // 5 x 2^-9 times 1.625 x 2^-3, less 2^-9: 2^-15
  CHECK(apfloat_operation<Operation::fma>(row, x, Mode::nearest_even).kind == Kind::infinity);
  CHECK(core_operation<Operation::fma>(e4m3, x, nearest_even).bits == 0);
}
