// A question to several arithmetics, and their answers: the form in which docs/numerics/peers.md
// compares them.
//
//   Question{"convert", {"bf16", "rne"}, {{"fp64", 0x3FF0100000001000}}}
//     Eigen -> Answer{.bits = 0x3F80, .value = 1.0};  ulpscope -> 0x3F81, 1.0078125, inexact
//
// Operations: convert, add, mul, div, fma, sqrt, exp, log, log2, tanh, and the constants
// epsilon and round_error of std::numeric_limits, for bf16 and fp16. An operand is the code of a
// number in its own format, or a signed integer ("int64"). Formats of up to 64 bits.
//
// A peer that cannot answer (no such operation, format or rounding) throws an Error. Run by
// tools/peers, which shows every answer on that page.
#pragma once

#include "ulpscope/round/rounding.hpp"

#include <optional>
#include <string>
#include <vector>

namespace ulpscope::peers {

struct Operand {
  std::string format;
  uint64_t bits;
};

struct Question {
  std::string operation;
  std::string format;    // of the result
  std::string rounding;  // a name of round/names.hpp
  std::vector<Operand> operands;
};

struct Answer {
  std::optional<uint64_t> bits = {};  // nothing where the peer computes values without codes
  double value = 0;
  std::optional<Flag> flags = {};  // the five of IEEE 754, from peers that have them
};

Answer ask_ulpscope(const Question& question);
Answer ask_eigen(const Question& question);
Answer ask_boost(const Question& question);
Answer ask_apfloat(const Question& question);

// "Eigen 3.4.0", as the headers say it.
std::string eigen_version();
std::string boost_version();
std::string apfloat_version();

// The Error of a peer that has no answer.
[[noreturn]] void refuse(const Question& question, const char* peer);

}  // namespace ulpscope::peers
