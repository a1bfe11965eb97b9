// Fits the coefficient tables of the special function unit to a dump of one chip's results.
//
//   dump_mufu DATE DUMP > dump.log
//   fit_mufu DUMP "$(cat dump.log)" > include/ulpscope/hardware/profiles/mufu_sm90.hpp
//
// The structure (hardware/mufu.hpp) leaves three unknowns a table row. For a guess of (c1, c2)
// every result confines C = c0 + bias to an interval, because the sum is only truncated:
//
//   result m at operand x:   m * cut <= C + terms(c1, c2, x) < (m + 1) * cut
//
// so a row's 2^17 or 2^16 results either leave a common interval or refute the guess. All guesses
// near the Taylor coefficients are tried; exactly one must survive in every row, else the
// structure is wrong and the program stops. What C has below a unit of c0 must be the same in all
// rows: that is the bias. Its whole units cannot be told from c0; of the possible ones the bias is
// taken nearest to half of 2^-23, as befits a sum that is truncated to 23 fraction bits.
//
// Held by cuda/hardware/check_special_functions.cu, which compares the fitted model with all 2^32
// operands.
#include "ulpscope/hardware/mufu.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace ulpscope;

constexpr size_t dump_words = size_t{1} << 23;  // a function's results, one a fraction
using Results = std::vector<uint32_t>;          // binary32 codes

struct Interval {  // low <= value < high
  int64_t low = INT64_MIN / 2;
  int64_t high = INT64_MAX / 2;

  bool empty() const { return low >= high; }
  void intersect(int64_t other_low, int64_t other_high) {
    low = std::max(low, other_low);
    high = std::min(high, other_high);
  }
};

// The sums that truncate to a positive result of value significand * 2^(exponent - 23).
// `absolute_cut` is the number of low bits that the unit clears whatever the exponent.
Interval sums_of(uint32_t code, int fraction_bits, int absolute_cut) {
  const int exponent = static_cast<int>(code >> 23) - 127;
  const int64_t significand = (code & detail::fraction_mask32) | (uint32_t{1} << 23);
  const int shift = fraction_bits + exponent - 23;
  const int64_t low = shift >= 0 ? significand << shift : significand >> -shift;
  return {low, low + (int64_t{1} << std::max(shift, absolute_cut))};
}

// What the fit needs to know of one function on its dumped octave.
struct Function {
  const char* name;
  int absolute_cut;
  double (*slope)(double fraction);
  double (*half_curvature)(double fraction);
};

struct Candidate {
  uint32_t c1;
  uint32_t c2;
  Interval c;
};

// Every stride-th operand first: a wrong guess usually fails in the first pass.
constexpr uint32_t strides[] = {509, 1};

template <Interpolator shape>
Interval confine(const Function& f, const Results& results, uint32_t row, uint32_t c1,
                 uint32_t c2) {
  const uint32_t x_bits = 23 - shape.row_bits;
  const uint32_t size = 1u << x_bits;
  Interval c;
  for (const uint32_t stride : strides) {
    for (uint32_t x = 0; x < size && !c.empty(); x += stride) {
      const uint32_t fraction = (row << x_bits) | x;
      const uint32_t code = results[fraction];
      if (code == 0) continue;  // lg2(1): set apart by the unit, says nothing about the sum
      const Interval sum = sums_of(code, sum_fraction_bits(shape), f.absolute_cut);
      const int64_t terms = detail::quadratic_terms<shape>(c1, c2, x);
      c.intersect(sum.low - terms, sum.high - terms);
    }
  }
  return c;
}

template <Interpolator shape>
Candidate fit_row(const Function& f, const Results& results, uint32_t row) {
  constexpr int window = 40;
  const double left = row * std::ldexp(1.0, -shape.row_bits);
  const auto guess = [&](double x, int bits) {
    return static_cast<int>(std::lround(std::ldexp(std::fabs(x), bits)));
  };
  const int c1_guess = guess(f.slope(left), shape.c1_fraction_bits);
  const int c2_guess = guess(f.half_curvature(left), shape.c2_fraction_bits);
  std::vector<Candidate> survivors;
  for (int c1 = c1_guess - window; c1 <= c1_guess + window; ++c1) {
    for (int c2 = std::max(0, c2_guess - window); c2 <= c2_guess + window; ++c2) {
      const auto u1 = static_cast<uint32_t>(c1);
      const auto u2 = static_cast<uint32_t>(c2);
      const Interval c = confine<shape>(f, results, row, u1, u2);
      if (!c.empty()) survivors.push_back({u1, u2, c});
    }
  }
  if (survivors.size() != 1) {
    throw std::runtime_error(std::string(f.name) + ": row " + std::to_string(row) + " has " +
                             std::to_string(survivors.size()) +
                             " pairs (c1, c2) that explain the dump, expected one");
  }
  return survivors.front();
}

struct Fit {
  std::vector<MufuRow> rows;
  int64_t bias;
  double narrowest;  // widths of the intervals of C, in units of c0
  double widest;
};

// The number in [low, high) with the most trailing zeros.
int64_t roundest(Interval interval) {
  for (int bits = 62; bits > 0; --bits) {
    const int64_t step = int64_t{1} << bits;
    const int64_t candidate = (interval.low + step - 1) / step * step;
    if (candidate >= interval.low && candidate < interval.high) return candidate;
  }
  return interval.low;
}

// The low part that all rows' C share. Intervals are taken around the first row's, because the
// shared part may lie at either end of a unit.
Interval shared_low_part(const std::vector<Candidate>& fits, int64_t unit) {
  const int64_t origin = fits.front().c.low;
  Interval shared = fits.front().c;
  for (const Candidate& fit : fits) {
    const int64_t middle = fit.c.low + (fit.c.high - fit.c.low) / 2;
    const double turns = static_cast<double>(middle - origin) / static_cast<double>(unit);
    const int64_t whole = std::llround(turns) * unit;
    shared.intersect(fit.c.low - whole, fit.c.high - whole);
  }
  return shared;
}

