// What the pass computes with: steps that round at a named site, and chains of fused sums.
//
//   machine.at(Site::rescale, [&](auto step) {
//     for (...) o[d] = step(row, d, multiply(register_value(o[d]), factor));
//   });
//
// `at` looks the site's cast up once and hands out a verb; the verb rounds an exact value (or
// rounds what the hardware returned, and judges it by the exact value), writes the rounding into
// the sink, and returns the register. With a NullSink nothing but the rounding is left. At a site
// that is set to be exact the verb rounds the exact value whatever the hardware returned, but where
// there is no exact value: infinities and NaN among the operands remain the hardware's.
//
// Tested by tests/attention/machine_test.cpp.
#pragma once

#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/attention/exact_dot.hpp"
#include "ulpscope/attention/judge.hpp"
#include "ulpscope/attention/plan.hpp"
#include "ulpscope/trace/log.hpp"
#include "ulpscope/trace/record_row.hpp"

#include <type_traits>
#include <vector>

// A function that host and device share and that the device calls: inlined into each other, the
// steps of a pass would make kernels that take minutes to compile.
#if defined(__CUDACC__)
#define ULPSCOPE_STEP __host__ __device__ __noinline__
#else
#define ULPSCOPE_STEP
#endif

namespace ulpscope {

// Where a product comes from: row i of `operand`, from column `from`.
struct ChainRow {
  const Operand& operand;
  int64_t row;
  int64_t from;
};

struct ChainResult {
  uint32_t value;
  Flag flags;  // carry_out where watched
};

// C + sum over k < length of a[k] b[k], as the unit's steps compute it. `length` is rounded up to
// whole steps; the operands are zero there or hold numbers whose partners are zero. `from` may lie
// inside a step, at the same place in both rows: the same holds for what comes before it.
template <Carries carries>
ChainResult run_chain(const FusedSum& sum, ChainRow a, ChainRow b, int64_t length, uint32_t c);

// Many chains with one row: its partners are the operand's rows from `first` on.
struct ChainColumns {
  const Operand& operand;
  int64_t first;
  int64_t from;
};

// What the chains begin with, and what they end with.
class ChainSums {
 public:
  void start_at_zero(int64_t count) {
    values_.assign(static_cast<size_t>(count), 0);
    flags_.assign(static_cast<size_t>(count), Flag::none);
  }
  void start_at(const uint32_t* c, int64_t count) {
    values_.assign(c, c + count);
    flags_.assign(static_cast<size_t>(count), Flag::none);
  }

  int64_t size() const { return static_cast<int64_t>(values_.size()); }
  uint32_t* values(int64_t from) { return values_.data() + from; }
  const uint32_t* values(int64_t from) const { return values_.data() + from; }
  Flag* flags(int64_t from) { return flags_.data() + from; }
  const Flag* flags(int64_t from) const { return flags_.data() + from; }
  ChainResult operator[](int64_t j) const {
    return {values_[static_cast<size_t>(j)], flags_[static_cast<size_t>(j)]};
  }
  void set(int64_t j, ChainResult result) {
    values_[static_cast<size_t>(j)] = result.value;
    flags_[static_cast<size_t>(j)] = result.flags;
  }

 private:
  std::vector<uint32_t> values_;
  std::vector<Flag> flags_;
};

// sums[j] = sums[j] + sum over k of a[k] b[first + j][k]: the bits of run_chain, many at a time
// where the operand is packed.
template <Carries carries>
void run_chains(const FusedSum& sum, ChainRow a, const ChainColumns& b, int64_t length,
                ChainSums& sums);

// The same by binary32 FMAs, a term after the other.
uint32_t run_fma_chain(ChainRow a, ChainRow b, int64_t length, uint32_t c);

// Whether rows are computed element by element.
template <class Sink>
inline constexpr bool is_scalar_sink = std::is_same_v<Sink, ScalarSink>;

template <class Sink, class CastVerb>
class Step {
 public:
  // Whether what is rounded away is of interest to somebody.
  static constexpr bool listens = Sink::enabled;
  static constexpr bool is_scalar = is_scalar_sink<Sink>;
  // An instruction of binary32 to nearest even, plain or with .ftz, which is the host's own.
  static constexpr Flush flush =
      std::is_same_v<CastVerb, FixedCast<fp32, nearest_even_flushed>> ? Flush::both : Flush::none;
  // What an instruction makes of its operands is left aside: casts.hpp.
  static constexpr bool is_exact = std::is_same_v<CastVerb, ExactCast>;
  static constexpr bool is_plain =
      flush == Flush::both || is_exact || std::is_same_v<CastVerb, FixedCast<fp32, nearest_even>>;
  // Whether a row of such instructions has no more to say than its results, and whether somebody
  // listens who takes a row's records at once: row_steps.hpp.
  static constexpr bool by_host = !listens && is_plain && !is_scalar;
  static constexpr bool by_row = listens && requires(Sink sink, RecordRow records) {
    sink.add_row(Site{}, 0, 0, records);
  };

