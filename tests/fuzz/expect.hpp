// What a fuzz target says when a property does not hold: one line, then the end of the process.
// libFuzzer keeps the input that led there.
//
// Whatever the input, only two things may happen to a reader: it succeeds, or it throws an Error
// whose message is one line. Any other exception, a signal, a sanitizer's complaint or more memory
// than tools/fuzz allows ends the process as well.
#pragma once

#include "ulpscope/base/error.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace ulpscope::fuzz {

inline void expect(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", what.c_str());
  std::abort();
}

// A refusal of an input: of the right kind, one line, and it opens with what was wrong.
inline void expect_refusal(const Error& error, ErrorKind kind, std::string_view beginning) {
  const std::string_view message = error.what();
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; };
  bool is_line = true;
  for (const char c : message) is_line = is_line && !is_control(c);
  expect(error.kind() == kind,
         "the error is of the kind that the input caused: " + std::string(message));
  expect(is_line, "the message is one line: " + std::string(message));
  expect(message.starts_with(beginning) && message.size() > beginning.size(),
         "the message opens with what was wrong: " + std::string(message));
}

}  // namespace ulpscope::fuzz
