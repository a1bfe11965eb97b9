// The progress line on a terminal, and the small things that every subcommand prints.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace ulpscope::cli {

// "done/all, rate, time left" on stderr, five times a second; silent off a terminal.
class Progress {
 public:
  explicit Progress(std::string what);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  // wipes the line
  void operator()(int64_t done, int64_t all);

 private:
  std::string what_;
  bool on_terminal_;
  bool shown_ = false;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_;
};

// Text on stderr; where that cannot be written, there is nobody to tell.
void talk(const std::string& text);

// A remark for the user, on stderr.
void note(const std::string& text);

// Text on stdout; a closed pipe or full disk is an Error of kind resource.
void print(const std::string& text);

// Text with control characters made visible (\x1b), for names out of files.
std::string visible(const std::string& text);

// One word as a shell reads it back.
std::string shell_quoted(const std::string& word);

}  // namespace ulpscope::cli
