// What subcommands do whose job ends in a summary: progress while it runs, then the text or the
// JSON on stdout, and a word on the folder.
#pragma once

#include "ulpscope/report/table.hpp"

#include <optional>
#include <string>

#include "command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

enum class Printed { text, json };

// `job(options)` gives the summary, or nothing if it was interrupted; meanwhile its progress shows.
template <class Options, class Job>
std::optional<nlohmann::json> with_progress(const std::string& name, Options& options,
                                            const Job& job) {
  Progress progress(name);
  options.progress = [&](int64_t done, int64_t all) { progress(done, all); };
  return job(options);
}

// The same, printed.
template <class Options, class Job>
int run_to_summary(const std::string& name, Options options, Printed printed, const Job& job) {
  const auto summary = with_progress(name, options, job);
  if (!summary) {
    note("interrupted; no report was written");
    return exit_interrupted;
  }
  switch (printed) {
    case Printed::json: print(summary->dump(1) + "\n"); break;
    case Printed::text: print(text_summary(*summary)); break;
  }
  if (!options.out.empty()) note(fmt::format("wrote {}/report.html", options.out));
  return exit_done;
}

}  // namespace ulpscope::cli