  // Whether the direction may be drawn, so that it depends on the element's place.
  static constexpr bool draws =
      std::is_same_v<CastVerb, DrawnCast> || std::is_same_v<CastVerb, BriefCast>;

  ULPSCOPE_HD Step(Sink& sink, Site site, CastVerb cast, const DrawPlace& place)
      : sink_(sink), site_(site), cast_(cast), place_(place) {}

  ULPSCOPE_HD Mode mode() const { return cast_.mode(); }
  ULPSCOPE_HD Rounding rounding() const { return cast_.rounding(); }
  ULPSCOPE_HD Format format() const { return cast_.format(); }

  // A register as the step's instruction reads it: some kernels' instructions flush subnormals.
  ULPSCOPE_HD Exact<uint64_t> operand(uint32_t bits) const {
    if (flushes_inputs(cast_.rounding().policy.flush)) bits = detail::flushed32(bits);
    return register_value(bits);
  }

  // Rounds an exact value.
  template <class Word>
  ULPSCOPE_HD uint32_t operator()(int64_t row, int64_t column, const Exact<Word>& x) const {
    const Stored stored = rounded(row, column, x);
    if constexpr (Sink::enabled) {
      report(row, column, stored.value, {stored.residue, stored.flags, x.negative});
    }
    return stored.value;
  }

  // Rounds what an instruction returned; `exact` is called for the value it should have had.
  template <class ExactValue>
  ULPSCOPE_HD uint32_t hardware(int64_t row, int64_t column, ChainResult returned,
                                ExactValue&& exact) const {
    if constexpr (is_exact) {
      const auto x = exact();
      if (x.kind != Kind::nan) return (*this)(row, column, x);
    }
    const Stored stored = rounded(row, column, register_value(returned.value));
    if constexpr (Sink::enabled) {
      const Flag kept = stored.flags & (Flag::round_carry | Flag::overflow);
      report(row, column, stored.value,
             judged(cast_.format(), stored.value, exact(), returned.flags | kept));
    }
    return stored.value;
  }

  // What the site's rounding makes of a value, for rows that report their records at once.
  template <class Word>
  ULPSCOPE_HD Stored rounded(int64_t row, int64_t column, const Exact<Word>& x) const {
    if constexpr (draws) {
      return cast_(x, {.seed = place_.seed,
                       .site = static_cast<uint32_t>(index(site_)),
                       .element = (place_.first_row + static_cast<uint64_t>(row)) << 32 |
                                  static_cast<uint64_t>(column),
                       .step = place_.turn});
    } else {
      return cast_(x);
    }
  }

  // The records of the elements from column `first` on, and the registers that they left.
  void report_row(int64_t row, int64_t first, const uint32_t* values,
                  const RecordRow& records) const {
    if constexpr (by_row) {
      sink_.add_row(site_, row, first, records);
    } else {
      for (size_t i = 0; i < records.size(); ++i) {
        report(row, first + static_cast<int64_t>(i), values[i], records[i]);
      }
    }
  }

 private:
  // Most sinks sum errors up; one that keeps a history wants the value too.
  void report(int64_t row, int64_t column, uint32_t value, const Record& record) const {
    if constexpr (requires { sink_.add(site_, row, column, value, record); }) {
      sink_.add(site_, row, column, value, record);
    } else {
      sink_.add(site_, row, column, record);
    }
  }

