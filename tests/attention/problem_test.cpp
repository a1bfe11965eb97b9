#include "ulpscope/attention/problem.hpp"

#include "ulpscope/base/error.hpp"

#include <functional>
#include <string>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// The message for a good problem with one thing changed; "accepted" if it still is one.
std::string refusal(const std::function<void(Problem&)>& change, ErrorKind kind) {
  const auto owned =
      random_problem(1, {.rows = 3, .keys = 4, .dim = 8, .batch = 2, .heads = 6, .kv_heads = 2});
  Problem problem = owned.problem;
  change(problem);
  try {
    check(problem);
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    return error.what();
  }
  return "accepted";
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a problem whose spans fit its shape is accepted") {
  CHECK(refusal([](Problem&) {}, ErrorKind::input) == "accepted");
}

TEST_CASE("sizes must be positive and below 2^31") {
  const auto bad = ErrorKind::input;
  CHECK(contains(refusal([](Problem& p) { p.batch = 0; }, bad), "batch is 0"));
  CHECK(contains(refusal([](Problem& p) { p.heads = -6; }, bad), "heads is -6"));
  CHECK(contains(refusal([](Problem& p) { p.kv_heads = 0; }, bad), "kv_heads is 0"));
  CHECK(contains(refusal([](Problem& p) { p.rows = 0; }, bad), "seq_q is 0"));
  CHECK(contains(refusal([](Problem& p) { p.keys = int64_t{1} << 31; }, bad), "seq_k"));
  CHECK(contains(refusal([](Problem& p) { p.dim = INT64_MIN; }, bad), "head_dim"));
}

TEST_CASE("query heads must be a multiple of the K and V heads") {
  const auto message = refusal([](Problem& p) { p.kv_heads = 4; }, ErrorKind::input);
  CHECK(contains(message, "4 heads"));
  CHECK(contains(message, "6 heads"));
}

TEST_CASE("every span must have as many elements as its shape says") {
  const auto bad = ErrorKind::input;
  CHECK(contains(refusal([](Problem& p) { p.q = p.q.subspan(1); }, bad), "elements"));
  CHECK(contains(refusal([](Problem& p) { p.k = p.k.subspan(1); }, bad), "elements"));
  CHECK(contains(refusal([](Problem& p) { p.v = p.v.subspan(1); }, bad), "elements"));
  CHECK(contains(refusal([](Problem& p) { p.rows = 4; }, bad), "elements"));
}

TEST_CASE("a shape whose element count wraps around 2^64 does not pass for an empty one") {
  const auto wrap = [](Problem& p) {
    p.batch = p.heads = p.kv_heads = int64_t{1} << 30;
    p.launch = {.batch = p.batch, .heads = p.heads};
    p.rows = p.keys = 4;
    p.dim = 4;
    p.q = p.k = p.v = {};
  };
  CHECK(contains(refusal(wrap, ErrorKind::input), "elements"));
}

TEST_CASE("the scale must be finite and above zero") {
  for (const uint32_t scale : {0u, 0x8000'0000u, 0xBF80'0000u, 0x7F80'0000u, 0x7FC0'0000u}) {
    CHECK(contains(refusal([&](Problem& p) { p.scale = scale; }, ErrorKind::usage), "--scale"));
  }
  CHECK(refusal([](Problem& p) { p.scale = 1; }, ErrorKind::usage) == "accepted");
}

TEST_CASE("a launch must hold the dump, on a chip of a plausible size") {
  const auto bad = ErrorKind::usage;
  CHECK(contains(refusal([](Problem& p) { p.launch.batch = 1; }, bad), "--launch"));
  CHECK(contains(refusal([](Problem& p) { p.launch.heads = 5; }, bad), "--launch"));
  CHECK(contains(refusal([](Problem& p) { p.launch.multiprocessors = 0; }, bad), "--sms 0"));
  CHECK(contains(refusal([](Problem& p) { p.launch.multiprocessors = 4097; }, bad), "--sms"));
}

TEST_CASE("the default scale is 1/sqrt(head size), rounded once from binary64") {
  CHECK(default_scale(64) == 0x3E00'0000);
  CHECK(default_scale(128) == bit_cast<uint32_t>(static_cast<float>(0.08838834764831845)));
  CHECK(default_scale(80) == bit_cast<uint32_t>(static_cast<float>(0.11180339887498948)));
}

namespace {

SeenKeys seen(int64_t rows, int64_t keys, Mask mask, Alignment alignment, int64_t row) {
  Problem p;
  p.rows = rows;
  p.keys = keys;
  p.mask = mask;
  return seen_keys(p, alignment, row);
}

}  // namespace

TEST_CASE("a causal row sees the keys up to its diagonal, which either corner aligns") {
  const auto end = [](int64_t rows, int64_t keys, Alignment alignment, int64_t row) {
    const SeenKeys keys_seen = seen(rows, keys, causal_mask, alignment, row);
    CHECK(keys_seen.first == 0);
    return keys_seen.end;
  };
  CHECK(end(4, 6, Alignment::bottom_right, 0) == 3);
  CHECK(end(4, 6, Alignment::bottom_right, 3) == 6);
  CHECK(end(4, 6, Alignment::bottom_right, 9) == 6);
  CHECK(end(6, 4, Alignment::bottom_right, 0) == 0);
  CHECK(end(6, 4, Alignment::bottom_right, 1) == 0);
  CHECK(end(6, 4, Alignment::bottom_right, 2) == 1);
  CHECK(end(6, 4, Alignment::bottom_right, 5) == 4);
  CHECK(end(4, 6, Alignment::top_left, 0) == 1);
  CHECK(end(6, 4, Alignment::top_left, 5) == 4);
}

TEST_CASE("a window is cut at both ends of the keys") {
  const Mask window{.left = 2, .right = 1};
  const auto keys = [&](int64_t row) { return seen(8, 6, window, Alignment::top_left, row); };
  CHECK(keys(0).first == 0);
  CHECK(keys(0).end == 2);
  CHECK(keys(4).first == 2);
  CHECK(keys(4).end == 6);
  CHECK(keys(7).first == 5);
  CHECK(keys(7).end == 6);
  CHECK(seen(8, 6, no_mask, Alignment::top_left, 3).end == 6);
}

TEST_CASE("a K/V head is a problem of its own that knows its place in the whole") {
  const auto owned =
      random_problem(1, {.rows = 3, .keys = 4, .dim = 8, .batch = 2, .heads = 6, .kv_heads = 2});
  const Problem& whole = owned.problem;
  const Problem part = problem_of_kv_head(whole, 3);  // batch 1, K/V head 1
  check(part);
  CHECK(part.heads == 3);
  CHECK(part.q.data() == whole.q.data() + 3 * 3 * (3 * 8));
  CHECK(part.k.data() == whole.k.data() + 3 * (4 * 8));
  CHECK(part.launch.heads == whole.launch.heads);
  CHECK(first_head(part) == 9);
  CHECK(whole_kv_heads(part) == 4);
  CHECK(first_head(whole) == 0);
  CHECK(whole_kv_heads(whole) == 4);
}
