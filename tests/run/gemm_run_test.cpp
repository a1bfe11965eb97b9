#include "ulpscope/run/gemm_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/report/table.hpp"
#include "ulpscope/tensor/open.hpp"

#include "tensor/files.hpp"
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

const std::string recorded =
    std::string(ULPSCOPE_DATA_DIR) + "/captures/h200_torch2.11_gemm/gemm_e4m3_128x128x128.npz";

GemmOptions recorded_options(const std::string& kernel) {
  GemmOptions options;
  options.a = recorded + ":a";
  options.b = recorded + ":b";
  options.kernel = kernel;
  options.format = e4m3fn;
  options.command = "ulpscope gemm";
  return options;
}

// Two rows of three numbers as `a`, one row of three as `b`: 1 and 2, then 1, 1/2, 1/4.
std::string small_file(std::string_view dtype = "BF16", std::string_view b_shape = "[1,3]") {
  std::string bytes;
  for (const uint64_t code : {0x3F80, 0x3F80, 0x3F80, 0x4000, 0x4000, 0x4000}) {
    bytes += little(code, 2);
  }
  for (const uint64_t code : {0x3F80, 0x3F00, 0x3E80}) bytes += little(code, 2);
  return safetensors_bytes(
      object(joined({entry("a", dtype, "[2,3]", 0, 12), ",", entry("b", dtype, b_shape, 12, 18)})),
      bytes);
}

GemmOptions small_options(const TemporaryFolder& here) {
  GemmOptions options;
  const auto file = here.write("x.safetensors", small_file()).string();
  options.a = file + ":a";
  options.b = file + ":b";
  return options;
}

}  // namespace