  Sink& sink_;
  Site site_;
  CastVerb cast_;
  const DrawPlace& place_;
};

// Whether somebody asks for the exact values of a site's step.
template <class Sink>
bool wants_exact(const Plan& plan, Site site) {
  return Sink::enabled || plan.map[site].source == Source::exact;
}

template <class Sink>
class Machine {
 public:
  static constexpr Carries carries = Sink::enabled ? Carries::watch : Carries::ignore;

  ULPSCOPE_HD Machine(const Plan& plan, Sink& sink)
      : plan_(plan), sink_(sink), place_{.seed = plan.seed} {}

  // Where drawn roundings are from here on.
  ULPSCOPE_HD void enter_rows(uint64_t first) { place_.first_row = first; }
  ULPSCOPE_HD void enter_tile(int64_t tile) { place_.turn = static_cast<uint32_t>(tile); }

  ULPSCOPE_HD const Plan& plan() const { return plan_; }

  template <class Body>
  ULPSCOPE_HD void at(Site site, Body&& body) const {
    const auto with = [&](auto cast) {
      body(Step<Sink, decltype(cast)>(sink_, site, cast, place_));
    };
    if constexpr (is_scalar_sink<Sink>) {
      with(BriefCast{plan_.map[site]});
    } else {
      with_cast(plan_.map[site], with);
    }
  }

  // A single step, for the few that run once a row.
  ULPSCOPE_HD uint32_t one(Site site, int64_t row, const Exact<uint64_t>& x) const {
    uint32_t result = 0;
    at(site, [&](auto step) { result = step(row, 0, x); });
    return result;
  }
  template <class ExactValue>
  ULPSCOPE_HD uint32_t one_hardware(Site site, int64_t row, uint32_t returned,
                                    ExactValue&& exact) const {
    uint32_t result = 0;
    at(site, [&](auto step) {
      result = step.hardware(row, 0, {returned, Flag::none}, [&] { return exact(); });
    });
    return result;
  }
  ULPSCOPE_HD Mode mode(Site site) const { return plan_.map[site].rounding.mode; }
  // A register as the site's instruction reads it.
  ULPSCOPE_HD Exact<uint64_t> operand(Site site, uint32_t bits) const {
    if (flushes_inputs(plan_.map[site].rounding.policy.flush)) bits = detail::flushed32(bits);
    return register_value(bits);
  }

  const ChainSums& chains(ChainRow a, const ChainColumns& b, int64_t length,
                          ChainSums& sums) const {
    run_chains<carries>(plan_.sum, a, b, length, sums);
    return sums;
  }

 private:
  const Plan& plan_;
  Sink& sink_;
  DrawPlace place_;
};

namespace detail {

// Single steps on registers, read and rounded as the site says.
template <class Sink>
ULPSCOPE_STEP uint32_t product(const Machine<Sink>& machine, Site site, int64_t row, uint32_t x,
                               uint32_t y) {
  return machine.one(site, row, multiply(machine.operand(site, x), machine.operand(site, y)));
}
template <class Sink>
ULPSCOPE_STEP uint32_t sum_of(const Machine<Sink>& machine, Site site, int64_t row, uint32_t x,
                              uint32_t y) {
  return machine.one(site, row,
                     add(machine.operand(site, x), machine.operand(site, y), machine.mode(site)));
}
template <class Sink>
ULPSCOPE_STEP uint32_t difference(const Machine<Sink>& machine, Site site, int64_t row, uint32_t x,
                                  uint32_t y) {
  return machine.one(
      site, row, subtract(machine.operand(site, x), machine.operand(site, y), machine.mode(site)));
}
template <class Sink>
ULPSCOPE_STEP uint32_t fused(const Machine<Sink>& machine, Site site, int64_t row, uint32_t x,
                             uint32_t y, uint32_t z) {
  return machine.one(site, row,
                     fma(machine.operand(site, x), machine.operand(site, y),
                         machine.operand(site, z), machine.mode(site)));
}

}  // namespace detail

}  // namespace ulpscope
