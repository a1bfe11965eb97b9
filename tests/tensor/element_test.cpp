#include "ulpscope/tensor/element.hpp"

#include <set>
#include <string_view>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("every element type is found again by its name and its safetensors dtype") {
  std::set<std::string_view> names;
  for (const ElementRow& row : element_rows) {
    CAPTURE(row.name);
    CHECK(element_from_name(row.name) == row.element);
    CHECK(element_from_safetensors(row.safetensors) == row.element);
    CHECK(names.insert(row.name).second);
  }
}

TEST_CASE("a descr names its type again, but for formats that numpy cannot tell apart") {
  for (const ElementRow& row : element_rows) {
    CAPTURE(row.name);
    const auto type = element_from_npy(row.npy);
    REQUIRE(type);
    CHECK(type->element == (row.npy == "|V1" ? Element::u8 : row.element));
    CHECK(type->order == std::endian::little);
    CHECK(element_bytes(type->element) == row.bytes);
    CHECK(element_from_npy(row.ml_dtypes)->element == row.element);
  }
}

TEST_CASE("ml_dtypes writes bfloat16 as V2, e5m2 as f1 and the other 8-bit formats as V1") {
  CHECK(element_from_npy("<V2")->element == Element::bf16);
  CHECK(element_from_npy("|V2")->element == Element::bf16);
  CHECK(element_from_npy("<f1")->element == Element::e5m2);
  CHECK(element_from_npy("<V1")->element == Element::u8);
  CHECK(element_from_npy("|V1")->element == Element::u8);
}

TEST_CASE("big-endian types are known, types without a stated order are not") {
  CHECK(element_from_npy(">f4")->order == std::endian::big);
  CHECK(element_from_npy(">u2")->element == Element::u16);
  CHECK(element_from_npy("|u1")->element == Element::u8);
  for (const char* descr : {"=f4", "|f4", "f4", "<f4 ", "<F4", "4", "<", ""}) {
    CAPTURE(descr);
    CHECK_FALSE(element_from_npy(descr));
  }
}

TEST_CASE("objects, text, dates, complex numbers and long doubles have no element type") {
  for (const char* descr :
       {"|O", "<U4", "|S8", "<M8[ns]", "<c8", "<f16", "|V4", "[('a', '<f4')]"}) {
    CAPTURE(descr);
    CHECK_FALSE(element_from_npy(descr));
  }
  CHECK_FALSE(element_from_safetensors("F4"));
  CHECK_FALSE(element_from_safetensors("C64"));
  CHECK_FALSE(element_from_safetensors("bf16"));
}

TEST_CASE("formats name themselves, integers do not") {
  CHECK(names_a_format(Element::bf16));
  CHECK(names_a_format(Element::e8m0fnu));
  CHECK_FALSE(names_a_format(Element::u8));
  CHECK_FALSE(names_a_format(Element::boolean));
}
