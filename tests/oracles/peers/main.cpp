// Asks ulpscope and the peers that are C++ libraries: questions on stdin, answers on stdout, one a
// line. tools/generate/peers/peers.py is who asks.
//
//   eigen convert bf16:rne fp64:0x3ff0100000001000   ->   0x3f80 0x1p+0 -
//   apfloat add e4m3fn:rz e4m3fn:0x7e e4m3fn:0x7e    ->   0x7e 0x1.cp+8 inexact
//
// An answer is the code, the value and the flags; `-` stands for what a peer does not have, `none`
// for no flag raised. The line `versions` is answered by the names of the three peers.
#include "ulpscope/base/error.hpp"

#include <array>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "peer.hpp"
#include <fmt/format.h>

namespace ulpscope::peers {

void refuse(const Question& q, const char* peer) {
  throw Error(ErrorKind::usage, fmt::format("{} was asked for {} in {} with {}, and has no answer",
                                            peer, q.operation, q.format, q.rounding));
}

namespace {

// "bf16:rne" -> {"bf16", "rne"}
std::pair<std::string, std::string> halves(const std::string& word) {
  const size_t colon = word.find(':');
  if (colon == std::string::npos) {
    throw Error(ErrorKind::usage, fmt::format("'{}': expected two words and a colon", word));
  }
  return {word.substr(0, colon), word.substr(colon + 1)};
}

Question question(std::istringstream& line) {
  Question q;
  std::string word;
  line >> q.operation >> word;
  std::tie(q.format, q.rounding) = halves(word);
  while (line >> word) {
    const auto [format, bits] = halves(word);
    q.operands.push_back({format, std::strtoull(bits.c_str(), nullptr, 16)});
  }
  return q;
}

std::string text(Flag flags) {
  static constexpr std::array names{
      std::pair{Flag::invalid, "invalid"},   std::pair{Flag::divide_by_zero, "divide by zero"},
      std::pair{Flag::overflow, "overflow"}, std::pair{Flag::underflow, "underflow"},
      std::pair{Flag::inexact, "inexact"},
  };
  std::string words;
  for (const auto& [flag, name] : names) {
    if (has(flags, flag)) words += (words.empty() ? "" : ", ") + std::string(name);
  }
  return words.empty() ? "none" : words;
}

Answer ask(const std::string& peer, const Question& q) {
  if (peer == "ulpscope") return ask_ulpscope(q);
  if (peer == "eigen") return ask_eigen(q);
  if (peer == "boost") return ask_boost(q);
  if (peer == "apfloat") return ask_apfloat(q);
  throw Error(ErrorKind::usage,
              fmt::format("unknown peer '{}': expected ulpscope, eigen, boost or apfloat", peer));
}

std::string reply(const std::string& line) {
  std::istringstream words(line);
  std::string peer;
  words >> peer;
  if (peer == "versions") {
    return fmt::format("{}, {}, {}", eigen_version(), boost_version(), apfloat_version());
  }
  const Answer answer = ask(peer, question(words));
  return fmt::format("{} {:a} {}", answer.bits ? fmt::format("{:#x}", *answer.bits) : "-",
                     answer.value, answer.flags ? text(*answer.flags) : "-");
}

}  // namespace

}  // namespace ulpscope::peers

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    try {
      std::cout << ulpscope::peers::reply(line) << '\n';
    } catch (const std::exception& error) {
      std::cerr << "ulpscope_peers: " << line << ": " << error.what() << '\n';
      return 2;
    }
  }
  return 0;
}
