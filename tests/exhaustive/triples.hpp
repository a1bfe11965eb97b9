// Every triple of codes of an 8-bit format through fma: 2^24.
#pragma once

#include "exhaustive/judge.hpp"
#include "exhaustive/narrow_formats.hpp"
#include <doctest/doctest.h>

namespace ulpscope {

inline Verdict every_triple(const Format& f, std::span<const Rounding> roundings) {
  Verdict verdict;
  for (uint64_t triple = 0; triple >> 24 == 0; ++triple) {
    const uint64_t a = triple >> 16;
    const uint64_t b = triple >> 8 & 0xFF;
    const uint64_t c = triple & 0xFF;
    verdict.judge({f, Operation::fma, {{{f, a}, {f, b}, {f, c}}}}, roundings);
  }
  return verdict;
}

inline void check_every_triple(const Format& f, std::span<const Rounding> roundings) {
  const Verdict verdict = every_triple(f, roundings);
  CHECK_MESSAGE(verdict.agrees(), verdict.text());
}

}  // namespace ulpscope
