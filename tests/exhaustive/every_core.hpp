// Pieces of a long sweep dealt out to all cores of the machine, one at a time. Pieces must not
// touch each other's results.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace ulpscope {

// Runs work(i) for every i below `count`.
template <class Work>
void on_every_core(size_t count, const Work& work) {
  std::atomic<size_t> next{0};
  std::vector<std::jthread> workers(std::max(1U, std::thread::hardware_concurrency()));
  for (auto& worker : workers) {
    worker = std::jthread([&] {
      for (size_t i = next++; i < count; i = next++) work(i);
    });
  }
}

}  // namespace ulpscope
