// The judge's lanes and their instruction sets: Highway's foreach_target includes this file again
// for each of them, and the machine that runs decides.
#include "ulpscope/attention/judge_row.hpp"

#include "ulpscope/base/host_fp.hpp"

// Sets between those that are kept would cost compile time and gain little.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#define HWY_TARGET_INCLUDE "judge_row.cpp"
#include <hwy/foreach_target.h>
// Behind foreach_target, which sets what they compile for:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;
using Longs = hn::RebindToSigned<Doubles>;
using UnsignedLongs = hn::RebindToUnsigned<Doubles>;
using HalfSingles = hn::Rebind<float, Doubles>;
using HalfWords = hn::Rebind<uint32_t, Doubles>;
using Double = hn::Vec<Doubles>;
using Long = hn::Vec<Longs>;
using DoubleMask = hn::Mask<Doubles>;

HWY_INLINE Double number(double x) { return hn::Set(Doubles(), x); }
HWY_INLINE Long bits(Double x) { return hn::BitCast(Longs(), x); }
HWY_INLINE Long integer(int64_t x) { return hn::Set(Longs(), x); }

// x + y = sum + error (Knuth).
struct TwoSum {
  HWY_INLINE TwoSum(Double x, Double y) : sum(hn::Add(x, y)) {
    const Double of_y = hn::Sub(sum, x);
    error = hn::Add(hn::Sub(x, hn::Sub(sum, of_y)), hn::Sub(y, of_y));
  }
  Double sum;
  Double error;
};

// Where both are numbers other than zero, of different signs.
HWY_INLINE DoubleMask are_opposite(Double x, Double y) {
  const Double sign_of_x = hn::And(x, hn::SignBit(Doubles()));
  return hn::Lt(hn::Xor(y, sign_of_x), hn::Zero(Doubles()));
}

HWY_INLINE Long flag_where(DoubleMask mask, Flag flag) {
  return hn::IfThenElseZero(hn::RebindMask(Longs(), mask), integer(static_cast<int64_t>(flag)));
}

HWY_INLINE void judge_lanes(const Format& format, Double result, Double high, Double low,
                            int64_t* residues, uint32_t* marks) {
  const Double zero = hn::Zero(Doubles());
  const Double smallest_normal =
      hn::BitCast(Doubles(), integer(int64_t{1023 + emin(format)} << 52));
  // The exact value's binade is that of high, or the one below where high is its lowest number and
  // low leads out of it.
  const Long leads_out =
      hn::BitCast(Longs(), hn::VecFromMask(Doubles(), are_opposite(high, low)));  // -1 where so
  const Double exact_magnitude = hn::BitCast(Doubles(), hn::Add(bits(hn::Abs(high)), leads_out));
  const Double magnitude = hn::Abs(result);
  const Double top = hn::Max(hn::Max(magnitude, exact_magnitude), smallest_normal);
  // 2^-(exponent - trailing bits - 32); fields carry a bias of 1023 each.
  const Long field = hn::And(bits(top), integer(int64_t{0x7FF} << 52));
  const int64_t lifted = int64_t{2 * 1023 + format.trailing_bits + 32} << 52;
  const Double scale = hn::BitCast(Doubles(), hn::Sub(integer(lifted), field));

  const TwoSum coarse(result, hn::Neg(high));
  const TwoSum fine(coarse.sum, hn::Neg(low));
  const Double x = hn::Mul(fine.sum, scale);
  const Double y = hn::Mul(fine.error, scale);
  const Double whole = hn::Trunc(x);
  const auto is_whole = hn::Eq(whole, x);
  const auto points_back = hn::And(is_whole, are_opposite(x, y));
  const Double one = hn::CopySign(number(1), x);
  const Double residue = hn::Sub(whole, hn::IfThenElseZero(points_back, one));

  const auto fraction = hn::Or(hn::Ne(whole, x), hn::Ne(hn::Trunc(y), y));
  const auto inexact = hn::Or(fraction, hn::Ne(residue, zero));
  const auto small = hn::And(hn::Lt(magnitude, smallest_normal), hn::Gt(magnitude, zero));
  Long mark = integer(static_cast<int64_t>(Flag::judged));
  mark = hn::Or(mark, flag_where(fraction, Flag::residue_truncated));
  mark = hn::Or(mark, flag_where(inexact, Flag::inexact));
  mark = hn::Or(mark, flag_where(small, Flag::subnormal));
  mark = hn::Or(mark, flag_where(hn::And(small, inexact), Flag::underflow));
  mark = hn::Or(mark, hn::IfThenElseZero(hn::RebindMask(Longs(), hn::Lt(high, zero)),
                                         integer(int64_t{RecordRow::negative_mark})));

  // Comparisons with NaN are false, so that those stay open too.
  const Double in_units = hn::Mul(result, scale);
  const auto decided =
      hn::And(hn::And(hn::Eq(coarse.error, zero), hn::Lt(hn::Abs(x), number(0x1p51))),
              hn::Eq(hn::Trunc(in_units), in_units));
  mark = hn::IfThenElse(hn::RebindMask(Longs(), decided), mark,
                        integer(int64_t{RecordRow::open_mark}));

  // A whole number below 2^51 stands in the low bits of its sum with 1.5 2^52.
  const Double shifter = number(0x1.8p52);
  const Long shifted = hn::Sub(bits(hn::Add(residue, shifter)), bits(shifter));
  hn::StoreU(shifted, Longs(), residues);
  hn::StoreU(hn::TruncateTo(HalfWords(), hn::BitCast(UnsignedLongs(), mark)), HalfWords(), marks);
}

// `size` is a multiple of 16, more than any register has.
void judge_block(const Format& format, const uint32_t* results, size_t size, const double* high,
                 const double* low, int64_t* residues, uint32_t* marks) {
  for (size_t i = 0; i < size; i += hn::Lanes(Doubles())) {
    const auto result = hn::BitCast(HalfSingles(), hn::LoadU(HalfWords(), results + i));
    judge_lanes(format, hn::PromoteTo(Doubles(), result), hn::LoadU(Doubles(), high + i),
                hn::LoadU(Doubles(), low + i), residues + i, marks + i);
  }
}

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

namespace ulpscope {

namespace detail {
HWY_EXPORT(judge_block);
}  // namespace detail

using namespace detail;  // where there is one instruction set, HWY_DYNAMIC_DISPATCH names it

void judge_row(const Format& format, std::span<const uint32_t> results, const ExactValues& exact,
               RecordRow& records) {
  const HostFpGuard guard;
  records.resize(results.size());
  constexpr size_t step = 16;
  const auto judge = HWY_DYNAMIC_DISPATCH(judge_block);
  const size_t whole = results.size() / step * step;
  judge(format, results.data(), whole, exact.high.data(), exact.low.data(), records.residues(),
        records.marks());
  if (whole == results.size()) return;
  std::array<uint32_t, step> last{};
  std::copy(results.begin() + static_cast<std::ptrdiff_t>(whole), results.end(), last.begin());
  judge(format, last.data(), step, &exact.high[whole], &exact.low[whole],
        records.residues() + whole, records.marks() + whole);
}

}  // namespace ulpscope
#endif
