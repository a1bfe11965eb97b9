// Text for people: numbers, escaping and column widths, one rule each for page, figure and
// terminal.
//
// Two kinds of strings meet in a report. Ours are trusted; those out of a summary (file names,
// tensor names, a command line) are not: `visible` turns everything that could act on a terminal
// or reorder a line into its code, and `escape` also makes it inert in HTML and in attributes.
//
//   escape("<b>\x1b[31m")          == "&lt;b&gt;\\x1b[31m"
//   with_error(-0.21837, 0.00412)  == "-0.2184 +- 0.0041"
//   compact(33'554'432)            == "33.6 M"
//
// Numbers never depend on the locale. Everything below is ASCII except what `typographic` adds.
// Tested by tests/report/text_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ulpscope {

// Control characters, bytes that are not UTF-8 and invisible or direction-changing characters
// (U+202E would show "gpj.exe" for "exe.jpg") as \x1b or \u{202e}; all else as it is.
std::string visible(std::string_view text);

// visible() for HTML text and quoted attributes: & < > " ' become entities.
std::string escape(std::string_view text);

// A true minus sign (U+2212) and plus-minus sign, for display; never for numbers to be pasted.
std::string typographic(std::string_view number);

// Terminal columns of a UTF-8 text; East Asian wide characters count two.
std::size_t columns(std::string_view text);

// At most `limit` columns; what is cut off is marked by a full stop pair "..".
std::string shortened(std::string_view text, std::size_t limit);

std::string grouped(uint64_t count);  // 65,536
std::string compact(uint64_t count);  // 65,536 up to six digits, then 33.6 M, 1.2 G, 3.4 T, 1.8e+19

// Share of a whole: "12.3 %"; "<0.1 %" and ">99.9 %" where rounding would hide that some are left.
std::string percent(uint64_t part, uint64_t whole);

// `digits` significant digits, shortest form; "NaN", "inf", "-inf"; never "-0".
std::string real(double value, int digits);

// Two significant digits of the standard error and the mean to the same place.
std::string with_error(double mean, double standard_error);

// A z score: one decimal, none from 100 on; with its sign.
std::string z_score(double z);

}  // namespace ulpscope
