// Numbers as text for formats met at run time: read exactly, written so that every bit shows.
//
//   parse_number("0.1")               the exact tenth, cut to 254 bits and sticky: rounding it into
//                                     bf16 rounds once, where strtod would round first to binary64
//   value_text(bf16, 0xC097)          "-4.71875"
//   fields_text(bf16, 0xC097)         "1 10000001 0010111"
//   flag_names(Flag::inexact | Flag::tie)   "inexact, tie"
//
// Limits: 1,000 digits, decimal exponents of 100,000. Tested by tests/round/text_test.cpp.
#pragma once

#include "ulpscope/format/exact.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace ulpscope {

// Decimal (-4.703, 1e-40), hex float (0x1.8p-3), inf or nan, with an optional sign; nothing for
// anything else.
std::optional<Exact<Uint256>> parse_number(std::string_view text);

// A code in hexadecimal with an optional 0x, in the format's width; nothing for anything else.
std::optional<uint128> parse_code(const Format& format, std::string_view text);

// 0x and as many digits as the format's code has.
std::string code_text(const Format& format, uint128 code);

// Shortest decimal that reads back where binary64 holds the value, else a hex float; inf and nan.
std::string value_text(const Format& format, uint128 code);

// Sign, exponent field and trailing field; those that the format has.
std::string fields_text(const Format& format, uint128 code);

// Names separated by ", "; "exact" for no flag.
std::string flag_names(Flag flags);

}  // namespace ulpscope
