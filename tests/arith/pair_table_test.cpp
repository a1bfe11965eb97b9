// Tables against the operators of Soft, which take another way to the core, and against the core
// itself for every mode.
#include "ulpscope/arith/pair_table.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

template <Format F, Rounding R>
void check_against_soft() {
  using Number = Soft<F, R>;
  const auto sums = sum_table(F, R);
  const auto differences = difference_table(F, R);
  const auto products = product_table(F, R);
  const auto quotients = quotient_table(F, R);
  size_t wrong = 0;
  const auto judge = [&](const PairTable& table, Number x, Number y, const Result<Number>& soft) {
    const bool same = table.bits(x.bits(), y.bits()) == soft.value.bits() &&
                      table.flags(x.bits(), y.bits()) == soft.flags;
    wrong += same ? 0 : 1;
  };
  for (uint64_t a = 0; a < uint64_t{1} << width(F); ++a) {
    for (uint64_t b = 0; b < uint64_t{1} << width(F); ++b) {
      const auto x = Number::from_bits(a);
      const auto y = Number::from_bits(b);
      judge(sums, x, y, add_to<Number>(x, y));
      judge(differences, x, y, subtract_to<Number>(x, y));
      judge(products, x, y, multiply_to<Number>(x, y));
      judge(quotients, x, y, divide_to<Number>(x, y));
    }
  }
  CHECK_MESSAGE(wrong == 0, format_name(F), " ", rounding_name(R));
}

}  // namespace

TEST_CASE("tables answer as the operators do, for every pair of codes") {
  check_against_soft<e4m3fn, nearest_even>();
  check_against_soft<e4m3fn, saturating(nearest_even)>();
  check_against_soft<e5m2, Rounding{Mode::down, {.flush = Flush::both}}>();
  check_against_soft<e4m3fnuz, upward>();
  check_against_soft<e3m4, to_odd>();
  check_against_soft<e8m0fnu, nearest_even>();
  check_against_soft<e2m3fn, toward_zero>();
  check_against_soft<e2m1fn, nearest_away>();
}

TEST_CASE("in every narrow format and every mode the table of sums is the core's") {
  for (const auto& row : catalogue) {
    const Format& f = row.format;
    if (width(f) > 8) continue;
    for (const auto& mode : mode_names) {
      const Rounding r{mode.mode};
      const auto sums = sum_table(f, r);
      size_t wrong = 0;
      for (unsigned x = 0; x < 1U << width(f); ++x) {
        for (unsigned y = 0; y < 1U << width(f); ++y) {
          const auto sum =
              round_pack(f, add(decode<uint64_t>(f, x), decode<uint64_t>(f, y), r.mode), r);
          const auto a = static_cast<uint8_t>(x);
          const auto b = static_cast<uint8_t>(y);
          wrong += sums.bits(a, b) != sum.bits || sums.flags(a, b) != sum.flags ? 1 : 0;
        }
      }
      CHECK_MESSAGE(wrong == 0, row.name, " ", rounding_name(r));
    }
  }
}

TEST_CASE("bits above a code's width are ignored") {
  const auto products = product_table(e2m1fn, nearest_even);
  CHECK(products.bits(0x02, 0x03) == 0x03);  // 1 x 1.5
  CHECK(products.bits(0xF2, 0x13) == 0x03);
}

TEST_CASE("a format of more than 8 bits is refused") {
  CHECK_THROWS_WITH_AS(product_table(bf16, nearest_even),
                       "PairTable: a format of 8 bits or fewer expected, found 16 bits", Error);
}
