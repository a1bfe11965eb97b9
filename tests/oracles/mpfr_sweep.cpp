// ulpscope_mpfr_sweep: the core against MPFR on as many vectors as one likes.
//
//   ulpscope_mpfr_sweep --operation add --format bf16 --count 1000000000 --threads 16 --seed 1
//   add bf16 seed 1 count 1000000000 mismatches 0 inexact ... digest 0123456789abcdef seconds 17.3
//
// One line of counts. Vectors, counts and digest depend on the seed and the count, not on the
// threads. Exit code 0 without mismatches, 1 with, 2 for a usage error. A static program without
// dependencies, so that it runs on a borrowed machine as it is.
#include "ulpscope/format/catalogue.hpp"

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "oracles/mpfr_tally.hpp"

using namespace ulpscope;

namespace {

struct Request {
  std::string_view operation = "add";
  std::string_view format = "bf16";
  uint64_t count = 1'000'000;
  uint64_t threads = 1;
  uint64_t seed = 1;
};

// Chunks are handed out by a counter, so no thread waits for a slow one.
template <Format F, Operation operation>
MpfrTally sweep(const Request& request) {
  constexpr uint64_t chunk = 1 << 16;
  std::atomic<uint64_t> next = 0;
  std::mutex joining;
  MpfrTally total;
  const auto work = [&] {
    MpfrOracle<F> oracle;
    MpfrTally mine;
    for (uint64_t begin = next.fetch_add(chunk); begin < request.count;
         begin = next.fetch_add(chunk)) {
      const uint64_t end = std::min(begin + chunk, request.count);
      mine.join(compare_with_mpfr<F, operation>(oracle, request.seed, begin, end));
    }
    const std::lock_guard lock(joining);
    total.join(mine);
  };
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < request.threads; ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
  return total;
}

template <Format F>
std::optional<MpfrTally> sweep(const Request& request) {
  if (request.operation == "add") return sweep<F, Operation::add>(request);
  if (request.operation == "sub") return sweep<F, Operation::sub>(request);
  if (request.operation == "mul") return sweep<F, Operation::mul>(request);
  if (request.operation == "div") return sweep<F, Operation::div>(request);
  if (request.operation == "fma") return sweep<F, Operation::fma>(request);
  return std::nullopt;
}

std::optional<MpfrTally> run(const Request& request) {
  if (request.format == "bf16") return sweep<bf16>(request);
  if (request.format == "fp16") return sweep<fp16>(request);
  return std::nullopt;
}

bool read_number(std::string_view text, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

std::optional<Request> read(const std::vector<std::string_view>& words) {
  Request request;
  if (words.size() % 2 != 0) return std::nullopt;
  for (size_t i = 0; i < words.size(); i += 2) {
    const auto name = words[i];
    const auto value = words[i + 1];
    bool understood = true;
    if (name == "--operation") {
      request.operation = value;
    } else if (name == "--format") {
      request.format = value;
    } else if (name == "--count") {
      understood = read_number(value, request.count);
    } else if (name == "--threads") {
      understood =
          read_number(value, request.threads) && request.threads >= 1 && request.threads <= 1024;
    } else if (name == "--seed") {
      understood = read_number(value, request.seed);
    } else {
      understood = false;
    }
    if (!understood) return std::nullopt;
  }
  return request;
}

unsigned long long wide(uint64_t x) { return x; }

}  // namespace

int main(int argc, char** argv) {
  const auto request = read({argv + 1, argv + argc});
  const auto start = std::chrono::steady_clock::now();
  const auto tally = request ? run(*request) : std::nullopt;
  if (!tally) {
    std::fputs(
        "usage: ulpscope_mpfr_sweep [--operation add|sub|mul|div|fma] [--format bf16|fp16]\n"
        "                           [--count N] [--threads 1..1024] [--seed S]\n",
        stderr);
    return 2;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf(
      "%s %s seed %llu count %llu mismatches %llu inexact %llu ties %llu subnormal %llu "
      "overflow %llu nan %llu digest %016llx seconds %.1f\n",
      std::string(request->operation).c_str(), std::string(request->format).c_str(),
      wide(request->seed), wide(tally->vectors), wide(tally->mismatches), wide(tally->inexact),
      wide(tally->ties), wide(tally->subnormal), wide(tally->overflow), wide(tally->not_a_number),
      wide(tally->digest), seconds.count());
  if (tally->mismatches == 0) return 0;
  std::printf("first mismatch at index %llu\n", wide(tally->first_mismatch));
  return 1;
}
