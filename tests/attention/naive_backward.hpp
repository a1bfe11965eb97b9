// Five kernels' backward passes as the notes on them read, one element at a time, over
// Soft<Format, Rounding>: the plain twin of the tiled pass, as naive_pass.hpp is of the forward.
//
// It shares with the pass the numeric types and the functions of the chip, and takes tile sizes,
// the number of dQ buffers and the mask's alignment from the plan. What a kernel fuses, flushes,
// scales, and in which order it sums, is written down here a second time, kernel by kernel; of
// rules, schedules, lanes and casts this file knows nothing.
//
//   NaiveBackward<Soft<bf16>, Soft<e5m7>> twin(plan, Kernel::fa2, {Site::ds});
//   twin.sweep(head); twin.finish(); twin.dq[0]
//
// Limits: hidden pairs take no part at all, whatever their operands are.
#pragma once

#include "ulpscope/attention/backward.hpp"

#include <map>

#include "attention/naive_pass.hpp"

namespace ulpscope::test {

enum class Kernel { fa2, memeff, cudnn, flex, fa2_fast_math };

template <class Input, class Changed>
class NaiveBackward {
 public:
  NaiveBackward(const BackwardPlan& plan, Kernel kernel, std::vector<Site> changed)
      : plan_(plan),
        p_(plan.problem),
        kernel_(kernel),
        changed_(std::move(changed)),
        dk_sums_(static_cast<size_t>(p_.keys * p_.dim)),
        dv_sums_(static_cast<size_t>(p_.keys * p_.dim)) {}

  // One head. dK and dV go on where an earlier head left them.
  void sweep(const HeadInputs& head) {
    head_ = head;
    delta.clear();
    dq.clear();
    pairs_.assign(static_cast<size_t>(p_.rows * p_.keys), {});
    for (int64_t i = 0; i < p_.rows; ++i) {
      delta.push_back(delta_of(i));
      const Register shift = shift_of(i);
      for (int64_t j = 0; j < p_.keys; ++j) {
        if (visible(i, j)) pair(i, j) = computed(i, j, shift);
      }
    }
    for (int64_t j = 0; j < p_.keys; ++j) {
      for (const int64_t a : row_tiles(j / plan_.tile_keys)) add_row_tile(j, a);
    }
    for (int64_t i = 0; i < p_.rows; ++i) add_dq(i);
  }
  void finish() {
    dk.clear();
    dv.clear();
    for (const Register x : dk_sums_) dk.push_back(stored(Site::dk_scale, Site::dk_store, x));
    for (const Register x : dv_sums_) dv.push_back(rounded(Site::dv_store, x));
  }

  Registers delta, dq, dk, dv;
  std::array<SiteTotal, site_count> totals{};
  std::vector<FusedCall>* calls = nullptr;  // where chains are written down, if anywhere

 private:
  using Flushed = Soft<fp32, Rounding{Mode::nearest_even, {.flush = Flush::both}}>;
  struct Pair {
    Register p, ds;  // as the products take them
  };

