#include "ulpscope/hardware/conversions.hpp"

#include <set>

#include "hardware/points.hpp"

namespace ulpscope {
namespace {

uint32_t code(float x) { return bit_cast<uint32_t>(x); }

constexpr Rounding finite = saturating(nearest_even);

TEST_CASE("a conversion to 8 bits saturates, infinity too") {
  CHECK(convert(cvt(e4m3fn, finite), code(500.0F)) == 0x7E);
  CHECK(convert(cvt(e4m3fn, finite), 0xFF80'0000) == 0xFE);
  CHECK(convert(cvt(e5m2, finite), code(1e9F)) == 0x7B);
  CHECK(convert(cvt(e4m3fn, finite), 0xFFC0'0001) == 0x7F);
}

TEST_CASE(".relu makes negative numbers zero and leaves NaN") {
  const Conversion relu = cvt(bf16, nearest_even, Clamp::negatives);
  CHECK(convert(relu, code(-2.0F)) == 0);
  CHECK(convert(relu, code(-0.0F)) == 0);
  CHECK(convert(relu, 0xFF80'0000) == 0);
  CHECK(convert(relu, 0xFFC0'0000) == 0x7FFF);
  CHECK(convert(relu, code(2.0F)) == 0x4000);
}

TEST_CASE(".sat cuts to [0, 1] and makes NaN a zero") {
  const Conversion unit = cvt(fp16, upward, Clamp::to_unit);
  CHECK(convert(unit, code(1.0F) + 1) == 0x3C00);
  CHECK(convert(unit, code(-1.0F)) == 0);
  CHECK(convert(unit, 0x7FC0'0000) == 0);
  CHECK(convert(unit, 0x7F80'0000) == 0x3C00);
  CHECK(convert(unit, 1) == 1);  // the smallest subnormal, upward
}

TEST_CASE("cvt.rna.tf32 cuts NaN, and saturated takes one from it") {
  const Conversion plain = cvt_rna_tf32(Overflow::standard);
  const Conversion saturated = cvt_rna_tf32(Overflow::saturate);
  CHECK(tf32_register(convert(plain, 0x7F80'0001)) == 0x7F80'0000);
  CHECK(tf32_register(convert(plain, 0xFFFF'FFFF)) == 0xFFFF'E000);
  CHECK(tf32_register(convert(saturated, 0x7F80'0001)) == 0x7F7F'E000);
  CHECK(tf32_register(convert(saturated, 0x7F80'0000)) == 0x7F7F'E000);
  CHECK(tf32_register(convert(saturated, 0x7FC0'0000)) == 0x7FBF'E000);
  CHECK(tf32_register(convert(cvt(tf32, nearest_even), 0xFF80'0001)) == 0x7FFF'E000);
}

constexpr auto recording = "h200_conversion_points";

// A name of the recording taken apart: cvt.rn.relu.satfinite.bf16.f32.
struct Form {
  std::string_view name;

  bool has(std::string_view part) const { return name.find(part) != std::string_view::npos; }
  Mode mode() const {
    if (has(".rna.")) return Mode::nearest_away;
    if (has(".rz.")) return Mode::toward_zero;
    if (has(".rm.")) return Mode::down;
    return has(".rp.") ? Mode::up : Mode::nearest_even;
  }
  Clamp clamp() const {
    if (has(".relu")) return Clamp::negatives;
    return has(".sat.") ? Clamp::to_unit : Clamp::none;
  }
  static Format format(std::string_view part) {
    if (part == "e4m3x2") return e4m3fn;
    if (part == "e5m2x2") return e5m2;
    if (part == "bf16") return bf16;
    if (part == "tf32") return tf32;
    return part == "f32" ? fp32 : fp16;
  }
  Conversion conversion() const {
    const size_t last = name.rfind('.');
    const size_t before = name.rfind('.', last - 1);
    const Format to = format(name.substr(before + 1, last - before - 1));
    if (to == tf32 && mode() == Mode::nearest_away) {
      return cvt_rna_tf32(has(".satfinite") ? Overflow::saturate : Overflow::standard);
    }
    const Rounding rounding{mode()};
    return cvt_from(format(name.substr(last + 1)),
                    cvt(to, has(".satfinite") ? saturating(rounding) : rounding, clamp()));
  }
  uint32_t operator()(uint32_t x) const {
    const uint32_t y = convert(conversion(), x);
    return conversion().to == tf32 ? tf32_register(y) : y;
  }
};

TEST_CASE("every conversion that an H200 has gives the bits that it gave") {
  std::ifstream input(std::string(ULPSCOPE_DATA_DIR) + "/captures/" + recording + "/points.csv");
  std::set<std::string> names;
  std::string line;
  std::getline(input, line);  // of column heads
  while (std::getline(input, line)) names.insert(line.substr(0, line.find(',')));
  CHECK(names.size() == 42);
  for (const std::string& name : names) check_points(name, Form{name}, recording);
}

}  // namespace
}  // namespace ulpscope
