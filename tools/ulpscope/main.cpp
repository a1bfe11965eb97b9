// ulpscope: which bits a kernel produces, where it rounds, and by how much.
#include "ulpscope/base/error.hpp"
#include "ulpscope/run/version.hpp"

#include <algorithm>
#include <csignal>
#include <exception>
#include <new>
#include <utility>

#include "command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>

namespace {

// A signal handler can reach nothing but a global of static storage.
std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

// The first signal asks the run to stop, the second ends the process at once.
void on_signal(int number) {
  if (interrupted.exchange(true)) {
    std::signal(number, SIG_DFL);
    std::raise(number);
  }
}

std::string quoted_command(const std::vector<std::string>& words) {
  std::string line = "ulpscope";
  for (const auto& word : words) line += " " + ulpscope::cli::shell_quoted(word);
  return line;
}

int fail(int code, const std::string& message) {
  ulpscope::cli::talk(fmt::format("ulpscope: error: {}\n", ulpscope::cli::visible(message)));
  return code;
}

int run(int argc, char** argv) {
  CLI::App app{
      "Bit-exact emulation of attention kernels, with the rounding error of every step.\n"
      "\n"
      "  ulpscope attention dump.safetensors --causal --out run    the main job\n"
      "  ulpscope compare run/outputs.safetensors:o dump.npz:o     are these the GPU's bits?\n"
      "  ulpscope round 2.40625 --to bf16 --mode rz                one rounding, explained\n"
      "\n"
      "Exit codes: 0 done or equal, 1 different, 2 usage, 3 bad input file,\n"
      "4 I/O or resource, 130 interrupted.",
      "ulpscope"};
  app.set_version_flag("--version", std::string("ulpscope ") + ulpscope::version);
  app.require_subcommand(1);
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  ulpscope::cli::Context context{quoted_command(words), words, &interrupted, {}};
  ulpscope::cli::add_attention(app, context);
  ulpscope::cli::add_engines(app, context);
  ulpscope::cli::add_gemm(app, context);
  ulpscope::cli::add_identify(app, context);
  ulpscope::cli::add_merge(app, context);
  ulpscope::cli::add_attribute(app, context);
  ulpscope::cli::add_compare(app, context);
  ulpscope::cli::add_round(app, context);
  ulpscope::cli::add_trace(app, context);
  ulpscope::cli::add_bias(app, context);
  ulpscope::cli::add_quantise(app, context);
  ulpscope::cli::add_coat(app, context);
  ulpscope::cli::add_vectors(app, context);
  ulpscope::cli::add_verify(app, context);
  ulpscope::cli::add_weights(app, context);
  ulpscope::cli::add_monitors(app, context);
  ulpscope::cli::add_history(app, context);
  ulpscope::cli::add_drift(app, context);
  ulpscope::cli::add_mitigate(app, context);
  ulpscope::cli::add_sample(app, context);
  ulpscope::cli::add_sweep(app, context);
  ulpscope::cli::add_rope(app, context);
  ulpscope::cli::add_sharpness(app, context);
  ulpscope::cli::add_inspect(app, context);
  ulpscope::cli::add_replay(app, context);
  ulpscope::cli::add_report(app, context);
  ulpscope::cli::add_formats(app, context);
  ulpscope::cli::add_lists(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    const auto chosen = app.get_subcommands();
    return fail(ulpscope::exit_code(ulpscope::ErrorKind::usage),
                fmt::format("{} (see ulpscope {}--help)", error.what(),
                            chosen.empty() ? "" : chosen.front()->get_name() + " "));
  }
  return context.run();
}

}  // namespace

std::string ulpscope::cli::command_without(const Context& context,
                                           std::initializer_list<std::string_view> with_value,
                                           std::initializer_list<std::string_view> flags) {
  const auto is_one_of = [](const auto& names, std::string_view word) {
    return std::find(names.begin(), names.end(), word) != names.end();
  };
  std::vector<std::string> kept;
  bool value_follows = false;
  for (const std::string& word : context.words) {
    const std::string_view name = std::string_view(word).substr(0, word.find('='));
    const bool is_value = std::exchange(value_follows, is_one_of(with_value, word));
    if (!is_value && !is_one_of(with_value, name) && !is_one_of(flags, word)) kept.push_back(word);
  }
  return quoted_command(kept);
}

int ulpscope::cli::exit_code_of(const std::function<int()>& body) {
  try {
    return body();
  } catch (const ulpscope::Error& error) {
    return fail(ulpscope::exit_code(error.kind()), error.what());
  } catch (const std::bad_alloc&) {
    return fail(ulpscope::exit_code(ErrorKind::resource), "out of memory");
  } catch (const std::exception& error) {
    return fail(ulpscope::exit_code(ErrorKind::resource), error.what());
  }
}

int main(int argc, char** argv) {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGXFSZ, SIG_IGN);  // a file beyond `ulimit -f` is an Error of the write
  return ulpscope::cli::exit_code_of([&] { return run(argc, argv); });
}
