#include "ulpscope/format/p3109.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/value.hpp"

#include <cmath>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

double largest(std::string_view name) {
  const Format f = format_named(name);
  return double_value(f, largest_finite_bits(f));
}

}  // namespace

TEST_CASE("the extended signed format has infinities at both ends and NaN at -0") {
  const Format f = format_named("binary8p3se");
  CHECK(f.exponent_bits == 5);
  CHECK(f.bias == 16);
  CHECK(infinity_bits(f) == 0x7F);
  CHECK(is_infinity(f, 0xFF));
  CHECK(is_nan(f, 0x80));
  CHECK(largest_finite_bits(f) == 0x7E);
}

TEST_CASE("without signs NaN is the highest code and infinity the one below") {
  const Format f = format_named("binary8p3ue");
  CHECK(is_nan(f, 0xFF));
  CHECK(is_infinity(f, 0xFE));
  CHECK(largest_finite_bits(f) == 0xFD);
  CHECK(largest_finite_bits(format_named("binary8p3uf")) == 0xFE);
  CHECK(largest_finite_bits(format_named("binary8p3sf")) == 0x7F);
}

TEST_CASE("the largest numbers are the draft's") {
  // gfloat 0.5.2's values of the P3109 formats, a model of its own.
  CHECK(largest("binary8p1se") == std::ldexp(1, 62));
  CHECK(largest("binary8p1sf") == std::ldexp(1, 63));
  CHECK(largest("binary8p1ue") == std::ldexp(1, 125));
  CHECK(largest("binary8p1uf") == std::ldexp(1, 126));
  CHECK(largest("binary8p3se") == 49152);
  CHECK(largest("binary8p3sf") == 57344);
  CHECK(largest("binary8p3ue") == 2684354560);
  CHECK(largest("binary8p3uf") == 3221225472);
  CHECK(largest("binary8p8ue") == 1.9765625);
  CHECK(largest("binary8p8uf") == 1.984375);
  CHECK(largest("binary3p2se") == 1.0);
  CHECK(largest("binary3p3ue") == 1.25);
}

TEST_CASE("every format of the family has a name that is read back") {
  int count = 0;
  for (int k = 2; k <= 17; ++k) {
    for (int p = 0; p <= k + 1; ++p) {
      for (const auto sign : {Sign::present, Sign::absent}) {
        for (const auto domain : {Domain::extended, Domain::finite}) {
          const auto f = p3109_format({k, p, sign, domain});
          const int widest = sign == Sign::present ? k - 1 : k;
          REQUIRE(f.has_value() == (k >= 3 && k <= 16 && p >= 1 && p <= widest));
          if (!f) continue;
          CHECK(width(*f) == k);
          CHECK(find_format(format_name(*f)) == f);
          CHECK(find_p3109(*p3109_name(*f)) == f);
          ++count;
        }
      }
    }
  }
  CHECK(count == 2 * (119 + 133));  // sum of K - 1 and of K for K = 3..16
}

TEST_CASE("the draft may be named, another may not") {
  CHECK(find_p3109("binary8p3se") == find_p3109("binary8p3se@3.2"));
  for (const auto* name :
       {"binary8p3", "binary8p3s", "binary8p3se@3.1", "binary8p3se@", "binary8", "binary2p1se",
        "binary8p8se", "binary17p3se", "binary8p0se", "Binary8p3se"}) {
    CHECK_MESSAGE(!find_p3109(name), name);
  }
}
