// TestFloat's text vectors against the core: values and flags, line by line.
//
//   F611 8B80 8B82 45B0 01      operands, result and flags of f16_mulAdd
//
//   const auto tally = check_vectors(vector_function("f16_mulAdd", {}), {"stdin", read});
//   tally.mismatches == 0
//
// "Found" is what the core computes, "expected" what the line says. Flags must be the same; so must
// values, but for two things that IEEE 754 leaves open. Any NaN is as good as any other. An integer
// out of range may be what one of three instruction sets returns (OutOfRange in
// arith/integers.hpp), because SoftFloat is built for one of them.
//
// A line has exactly the digits of its types, in upper or lower case, single spaces between, and
// ends with LF, CRLF or the input. Anything else, also an input without a line, is an Error of kind
// input. Read in large blocks; some millions of lines a second.
//
// Tested by tests/run/vectors_test.cpp.
#pragma once

#include "ulpscope/run/vector_functions.hpp"

#include <functional>
#include <span>
#include <vector>

namespace ulpscope {

struct VectorSource {
  std::string name;                             // for messages
  std::function<size_t(std::span<char>)> read;  // how many bytes were put there; 0 at the end
};

struct VectorMismatch {
  int64_t line;  // from 1
  VectorOperands operands;
  VectorAnswer found;
  VectorAnswer expected;
};

struct VectorTally {
  int64_t lines = 0;
  int64_t mismatches = 0;
  int64_t wrong_values = 0;  // of the mismatches; a line may be wrong in both
  int64_t wrong_flags = 0;
  std::vector<VectorMismatch> first;  // at most most_listed_mismatches
};
constexpr size_t most_listed_mismatches = 20;

VectorTally check_vectors(const VectorFunction& function, const VectorSource& source);

// Parts of a mismatch as a line of vectors has them: "F611 8B80 8B82", "45B0 01".
std::string operands_text(const VectorFunction& function, const VectorOperands& operands);
std::string answer_text(const VectorFunction& function, const VectorAnswer& answer);

}  // namespace ulpscope
