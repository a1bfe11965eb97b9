// Split decisions and tile sizes as published for FlashAttention-2 and found on an H200.
#include "ulpscope/attention/plan.hpp"

#include "ulpscope/attention/recipes/cudnn.hpp"
#include "ulpscope/attention/recipes/paper.hpp"
#include "ulpscope/base/error.hpp"

#include <string>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// Parts of a launch of square or oblong heads on 132 multiprocessors; no operands needed.
int64_t parts(int64_t batch, int64_t heads, int64_t rows, int64_t keys, int64_t dim) {
  Problem p;
  p.batch = p.launch.batch = batch;
  p.heads = p.kv_heads = p.launch.heads = heads;
  p.rows = rows;
  p.keys = keys;
  p.dim = dim;
  return split_parts(fa2_torch, p);
}
int64_t parts(int64_t batch, int64_t heads, int64_t length, int64_t dim) {
  return parts(batch, heads, length, length, dim);
}

std::string refusal(const OwnedProblem& owned, std::string_view chip) {
  try {
    make_plan(fa2_torch, chip_named(chip), owned.problem, {});
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "accepted";
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("small launches are split as the library's rule says") {
  CHECK(parts(1, 1, 128, 64) == 1);
  CHECK(parts(1, 1, 256, 64) == 1);  // one key block never splits
  CHECK(parts(1, 1, 512, 64) == 2);
  CHECK(parts(1, 1, 512, 128) == 4);
  CHECK(parts(1, 8, 512, 64) == 2);
  CHECK(parts(1, 8, 1024, 128) == 2);
  CHECK(parts(4, 8, 512, 128) == 1);
  CHECK(parts(1, 16, 1024, 128) == 1);
  CHECK(parts(2, 16, 1024, 64) == 1);
}

TEST_CASE("split counts that recorded bits confirm") {
  CHECK(parts(1, 4, 1, 300, 128) == 3);
  CHECK(parts(1, 1, 1, 4000, 64) == 16);
  CHECK(parts(1, 128, 1, 1000, 128) == 2);
  CHECK(parts(1, 64, 1, 2048, 64) == 4);
  CHECK(parts(1, 2, 640, 640, 256) == 10);
  CHECK(parts(1, 2, 600, 600, 192) == 10);
  CHECK(parts(1, 8, 8, 3000, 128) == 24);
}

TEST_CASE("cuDNN deals one row's keys to as many parts as its recordings have") {
  struct Recorded {
    int64_t heads, keys, dim, parts;
  };
  for (const auto& [heads, keys, dim, expected] :
       {Recorded{2, 512, 64, 1}, {2, 640, 64, 4},   {64, 640, 64, 4},    {100, 640, 64, 1},
        {2, 1000, 64, 4},        {64, 1000, 64, 4}, {128, 1000, 128, 1}, {2, 1500, 128, 8},
        {16, 1500, 64, 8},       {64, 1500, 64, 4}, {2, 2048, 64, 16},   {64, 2048, 64, 4},
        {1, 4000, 64, 16},       {2, 4096, 64, 32}, {8, 4096, 64, 32},   {16, 4096, 64, 16},
        {32, 4096, 64, 8},       {4, 8192, 64, 64}, {2, 32768, 64, 64},  {131, 1500, 64, 1}}) {
    CAPTURE(heads);
    CAPTURE(keys);
    Problem p;
    p.rows = 1;
    p.keys = keys;
    p.dim = dim;
    p.heads = p.kv_heads = p.launch.heads = heads;
    CHECK(split_parts(row_for(cudnn_9_19, p), p) == expected);
    p.rows = 2;
    CHECK(split_parts(row_for(cudnn_9_19, p), p) == 1);
  }
}

TEST_CASE("launches that fill four fifths of the slots are not split") {
  CHECK(parts(1, 212, 64, 4096, 64) == 1);
  CHECK(parts(1, 1, 64, 4096, 64) == 16);
}

TEST_CASE("tiles of the normal kernels go by head size") {
  const auto tile = [](int64_t dim) {
    const auto owned = random_problem(1, {.rows = 2, .keys = 2, .dim = dim});
    const Plan plan = plan_of(owned);
    CHECK(plan.parts == 1);
    return std::pair{plan.tile_rows, plan.tile_keys};
  };
  CHECK(tile(8) == std::pair<int64_t, int64_t>{128, 128});
  CHECK(tile(32) == std::pair<int64_t, int64_t>{128, 128});
  CHECK(tile(64) == std::pair<int64_t, int64_t>{128, 128});
  CHECK(tile(65) == std::pair<int64_t, int64_t>{128, 64});
  CHECK(tile(128) == std::pair<int64_t, int64_t>{128, 64});
  CHECK(tile(160) == std::pair<int64_t, int64_t>{128, 64});  // no kernel of its own
  CHECK(tile(192) == std::pair<int64_t, int64_t>{128, 64});
  CHECK(tile(256) == std::pair<int64_t, int64_t>{64, 64});
}

TEST_CASE("split kernels have tiles of their own, and parts that cover every tile") {
  for (const auto& [dim, keys] : {std::pair{64, 256}, std::pair{128, 128}, std::pair{256, 64}}) {
    const auto owned = random_problem(
        1, {.rows = 2, .keys = 1000, .dim = dim, .heads = 2, .kv_heads = 2, .launch_heads = 2});
    const Plan plan = plan_of(owned);
    CHECK(plan.tile_rows == 64);
    CHECK(plan.tile_keys == keys);
    CHECK(plan.parts > 1);
    CHECK(plan.tiles_per_part() * plan.parts >= plan.key_tiles());
  }
}

TEST_CASE("one query row turns the heads of a group into rows") {
  const auto owned = random_problem(1, {.rows = 1,
                                        .keys = 300,
                                        .dim = 64,
                                        .mask = causal_mask,
                                        .batch = 2,
                                        .heads = 12,
                                        .kv_heads = 3,
                                        .launch_heads = 12});
  const Plan plan = plan_of(owned);
  CHECK(plan.problem.rows == 4);
  CHECK(plan.problem.heads == 3);
  CHECK(plan.problem.kv_heads == 3);
  CHECK(plan.problem.launch.heads == 3);
  CHECK(plan.problem.mask == no_mask);
}

TEST_CASE("3000 keys of 64 heads over 8: 24 parts after folding, where 64 heads alone gave 4") {
  const auto owned = random_problem(
      1, {.rows = 1, .keys = 3000, .dim = 128, .heads = 64, .kv_heads = 8, .launch_heads = 64});
  CHECK(plan_of(owned).parts == 24);
  CHECK(split_parts(fa2_torch, owned.problem) == 4);
}

TEST_CASE("more rows than one, or as many heads on both sides, fold nothing") {
  const auto two_rows =
      random_problem(1, {.rows = 2, .keys = 9, .dim = 8, .heads = 4, .kv_heads = 2});
  CHECK(plan_of(two_rows).problem.heads == 4);
  const auto equal = random_problem(1, {.rows = 1, .keys = 9, .dim = 8, .heads = 4, .kv_heads = 4});
  CHECK(plan_of(equal).problem.rows == 1);
}

TEST_CASE("the constant of the exponential is the scale times log2 e in binary64, rounded once") {
  const auto owned = random_problem(1, {.rows = 2, .keys = 2, .dim = 64});
  CHECK(plan_of(owned).scale_log2 == bit_cast<uint32_t>(static_cast<float>(0.125 * M_LOG2E)));
}

TEST_CASE("overrides change the sites they name and no other") {
  const auto owned = random_problem(1, {.rows = 2, .keys = 2, .dim = 64});
  const Plan plan = plan_of(owned, {{Site::row_sum, {bf16, upward}}});
  const PrecisionMap recipe = precision_map(fa2_torch, bf16);
  for (const SiteRow& row : forward_sites()) {
    const Cast expected = row.site == Site::row_sum ? Cast{bf16, upward} : recipe[row.site];
    CHECK(plan.map[row.site] == expected);
  }
}

TEST_CASE(
    "compiled code of a shape whose fusions are unknown is refused with the one that is known") {
  const auto owned = random_problem(1, {.rows = 8, .keys = 8, .dim = 64, .mask = causal_mask});
  try {
    make_plan(paper_compiled, chip_named("h200"), owned.problem, {});
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(contains(error.what(), "1024 x 1024, head size 64, causal"));
    CHECK(contains(error.what(), "8 x 8"));
  }
  make_plan(paper_eager, chip_named("h200"), owned.problem, {});
}

TEST_CASE("what becomes of l and O goes by row tile; the last entry serves the rest") {
  const auto owned =
      random_problem(1, {.rows = 1024, .keys = 1024, .dim = 64, .mask = causal_mask});
  const Plan plan = make_plan(paper_compiled_stable, chip_named("h200"), owned.problem, {});
  CHECK(plan.tile_ends(0).inner.row_sum == Kept::in_memory);
  CHECK(plan.tile_ends(511).last.output == Kept::in_memory);
  CHECK(plan.tile_ends(512).inner.row_sum == Kept::in_register);
  CHECK(plan.tile_ends(512).last.row_sum == Kept::in_memory);
  CHECK(plan.tile_ends(1024).last.row_sum == Kept::in_memory);
  CHECK(plan_of(owned).tile_ends(0).last.row_sum == Kept::in_register);
}

TEST_CASE("what the kernel or the chip does not take is refused by name") {
  CHECK(contains(refusal(random_problem(1, {.rows = 2, .keys = 2, .dim = 257}), "h200"), "256"));
  auto fp8 = random_problem(1, {.rows = 2, .keys = 2, .dim = 64}, e4m3fn);
  CHECK(contains(refusal(fp8, "h200"), "e4m3fn"));
  const auto plain = random_problem(1, {.rows = 2, .keys = 2, .dim = 64});
  CHECK(contains(refusal(plain, "sm70"), "bf16"));
  CHECK(refusal(plain, "sm80") == "accepted");
}
