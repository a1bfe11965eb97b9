// Windows and columns, and the kernels' instruction sets: Highway's foreach_target includes this
// file again for each of them, and the machine that runs decides.
#include "ulpscope/attention/exact_products.hpp"

#include "ulpscope/arith/add.hpp"
#include "ulpscope/attention/casts.hpp"
#include "ulpscope/base/host_fp.hpp"

// Sets between those that are kept would cost compile time and gain little.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#define HWY_TARGET_INCLUDE "exact_products.cpp"
#include <hwy/foreach_target.h>
// Behind foreach_target, which sets what they compile for:
#include "exact_products-inl.hpp"
#include <hwy/highway.h>

#if HWY_ONCE
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace ulpscope {

namespace detail {

HWY_EXPORT(sum_products);
HWY_EXPORT(add_numbers);
HWY_EXPORT(add_singles);
HWY_EXPORT(measure_block);

namespace {

constexpr int64_t columns_of_block = FusedColumns::block_size;
constexpr int exact_bits = 53;

// floor(log2 x) of a positive binary32 number.
int exponent_of_code(uint32_t magnitude) {
  const auto field = static_cast<int>(magnitude >> 23);
  return field == 0 ? bit_width(magnitude) - 150 : field - 127;
}
uint32_t magnitude_of_single(float x) { return bit_cast<uint32_t>(x) & ~sign_bit32; }

int log2_up(int64_t n) { return n <= 1 ? 0 : bit_width(static_cast<uint64_t>(n - 1)); }

// Blocks of 32 columns that hold the columns [first, first + count).
struct Blocks {
  Blocks(int64_t first, int64_t count)
      : first(first / columns_of_block),
        count((first + count + columns_of_block - 1) / columns_of_block - this->first),
        before(first % columns_of_block) {}
  int64_t first;
  int64_t count;
  int64_t before;  // columns of no interest
};

}  // namespace

}  // namespace detail

using namespace detail;  // where there is one instruction set, HWY_DYNAMIC_DISPATCH names it

void ColumnTile::measure(const Operand& operand, int64_t first, int64_t count, int64_t from,
                         int64_t length) {
  operand_ = &operand;
  first_ = first;
  from_ = from;
  bits_ = 1;
  count = std::min(count, operand.rows() - first);
  held_.assign(static_cast<size_t>(count), 0);
  all_held_ = false;
  if (operand.packed() == nullptr || precision(operand.format()) > 12) return;
  all_held_ = true;
  const detail::Blocks blocks(first, count);
  for (int64_t block = 0; block < blocks.count; ++block) {
    std::array<uint32_t, detail::columns_of_block> below_least;
    std::array<uint32_t, detail::columns_of_block> most;
    HWY_DYNAMIC_DISPATCH(measure_block)
    (operand.packed()->values(blocks.first + block, from), length, below_least.data(), most.data());
    for (int64_t i = 0; i < detail::columns_of_block; ++i) {
      const int64_t column = block * detail::columns_of_block + i - blocks.before;
      if (column < 0 || column >= count) continue;
      const auto at = static_cast<size_t>(i);
      const int spread = most[at] == 0 ? 0
                                       : detail::exponent_of_code(most[at]) -
                                             detail::exponent_of_code(below_least[at] + 1);
      const int bits = spread + precision(operand.format());
      const bool held = bits <= widest_column && !operand.has_special(first + column);
      held_[static_cast<size_t>(column)] = static_cast<uint8_t>(held);
      if (held) bits_ = std::max(bits_, bits);
      all_held_ = all_held_ && held;
    }
  }
}

ExactDots::ExactDots(ChainRow a, const TileColumns& b, int64_t length)
    : a_(a), b_(b), length_(length) {
  const int width = precision(a.operand.format());
  const int64_t terms = width > 12 ? 2 * length : length;  // in halves: deal_out
  const int room = detail::exact_bits - detail::log2_up(terms) - b.tile.bits();
  if (a.operand.has_special(a.row) || room < 12) return;  // no windows: nothing is held
  const float* const factors = a.operand.terms(a.row, a.from).values;
  uint32_t below_least = ~0U;
  uint32_t most = 0;
  for (int64_t k = 0; k < length; ++k) {
    const uint32_t magnitude = detail::magnitude_of_single(factors[k]);
    below_least = std::min(below_least, magnitude - 1);
    most = std::max(most, magnitude);
  }
  const int spread =
      most == 0 ? 0 : detail::exponent_of_code(most) - detail::exponent_of_code(below_least + 1);
  if (spread + width > room) {
    deal_out(factors, room);
    return;
  }
  factors_.assign(factors, factors + length);
  windows_.push_back({0, length});
}

// The terms by windows of exponents, each `room` bits at most from the highest bit to the lowest.
// Factors of more than 12 bits enter in two halves.
void ExactDots::deal_out(const float* factors, int room) {
  struct Term {
    double factor;
    int32_t k;
    int exponent;
  };
  std::vector<Term> terms;
  terms.reserve(static_cast<size_t>(2 * length_));
  const auto add = [&](double factor, int64_t k) {
    const auto field = static_cast<int>(bit_cast<uint64_t>(factor) >> 52 & 0x7FF);
    if (field == 0) return;  // a zero: every number of binary32 is normal in binary64
    terms.push_back({factor, static_cast<int32_t>(k), field});
  };
  int width = precision(a_.operand.format());
  for (int64_t k = 0; k < length_; ++k) {
    const double whole = factors[k];
    if (width <= 12) {
      add(whole, k);
      continue;
    }
    constexpr uint64_t leading = ~uint64_t{0} << (52 - 11);
    const auto upper = bit_cast<double>(bit_cast<uint64_t>(whole) & leading);
    add(upper, k);
    add(whole - upper, k);
  }
  if (terms.empty()) return;  // no windows, as above
  width = std::min(width, 12);
  int highest = terms.front().exponent;
  int lowest = highest;
  for (const Term& term : terms) {
    highest = std::max(highest, term.exponent);
    lowest = std::min(lowest, term.exponent);
  }
  const int binades = room - width + 1;
  std::vector<size_t> window_below(static_cast<size_t>(highest - lowest + 1));  // the highest
  for (size_t i = 0; i < window_below.size(); ++i) {
    window_below[i] = i / static_cast<size_t>(binades);
  }
  const auto window_of = [&](const Term& term) {
    return window_below[static_cast<size_t>(highest - term.exponent)];
  };
  windows_.resize(window_below.back() + 1);
  for (const Term& term : terms) ++windows_[window_of(term)].count;
  int64_t begin = 0;
  for (Window& window : windows_) {
    window.begin = begin;
    begin += std::exchange(window.count, 0);
  }
  factors_.resize(terms.size());
  terms_.resize(terms.size());
  for (const Term& term : terms) {
    Window& window = windows_[window_of(term)];
    const auto at = static_cast<size_t>(window.begin + window.count++);
    factors_[at] = term.factor;
    terms_[at] = term.k;
  }
  std::erase_if(windows_, [](const Window& window) { return window.count == 0; });
}

void ExactDots::row(int64_t first, int64_t count, ExactValues& to) const {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  const HostFpGuard guard;
  if (windows_.empty()) return to.high.fill(none);
  constexpr size_t room = RecordRow::room + detail::columns_of_block;
  alignas(64) std::array<double, room> high;
  alignas(64) std::array<double, room> low;
  alignas(64) std::array<double, room> sums;
  const detail::Blocks blocks(b_.tile.first() + b_.first + first, count);
  const auto size = static_cast<size_t>(blocks.count * detail::columns_of_block);
  for (const Window& window : windows_) {
    const bool is_first = &window == windows_.data();
    for (int64_t block = 0; block < blocks.count; ++block) {
      HWY_DYNAMIC_DISPATCH(sum_products)
      (factors_.data() + window.begin, terms_.empty() ? nullptr : terms_.data() + window.begin,
       window.count, b_.tile.operand().packed()->values(blocks.first + block, b_.tile.from()),
       (is_first ? high : sums).data() + block * detail::columns_of_block);
    }
    if (is_first) {
      std::fill_n(low.begin(), size, 0.0);
    } else {
      HWY_DYNAMIC_DISPATCH(add_numbers)(sums.data(), size, high.data(), low.data());
    }
  }
  if (b_.start != nullptr) {
    std::array<float, room> numbers;
    std::fill_n(numbers.begin(), size, 0.0F);
    for (int64_t i = 0; i < count; ++i) {
      numbers[static_cast<size_t>(blocks.before + i)] = bit_cast<float>(b_.start[first + i]);
    }
    HWY_DYNAMIC_DISPATCH(add_singles)(numbers.data(), size, high.data(), low.data());
  }
  std::copy_n(high.begin() + blocks.before, count, to.high.begin());
  std::copy_n(low.begin() + blocks.before, count, to.low.begin());
  if (b_.tile.all_held()) return;
  for (int64_t i = 0; i < count; ++i) {
    if (!b_.tile.holds(b_.first + first + i)) to.high[static_cast<size_t>(i)] = none;
  }
}

Exact<uint128> ExactDots::operator()(int64_t column) const {
  AlignedRows x(1, length_);
  AlignedRows y(1, length_);
  x.align(a_.operand, a_.row, a_.from);
  y.align(b_.tile.operand(), b_.tile.first() + b_.first + column, b_.tile.from());
  const auto dot = exact_dot(x, 0, y, 0, length_);
  if (b_.start == nullptr) return dot;
  auto total = add(dot, decode<uint128>(fp32, b_.start[column]), Mode::nearest_even);
  total.sticky = total.sticky || dot.sticky;
  return total;
}

}  // namespace ulpscope
#endif
