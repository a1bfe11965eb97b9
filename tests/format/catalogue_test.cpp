#include "ulpscope/format/catalogue.hpp"

#include "ulpscope/base/error.hpp"

#include <set>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("every row is found under its name and each of its aliases") {
  for (const auto& row : catalogue) {
    CHECK(find_format(row.name) == row.format);
    CHECK(format_name(row.format) == row.name);
    CHECK_FALSE(row.source.empty());
  }
  CHECK(find_format("bfloat16") == bf16);
  CHECK(find_format("half") == fp16);
  CHECK(find_format("binary16") == fp16);
  CHECK(find_format("double") == fp64);
  CHECK(find_format("float8_e4m3fn") == e4m3fn);
}

TEST_CASE("no two rows share a name or a format") {
  std::set<std::string_view> names;
  for (const auto& row : catalogue) names.insert(row.name);
  CHECK(names.size() == catalogue.size());
  for (size_t i = 0; i < catalogue.size(); ++i) {
    for (size_t j = 0; j < i; ++j) CHECK(catalogue[i].format != catalogue[j].format);
  }
}

TEST_CASE("eXmY is the IEEE-like format of that size") {
  CHECK(find_format("e5m7") == ieee_like(5, 7));
  CHECK(find_format("e8m7") == bf16);
  CHECK(find_format("e15m48") == ieee_like(15, 48));
  CHECK(find_format("e5m0") == ieee_like(5, 0));
  CHECK(format_name(ieee_like(5, 7)) == "e5m7");
}

TEST_CASE("e4m3 has infinities, fn is never implied") {
  CHECK(find_format("e4m3") == ieee_like(4, 3));
  CHECK(has_infinity(*find_format("e4m3")));
}

TEST_CASE("what is no format is nothing") {
  for (const auto* name : {"",
                           " ",
                           "e",
                           "e5",
                           "em",
                           "e5m",
                           "m5e3",
                           "e0m3",
                           "e17m3",
                           "e5m64",
                           "e1m0",
                           "e5m7 ",
                           " e5m7",
                           "E5M7",
                           "e-5m7",
                           "e5m-0",
                           "e5m-7",
                           "e+5m7",
                           "bf16 fp16",
                           "half binary16",
                           "e99999999999m3",
                           "e5m99999999999",
                           "e5m2b",
                           "e5m2b+3",
                           "e5m2b-0",
                           "e5m2b65536",
                           "e5m2b20b20",
                           "e5m2fnb20",
                           "e5m2f",
                           "e5m2uz",
                           "e5m07",
                           "e5m2fn+",
                           "e5m2fn+zero",
                           "e5m2+subs",
                           "e5m2+nosub+noinf",
                           "e5m2+nan=minus_zero",
                           "e1m0fn"}) {
    CHECK_MESSAGE(!find_format(name), "'", std::string(name), "'");
  }
}

TEST_CASE("an unknown name is refused in a line that lists the known ones") {
  try {
    format_named("fp12");
    FAIL("fp12 was accepted");
  } catch (const Error& error) {
    const std::string line = error.what();
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(line.find("'fp12'") != std::string::npos);
    CHECK(line.find('\n') == std::string::npos);
    for (const auto& row : catalogue) CHECK(line.find(row.name) != std::string::npos);
  }
  CHECK(format_named("bf16") == bf16);
}

TEST_CASE("the name of an unnamed row says what is unusual about it") {
  CHECK(format_name({4, 3, 8}) == "e4m3b8");
  CHECK(format_name({5, 2, -3}) == "e5m2b-3");
  CHECK(format_name(finite_like(2, 2, 1)) == "e2m2finite");
  CHECK(format_name({3, 3, 3, Infinity::absent, Nan::highest}) == "e3m3fn");
  CHECK(format_name({4, 3, 11, Infinity::absent, Nan::highest}) == "e4m3b11fn");
  CHECK(format_name(fnuz_like(6, 3, 31)) == "e6m3b31fnuz");
  CHECK(format_name({5, 3, 15, Infinity::present, Nan::highest}) == "e5m3fn+inf");
  CHECK(format_name({5, 3, 15, Infinity::present, Nan::ieee, Zero::both, Subnormals::absent}) ==
        "e5m3+nosub");
  CHECK(find_format("e5m3+zero=positive+unsigned") == Format{5, 3, 15, Infinity::present, Nan::ieee,
                                                             Zero::positive, Subnormals::present,
                                                             Sign::absent});
}

TEST_CASE("the FP6 and FP4 rows own their names, the formats of their size with a NaN do not") {
  CHECK(find_format("e2m1finite") == e2m1fn);
  const Format with_nan{2, 1, 1, Infinity::absent, Nan::highest};
  CHECK(format_name(with_nan) == "e2m1b1fn");
  CHECK(find_format("e2m1b1fn") == with_nan);
}

TEST_CASE("every name that format_name gives is read back as the format") {
  int64_t count = 0;
  for (const auto infinity : {Infinity::present, Infinity::absent}) {
    for (const auto nan : {Nan::ieee, Nan::highest, Nan::minus_zero, Nan::none}) {
      for (const auto zero : {Zero::both, Zero::positive, Zero::none}) {
        for (const auto subnormals : {Subnormals::present, Subnormals::absent}) {
          for (const auto sign : {Sign::present, Sign::absent}) {
            for (const int exponent_bits : {1, 2, 4, 5, 8}) {
              for (const int trailing_bits : {0, 1, 3, 7}) {
                for (const int bias : {-3, 0, 1, 7, 8, 15, 16, 127, 128}) {
                  const Format f{exponent_bits, trailing_bits, bias,       infinity,
                                 nan,           zero,          subnormals, sign};
                  if (!is_valid(f)) continue;
                  CHECK_MESSAGE(find_format(format_name(f)) == f, format_name(f));
                  ++count;
                }
              }
            }
          }
        }
      }
    }
  }
  CHECK(count > 1000);
}
