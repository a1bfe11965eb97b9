// The options that say which attention problem: the same for every subcommand that computes one.
#pragma once

#include "ulpscope/run/problem_inputs.hpp"

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace ulpscope::cli {

// As typed.
struct ProblemArguments {
  std::string input, q, k, v, dout, bias;
  std::string format, layout, cast;
  std::vector<std::string> map, descale;
  bool causal = false;
  bool no_backward = false;
  bool no_bias = false;
  bool unordered = false;
  bool mmap = false;
  bool no_metadata = false;
  std::string alibi;
  std::string rope;
  double rope_base = 10000;
  std::vector<int64_t> rope_shift;
  std::optional<double> scale, softcap;
  std::vector<int64_t> launch, window;
  int64_t parts = 0;
  std::optional<int> sms;
  int threads = 0;
};

// INPUT, or an option in its place, --q ..., --causal ..., --threads; `arguments` must live as long
// as the command.
void add_problem_options(CLI::App& command, ProblemArguments& arguments,
                         const std::string& input = "INPUT");

// Whether INPUT or an option in its place is given.
bool names_inputs(const ProblemArguments& arguments);
// Error of kind usage where names are unknown or the input is incomplete.
ProblemOptions options_of(const ProblemArguments& arguments);
// The same of a problem that no file gives.
ProblemOptions options_of_drawn(const ProblemArguments& arguments);
int threads_of(const ProblemArguments& arguments);

}  // namespace ulpscope::cli
