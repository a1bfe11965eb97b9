// A soft cap, slopes and a bias from files and options: what is read, refused and written down.
#include "ulpscope/base/error.hpp"
#include "ulpscope/run/attention_run.hpp"

#include <limits>

#include "tensor/files.hpp"
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// Tensors of a safetensors file, one after the other, as floats or as bytes of 16-bit codes.
class Tensors {
 public:
  Tensors& floats(std::string_view name, std::string_view shape, const std::vector<float>& values) {
    std::string bytes;
    for (const float x : values) bytes += little(bit_cast<uint32_t>(x), 4);
    return add(name, "F32", shape, bytes);
  }
  Tensors& add(std::string_view name, std::string_view dtype, std::string_view shape,
               const std::string& bytes) {
    const auto from = data_.size();
    data_ += bytes;
    entries_ +=
        (entries_.empty() ? "" : ",") + std::string(entry(name, dtype, shape, from, data_.size()));
    return *this;
  }
  std::string file() const { return safetensors_bytes(object(entries_), data_); }

 private:
  std::string entries_;
  std::string data_;
};

// Two heads, three rows, four keys of two bf16 numbers, all 1.
Tensors operands() {
  const auto ones = [](size_t n) {
    std::string bytes;
    for (size_t i = 0; i < n; ++i) bytes += "\x80\x3f";
    return bytes;
  };
  Tensors t;
  t.add("q", "BF16", "[2,3,2]", ones(12));
  t.add("k", "BF16", "[2,4,2]", ones(16)).add("v", "BF16", "[2,4,2]", ones(16));
  return t;
}

AttentionOptions options_for(const std::filesystem::path& file) {
  AttentionOptions options;
  options.kernel = "kernel";
  options.inputs.input = file.string();
  return options;
}

