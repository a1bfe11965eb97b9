#include "ulpscope/report/summary.hpp"

#include "ulpscope/base/error.hpp"

#include <cmath>
#include <limits>

#include "sample.hpp"

using namespace ulpscope;
using namespace ulpscope::testing;

namespace {

// The message with which a summary is refused; "" where it is not.
std::string refusal(const json& summary) {
  try {
    parse_summary(summary);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::input);
    return error.what();
  }
  return "";
}

json with(std::string_view pointer, const json& value) {
  json out = small_summary();
  out[json::json_pointer(std::string(pointer))] = value;
  return out;
}

json without(std::string_view parent, const std::string& key) {
  json out = small_summary();
  out[json::json_pointer(std::string(parent))].erase(key);
  return out;
}

}  // namespace

TEST_CASE("the samples are read") {
  CHECK(refusal(small_summary()) == "");
  CHECK(refusal(compare_summary()) == "");
  const Summary summary = parse_summary(sample_summary());
  CHECK(summary.sites.size() == 20);
  CHECK(summary.outputs.at(0).heat_map->mean_ulp.size() == 8);
  CHECK(summary.outputs.at(0).worst.size() == 20);
  CHECK(summary.casts.at(0).origin == CastOrigin::overridden);
  CHECK(summary.casts.at(0).preset == "ieee");
}

TEST_CASE("another schema is refused") {
  CHECK(contains(refusal(with("/schema", "ulpscope.summary/2")),
                 R"(schema: expected "ulpscope.summary/1", found "ulpscope.summary/2")"));
  CHECK(contains(refusal(json::array()), "document: expected an object"));
}

TEST_CASE("a million nested brackets are refused, wherever they stand") {
  const auto nested = [](int levels) {
    json value = json::array();
    for (int level = 1; level < levels; ++level) {
      json outer = json::array();
      outer.push_back(std::move(value));
      value = std::move(outer);
    }
    return value;
  };
  const std::string refused = "document: nested more than 64 levels deep";
  CHECK(contains(refusal(nested(1'000'000)), refused));
  json summary = small_summary();
  summary["problem"]["unknown"] = nested(1'000'000);
  CHECK(contains(refusal(summary), refused));
  summary["problem"]["unknown"] = nested(60);
  CHECK(refusal(summary) == "");
}

TEST_CASE("a missing required field is named") {
  for (const char* key :
       {"schema", "tool", "kind", "command", "verdict", "kernel", "problem", "sites", "outputs"}) {
    CAPTURE(key);
    CHECK(contains(refusal(without("", key)), std::string(key) + ": required field is missing"));
  }
  CHECK(contains(refusal(without("/sites/0", "count")), "sites[0].count: required"));
  CHECK(contains(refusal(without("/sites/0", "mean_ulp")), "sites[0].mean_ulp: required"));
  CHECK(contains(refusal(without("/outputs/0/histogram", "zero")), "outputs[0].histogram.zero"));
  json compare = compare_summary();
  compare["comparison"]["ulp_buckets"].erase("3-10");
  CHECK(contains(refusal(compare), "comparison.ulp_buckets.3-10: required"));
}

TEST_CASE("a wrongly typed field is named with what was found") {
  CHECK(contains(refusal(with("/command", 7)), "command: expected a string, found 7"));
  CHECK(contains(refusal(with("/sites/0/count", -1)), "sites[0].count: expected a count"));
  CHECK(contains(refusal(with("/sites/0/count", 1.5)), "sites[0].count: expected a count"));
  CHECK(contains(refusal(with("/sites/0/ties", "two")), R"(sites[0].ties: expected a count)"));
  CHECK(contains(refusal(with("/sites/0/z", "inf")), "sites[0].z: expected a number"));
  CHECK(contains(refusal(with("/sites", json::object())), "sites: expected a list"));
  CHECK(contains(refusal(with("/problem/causal", 1)), "problem.causal: expected true or false"));
  CHECK(contains(refusal(with("/verdict/status", "fine")), "verdict.status: expected unbiased"));
  CHECK(contains(refusal(with("/kind", "sum")), "kind: expected \"attention\""));
}

TEST_CASE("a matrix product needs a kernel and outputs, and may have been compared") {
  json gemm = sample_summary();
  gemm["kind"] = "gemm";
  gemm.erase("problem");
  gemm.erase("sites");
  CHECK(refusal(gemm) == "");
  CHECK_FALSE(parse_summary(gemm).comparison.has_value());
  gemm["comparison"] = compare_summary()["comparison"];
  CHECK(parse_summary(gemm).comparison.has_value());
  gemm.erase("outputs");
  CHECK(contains(refusal(gemm), "outputs: required field is missing"));
  gemm.erase("kernel");
  CHECK(contains(refusal(gemm), "kernel: required field is missing"));
}

