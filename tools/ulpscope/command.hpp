// A subcommand is a function that adds itself to the parser; its body runs after parsing and
// returns the exit code. One file a subcommand.
//
// Data goes to stdout, talk to stderr. Exit codes: 0 done or equal, 1 the verdict is "different",
// 2 usage, 3 bad input file, 4 I/O or resource, 130 interrupted.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace ulpscope::cli {

inline constexpr int exit_done = 0;
inline constexpr int exit_different = 1;
inline constexpr int exit_interrupted = 130;

// What every subcommand gets from main.
struct Context {
  std::string command_line;              // as typed, quoted for a shell
  std::vector<std::string> words;        // of it, unquoted, without the program's name
  const std::atomic<bool>* interrupted;  // set by SIGINT and SIGTERM
  std::function<int()> run;              // the chosen subcommand's body
};

// The command line without options that change no result: `with_value` and the word behind each,
// and `flags`.
std::string command_without(const Context& context,
                            std::initializer_list<std::string_view> with_value,
                            std::initializer_list<std::string_view> flags);

// What the body returns; where it throws, one line on stderr and the exit code of its kind.
int exit_code_of(const std::function<int()>& body);

void add_attention(CLI::App& app, Context& context);
void add_attribute(CLI::App& app, Context& context);
void add_coat(CLI::App& app, Context& context);
void add_compare(CLI::App& app, Context& context);
void add_drift(CLI::App& app, Context& context);
void add_engines(CLI::App& app, Context& context);
void add_history(CLI::App& app, Context& context);
void add_identify(CLI::App& app, Context& context);
void add_inspect(CLI::App& app, Context& context);
void add_mitigate(CLI::App& app, Context& context);
void add_monitors(CLI::App& app, Context& context);
void add_bias(CLI::App& app, Context& context);
void add_formats(CLI::App& app, Context& context);
void add_gemm(CLI::App& app, Context& context);
void add_lists(CLI::App& app, Context& context);  // kernels, chips
void add_trace(CLI::App& app, Context& context);
void add_merge(CLI::App& app, Context& context);
void add_quantise(CLI::App& app, Context& context);
void add_rope(CLI::App& app, Context& context);
void add_round(CLI::App& app, Context& context);
void add_sample(CLI::App& app, Context& context);
void add_sharpness(CLI::App& app, Context& context);
void add_sweep(CLI::App& app, Context& context);
void add_vectors(CLI::App& app, Context& context);
void add_verify(CLI::App& app, Context& context);
void add_weights(CLI::App& app, Context& context);
void add_replay(CLI::App& app, Context& context);
void add_report(CLI::App& app, Context& context);

}  // namespace ulpscope::cli
