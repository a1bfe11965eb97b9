// The named formats: one array that lookup, help, tests and reports all walk.
//
//   find_format("bfloat16") -> bf16's row;  find_format("e5m7") -> ieee_like(5, 7)
//
// A name is the catalogue's, one of its aliases (ml_dtypes spells bfloat16, float8_e4m3fn), or
// eXmY for the IEEE-like format with X exponent and Y trailing bits. `fn` is never implied:
// e4m3 is the IEEE-like format with infinities, as ml_dtypes means it.
// Adding a format is adding one row here. Tested by tests/format/catalogue_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace ulpscope {

// IEEE 754-2019 binary16, binary32, binary64.
inline constexpr Format fp16{.exponent_bits = 5, .trailing_bits = 10, .bias = 15};
inline constexpr Format fp32{.exponent_bits = 8, .trailing_bits = 23, .bias = 127};
inline constexpr Format fp64{.exponent_bits = 11, .trailing_bits = 52, .bias = 1023};
// The upper half of binary32.
inline constexpr Format bf16{.exponent_bits = 8, .trailing_bits = 7, .bias = 127};
// NVIDIA's TensorFloat-32: binary32's exponent with binary16's significand, 19 bits.
inline constexpr Format tf32{.exponent_bits = 8, .trailing_bits = 10, .bias = 127};
// OCP 8-bit floating point specification (OFP8) 1.0, table 1.
inline constexpr Format e4m3fn{
    .exponent_bits = 4, .trailing_bits = 3, .bias = 7, .specials = Specials::fn};
inline constexpr Format e5m2{.exponent_bits = 5, .trailing_bits = 2, .bias = 15};

struct NamedFormat {
  std::string_view name;
  Format format;
  std::string_view aliases;  // separated by one space
  std::string_view source;
};

inline constexpr std::array catalogue{
    NamedFormat{"bf16", bf16, "bfloat16", "upper half of binary32"},
    NamedFormat{"fp16", fp16, "float16 half binary16", "IEEE 754-2019"},
    NamedFormat{"tf32", tf32, "tensorfloat32", "NVIDIA PTX ISA, .tf32"},
    NamedFormat{"fp32", fp32, "float32 single binary32", "IEEE 754-2019"},
    NamedFormat{"fp64", fp64, "float64 double binary64", "IEEE 754-2019"},
    NamedFormat{"e4m3fn", e4m3fn, "float8_e4m3fn", "OCP OFP8 1.0"},
    NamedFormat{"e5m2", e5m2, "float8_e5m2", "OCP OFP8 1.0"},
};

// The format of that name, alias or eXmY spelling; nothing if there is none.
std::optional<Format> find_format(std::string_view name);

// As find_format, but an unknown name is an Error of kind usage that lists the known ones.
Format format_named(std::string_view name);

// The catalogue's name, or eXmY (with a suffix bN for an unusual bias, and fn or finite).
std::string format_name(const Format& format);

}  // namespace ulpscope
