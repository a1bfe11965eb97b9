#include "ulpscope/compare/forward_check.hpp"

#include <algorithm>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

uint64_t differences_of(const std::vector<ForwardCheck>& checks) {
  uint64_t sum = 0;
  for (const ForwardCheck& check : checks) sum += check.differences;
  return sum;
}

// The host's pass, with one bit of one LSE of every head turned.
class Turned : public HeadObserver {
 public:
  explicit Turned(std::unique_ptr<HeadObserver> next) : next_(std::move(next)) {}
  void tile(const TileRows& rows, const TileOutput& output) override {
    TileOutput other = output;
    if (rows.first == 0) other.lse[0] ^= 1;
    next_->tile(rows, other);
  }

 private:
  std::unique_ptr<HeadObserver> next_;
};

DriverResult with_an_error(const Plan& plan, const DriverOptions& options) {
  DriverOptions changed = options;
  changed.observe = [&](int64_t batch, int64_t head) {
    return std::make_unique<Turned>(options.observe(batch, head));
  };
  return run_forward(plan, changed);
}

}  // namespace

TEST_CASE("the host's pass has its own bits, and every kernel is asked") {
  const auto checks = check_forward(run_forward, {.problems = 22});
  CHECK(differences_of(checks) == 0);
  for (const ForwardCheck& check : checks) {
    CAPTURE(check.kernel);
    CHECK(check.problems >= 1);
    CHECK(check.elements > 0);
    CHECK(check.first.empty());
  }
}

TEST_CASE("one bit a head is found, and the first problem is told") {
  const auto checks = check_forward(with_an_error, {.problems = 11, .seed = 2});
  CHECK(differences_of(checks) >= 11);
  CHECK(std::all_of(checks.begin(), checks.end(), [](const ForwardCheck& check) {
    return check.differences == 0 || check.first.starts_with(check.kernel + "@");
  }));
}

TEST_CASE("the same seed draws the same problems") {
  const auto first = check_forward(with_an_error, {.problems = 11, .seed = 3});
  const auto again = check_forward(with_an_error, {.problems = 11, .seed = 3});
  for (size_t i = 0; i < first.size(); ++i) {
    CHECK(first[i].elements == again[i].elements);
    CHECK(first[i].first == again[i].first);
  }
}
