// Cut into shards, merged in any order, interrupted and resumed: the bytes of one process.
#include "ulpscope/run/folder_lock.hpp"
#include "ulpscope/run/merge_run.hpp"
#include "ulpscope/run/part_file.hpp"

#include <algorithm>

#include "made_inputs.hpp"
#include "tensor/files.hpp"
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

namespace fs = std::filesystem;

// Shard folders "N-1", "N-2", ... of a run, the last first.
std::vector<std::string> run_shards(const TemporaryFolder& here, AttentionOptions options,
                                    int64_t count) {
  std::vector<std::string> folders;
  for (int64_t i = count; i >= 1; --i) {
    options.out = (here.path() / (std::to_string(count) + "-" + std::to_string(i))).string();
    options.threads = static_cast<int>(1 + i % 2);
    REQUIRE(run_attention_shard(options, {i, count}).has_value());
    folders.push_back(options.out);
  }
  return folders;
}

std::string merged(const TemporaryFolder& here, const std::vector<std::string>& shards) {
  const auto out = here.path() / "merged";
  REQUIRE(run_merge({.shards = shards, .out = out.string()}).has_value());
  return bytes_of_run(out);
}

void check_same_bytes(const MadeInput& made, const char* kernel = "fa2-torch") {
  const TemporaryFolder here;
  auto options = options_for(made_file(here, "in.safetensors", made), here.path() / "whole");
  options.kernel = kernel;
  REQUIRE(run_attention(options).has_value());
  const auto whole = bytes_of_run(options.out);
  for (const int64_t count : {1, 2, 3, 5}) {
    CAPTURE(count);
    CHECK((merged(here, run_shards(here, options, count)) == whole));
  }
}

// The message of a merge that is refused.
std::string refusal(const std::vector<std::string>& shards, const fs::path& out, ErrorKind kind) {
  try {
    run_merge({.shards = shards, .out = out.string()});
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    CHECK_FALSE(fs::exists(out));
    return error.what();
  }
  return "merged";
}

}  // namespace