template <Interpolator shape>
Fit fit_function(const Function& f, const Results& results) {
  std::vector<Candidate> fits;
  for (uint32_t row = 0; row < 1u << shape.row_bits; ++row) {
    fits.push_back(fit_row<shape>(f, results, row));
  }
  const int64_t unit = int64_t{1} << (sum_fraction_bits(shape) - shape.c0_fraction_bits);
  const Interval shared = shared_low_part(fits, unit);
  if (shared.empty()) {
    throw std::runtime_error(std::string(f.name) + ": the rows share no bias");
  }
  const int64_t half_of_last_place = int64_t{1} << (sum_fraction_bits(shape) - 24);
  const int64_t low = ((roundest(shared) % unit) + unit) % unit;
  const int64_t whole = (half_of_last_place - low + unit / 2) / unit;
  Fit fit{.rows = {}, .bias = low + whole * unit, .narrowest = 1e9, .widest = 0};
  for (const Candidate& found : fits) {
    const double width =
        static_cast<double>(found.c.high - found.c.low) / static_cast<double>(unit);
    fit.narrowest = std::min(fit.narrowest, width);
    fit.widest = std::max(fit.widest, width);
    // The one multiple of a unit that, with the bias, lies in the interval.
    const auto c0 = (found.c.high - 1 - fit.bias) / unit;
    fit.rows.push_back({static_cast<uint32_t>(c0), found.c1, found.c2});
  }
  const double ulps = std::ldexp(static_cast<double>(fit.bias), 23 - sum_fraction_bits(shape));
  std::fprintf(stderr,
               "%s: %zu rows, one (c1, c2) each; C pinned to %.3g .. %.3g units of c0; "
               "the rows share a bias up to %lld units of the sum, taken as %lld = %.6f * 2^-23\n",
               f.name, fits.size(), fit.narrowest, fit.widest,
               static_cast<long long>(shared.high - shared.low), static_cast<long long>(fit.bias),
               ulps);
  return fit;
}

std::vector<Results> read_dump(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<Results> functions(3, Results(dump_words));
  for (Results& results : functions) {
    if (!file.read(reinterpret_cast<char*>(results.data()),
                   static_cast<std::streamsize>(dump_words * sizeof(uint32_t)))) {
      throw std::runtime_error(std::string(path) + ": shorter than three times 2^23 results");
    }
  }
  return functions;
}

void print_table(const char* name, const Fit& fit) {
  std::printf("    .%s = {{", name);
  for (size_t i = 0; i < fit.rows.size(); ++i) {
    const MufuRow& row = fit.rows[i];
    std::printf("%s{%u, %u, %u},", i % 3 == 0 ? "\n        " : " ", row.c0, row.c1, row.c2);
  }
  std::printf("\n    }, %lld},\n", static_cast<long long>(fit.bias));
}

// The origin as comment lines of at most 100 columns.
void print_comment(const std::string& text) {
  std::istringstream words(text);
  size_t column = 0;
  for (std::string word; words >> word; column += word.size() + 1) {
    if (column == 0 || column + word.size() + 1 > 100) {
      std::printf("%s//  ", column == 0 ? "" : "\n");
      column = 4;
    }
    std::printf(" %s", word.c_str());
  }
  std::printf("\n");
}

void print_header(const char* origin, const Fit& ex2, const Fit& lg2, const Fit& rcp) {
  std::printf(
      "// The special function unit's tables on sm_90, fitted to one chip. Generated: do not "
      "edit.\n"
      "//\n");
  print_comment(origin);
  std::printf(
      "//\n"
      "// Rows are {c0, c1, c2}, layout and bias as hardware/mufu.hpp says. Made by\n"
      "// tools/generate/refit from nothing but that chip's results: one (c1, c2) a row explains\n"
      "// them. Held by all 2^32 operands of each function, docs/validation.\n"
      "#pragma once\n\n#include \"ulpscope/hardware/mufu.hpp\"\n\nnamespace ulpscope {\n\n"
      "// clang-format off\n"
      "inline constexpr MufuTables mufu_sm90{\n");
  print_table("ex2", ex2);
  print_table("lg2", lg2);
  print_table("rcp", rcp);
  std::printf("};\n// clang-format on\n\n}  // namespace ulpscope\n");
}

constexpr double ln2 = 0x1.62e42fefa39efp-1;

int run(const char* path, const char* origin) {
  const Function ex2{"ex2", 0, [](double f) { return ln2 * std::exp2(f); },
                     [](double f) { return ln2 * ln2 / 2 * std::exp2(f); }};
  const Function lg2{"lg2", 20, [](double f) { return 1 / (ln2 * (1 + f)); },
                     [](double f) { return 1 / (2 * ln2 * (1 + f) * (1 + f)); }};
  const Function rcp{"rcp", 0, [](double f) { return 1 / ((1 + f) * (1 + f)); },
                     [](double f) { return 1 / ((1 + f) * (1 + f) * (1 + f)); }};
  const auto dump = read_dump(path);
  print_header(origin, fit_function<ex2_interpolator>(ex2, dump[0]),
               fit_function<lg2_interpolator>(lg2, dump[1]),
               fit_function<rcp_interpolator>(rcp, dump[2]));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: fit_mufu DUMP ORIGIN > HEADER\n");
    return 2;
  }
  try {
    return run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fit_mufu: %s\n", error.what());
    return 1;
  }
}
