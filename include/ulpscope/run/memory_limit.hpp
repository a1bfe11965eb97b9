// How much memory a run may take, what it needs, and how many of its units fit at a time.
//
//   bytes_of("2G")                        2 x 2^30; K, M, G, T are powers of 1,024
//   size_text(1'500'000'000)              "1.4G"
//   room_within(bytes_of("500M"), need, {.threads = 8, .units = 32})   {.threads = 8, .units = 3}
//
// A limit is kept by computing fewer units at a time, their rows still on all threads, and then by
// fewer threads. What not even one thread can keep is an Error of kind resource that says what is
// needed. The need is an estimate from sizes, above what is taken; it is no limit of the system's
// (`ulimit -v` is). Tested by tests/run/memory_limit_test.cpp and tests/cli/memory_test.cpp.
#pragma once

#include <cstdint>
#include <string>

namespace ulpscope {

// A whole number with K, M, G, T or nothing behind it; anything else is an Error of kind usage.
uint64_t bytes_of(const std::string& text);
// In the largest unit that leaves a digit in front of the point, rounded up to a tenth of it.
std::string size_text(uint64_t bytes);

// Bytes.
struct MemoryNeed {
  uint64_t fixed = 0;       // once a process
  uint64_t per_unit = 0;    // of every unit that is computed at a time
  uint64_t per_thread = 0;  // of every thread that works in one
};

// How a run is spread: `units` at a time, the threads in any of them.
struct Room {
  int threads = 1;
  int64_t units = 1;

  friend bool operator==(const Room&, const Room&) = default;
};

uint64_t total(const MemoryNeed& need, const Room& room);

// The most of what is wanted that fits.
Room room_within(uint64_t limit, const MemoryNeed& need, const Room& wanted);

}  // namespace ulpscope
