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

// `job(options)` gives the summary, or nothing if it was interrupted.
template <class Options, class Job>
int run_to_summary(const std::string& name, Options options, Printed printed, Job&& job) {
  std::optional<nlohmann::json> summary;
  {
    Progress progress(name);
    options.progress = [&](int64_t done, int64_t all) { progress(done, all); };
    summary = job(options);
  }
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
