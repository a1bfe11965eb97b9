#include "kernel_tally.hpp"

#include <thread>

#include <fmt/format.h>

namespace ulpscope {

Tally::Tally(std::span<const std::string_view> tensors) {
  for (const auto name : tensors) check_.tensors.push_back({.name = name});
}

void Tally::add(size_t tensor, uint64_t values, uint64_t differences,
                const std::optional<Difference>& first) {
  const std::lock_guard lock(mutex_);
  check_.tensors[tensor].values += values;
  check_.tensors[tensor].differences += differences;
  if (first && (!first_ || first->place < first_->place)) first_ = first;
}

KernelCheck Tally::result(std::string kernel, int64_t problems) {
  check_.kernel = std::move(kernel);
  check_.problems = problems;
  if (first_) {
    const Place& at = first_->place;
    check_.first = fmt::format(
        "{} of problem {}, head {}, row {}, tile {} of its walk, column {}: card {:08x}, "
        "emulator {:08x}",
        check_.tensors[at.tensor].name, at.problem, at.head, at.row, at.turn, at.column,
        first_->card, first_->emulated);
  }
  return check_;
}

int threads_of(const KernelCheckOptions& options) {
  return options.threads > 0 ? options.threads
                             : static_cast<int>(std::thread::hardware_concurrency());
}

ComparedTensor KernelCheck::all() const {
  ComparedTensor sum{.name = "all"};
  for (const auto& tensor : tensors) {
    sum.values += tensor.values;
    sum.differences += tensor.differences;
  }
  return sum;
}

std::vector<KernelCheck> check_kernels(const KernelCheckOptions& options) {
  std::vector<KernelCheck> checks;
  check_forward(options, checks);
  check_backward(options, checks);
  return checks;
}

}  // namespace ulpscope