TEST_CASE("what a hostile file says cannot reach the terminal through a message") {
  const std::string message = refusal(with("/kind", "\x1b[31m" + std::string(10000, 'x')));
  CHECK(!contains(message, "\x1b"));
  CHECK(message.size() < 250);
}

TEST_CASE("a histogram has to account for every element") {
  CHECK(contains(refusal(with("/sites/0/histogram/zero", 2)),
                 "sites[0].histogram: counts, zero and skipped add up to 11, but count is 10"));
  CHECK(contains(refusal(with("/sites/0/skipped", 0)), "add up to 9, but count is 10"));
  CHECK(contains(refusal(with("/outputs/0/count", 11)), "outputs[0].histogram"));
}

TEST_CASE("counts that wrap around 2^64 do not pass for a sum") {
  const uint64_t half = uint64_t{1} << 63;
  const json wrapping = {half, half, 0, 8, 0, 0};
  CHECK(contains(refusal(with("/sites/0/histogram/counts", wrapping)), "2^64 or more"));
}

TEST_CASE("bins that cannot be drawn are refused") {
  const auto edges = [](const json& list) {
    return refusal(with("/sites/0/histogram/edges", list));
  };
  CHECK(contains(edges({"-Infinity", -2, -1, 0, 1, "Infinity"}), "one edge more than counts"));
  CHECK(contains(edges({"-Infinity", -2, 0, -1, 1, 2, "Infinity"}), "not ascending"));
  CHECK(contains(edges({"-Infinity", -2, -1, 0, 1, 2, "NaN"}), "not ascending"));
  CHECK(contains(edges({-9, -2, -1, 0, 1, 2, "Infinity"}), "the first edge"));
  CHECK(contains(edges({"-Infinity", -2, -1, 0.5, 1, 2, "Infinity"}), "0 is not among"));
}

TEST_CASE("a heat map has the size that it says") {
  json map = {{"row_tile", 2}, {"rows", 2}, {"columns", 2}, {"mean_ulp", {{1, 2}, {3, "NaN"}}}};
  CHECK(refusal(with("/outputs/0/heatmap", map)) == "");
  map["rows"] = 3;
  CHECK(contains(refusal(with("/outputs/0/heatmap", map)), "expected 3 rows, found 2"));
  map["rows"] = 2;
  map["columns"] = 1;
  CHECK(contains(refusal(with("/outputs/0/heatmap", map)), "expected 1 columns in row 0"));
}

TEST_CASE("a comparison has no more elements in its buckets than were compared") {
  json compare = compare_summary();
  compare["comparison"]["ulp_buckets"]["0"] = 1000;
  CHECK(contains(refusal(compare), "more elements than the 100"));
}

TEST_CASE("non-finite numbers are strings") {
  const Summary summary = parse_summary(with("/sites/0/z", "-Infinity"));
  CHECK(summary.sites[0].z < -std::numeric_limits<double>::max());
  CHECK(summary.sites[0].is_called());
  CHECK(std::isnan(parse_summary(with("/sites/0/z", "NaN")).sites[0].z));
}

TEST_CASE("what does not apply may be absent or null") {
  const Summary summary = parse_summary(with("/sites/0/ties", nullptr));
  CHECK(!summary.sites[0].ties.has_value());
  CHECK(!summary.sites[0].carry_out.has_value());
  CHECK(std::isnan(summary.sites[0].sign_z));
}

TEST_CASE("a site that was never reached needs no mean") {
  json never = small_statistics("split_rescale");
  never["count"] = never["skipped"] = 0;
  never["histogram"]["zero"] = 0;
  never["histogram"]["counts"] = {0, 0, 0, 0, 0, 0};
  for (const char* key : {"mean_ulp", "stderr_ulp", "z"}) never.erase(key);
  CHECK(refusal(with("/sites/0", never)) == "");
}

TEST_CASE("a bias is called from |z| = 5 on") {
  CHECK(parse_summary(with("/sites/0/z", 5.0)).sites[0].is_called());
  CHECK(parse_summary(with("/sites/0/z", -5.0)).sites[0].is_called());
  CHECK(!parse_summary(with("/sites/0/z", 4.99)).sites[0].is_called());
}
