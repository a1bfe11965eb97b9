// What the elements of a tensor file are, and how each file format spells it.
//
// One row an element type; every lookup, in either direction, walks the rows.
//
//   element_from_npy("<V2")->element == Element::bf16     // as ml_dtypes writes bfloat16
//   safetensors_dtype(Element::e4m3fn) == "F8_E4M3"
//
// numpy has no name for the small formats. ml_dtypes writes bfloat16 as `<V2`, float8_e5m2 as
// `<f1` and every other 8-bit format as `<V1`, so V1 says only "one byte an element": it is read
// as u8, and whoever knows the format names it, as for integers that carry bits (u8, u16, u32).
//
// Sources: numpy.lib.format; the safetensors README; files written by numpy 2.4 with
// ml_dtypes 0.5 and looked at byte by byte. Tested by tests/tensor/element_test.cpp.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ulpscope {

enum class Element {
  // Formats.
  bf16,
  fp16,
  fp32,
  fp64,
  e4m3fn,
  e5m2,
  e4m3fnuz,
  e5m2fnuz,
  e8m0fnu,
  // Integers, perhaps the bits of a format that the file does not name.
  u8,
  u16,
  u32,
  u64,
  i8,
  i16,
  i32,
  i64,
  boolean,
};

struct ElementRow {
  Element element;
  size_t bytes;
  std::string_view name;         // in ulpscope: for a format, its name in the catalogue
  std::string_view npy;          // descr in a .npy header
  std::string_view safetensors;  // dtype in a safetensors header
  std::string_view ml_dtypes;    // some writers put the type's name into descr
};

inline constexpr std::array<ElementRow, 18> element_rows{{
    {Element::bf16, 2, "bf16", "<V2", "BF16", "bfloat16"},
    {Element::fp16, 2, "fp16", "<f2", "F16", "float16"},
    {Element::fp32, 4, "fp32", "<f4", "F32", "float32"},
    {Element::fp64, 8, "fp64", "<f8", "F64", "float64"},
    {Element::e4m3fn, 1, "e4m3fn", "|V1", "F8_E4M3", "float8_e4m3fn"},
    {Element::e5m2, 1, "e5m2", "<f1", "F8_E5M2", "float8_e5m2"},
    {Element::e4m3fnuz, 1, "e4m3fnuz", "|V1", "F8_E4M3FNUZ", "float8_e4m3fnuz"},
    {Element::e5m2fnuz, 1, "e5m2fnuz", "|V1", "F8_E5M2FNUZ", "float8_e5m2fnuz"},
    {Element::e8m0fnu, 1, "e8m0fnu", "|V1", "F8_E8M0", "float8_e8m0fnu"},
    {Element::u8, 1, "u8", "|u1", "U8", "uint8"},
    {Element::u16, 2, "u16", "<u2", "U16", "uint16"},
    {Element::u32, 4, "u32", "<u4", "U32", "uint32"},
    {Element::u64, 8, "u64", "<u8", "U64", "uint64"},
    {Element::i8, 1, "i8", "|i1", "I8", "int8"},
    {Element::i16, 2, "i16", "<i2", "I16", "int16"},
    {Element::i32, 4, "i32", "<i4", "I32", "int32"},
    {Element::i64, 8, "i64", "<i8", "I64", "int64"},
    {Element::boolean, 1, "boolean", "|b1", "BOOL", "bool"},
}};

constexpr const ElementRow& element_row(Element element) {
  return element_rows[static_cast<size_t>(element)];
}

namespace detail {
constexpr bool rows_follow_the_enum() {
  for (size_t i = 0; i < element_rows.size(); ++i) {
    if (element_rows[i].element != static_cast<Element>(i)) return false;
  }
  return element_rows.back().element == Element::boolean;
}
}  // namespace detail
static_assert(detail::rows_follow_the_enum());

constexpr size_t element_bytes(Element element) { return element_row(element).bytes; }
constexpr std::string_view element_name(Element element) { return element_row(element).name; }
constexpr std::string_view npy_descr(Element element) { return element_row(element).npy; }
constexpr std::string_view safetensors_dtype(Element element) {
  return element_row(element).safetensors;
}

// Whether the element type itself names a floating-point format; otherwise the elements are
// integers, or bits whose format the caller has to name.
constexpr bool names_a_format(Element element) { return element <= Element::e8m0fnu; }

constexpr std::optional<Element> element_from_name(std::string_view name) {
  for (const ElementRow& row : element_rows) {
    if (row.name == name) return row.element;
  }
  return std::nullopt;
}

constexpr std::optional<Element> element_from_safetensors(std::string_view dtype) {
  for (const ElementRow& row : element_rows) {
    if (row.safetensors == dtype) return row.element;
  }
  return std::nullopt;
}

struct NpyType {
  Element element;
  std::endian order;
};

// nullopt for what has no place here: objects, text, records, complex numbers, dates.
constexpr std::optional<NpyType> element_from_npy(std::string_view descr) {
  for (const ElementRow& row : element_rows) {
    if (row.ml_dtypes == descr) return NpyType{row.element, std::endian::little};
  }
  if (descr.size() < 2) return std::nullopt;
  const char order = descr.front();
  const std::string_view code = descr.substr(1);
  if (order != '<' && order != '>' && order != '|') return std::nullopt;
  if (code == "V1") return NpyType{Element::u8, std::endian::little};
  for (const ElementRow& row : element_rows) {
    if (row.npy.substr(1) != code) continue;
    // `|` means "has no byte order": true of single bytes, and how numpy spells a void of two.
    if (order == '|' && row.bytes != 1 && row.element != Element::bf16) return std::nullopt;
    return NpyType{row.element, order == '>' ? std::endian::big : std::endian::little};
  }
  return std::nullopt;
}

}  // namespace ulpscope
