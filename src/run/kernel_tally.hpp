// What a kernel on the card and the emulator have in common, number by number: kernel_check.hpp.
#pragma once

#include "ulpscope/run/kernel_check.hpp"

#include <compare>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernel_problems.hpp"

namespace ulpscope {

// Where a number is; turn 0 is a row's first tile, the last keys.
struct Place {
  int64_t problem;
  int64_t head;
  int64_t row;
  int64_t turn;
  size_t tensor;  // in the order of the computation
  int64_t column;

  friend auto operator<=>(const Place&, const Place&) = default;
};

struct Difference {
  Place place;
  uint32_t card;
  uint32_t emulated;
};

// Counts of one kernel, from several threads; the first difference is the same for any number of
// them.
class Tally {
 public:
  explicit Tally(std::span<const std::string_view> tensors);

  // A run of numbers whose first one is at `start`.
  template <class Word>
  void compare(const Place& start, std::span<const uint32_t> emulated, const Word* card) {
    uint64_t differences = 0;
    std::optional<Difference> first;
    for (size_t i = 0; i < emulated.size(); ++i) {
      if (emulated[i] == card[i]) continue;
      if (!first) {
        first = {start, card[i], emulated[i]};
        first->place.column += static_cast<int64_t>(i);
      }
      ++differences;
    }
    add(start.tensor, emulated.size(), differences, first);
  }

  KernelCheck result(std::string kernel, int64_t problems);

 private:
  void add(size_t tensor, uint64_t values, uint64_t differences,
           const std::optional<Difference>& first);

  std::mutex mutex_;
  KernelCheck check_;
  std::optional<Difference> first_;
};

// The checks of some kernels one after the other: `check(kernel, index, tally)` compares problem
// `index`.
template <class Check>
void check_each(const KernelCheckOptions& options, std::span<const KernelRow> kernels,
                std::span<const std::string_view> tensors, std::vector<KernelCheck>& checks,
                Check&& check) {
  for (const KernelRow& kernel : kernels) {
    Tally tally(tensors);
    int64_t done = 0;
    while (done < options.problems && (options.stop == nullptr || !options.stop->load())) {
      check(kernel, done, tally);
      ++done;
    }
    checks.push_back(tally.result(name_of(kernel), done));
    if (options.each) options.each(checks.back());
  }
}

int threads_of(const KernelCheckOptions& options);

void check_forward(const KernelCheckOptions& options, std::vector<KernelCheck>& checks);
void check_backward(const KernelCheckOptions& options, std::vector<KernelCheck>& checks);

}  // namespace ulpscope
