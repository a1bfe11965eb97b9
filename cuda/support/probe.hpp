// What every probe's main does: read the date, print the bundle line, turn an Error into an exit.
//
//   int main(int argc, char** argv) { return probe_main(argc, argv, 1, "DATE", probe); }
//
// Exit codes: 0 agreement, 1 a difference, 2 usage, 4 the device or a file failed.
#pragma once

#include "ulpscope/base/error.hpp"

#include <cstdio>
#include <exception>

#include "support/bundle.hpp"

namespace ulpscope::cuda {

// `arguments` names what the program takes, the date first; `probe` gets argv and returns the
// exit code.
inline int probe_main(int argc, char** argv, int expected, const char* arguments,
                      int (*probe)(char** argv)) {
  if (argc != expected + 1) {
    std::fprintf(stderr, "usage: %s %s\n", argv[0], arguments);
    return exit_code(ErrorKind::usage);
  }
  try {
    std::printf("%s\n", bundle_line(argc, argv, argv[1]).c_str());
    return probe(argv);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return exit_code(error.kind());
  }
}

}  // namespace ulpscope::cuda