// The message of a run that is refused; empty if it is not.
std::string refused(const AttentionOptions& options) {
  try {
    run_attention(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_SUITE("score terms of a run") {
  TEST_CASE("a tensor 'bias' in the input is added, and the summary says so") {
    const TemporaryFolder here;
    const std::vector<float> values{0, 1, 2, -1};
    const auto file = here.write("x.safetensors", operands().floats("Bias", "[4]", values).file());
    auto options = options_for(file);
    auto summary = run_attention(options);
    REQUIRE(summary.has_value());
    CHECK((*summary)["problem"]["bias"] == std::vector<int64_t>{1, 1, 1, 4});
    CHECK((*summary)["inputs"].size() == 4);
    CHECK((*summary)["inputs"][3]["tensor"] == "Bias");
    CHECK((*summary)["inputs"][3]["format"] == "fp32");
    options.bias = BiasChoice::off;
    summary = run_attention(options);
    CHECK_FALSE((*summary)["problem"].contains("bias"));
    CHECK((*summary)["inputs"].size() == 3);
  }

  TEST_CASE("a bias in another file is found by name or because it is alone") {
    const TemporaryFolder here;
    const auto file = here.write("x.safetensors", operands().file());
    Tensors other;
    other.floats("mask", "[3,1]", {0, 1, 2});
    const auto bias = here.write("bias.safetensors", other.file());
    auto options = options_for(file);
    options.inputs.files["bias"] = bias.string();
    CHECK((*run_attention(options))["problem"]["bias"] == std::vector<int64_t>{1, 1, 3, 1});
    other.floats("more", "[1]", {0});
    const auto two = here.write("two.safetensors", other.file());
    options.inputs.files["bias"] = two.string();
    CHECK(contains(refused(options), "no tensor 'bias': found 'mask', 'more'"));
    options.inputs.files["bias"] = two.string() + ":more";
    CHECK((*run_attention(options))["problem"]["bias"] == std::vector<int64_t>{1, 1, 1, 1});
  }

  TEST_CASE("a bias that does not broadcast, or has no number of binary32, is refused") {
    const TemporaryFolder here;
    const auto with = [&](std::string_view dtype, std::string_view shape, size_t bytes) {
      Tensors t = operands();
      t.add("bias", dtype, shape, std::string(bytes, '\0'));
      return refused(options_for(here.write("x.safetensors", t.file())));
    };
    CHECK(contains(with("F32", "[3]", 12),
                   "'bias' is (3,); expected what broadcasts to (batch, heads, queries, keys) = "
                   "(1, 2, 3, 4)"));
    CHECK(contains(with("F32", "[3,3,4]", 144), "expected what broadcasts"));
    CHECK(contains(with("F32", "[1,1,1,1,4]", 16), "expected what broadcasts"));
    CHECK(contains(with("F64", "[4]", 32), "'bias' is fp64; expected fp32, bf16, fp16"));
    CHECK(contains(with("U16", "[4]", 8), "--format"));
    CHECK(with("F16", "[2,1,4]", 16).empty());
  }

  TEST_CASE("slopes are those of a file, of all batches or each, or the usual ones") {
    const TemporaryFolder here;
    const auto file = here.write("x.safetensors", operands().file());
    const auto slopes_in = [&](std::string_view shape, const std::vector<float>& values) {
      Tensors t;
      t.floats("slopes", shape, values);
      return here.write("slopes.safetensors", t.file()).string();
    };
    auto options = options_for(file);
    options.alibi = slopes_in("[2]", {0.5F, 0.25F});
    auto summary = *run_attention(options);
    CHECK(summary["problem"]["alibi"] == std::vector<double>{0.5, 0.25});
    CHECK(summary["inputs"].back()["tensor"] == "slopes");
    options.alibi = slopes_in("[1,2]", {0.5F, 0.25F});
    CHECK((*run_attention(options))["problem"]["alibi"] == std::vector<double>{0.5, 0.25});
    options.alibi = slopes_in("[3]", {1, 2, 3});
    CHECK(contains(refused(options), "'slopes' is (3,); expected a slope a head: (2,) or (1, 2)"));
    options.alibi = slopes_in("[2]", {1, std::numeric_limits<float>::infinity()});
    CHECK(contains(refused(options), "--alibi: expected finite slopes"));
    options.alibi = "default";
    CHECK((*run_attention(options))["problem"]["alibi"] == std::vector<double>{0x1p-4, 0x1p-8});
    options.launch = {1, 4};
    CHECK(contains(refused(options), "--alibi default: which 2 of the launch's 4 heads"));
  }

  TEST_CASE("a soft cap is a binary32 number above zero") {
    const TemporaryFolder here;
    auto options = options_for(here.write("x.safetensors", operands().file()));
    options.softcap = 0.1;
    const double rounded = (*run_attention(options))["problem"]["softcap"];
    CHECK(bit_cast<uint64_t>(rounded) == bit_cast<uint64_t>(static_cast<double>(0.1F)));
    for (const double cap : {0.0, -1.0, 1e300, 1e-300, std::numeric_limits<double>::quiet_NaN()}) {
      options.softcap = cap;
      CHECK(contains(refused(options), "--softcap"));
    }
    options.softcap = 30;
    options.kernel = "fa2-torch";
    CHECK(refused(options) ==
          "kernel fa2-torch takes no --softcap here; expected one of paper-pv, paper-o, kernel, "
          "exact");
  }

  TEST_CASE("exact and the textbook's kernel agree on every term to the last bit but few") {
    const TemporaryFolder here;
    Tensors t = operands();
    t.floats("bias", "[3,4]", {0, 1, 2, -1, 3, -4, 0, 0, 1, 1, 0.5F, 0.25F});
    const auto file = here.write("x.safetensors", t.file());
    auto options = options_for(file);
    options.softcap = 1.5;
    options.alibi = "default";
    for (const char* kernel : {"exact", "kernel"}) {
      options.kernel = kernel;
      const auto summary = *run_attention(options);
      CHECK(summary["outputs"][0]["max_abs_ulp"] < 0.6);
      CHECK(summary["outputs"][1]["max_abs_ulp"] < 4);
    }
  }
}