TEST_SUITE("gemm run") {
  TEST_CASE("D is A times the transpose of B") {
    const TemporaryFolder here;
    auto options = small_options(here);
    options.out = (here.path() / "d.safetensors").string();
    const auto summary = run_gemm(options);
    REQUIRE(summary.has_value());
    CHECK((*summary)["verdict"]["status"] == "unbiased");
    CHECK((*summary)["outputs"][0]["not_nearest"] == 0);
    const auto source = open_tensors(options.out);
    const Tensor d = source.read("d");
    CHECK(d.info.element == Element::bf16);
    CHECK(d.info.shape == std::vector<int64_t>{2, 1});
    CHECK(element_bits(d, 0) == 0x3FE0);  // 1.75
    CHECK(element_bits(d, 1) == 0x4060);  // 3.5
    CHECK(source.metadata().at("kernel") == "cublas-bf16@h200");
  }

  TEST_CASE("a recorded product is equal to its recording, and one bit of it changed is seen") {
    auto options = recorded_options("cublaslt-e4m3");
    options.compare = recorded + ":d_fast0_bfloat16";
    const auto equal = run_gemm(options);
    CHECK((*equal)["verdict"]["status"] == "equal");
    CHECK((*equal)["comparison"]["elements"] == 128 * 128);
    options.scale_a = 1.5;
    const auto different = run_gemm(options);
    CHECK((*different)["verdict"]["status"] == "different");
    CHECK((*different)["comparison"]["different_bits"].get<int>() > 1000);
  }

  TEST_CASE("the scales stand in the summary as binary32 has them") {
    auto options = recorded_options("cublaslt-e4m3-fast");
    options.scale_a = 0.1;
    options.output = fp32;
    const auto summary = run_gemm(options);
    CHECK((*summary)["product"]["scale_a"].get<double>() == static_cast<double>(0.1F));
    CHECK((*summary)["outputs"][0]["format"] == "fp32");
  }

  TEST_CASE("chips stand side by side, once each, and those without the format are listed") {
    auto options = recorded_options("cublaslt-e4m3");
    options.output = fp32;
    options.chips = {"all", "sm89"};
    const auto summary = *run_gemm(options);
    REQUIRE(summary["chips"].size() == 2);
    CHECK(summary["chips"][0]["chip"] == "h200");
    CHECK(summary["chips"][1]["chip"] == "sm89");
    CHECK(summary["chips"][1]["different_bits"][1] == 0);
    CHECK(summary["chips"][1]["different_bits"][0].get<int>() > 0);
    CHECK(summary["chips"][1]["different_bits"][0] == summary["chips"][0]["different_bits"][1]);
    CHECK(summary["outputs"][1]["name"] == "d_sm89");
    CHECK(summary["chips_without_format"] ==
          nlohmann::json::array({"sm70", "sm75", "sm80", "sm100"}));
    options.chips = {"sm90"};
    CHECK((*run_gemm(options))["chips"][0]["different_bits"][1] == 0);
  }

  TEST_CASE("1, 2 and 7 threads leave the same files, and page and table can be drawn") {
    const TemporaryFolder here;
    auto options = recorded_options("cublaslt-e4m3");
    options.chips = {"sm89"};
    options.compare = recorded + ":d_fast0_bfloat16";
    options.out = (here.path() / "run").string();
    std::string first;
    for (const int threads : {1, 2, 7}) {
      options.threads = threads;
      const auto summary = run_gemm(options);
      REQUIRE(summary.has_value());
      std::string all = text_summary(*summary);
      for (const char* name :
           {"outputs.safetensors", "errors.safetensors", "summary.json", "report.html"}) {
        const auto bytes = read_back(here.path() / "run" / name);
        REQUIRE_FALSE(bytes.empty());
        all += bytes;
      }
      if (first.empty()) first = all;
      CHECK((all == first));
    }
    const auto outputs = open_tensors((here.path() / "run/outputs.safetensors").string());
    CHECK(outputs.read("d_sm89").info.shape == std::vector<int64_t>{128, 128});
  }

  TEST_CASE("a stopped run writes nothing") {
    const TemporaryFolder here;
    auto options = recorded_options("cublaslt-e4m3");
    options.out = (here.path() / "run").string();
    const std::atomic<bool> stop = true;
    options.stop = &stop;
    CHECK_FALSE(run_gemm(options).has_value());
    CHECK(here.count() == 0);
  }

  TEST_CASE("what cannot be done is refused, with the name of what is wrong") {
    const TemporaryFolder here;
    const auto refuses = [&](auto&& change, ErrorKind kind, const char* part) {
      auto options = small_options(here);
      change(options);
      CAPTURE(part);
      try {
        run_gemm(options);
        FAIL("nothing was refused");
      } catch (const Error& error) {
        CHECK(error.kind() == kind);
        CHECK(contains(error.what(), part));
      }
    };
    constexpr auto usage = ErrorKind::usage;
    constexpr auto input = ErrorKind::input;
    refuses([](auto& o) { o.kernel = "cublas"; }, usage, "cublaslt-e4m3-fast");
    refuses([](auto& o) { o.kernel = "cublas-bf16@sm12"; }, usage, "sm12");
    refuses([](auto& o) { o.kernel = "cublas-bf16@sm75"; }, usage, "do not multiply bf16");
    refuses([](auto& o) { o.kernel = "cublaslt-e4m3"; }, usage, "multiplies e4m3fn");
    refuses([](auto& o) { o.chips = {"sm12"}; }, usage, "sm12");
    refuses([](auto& o) { o.scale_a = 2; }, usage, "takes no scales");
    refuses([](auto& o) { o.scale_b = -1; }, usage, "--scale-b -1");
    refuses([](auto& o) { o.scale_b = 1e300; }, usage, "--scale-b");
    refuses([](auto& o) { o.split_k = 2; }, usage, "--split-k 2");
    refuses([](auto& o) { o.output = fp64; }, usage, "--out-format fp64");
    refuses([](auto& o) { o.a = "absent.npz"; }, input, "absent.npz");
    refuses([](auto& o) { o.compare = o.a; }, input, "expected D, bf16 (2, 1)");
    refuses(
        [&](auto& o) {
          o.b = here.write("y.safetensors", small_file("BF16", "[3,1]")).string() + ":b";
        },
        input, "with one K");
    refuses(
        [&](auto& o) {
          o.b = here.write("z.safetensors", small_file("BF16", "[3]")).string() + ":b";
        },
        input, "expected two axes, (N, K)");
    refuses([&](auto& o) { o.b = here.write("h.safetensors", small_file("F16")).string() + ":b"; },
            usage, "multiplies bf16");
    refuses(
        [&](auto& o) {
          o.a = here.write("e.safetensors",
                           safetensors_bytes(object(entry("a", "BF16", "[0,3]", 0, 0)), ""))
                    .string();
        },
        input, "at least one element");
  }
}