TEST_SUITE("shards") {
  TEST_CASE("1, 2, 3 and 5 shards of a forward run are the bytes of one process") {
    check_same_bytes({});
    check_same_bytes({.batch = 2, .rows = 70, .layout = Layout::bshd});
    check_same_bytes({.batch = 2, .heads = 3, .kv_heads = 3, .layout = Layout::sbhd});
  }

  TEST_CASE("so they are with gradients and grouped heads") {
    check_same_bytes({.gradients = true});
    check_same_bytes({.batch = 2,
                      .heads = 6,
                      .kv_heads = 2,
                      .rows = 33,
                      .layout = Layout::bshd,
                      .gradients = true});
  }

  TEST_CASE("so they are where every element is judged by exact, and where heads fold into rows") {
    check_same_bytes({.heads = 2, .rows = 16, .keys = 24});
    check_same_bytes({.heads = 8, .rows = 1, .keys = 300});
    check_same_bytes({.batch = 2}, "exact");
  }

  TEST_CASE("slopes and bias are those of a shard's own heads") {
    const TemporaryFolder here;
    auto options = options_for(made_file(here, "in.safetensors", {.batch = 2}), here.path() / "w");
    options.kernel = "kernel";
    options.alibi = "default";
    Tensor bias = make_tensor({"bias", Element::fp32, {2, 4, 1, 40}});
    Random random(9);
    for (auto& x : words<uint32_t>(bias)) x = bit_cast<uint32_t>(static_cast<float>(random.bell()));
    write_safetensors(here.path() / "bias", std::span(&bias, 1));
    options.inputs.files["bias"] = (here.path() / "bias").string();
    REQUIRE(run_attention(options).has_value());
    CHECK((merged(here, run_shards(here, options, 3)) == bytes_of_run(options.out)));
  }

  TEST_CASE("neighbouring units, every one once, as even as can be") {
    for (const int64_t units : {1, 4, 31, 32}) {
      for (const int64_t count : {1, 2, 3, 5, 40}) {
        int64_t next = 0;
        for (int64_t i = 1; i <= count; ++i) {
          const auto [first, end] = units_of({i, count}, units);
          CHECK(first == next);
          CHECK(end - first >= units / count);
          CHECK(end - first <= units / count + 1);
          next = end;
        }
        CHECK(next == units);
      }
    }
    CHECK(parse_shard("2/5") == Shard{2, 5});
    for (const char* bad :
         {"", "2", "0/5", "6/5", "2/", "/5", "a/b", "2/5/6", "-1/5", "1/99999999"}) {
      CHECK_THROWS_WITH_AS(parse_shard(bad), doctest::Contains("from 1/N to N/N"), Error);
    }
  }

  TEST_CASE("a merge wants every shard of one run, once and finished") {
    const TemporaryFolder here;
    const auto file = made_file(here, "in.safetensors", {});
    auto options = options_for(file, here.path() / "x");
    auto shards = run_shards(here, options, 2);  // 2/2, 1/2
    const auto out = here.path() / "out";
    using enum ErrorKind;
    CHECK(contains(refusal({shards[0]}, out, usage), "2-2: is shard 2/2; shard 1/2 is missing"));
    CHECK(contains(refusal({shards[1]}, out, usage), "shard 2/2 is missing"));
    CHECK(contains(refusal({shards[0], shards[1], shards[0]}, out, usage), "another folder"));
    CHECK(contains(refusal({shards[0], here.path().string()}, out, input), "no manifest"));
    const auto three = run_shards(here, options, 3);
    CHECK(contains(refusal({three[0], shards[1]}, out, usage), "is shard 3/3, expected one of 2"));

    options.inputs.input = made_file(here, "other.safetensors", {.seed = 4});
    options.out = (here.path() / "other").string();
    REQUIRE(run_attention_shard(options, {2, 2}).has_value());
    const auto other = refusal({options.out, shards[1]}, out, input);
    CHECK(contains(other, "other: shard of another run: inputs/0/xxh3_128 is "));
    CHECK(contains(other, "expected "));

    const auto part = fs::path(shards[0]) / part_name(1);
    const auto bytes = read_back(part);
    fs::remove(part);
    CHECK(contains(refusal(shards, out, input), "1 of the 1 parts of shard 2/2 are missing"));
    for (const size_t at : {bytes.size() / 2, bytes.size() - 1}) {
      auto broken = bytes;
      broken[at] = static_cast<char>(broken[at] ^ 1);
      std::ofstream(part, std::ios::binary) << broken;
      CHECK(contains(refusal(shards, out, input), part_name(1) + ": xxh3_128 is "));
    }
  }

  TEST_CASE("names of files and the command do not make another run") {
    const TemporaryFolder here;
    auto options = options_for(made_file(here, "in.safetensors", {}), here.path() / "1");
    REQUIRE(run_attention_shard(options, {1, 2}).has_value());
    options.inputs.input = made_file(here, "copy.safetensors", {});
    options.command = "ulpscope attention copy.safetensors";
    options.out = (here.path() / "2").string();
    REQUIRE(run_attention_shard(options, {2, 2}).has_value());
    const auto one = merged(here, {(here.path() / "1").string(), (here.path() / "2").string()});
    CHECK((merged(here, {(here.path() / "2").string(), (here.path() / "1").string()}) == one));
    CHECK_FALSE(contains(one, "copy.safetensors"));
  }
}

