#include "ulpscope/run/sample_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/run/problem_inputs.hpp"
#include "ulpscope/tensor/open.hpp"

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

TEST_SUITE("sample run") {
  TEST_CASE("the file is a problem that needs no options") {
    const test::TemporaryFolder here;
    const auto path = (here.path() / "ties.safetensors").string();
    const SampleOptions options{.law = {.kind = LawKind::ties, .sink = 0.5},
                                .shape = {.heads = 2, .rows = 64, .keys = 96}};
    write_sample(options, path);
    ProblemOptions problem;
    problem.inputs.input = path;
    const ProblemOperands operands = load_operands(problem);
    const LawTensors drawn = draw(options.law, options.shape);
    CHECK(operands.q.codes == drawn.q);
    CHECK(operands.k.codes == drawn.k);
    CHECK(operands.v.codes == drawn.v);
    REQUIRE(operands.dout);
    CHECK(operands.dout->codes == drawn.dout);
    CHECK(open_tensors(path).metadata().at("law") == "ties");
  }

  TEST_CASE("formats of 8 bits are bytes") {
    const test::TemporaryFolder here;
    const auto path = (here.path() / "n.safetensors").string();
    write_sample({.law = {}, .shape = {.rows = 4, .keys = 4, .dim = 8, .format = e4m3fn}}, path);
    CHECK(open_tensors(path).find("q")->element == Element::e4m3fn);
  }

  TEST_CASE("formats without a name in the file, and other files, are refused") {
    const test::TemporaryFolder here;
    const auto path = (here.path() / "n.safetensors").string();
    CHECK_THROWS_AS(write_sample({.law = {}, .shape = {.format = e2m1fn}}, path), Error);
    CHECK_THROWS_AS(write_sample({}, (here.path() / "n.npz").string()), Error);
    CHECK(here.count() == 0);
  }
}
