// The named formats: one array that lookup, help, tests and reports all walk.
//
//   find_format("bfloat16") -> bf16's row;  find_format("e5m7") -> ieee_like(5, 7)
//
// A name is the catalogue's, one of its aliases (ml_dtypes spells bfloat16, float8_e4m3fn), a P3109
// name such as binary8p3se (format/p3109.hpp), or eXmY for the IEEE-like format with X exponent and
// Y trailing bits, with what is unusual behind it, in this order:
//
//   e5m2b20          the bias; without it 2^(X-1) - 1 as IEEE 754 has it, fnuz one more
//   e5m3fn           one NaN at all ones, no infinity; likewise finite (neither), fnuz (one NaN at
//                    -0, no infinity) and fnu (no infinity, sign, zero or subnormals: e8m0fnu)
//   e4m3fn+inf       switches that differ: +inf +noinf, +nan=ieee|highest|minus_zero|none,
//                    +zero=both|positive|none, +sub +nosub, +signed +unsigned
//
// `fn` is never implied: e4m3 is the IEEE-like format with infinities, as ml_dtypes means it. The
// catalogue comes first: e2m1fn is ml_dtypes's FP4, in which every code is a number, and the format
// of that size with a NaN is e2m1b1fn. format_name's names are all read back by find_format.
// Adding a format is adding one row here. Tested by tests/format/catalogue_test.cpp and, against
// ml_dtypes, tests/round/ml_dtypes_test.cpp.
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
inline constexpr Format e4m3fn{.exponent_bits = 4,
                               .trailing_bits = 3,
                               .bias = 7,
                               .infinity = Infinity::absent,
                               .nan = Nan::highest};
inline constexpr Format e5m2{.exponent_bits = 5, .trailing_bits = 2, .bias = 15};
// The 8-bit formats with IEEE 754's infinities and NaN, as the README of ml_dtypes has them.
inline constexpr Format e4m3 = ieee_like(4, 3);
inline constexpr Format e3m4 = ieee_like(3, 4);
// One zero and one NaN: Noune et al. 2022 (arXiv 2206.02915), AMD's CDNA 3; e4m3b11fnuz with
// another bias: the README of ml_dtypes.
ULPSCOPE_HD constexpr Format fnuz_like(int exponent_bits, int trailing_bits, int bias) {
  return {exponent_bits, trailing_bits, bias, Infinity::absent, Nan::minus_zero, Zero::positive};
}
inline constexpr Format e4m3fnuz = fnuz_like(4, 3, 8);
inline constexpr Format e5m2fnuz = fnuz_like(5, 2, 16);
inline constexpr Format e4m3b11fnuz = fnuz_like(4, 3, 11);
// OCP Microscaling Formats (MX) 1.0: the FP6 and FP4 elements, in which every code is a number, and
// the scale, a power of two from 2^-127 to 2^127 or NaN.
ULPSCOPE_HD constexpr Format finite_like(int exponent_bits, int trailing_bits, int bias) {
  return {exponent_bits, trailing_bits, bias, Infinity::absent, Nan::none};
}
inline constexpr Format e2m3fn = finite_like(2, 3, 1);
inline constexpr Format e3m2fn = finite_like(3, 2, 3);
inline constexpr Format e2m1fn = finite_like(2, 1, 1);
inline constexpr Format e8m0fnu{.exponent_bits = 8,
                                .trailing_bits = 0,
                                .bias = 127,
                                .infinity = Infinity::absent,
                                .nan = Nan::highest,
                                .zero = Zero::none,
                                .subnormals = Subnormals::absent,
                                .sign = Sign::absent};

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
    NamedFormat{"e4m3", e4m3, "float8_e4m3", "ml_dtypes"},
    NamedFormat{"e3m4", e3m4, "float8_e3m4", "ml_dtypes"},
    NamedFormat{"e4m3fnuz", e4m3fnuz, "float8_e4m3fnuz", "AMD CDNA 3 ISA, ml_dtypes"},
    NamedFormat{"e5m2fnuz", e5m2fnuz, "float8_e5m2fnuz", "AMD CDNA 3 ISA, ml_dtypes"},
    NamedFormat{"e4m3b11fnuz", e4m3b11fnuz, "float8_e4m3b11fnuz", "ml_dtypes"},
    NamedFormat{"e2m3fn", e2m3fn, "float6_e2m3fn", "OCP MX 1.0, FP6"},
    NamedFormat{"e3m2fn", e3m2fn, "float6_e3m2fn", "OCP MX 1.0, FP6"},
    NamedFormat{"e2m1fn", e2m1fn, "float4_e2m1fn", "OCP MX 1.0, FP4"},
    NamedFormat{"e8m0fnu", e8m0fnu, "float8_e8m0fnu", "OCP MX 1.0, scale"},
};

// The format of that name, alias or spelling as above; nothing if there is none.
std::optional<Format> find_format(std::string_view name);

// As find_format, but an unknown name is an Error of kind usage that lists the known ones.
Format format_named(std::string_view name);

// The catalogue's name, P3109's, or the shortest eXmY spelling that find_format reads back.
std::string format_name(const Format& format);

// What is unusual about the highest and lowest codes: "ieee", "fn", "finite", "fnuz", "fnu" or
// these with switches, as in "fn+inf".
std::string specials_name(const Format& format);

}  // namespace ulpscope