TEST_SUITE("resume") {
  TEST_CASE("whole parts of a shard are kept, torn and foreign ones are computed again") {
    const TemporaryFolder here;
    auto options = options_for(made_file(here, "in.safetensors", {.batch = 3}), here.path() / "1");
    CHECK(run_attention_shard(options, {1, 2})->computed == 3);
    const auto part = [&](int64_t unit) { return here.path() / "1" / part_name(unit); };
    const auto untouched = read_back(part(0));
    std::ofstream(part(1), std::ios::binary) << read_back(part(1)).substr(0, 500);
    fs::copy_file(part(0), part(2), fs::copy_options::overwrite_existing);
    here.write("1/.ulpscope-77-0.tmp", "half");
    options.earlier = Earlier::resumed;
    CHECK(run_attention_shard(options, {1, 2})->computed == 2);
    CHECK_FALSE(fs::exists(here.path() / "1/.ulpscope-77-0.tmp"));
    CHECK(read_back(part(0)) == untouched);
    CHECK(run_attention_shard(options, {1, 2})->computed == 0);
    options.earlier = Earlier::replaced;
    CHECK(run_attention_shard(options, {1, 2})->computed == 3);
  }

  TEST_CASE("a shard is not resumed as another one, nor with other inputs or options") {
    const TemporaryFolder here;
    auto options = options_for(made_file(here, "in.safetensors", {}), here.path() / "1");
    REQUIRE(run_attention_shard(options, {1, 2}).has_value());
    options.earlier = Earlier::resumed;
    const auto refused = [&](const char* part) {
      CHECK_THROWS_WITH_AS(run_attention_shard(options, {1, 2}), doctest::Contains(part), Error);
    };
    CHECK_THROWS_WITH_AS(run_attention_shard(options, {2, 2}),
                         doctest::Contains("holds shard 1/2, expected 2/2"), Error);
    options.mask = no_mask;
    refused("problem/causal is true, expected false");
    options.mask = causal_mask;
    options.overrides = {parse_override("scores=bf16")};
    refused("casts/0/format is \"fp32\", expected \"bf16\"");
    options.overrides.clear();
    options.multiprocessors = 7;
    refused("choices/multiprocessors is 132, expected 7");
  }

  TEST_CASE("a folder with other things, or with another run at work, is left alone") {
    const TemporaryFolder here;
    auto options = options_for(made_file(here, "in.safetensors", {}), here.path() / "1");
    fs::create_directory(here.path() / "1");
    here.write("1/notes.txt", "mine");
    CHECK_THROWS_WITH_AS(run_attention_shard(options, {1, 2}),
                         doctest::Contains("holds files that are not an earlier shard's"), Error);
    fs::remove(here.path() / "1/notes.txt");
    {
      const FolderLock somebody(here.path() / "1");
      CHECK_THROWS_WITH_AS(run_attention_shard(options, {1, 2}),
                           doctest::Contains("another run is at work"), Error);
    }
    CHECK(run_attention_shard(options, {1, 2}).has_value());
    CHECK_THROWS_WITH_AS(run_attention(options), doctest::Contains("no summary.json"), Error);
  }

  TEST_CASE(
      "a stopped run goes on to the bytes of an undisturbed one, and then has nothing to do") {
    const TemporaryFolder here;
    const MadeInput made{.batch = 3, .gradients = true};
    auto options = options_for(made_file(here, "in.safetensors", made), here.path() / "whole");
    REQUIRE(run_attention(options).has_value());
    const auto whole = bytes_of_run(options.out);

    options.out = (here.path() / "stopped").string();
    options.earlier = Earlier::resumed;
    std::atomic<bool> stop = false;
    std::string said;
    options.stop = &stop;
    options.note = [&](const std::string& text) { said = text; };
    options.progress = [&](int64_t done, int64_t all) { stop = done == all / 2; };
    CHECK_FALSE(run_attention(options).has_value());
    CHECK(contains(said, "of 6 parts are done and kept"));
    CHECK_FALSE(fs::exists(options.out));
    CHECK(fs::exists(options.out + ".ulpscope-parts/" + part_name(0)));

    stop = false;
    int64_t steps = 0;
    options.progress = [&](int64_t, int64_t all) { steps = all; };
    REQUIRE(run_attention(options).has_value());
    CHECK(steps > 0);
    CHECK(steps < 6 * 4);  // of a unit: 2 heads of one tile, forward and backward
    CHECK((bytes_of_run(options.out) == whole));
    CHECK_FALSE(fs::exists(options.out + ".ulpscope-parts"));

    steps = 0;
    const auto again = run_attention(options);
    CHECK(steps == 0);
    CHECK((again->dump(1) + "\n" == read_back(fs::path(options.out) / "summary.json")));
  }

  TEST_CASE("a finished run of other options is not taken for this one") {
    const TemporaryFolder here;
    auto options = options_for(made_file(here, "in.safetensors", {}), here.path() / "run");
    REQUIRE(run_attention(options).has_value());
    const auto before = bytes_of_run(options.out);
    options.earlier = Earlier::resumed;
    options.mask = no_mask;
    REQUIRE(run_attention(options).has_value());
    CHECK_FALSE((bytes_of_run(options.out) == before));
  }
}
