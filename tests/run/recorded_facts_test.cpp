#include "ulpscope/run/recorded_facts.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include <map>

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using test::TemporaryFolder;

namespace {

struct Taken {
  std::string words;
  ProblemOptions options;
};

Taken taken(const std::map<std::string, std::string>& metadata, ProblemOptions options = {}) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "dump.safetensors";
  const std::vector<Tensor> tensors{make_tensor({"q", Element::bf16, {1, 1, 2, 8}})};
  write_safetensors(file, tensors, metadata);
  options.inputs.input = file.string();
  std::string words = take_recorded_facts(options);
  return {std::move(words), std::move(options)};
}

std::string failure(const std::map<std::string, std::string>& metadata) {
  try {
    taken(metadata);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::input);
    const std::string text = error.what();
    return text.substr(text.find("metadata"));
  }
  return "none";
}

}  // namespace

TEST_SUITE("recorded facts") {
  TEST_CASE("mask, scale and launch are taken from the file") {
    const Taken all = taken({{"causal", "true"}, {"scale", "0.5"}, {"launch", "2,9"}});
    CHECK(all.words == "causal, scale 0.5, launch 2,9");
    CHECK(all.options.mask == causal_mask);
    CHECK(all.options.scale == 0.5);
    CHECK(all.options.launch == std::array<int64_t, 2>{2, 9});
  }

  TEST_CASE("an option that was given wins, and what the file says is not looked at") {
    ProblemOptions given;
    given.mask = {.left = 3, .right = 0};
    given.scale = 1.0;
    given.launch = {1, 1};
    const Taken none = taken({{"causal", "perhaps"}, {"scale", "0.5"}, {"launch", "2,9"}}, given);
    CHECK(none.words.empty());
    CHECK(none.options.mask == given.mask);
    CHECK(none.options.scale == 1.0);
    CHECK(none.options.launch == given.launch);
  }

  TEST_CASE("a file that says nothing leaves everything as it is") {
    const Taken none = taken({{"causal", "false"}, {"layout", "bhsd"}});
    CHECK(none.words.empty());
    CHECK(none.options.mask == no_mask);
    CHECK_FALSE(none.options.scale);
    CHECK_FALSE(none.options.launch);
  }

  TEST_CASE("the kernel that ran is named by the file, or not") {
    const TemporaryFolder folder;
    const auto file = folder.path() / "dump.safetensors";
    const std::vector<Tensor> tensors{make_tensor({"q", Element::bf16, {1, 1, 2, 8}})};
    ProblemOptions options;
    CHECK(recorded_kernel(options).empty());
    options.inputs.input = file.string();
    write_safetensors(file, tensors, {});
    CHECK(recorded_kernel(options).empty());
    write_safetensors(file, tensors, {{"kernel", "cudnn-9.19"}});
    CHECK(recorded_kernel(options) == "cudnn-9.19");
  }

  TEST_CASE("metadata that is not understood is quoted, and what was expected is said") {
    CHECK(failure({{"causal", "yes"}}) == "metadata causal is 'yes'; expected true or false");
    CHECK(failure({{"scale", "0.5x"}}) == "metadata scale is '0.5x'; expected a number above zero");
    CHECK(failure({{"scale", "-1"}}) == "metadata scale is '-1'; expected a number above zero");
    CHECK(failure({{"launch", "2"}}) == "metadata launch is '2'; expected batch and heads, B,H");
    CHECK(failure({{"launch", "2,0"}}) ==
          "metadata launch is '2,0'; expected batch and heads, B,H");
    CHECK(failure({{"launch", "2,9,1"}}) ==
          "metadata launch is '2,9,1'; expected batch and heads, B,H");
  }
}
