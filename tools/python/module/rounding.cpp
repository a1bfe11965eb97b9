#include "rounding.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/format/subset.hpp"
#include "ulpscope/round/array.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/round/operand.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

namespace ulpscope::python {

namespace {

namespace nb = nanobind;

using In = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<nb::c_contig, nb::device::cpu>;
using Ulps = nb::ndarray<double, nb::c_contig, nb::device::cpu>;

// `use` gets a span of the unsigned integers that an array's elements are.
template <class Use>
void with_words(const In& array, const Use& use) {
  const auto words = [&]<class Word>(Word) {
    use(std::span(static_cast<const Word*>(array.data()), array.size()));
  };
  switch (array.itemsize()) {
    case 1: words(uint8_t{}); break;
    case 2: words(uint16_t{}); break;
    case 4: words(uint32_t{}); break;
    case 8: words(uint64_t{}); break;
    default: throw Error(ErrorKind::input, "expected elements of 1, 2, 4 or 8 bytes");
  }
}

Codes codes_in(const Out& array) {
  const size_t size = array.size();
  switch (array.itemsize()) {
    case 1: return std::span(static_cast<uint8_t*>(array.data()), size);
    case 2: return std::span(static_cast<uint16_t*>(array.data()), size);
    case 4: return std::span(static_cast<uint32_t*>(array.data()), size);
    default: return std::span(static_cast<uint64_t*>(array.data()), size);
  }
}

// What a code stands for: exact as binary64, flushed and with the NaN that the policy asks for.
double value_of(const Format& from, uint64_t code, const Policy& policy) {
  const auto x = operand<uint128>(from, code, policy.flush);
  const Rounding exactly{.mode = Mode::nearest_even, .policy = {.nan = policy.nan}};
  return bit_cast<double>(static_cast<uint64_t>(round_pack(fp64, x, exactly).bits));
}

// The values of codes; of many, by a table of all codes that there are.
template <class Word>
std::vector<double> widened(std::span<const Word> codes, const Format& from, const Policy& policy) {
  const size_t all = size_t{1} << std::min(width(from), 32);
  std::vector<double> table;
  if (sizeof(Word) <= 2 && all < codes.size()) {
    for (size_t code = 0; code < all; ++code) table.push_back(value_of(from, code, policy));
  }
  std::vector<double> values(codes.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    values[i] = codes[i] < table.size() ? table[codes[i]] : value_of(from, codes[i], policy);
  }
  return values;
}

struct Drawn {
  std::string mode;
  uint64_t seed;
};

void round_numbers(Numbers x, const Format& to, const Drawn& drawn, Codes codes,
                   const Details& details) {
  if (names_stochastic(drawn.mode)) {
    round_array(x, to, stochastic_named(drawn.mode, &to), {.seed = drawn.seed}, codes, details);
  } else {
    round_array(x, to, rounding_named(drawn.mode, &to), codes, details);
  }
}

Policy policy_of(const Drawn& drawn, const Format& to) {
  return names_stochastic(drawn.mode) ? stochastic_named(drawn.mode, &to).policy
                                      : rounding_named(drawn.mode, &to).policy;
}

// NaN where no number was rounded.
void to_ulps(const std::vector<int64_t>& residues, const std::vector<Flag>& flags, double* ulps) {
  for (size_t i = 0; i < residues.size(); ++i) {
    ulps[i] = has(flags[i], Flag::residue_saturated)
                  ? std::numeric_limits<double>::quiet_NaN()
                  : static_cast<double>(residues[i]) / 4294967296.0;
  }
}

void round(const In& x, const std::string& from_name, const std::string& to_name,
           const std::string& mode, uint64_t seed, const Out& out,
           const std::optional<Ulps>& ulps) {
  const Format from = format_named(from_name);
  const Format to = format_named(to_name);
  const Drawn drawn{mode, seed};
  const nb::gil_scoped_release without_lock;
  const size_t kept = ulps ? x.size() : 0;
  std::vector<int64_t> residues(kept);
  std::vector<Flag> flags(kept);
  const Details details{residues, flags};
  if (from == fp32) {
    round_numbers(std::span(static_cast<const float*>(x.data()), x.size()), to, drawn,
                  codes_in(out), details);
  } else if (from == fp64) {
    round_numbers(std::span(static_cast<const double*>(x.data()), x.size()), to, drawn,
                  codes_in(out), details);
  } else if (is_subset(from, fp64)) {
    with_words(x, [&](auto codes) {
      round_numbers(widened(codes, from, policy_of(drawn, to)), to, drawn, codes_in(out), details);
    });
  } else {
    throw Error(ErrorKind::usage, from_name + ": expected a format that binary64 holds");
  }
  if (ulps) to_ulps(residues, flags, ulps->data());
}

void values(const In& codes, const std::string& format, const Ulps& numbers) {
  const Format from = format_named(format);
  const nb::gil_scoped_release without_lock;
  with_words(codes, [&](auto words) {
    std::ranges::copy(widened(words, from, Policy{}), numbers.data());
  });
}

}  // namespace

void add_rounding(nb::module_& module) {
  module.def("round", &round, nb::arg("x"), nb::arg("from_format"), nb::arg("to"), nb::arg("mode"),
             nb::arg("seed"), nb::arg("codes"), nb::arg("errors").none());
  module.def("values", &values, nb::arg("codes"), nb::arg("format"), nb::arg("numbers"));
}

}  // namespace ulpscope::python
