// FlashAttention-2's forward as its formulas read, one row at a time, over Soft<Format, Rounding>:
// the plain twin of the tiled pass.
//
// It shares with the pass the numeric types and the functions of the chip (fused sums, ex2, lg2,
// expf, logf), and takes tile sizes and the number of parts from the plan. How a site's format
// enters is told by types: a step is add_to<To> and its like with To the type of the site. So it
// knows nothing of casts, machines, lanes or softmax steps, and where both agree, what a user
// tries with Soft in a unit test is what the simulator computes.
//
//   NaivePass<Soft<bf16>, Soft<e5m7>> pass(plan, Site::row_sum, 2);
//   pass.row(0).lse
//
// Limits: one batch, one head. Registers are binary32 whose NaN is 0x7FFFFFFF; codes of a NaN are
// all ones. `lanes` of the combine kernel come from the caller, by the rule of the sources.
#pragma once

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/attention/plan.hpp"
#include "ulpscope/hardware/library_functions.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace ulpscope::test {

using Register = Soft<fp32>;
using Registers = std::vector<Register>;

// A chain of fused sums as it was called, for who wants to judge it.
struct FusedCall {
  Site site;
  Format a_format;
  std::vector<uint32_t> a, b;
  uint32_t c;
  uint32_t stored;
};

// The residues of one site, added up.
struct SiteTotal {
  uint64_t count = 0;
  int128 sum = 0;
};

struct NaiveRow {
  std::vector<uint64_t> o;  // codes
  uint32_t lse;
};

template <class Input, class Changed>
class NaivePass {
 public:
  NaivePass(const Plan& plan, std::optional<Site> changed, size_t combine_lanes = 1)
      : plan_(plan), p_(plan.problem), changed_(changed), combine_lanes_(combine_lanes) {}

  NaiveRow row(int64_t i) {
    const int64_t first_of_tile = i / plan_.tile_rows * plan_.tile_rows;
    const int64_t last_of_tile = first_of_tile + plan_.tile_rows - 1;
    const int64_t end = (seen(last_of_tile) + plan_.tile_keys - 1) / plan_.tile_keys;
    const int64_t begin = std::min(unseen(first_of_tile) / plan_.tile_keys, end);
    const Part joint = plan_.parts == 1 ? part(i, begin, end, infinity) : combined(i, end);
    NaiveRow result{{}, joint.lse.bits()};
    for (const Register o : joint.o) {
      const Register stored = rounded(Site::output_store, o);
      result.o.push_back(code(Site::output_store, stored));
    }
    return result;
  }

  std::array<SiteTotal, site_count> totals{};
  std::vector<FusedCall>* calls = nullptr;  // where chains are written down, if anywhere

 private:
  struct Part {
    Registers o;
    Register lse;
  };

