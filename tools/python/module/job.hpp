// A long call: the job on a thread of its own and without the interpreter's lock, so that other
// Python threads run; meanwhile this thread answers Ctrl-C and tells the caller how far it is.
//
//   finished(progress, [&](Watch& watch) { options.stop = &watch.stop; ... return run(options); })
//
// Where a signal's handler or `progress` raises, the job is told to stop, waited for, and the
// exception goes on to the caller. Tested by tests/python/test_calls.py.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <nanobind/nanobind.h>

namespace ulpscope::python {

namespace nb = nanobind;

// What a job is watched by.
struct Watch {
  std::atomic<bool> stop = false;
  std::atomic<int64_t> done = 0;
  std::atomic<int64_t> all = 0;
};

namespace detail {

// Signals and progress, with the lock held. `told` is what progress has heard already.
inline void answer(const nb::object& progress, const Watch& watch, int64_t& told) {
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
  const int64_t done = watch.done;
  if (progress.is_none() || watch.all == 0 || done == told) return;
  told = done;
  progress(done, watch.all.load());
}

}  // namespace detail

template <class Job>
auto finished(const nb::object& progress, const Job& job) {
  using Result = decltype(job(std::declval<Watch&>()));
  constexpr std::chrono::milliseconds between_answers{50};
  Watch watch;
  std::optional<Result> result;
  std::exception_ptr failure;
  std::exception_ptr interruption;
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;
  {
    const nb::gil_scoped_release without_lock;
    std::jthread worker([&] {
      try {
        result.emplace(job(watch));
      } catch (...) {
        failure = std::current_exception();
      }
      const std::lock_guard lock(mutex);
      over = true;
      changed.notify_one();
    });
    int64_t told = -1;
    std::unique_lock lock(mutex);
    while (!changed.wait_for(lock, between_answers, [&] { return over; })) {
      if (interruption) continue;
      lock.unlock();
      try {
        const nb::gil_scoped_acquire with_lock;
        detail::answer(progress, watch, told);
      } catch (...) {
        interruption = std::current_exception();
        watch.stop = true;
      }
      lock.lock();
    }
  }
  if (interruption) std::rethrow_exception(interruption);
  if (failure) std::rethrow_exception(failure);
  int64_t told = -1;
  detail::answer(progress, watch, told);
  return std::move(*result);
}

}  // namespace ulpscope::python
