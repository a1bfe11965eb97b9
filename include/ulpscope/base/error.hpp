// What a user can get wrong, and how the library says so.
//
// Every failure that a user can cause (a flag, a file, a full disk) is one `Error` with one
// line of text that names what was wrong, where, what was found and what was expected. The
// kind decides the exit code of the command line tool. What only a programmer can get wrong
// is an assert, not an Error.
//
//   throw Error(ErrorKind::input, "q.npy: truncated: header promises 4096 bytes, file has 512");
//
// Host only. Tested by tests/base/error_test.cpp.
#pragma once

#include <stdexcept>
#include <string>

namespace ulpscope {

enum class ErrorKind {
  usage,     // flags, names, combinations of options: exit code 2
  input,     // a file that is missing, malformed or disagrees with another: exit code 3
  resource,  // I/O while writing, memory, disk, device: exit code 4
};

constexpr int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage: return 2;
    case ErrorKind::input: return 3;
    case ErrorKind::resource: return 4;
  }
  return 4;
}

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace ulpscope