  static constexpr Register infinity = Register::from_bits(0x7F80'0000);
  static constexpr Register ln_2 = Register::from_bits(0x3F31'7218);
  static constexpr Register zero{};

  // ---- Numbers: the type of a site, and steps that round into it --------------------------------

  template <class Body>
  auto with_type(Site site, Body&& body) const {
    if (changed_ == site) return body.template operator()<Changed>();
    if (site == Site::probability_cast || site == Site::output_store) {
      return body.template operator()<Input>();
    }
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
  Register divide(Site s, Register x, Register y) {
    return at(s, [&]<class To>() { return divide_to<To>(x, y); });
  }
  Register fma(Site s, Register x, Register y, Register z) {
    return at(s, [&]<class To>() { return fma_to<To>(x, y, z); });
  }
  Register rounded(Site s, Register x) {
    return at(s, [&]<class To>() { return convert_to<To>(x); });
  }
  // What an instruction returned, rounded into the site's format.
  Register hardware(Site s, uint32_t bits) { return rounded(s, Register::from_bits(bits)); }

  uint64_t code(Site site, Register x) const {
    return with_type(site, [&]<class To>() -> uint64_t {
      return isnan(x) ? sign_mask(To::format) - 1 : convert_to<To>(x).value.bits();
    });
  }
  Format format_of(Site site) const {
    return with_type(site, []<class To>() { return To::format; });
  }

  // ---- Operands ---------------------------------------------------------------------------------

  std::vector<uint32_t> row_of(std::span<const uint16_t> codes, int64_t i) const {
    const auto from = codes.begin() + i * p_.dim;
    return {from, from + p_.dim};
  }
  // Column d of V over a key tile; beyond the last key there are zeros.
  std::vector<uint32_t> column_of_v(int64_t d, int64_t first) const {
    std::vector<uint32_t> column;
    for (int64_t j = first; j < first + plan_.tile_keys; ++j) {
      column.push_back(j < p_.keys ? p_.v[static_cast<size_t>(j * p_.dim + d)] : 0);
    }
    return column;
  }
  // Row i sees the keys before this one,
  int64_t seen(int64_t i) const {
    if (p_.mask.right < 0) return p_.keys;
    return std::clamp<int64_t>(i + p_.mask.right + 1 + p_.keys - p_.rows, 0, p_.keys);
  }
  // but none before this one.
  int64_t unseen(int64_t i) const {
    if (p_.mask.left < 0) return 0;
    return std::clamp<int64_t>(i - p_.mask.left + p_.keys - p_.rows, 0, p_.keys);
  }
  Register chain(Site site, const Format& a_format, const std::vector<uint32_t>& a,
                 const std::vector<uint32_t>& b, Register c) {
    const Factors factors{a_format, Input::format};
    const auto length = static_cast<int>(a.size());
    const uint32_t sum =
        fused_chain(plan_.unit->sum, factors, c.bits(), a.data(), b.data(), length);
    const Register stored = hardware(site, sum);
    if (calls != nullptr) calls->push_back({site, a_format, a, b, c.bits(), stored.bits()});
    return stored;
  }
  Register ex2(Site site, Register x) {
    return hardware(site, ex2_approx(*plan_.tables, x.bits()));
  }

  // ---- The pass ---------------------------------------------------------------------------------

  static Register larger(Register x, Register y) {
    return Register::from_bits(fmaximum(x.bits(), y.bits()));
  }
  static Register zero_if_nothing(Register m) { return m == -infinity ? zero : m; }

  // Key tiles [first, end), the last one first.
  Part part(int64_t i, int64_t first, int64_t end, Register lse_of_nothing) {
    const auto c = Register::from_bits(plan_.scale_log2);
    const auto q = row_of(p_.q, i);
    Register m = -infinity;
    Register lanes[4];
    Registers o(static_cast<size_t>(p_.dim));
    for (int64_t tile = end - 1; tile >= first; --tile) {
      const bool is_first = tile == end - 1;
      const int64_t start = tile * plan_.tile_keys;
      const int64_t visible = std::clamp<int64_t>(seen(i) - start, 0, plan_.tile_keys);
      const int64_t hidden = std::clamp<int64_t>(unseen(i) - start, 0, visible);

      Registers s(static_cast<size_t>(hidden), -infinity);
      for (int64_t j = hidden; j < visible; ++j) {
        s.push_back(chain(Site::scores, Input::format, q, row_of(p_.k, start + j), zero));
      }
      Register raised = m;
      for (const Register x : s) raised = larger(raised, x);

      Register r;
      if (!is_first) {
        const Register to = p_.mask == no_mask ? raised : zero_if_nothing(raised);
        const Register step = subtract(Site::maximum_step, m, to);
        r = ex2(Site::rescale_factor, multiply(Site::scaled_step, step, c));
        for (Register& x : o) x = multiply(Site::rescale, x, r);
      }
      m = raised;

      const Register shift = multiply(Site::scaled_maximum, zero_if_nothing(m), c);
      Registers probability(static_cast<size_t>(plan_.tile_keys));
      std::vector<uint32_t> codes(static_cast<size_t>(plan_.tile_keys));
      for (auto j = static_cast<size_t>(hidden); j < s.size(); ++j) {
        const Register scaled = multiply(Site::scaled_score, s[j], c);
        probability[j] = ex2(Site::probability, subtract(Site::shifted_score, scaled, shift));
        const Register cast = rounded(Site::probability_cast, probability[j]);
        codes[j] = static_cast<uint32_t>(code(Site::probability_cast, cast));
      }

      // Column j belongs to lane j/2 mod 4, whose first column is 2 lane. Hidden keys add nothing.
      for (size_t j = 0; j < probability.size(); ++j) {
        const size_t t = j / 2 % 4;
        if (j == 2 * t && is_first) {
          lanes[t] = probability[j];
        } else if (j == 2 * t) {
          lanes[t] = fma(Site::row_sum, lanes[t], r, probability[j]);
        } else if (j >= static_cast<size_t>(hidden) && j < s.size()) {
          lanes[t] = add(Site::row_sum, lanes[t], probability[j]);
        }
      }

      for (int64_t d = 0; d < p_.dim; ++d) {
        Register& x = o[static_cast<size_t>(d)];
        x = chain(Site::output_accumulate, format_of(Site::probability_cast), codes,
                  column_of_v(d, start), x);
      }
    }

    const Register even = add(Site::row_sum, lanes[0], lanes[2]);
    const Register odd = add(Site::row_sum, lanes[1], lanes[3]);
    const Register l = add(Site::row_sum, even, odd);
    const bool usable = !(l == zero) && !isnan(l);
    const Register inverse = usable ? divide(Site::reciprocal, Register(1.0), l) : Register(1.0);
    for (Register& x : o) x = multiply(Site::normalise, x, inverse);
    if (!usable) return {o, lse_of_nothing};
    const Register log2_l = hardware(Site::log2_row_sum, lg2_approx(*plan_.tables, l.bits()));
    const Register log_l = multiply(Site::log_row_sum, log2_l, ln_2);
    return {o, fma(Site::lse, m, Register::from_bits(p_.scale), log_l)};
  }

  Register expf(Register x) {
    return hardware(Site::combine_exponential, library_expf(*plan_.tables, x.bits()));
  }

  Part combined(int64_t i, int64_t end) {
    const int64_t length = (plan_.key_tiles() + plan_.parts - 1) / plan_.parts;
    std::vector<Part> parts;
    Register largest = -infinity;
    for (int64_t n = 0; n < plan_.parts; ++n) {
      const int64_t stop = std::min((n + 1) * length, end);
      if (n * length < stop) {
        parts.push_back(part(i, n * length, stop, -infinity));
      } else {
        parts.push_back({Registers(static_cast<size_t>(p_.dim)), -infinity});
      }
      largest = larger(largest, parts.back().lse);
    }
    largest = zero_if_nothing(largest);

    // Lane t adds the parts t, t + lanes, ...; then all lanes exchange sums at halving distances.
    Registers lanes(combine_lanes_);
    for (size_t n = 0; n < parts.size(); ++n) {
      const Register x = expf(subtract(Site::combine_shift, parts[n].lse, largest));
      Register& lane = lanes[n % combine_lanes_];
      lane = n < combine_lanes_ ? x : add(Site::combine_sum, lane, x);
    }
    for (size_t distance = combine_lanes_ / 2; distance > 0; distance /= 2) {
      const Registers old = lanes;
      for (size_t t = 0; t < combine_lanes_; ++t) {
        lanes[t] = add(Site::combine_sum, old[t], old[t ^ distance]);
      }
    }
    const Register sum = lanes[0];
    Register lse = infinity;
    if (!(sum == zero) && !isnan(sum)) {
      lse = add(Site::combine_lse, hardware(Site::combine_log, library_logf(sum.bits())), largest);
    }

    Registers o(static_cast<size_t>(p_.dim));
    for (const Part& one : parts) {
      const Register weight = expf(subtract(Site::combine_shift, one.lse, lse));
      for (size_t d = 0; d < o.size(); ++d) {
        o[d] = fma(Site::combine_output, weight, one.o[d], o[d]);
      }
    }
    return {o, lse};
  }

  const Plan& plan_;
  const Problem& p_;
  std::optional<Site> changed_;
  size_t combine_lanes_;
};

}  // namespace ulpscope::test