  static constexpr Register log2_e = Register::from_bits(0x3FB8'AA3B);
  static constexpr Register infinity = Register::from_bits(0x7F80'0000);
  static constexpr Register zero{};

  // ---- Numbers: the type of a site, and steps that round into it --------------------------------

  bool takes_input_format(Site s) const {
    return s == Site::bwd_probability_cast || s == Site::ds_cast || s == Site::dq_store ||
           s == Site::dk_store || s == Site::dv_store;
  }
  bool flushes(Site s) const {
    switch (kernel_) {
      case Kernel::fa2: return s == Site::dq_add;
      case Kernel::memeff: return false;
      case Kernel::cudnn:
        return s == Site::bwd_probability || s == Site::dp_minus_delta || s == Site::ds ||
               s == Site::ds_scale;
      case Kernel::flex: return s == Site::bwd_probability;
      case Kernel::fa2_fast_math: {
        using enum Site;
        return s == Site::delta || s == bwd_lse || s == bwd_shifted_score || s == bwd_probability ||
               s == dp_minus_delta || s == ds || s == dq_add || s == dq_combine || s == dq_scale ||
               s == dk_scale;
      }
    }
    return false;
  }
  bool is_fa2() const { return kernel_ == Kernel::fa2 || kernel_ == Kernel::fa2_fast_math; }
  template <class Body>
  auto with_type(Site site, Body&& body) const {
    const bool is_changed = std::find(changed_.begin(), changed_.end(), site) != changed_.end();
    if (is_changed) return body.template operator()<Changed>();
    if (takes_input_format(site)) return body.template operator()<Input>();
    if (flushes(site)) return body.template operator()<Flushed>();
    return body.template operator()<Register>();
  }
  template <class Step>
  Register at(Site site, Step&& step) {
    return with_type(site, [&]<class To>() {
      const Result<To> result = step.template operator()<To>();
      if (!has(result.flags, Flag::residue_saturated)) {
        ++totals[index(site)].count;
        totals[index(site)].sum += result.residue;
      }
      return isnan(result.value) ? Register::from_bits(gpu_nan) : Register(result.value);
    });
  }
  Register add(Site s, Register x, Register y) {
    return at(s, [&]<class To>() { return add_to<To>(x, y); });
  }
  Register subtract(Site s, Register x, Register y) {
    return at(s, [&]<class To>() { return subtract_to<To>(x, y); });
  }
  Register multiply(Site s, Register x, Register y) {
    return at(s, [&]<class To>() { return multiply_to<To>(x, y); });
  }
  Register fma(Site s, Register x, Register y, Register z) {
    return at(s, [&]<class To>() { return fma_to<To>(x, y, z); });
  }
  Register rounded(Site s, Register x) {
    return at(s, [&]<class To>() { return convert_to<To>(x); });
  }
  Register ex2(Register x) {
    constexpr Site site = Site::bwd_probability;
    const bool flushed =
        with_type(site, []<class To>() { return flushes_inputs(To::rounding.policy.flush); });
    return rounded(site, Register::from_bits(flushed ? mufu_ex2(tables(), x.bits())
                                                     : ex2_approx(tables(), x.bits())));
  }
  Register expf(Register x) {
    return rounded(Site::bwd_probability, Register::from_bits(library_expf(tables(), x.bits())));
  }
  const MufuTables& tables() const { return *plan_.plan->tables; }

  // ---- Operands ---------------------------------------------------------------------------------

  uint32_t code(std::span<const uint16_t> x, int64_t i, int64_t d) const {
    return x[static_cast<size_t>(i * p_.dim + d)];
  }
  std::vector<uint32_t> row_of(std::span<const uint16_t> x, int64_t i) const {
    std::vector<uint32_t> row;
    for (int64_t d = 0; d < p_.dim; ++d) row.push_back(code(x, i, d));
    return row;
  }
  uint32_t code_at(Site site, Register x) const {
    return with_type(site, [&]<class To>() -> uint32_t {
      return isnan(x) ? static_cast<uint32_t>(sign_mask(To::format) - 1)
                      : static_cast<uint32_t>(convert_to<To>(x).value.bits());
    });
  }
  Register chain(Site site, const Format& a_format, const std::vector<uint32_t>& a,
                 const std::vector<uint32_t>& b, Register c) {
    const Factors factors{a_format, Input::format};
    const uint32_t sum = fused_chain(plan_.plan->unit->sum, factors, c.bits(), a.data(), b.data(),
                                     static_cast<int>(a.size()));
    const Register result = rounded(site, Register::from_bits(sum));
    if (calls != nullptr) calls->push_back({site, a_format, a, b, c.bits(), result.bits()});
    return result;
  }
  // A chain over cast P or dS: pairs that are hidden have zeros on both sides.
  Register chain_of_casts(Site site, Site cast, const std::vector<uint32_t>& a,
                          const std::vector<uint32_t>& b, Register c) {
    return chain(site, with_type(cast, []<class To>() { return To::format; }), a, b, c);
  }

  // ---- The mask, and the order of tiles ---------------------------------------------------------

  bool visible(int64_t i, int64_t j) const {
    const bool bottom = plan_.plan->recipe->alignment == Alignment::bottom_right;
    const int64_t diagonal = i + (bottom ? p_.keys - p_.rows : 0);
    return (p_.mask.left < 0 || j >= diagonal - p_.mask.left) &&
           (p_.mask.right < 0 || j <= diagonal + p_.mask.right);
  }
  bool in_range(int64_t i, int64_t j) const { return i < p_.rows && j < p_.keys; }
  // Whether all pairs of the block are there and visible.
  bool is_full(int64_t a, int64_t b) const {
    for (int64_t i = a * plan_.tile_rows; i < (a + 1) * plan_.tile_rows; ++i) {
      for (int64_t j = b * plan_.tile_keys; j < (b + 1) * plan_.tile_keys; ++j) {
        if (!in_range(i, j) || !visible(i, j)) return false;
      }
    }
    return true;
  }
  static std::vector<int64_t> ascending(int64_t n) {
    std::vector<int64_t> tiles;
    for (int64_t t = 0; t < n; ++t) tiles.push_back(t);
    return tiles;
  }
  template <class Full>
  std::vector<int64_t> partial_first(int64_t n, Full&& full) const {
    std::vector<int64_t> tiles = ascending(n);
    if (p_.mask == no_mask) return tiles;
    std::stable_partition(tiles.begin(), tiles.end(), [&](int64_t t) { return !full(t); });
    return tiles;
  }
  // In which order dK and dV of a key tile meet the row tiles.
  std::vector<int64_t> row_tiles(int64_t b) {
    const int64_t n = (p_.rows + plan_.tile_rows - 1) / plan_.tile_rows;
    std::vector<int64_t> tiles = ascending(n);
    switch (kernel_) {
      case Kernel::fa2:
      case Kernel::fa2_fast_math: std::reverse(tiles.begin(), tiles.end()); return tiles;
      case Kernel::memeff:
      case Kernel::cudnn: return tiles;
      case Kernel::flex: return partial_first(n, [&](int64_t a) { return is_full_cached(a, b); });
    }
    return tiles;
  }

  // ---- One row, one pair ------------------------------------------------------------------------

  // Threads to a row, and columns that a thread takes at a time.
  std::pair<int64_t, int64_t> delta_threads() const {
    const int64_t dim = p_.dim;
    int64_t width = 32;
    while (width < dim) width *= 2;
    switch (kernel_) {
      case Kernel::fa2:
      case Kernel::fa2_fast_math: return {dim <= 32 || (dim > 64 && dim <= 96) ? 4 : 8, 8};
      case Kernel::memeff: return {dim > 64 && dim <= 128 ? 4 : 2, 8};
      case Kernel::cudnn: return {width / 8, 8};
      case Kernel::flex: return {width == 32 ? 8 : width / 8, width == 32 ? 4 : 8};
    }
    return {};
  }
  Register delta_of(int64_t i) {
    constexpr Site s = Site::delta;
    const auto [threads, columns] = delta_threads();
    Registers sums;
    for (int64_t t = 0; t < threads; ++t) {
      Registers x, y;
      for (int64_t page = 0; page < p_.dim; page += threads * columns) {
        for (int64_t d = page + t * columns; d < page + (t + 1) * columns; ++d) {
          const bool there = d < p_.dim;
          x.push_back(there ? input(code(head_.dout, i, d)) : zero);
          y.push_back(there ? Register::from_bits(head_.o[static_cast<size_t>(i * p_.dim + d)])
                            : zero);
        }
      }
      sums.push_back(thread_delta(x, y));
    }
    while (sums.size() > 1) {
      Registers joint;
      const size_t half = sums.size() / 2;
      for (size_t t = 0; t < half; ++t) {
        joint.push_back(kernel_ == Kernel::memeff ? add(s, sums[2 * t], sums[2 * t + 1])
                                                  : add(s, sums[t], sums[t + half]));
      }
      sums = joint;
    }
    return sums[0];
  }
  Register thread_delta(const Registers& x, const Registers& y) {
    constexpr Site s = Site::delta;
    const auto product = [&](size_t n) { return multiply(s, x[n], y[n]); };
    Register a = zero;
    switch (kernel_) {
      case Kernel::fa2:
      case Kernel::fa2_fast_math:
        a = fma(s, x[0], y[0], product(1));
        for (size_t n = 2; n < x.size(); ++n) a = fma(s, x[n], y[n], a);
        break;
      case Kernel::memeff:
        for (size_t n = 0; n < x.size(); ++n) a = fma(s, x[n], y[n], a);
        break;
      case Kernel::cudnn:
        a = add(s, product(0), product(1));
        for (size_t n = 2; n < x.size(); n += 2) a = add(s, a, add(s, product(n), product(n + 1)));
        break;
      case Kernel::flex:
        a = product(0);
        for (size_t n = 1; n < x.size(); ++n) a = add(s, a, product(n));
        break;
    }
    return a;
  }
  Register input(uint32_t bits) const {
    const auto x = Input::from_bits(bits);
    return isnan(x) ? Register::from_bits(gpu_nan) : Register(x);
  }

  // What the exponent takes off.
  Register shift_of(int64_t i) {
    const auto lse = Register::from_bits(head_.lse[static_cast<size_t>(i)]);
    if (lse == -infinity) return zero;
    return is_fa2() ? multiply(Site::bwd_lse, lse, log2_e) : lse;
  }

  Pair& pair(int64_t i, int64_t j) { return pairs_[static_cast<size_t>(i * p_.keys + j)]; }

  Register probability_of(int64_t i, int64_t j, Register s, Register shift) {
    using enum Site;
    const auto scale = Register::from_bits(p_.scale);
    switch (kernel_) {
      case Kernel::fa2: {
        const auto c = Register::from_bits(plan_.plan->scale_log2);
        return ex2(subtract(bwd_shifted_score, multiply(bwd_scaled_score, s, c), shift));
      }
      case Kernel::fa2_fast_math: {
        const auto c = Register::from_bits(plan_.plan->scale_log2);
        return ex2(fma(bwd_shifted_score, s, c, -shift));
      }
      case Kernel::memeff: {
        Register r = multiply(bwd_scaled_score, s, scale);
        if (const auto& bias = p_.terms.bias.values; !bias.empty()) {
          const uint32_t of_pair = bias[static_cast<size_t>(i * p_.keys + j)];
          r = add(bwd_biased_score, r, Register::from_bits(of_pair));
        }
        return expf(subtract(bwd_shifted_score, r, shift));
      }
      case Kernel::cudnn:
        return ex2(multiply(bwd_log2_score, fma(bwd_shifted_score, s, scale, -shift), log2_e));
      case Kernel::flex: break;
    }
    const Register r = multiply(bwd_scaled_score, s, scale);
    const bool even = p_.rows % 128 == 0 && p_.keys % 128 == 0;
    if (even && is_full_cached(i / plan_.tile_rows, j / plan_.tile_keys)) {
      return ex2(fma(bwd_shifted_score, r, log2_e, -shift));
    }
    return ex2(subtract(bwd_shifted_score, multiply(bwd_log2_score, r, log2_e), shift));
  }
  bool is_full_cached(int64_t a, int64_t b) {
    const auto at = full_.find({a, b});
    if (at != full_.end()) return at->second;
    return full_[{a, b}] = is_full(a, b);
  }

  Pair computed(int64_t i, int64_t j, Register shift) {
    using enum Site;
    const auto scale = Register::from_bits(p_.scale);
    const Register s =
        chain(bwd_scores, Input::format, row_of(head_.q, i), row_of(head_.k, j), zero);
    const Register p = probability_of(i, j, s, shift);
    const Register p16 = rounded(bwd_probability_cast, p);
    const Register dp_ij =
        chain(Site::dp, Input::format, row_of(head_.dout, i), row_of(head_.v, j), zero);
    const Register u = subtract(dp_minus_delta, dp_ij, this->delta.back());
    Register w = multiply(Site::ds, kernel_ == Kernel::memeff ? p16 : p, u);
    if (kernel_ == Kernel::memeff || kernel_ == Kernel::cudnn) w = multiply(ds_scale, w, scale);
    return {p16, rounded(ds_cast, w)};
  }

  // ---- Sums -------------------------------------------------------------------------------------

  void add_row_tile(int64_t j, int64_t a) {
    const int64_t first = a * plan_.tile_rows;
    const int64_t end = std::min(first + plan_.tile_rows, p_.rows);
    const auto sees = [&](int64_t i) { return visible(i, j); };
    bool any = false;
    for (int64_t i = first; i < end; ++i) any = any || sees(i);
    if (!any) return;
    std::vector<uint32_t> ps, dss;
    for (int64_t i = first; i < end; ++i) {
      ps.push_back(sees(i) ? code_at(Site::bwd_probability_cast, pair(i, j).p) : 0);
      dss.push_back(sees(i) ? code_at(Site::ds_cast, pair(i, j).ds) : 0);
    }
    const auto column = [&](std::span<const uint16_t> x, int64_t d) {
      std::vector<uint32_t> codes;
      for (int64_t i = first; i < end; ++i) codes.push_back(sees(i) ? code(x, i, d) : 0);
      return codes;
    };
    for (int64_t d = 0; d < p_.dim; ++d) {
      const auto at = static_cast<size_t>(j * p_.dim + d);
      dv_sums_[at] = chain_of_casts(Site::dv_accumulate, Site::bwd_probability_cast, ps,
                                    column(head_.dout, d), dv_sums_[at]);
      dk_sums_[at] =
          chain_of_casts(Site::dk_accumulate, Site::ds_cast, dss, column(head_.q, d), dk_sums_[at]);
    }
  }

  // The dS of a row over a key tile times column d of K, from c on.
  Register dq_part(int64_t i, int64_t b, int64_t d, Register c) {
    const int64_t first = b * plan_.tile_keys;
    const int64_t end = std::min(first + plan_.tile_keys, p_.keys);
    std::vector<uint32_t> dss, ks;
    for (int64_t j = first; j < end; ++j) {
      dss.push_back(visible(i, j) ? code_at(Site::ds_cast, pair(i, j).ds) : 0);
      ks.push_back(visible(i, j) ? code(head_.k, j, d) : 0);
    }
    return chain_of_casts(Site::dq_accumulate, Site::ds_cast, dss, ks, c);
  }
  void add_dq(int64_t i) {
    const int64_t n = (p_.keys + plan_.tile_keys - 1) / plan_.tile_keys;
    const auto sees_some = [&](int64_t b) {
      for (int64_t j = b * plan_.tile_keys; j < (b + 1) * plan_.tile_keys; ++j) {
        if (in_range(i, j) && visible(i, j)) return true;
      }
      return false;
    };
    std::vector<int64_t> order = ascending(n);
    if (kernel_ == Kernel::cudnn && !(p_.mask == no_mask)) {
      std::reverse(order.begin(), order.end());
    }
    if (kernel_ == Kernel::flex) {
      order = partial_first(n, [&](int64_t b) { return is_full_cached(i / plan_.tile_rows, b); });
    }
    for (int64_t d = 0; d < p_.dim; ++d) {
      Register sum = zero;
      if (is_fa2()) {
        for (int64_t z = 0; z < std::min(plan_.dq_buffers, n); ++z) {
          Register buffer = zero;
          for (int64_t b = z; b < n; b += plan_.dq_buffers) {
            if (sees_some(b)) buffer = add(Site::dq_add, buffer, dq_part(i, b, d, zero));
          }
          sum = add(Site::dq_combine, sum, buffer);
        }
      } else {
        for (const int64_t b : order) {
          if (!sees_some(b)) continue;
          sum = kernel_ == Kernel::cudnn ? add(Site::dq_combine, sum, dq_part(i, b, d, zero))
                                         : dq_part(i, b, d, sum);
        }
      }
      dq.push_back(stored(Site::dq_scale, Site::dq_store, sum));
    }
  }
  Register stored(Site scaled, Site store, Register x) {
    if (is_fa2() || kernel_ == Kernel::flex) {
      x = multiply(scaled, x, Register::from_bits(p_.scale));
    }
    return rounded(store, x);
  }

  const BackwardPlan& plan_;
  const Problem& p_;
  Kernel kernel_;
  std::vector<Site> changed_;
  HeadInputs head_{};
  std::vector<Pair> pairs_;
  Registers dk_sums_, dv_sums_;
  std::map<std::pair<int64_t, int64_t>, bool> full_;
};

}  // namespace ulpscope::test
