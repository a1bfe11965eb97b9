#include "ulpscope/run/part_file.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/run/attention_work.hpp"

#include "made_inputs.hpp"
#include "tensor/files.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

UnitResult computed(const AttentionWork& work, int64_t unit) {
  auto result = work.compute(
      unit, 1, [] {}, nullptr);
  REQUIRE(result.has_value());
  return std::move(*result);
}

std::vector<uint64_t> words_of(const RunTotals& totals) {
  WordWriter words;
  totals.write(words);
  return words.words();
}

}  // namespace

TEST_SUITE("part file") {
  TEST_CASE("a unit's result is read back as it was written, statistics and all") {
    const TemporaryFolder here;
    const AttentionWork work(
        options_for(made_file(here, "in.safetensors", {.gradients = true}), ""));
    const auto written = computed(work, 1);
    const auto path = here.path() / part_name(1);
    CHECK(path.filename() == "part-000001.safetensors");
    write_part(path, "of this run", written);
    const auto read = read_part(path, work.outline(), "of this run", 1);
    REQUIRE(read.outputs.size() == 6);  // o, lse, dq, dk, dv, delta
    for (size_t i = 0; i < 6; ++i) {
      CHECK(read.outputs[i].info == written.outputs[i].info);
      CHECK(read.outputs[i].bytes == written.outputs[i].bytes);
      CHECK(read.errors[i].bytes == written.errors[i].bytes);
    }
    CHECK(words_of(read.totals) == words_of(written.totals));
    CHECK(read.totals.tensors[2].statistics() == written.totals.tensors[2].statistics());
  }

  TEST_CASE("another run's, another unit's and a changed part are refused") {
    const TemporaryFolder here;
    const AttentionWork work(options_for(made_file(here, "in.safetensors", {}), ""));
    const auto path = here.path() / part_name(0);
    write_part(path, "of this run", computed(work, 0));
    const auto refusal = [&](const std::string& fingerprint, int64_t unit) {
      try {
        read_part(path, work.outline(), fingerprint, unit);
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::input);
        return std::string(error.what());
      }
      return std::string("read");
    };
    CHECK(refusal("of this run", 0) == "read");
    CHECK(contains(refusal("of another", 0), "fingerprint is 'of this run'; expected of another"));
    CHECK(contains(refusal("of this run", 1), "unit is '0'; expected 1"));
    const auto bytes = read_back(path);
    for (size_t at = 0; at < bytes.size(); at += 97) {
      CAPTURE(at);
      auto changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ 4);
      here.write(part_name(0), changed);
      CHECK(refusal("of this run", 0) != "read");
      here.write(part_name(0), bytes.substr(0, at));
      CHECK(refusal("of this run", 0) != "read");
    }
  }

  TEST_CASE("totals of units merge to the same words in any order") {
    const TemporaryFolder here;
    const AttentionWork work(
        options_for(made_file(here, "in.safetensors", {.batch = 2, .gradients = true}), ""));
    std::vector<UnitResult> units;
    for (int64_t i = 0; i < work.outline().units; ++i) units.push_back(computed(work, i));
    RunTotals ascending(work.outline());
    RunTotals descending(work.outline());
    for (size_t i = 0; i < units.size(); ++i) {
      ascending.merge(units[i].totals);
      descending.merge(units[units.size() - 1 - i].totals);
    }
    CHECK(words_of(ascending) == words_of(descending));
    CHECK(ascending.reference.judged_elements >= 256);
    CHECK(ascending.gradients.judged_rows == 8);
    CHECK(ascending.gradients.judged_keys == 8);
  }
}
