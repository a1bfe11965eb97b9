// The main job as a library call: the same bytes whatever the threads and the host's
// floating-point state, and what the files hold.
#include "ulpscope/run/attention_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/run/version.hpp"
#include "ulpscope/tensor/open.hpp"

#include <cfenv>

#include "tensor/files.hpp"
#include <immintrin.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

const std::string capture =
    std::string(ULPSCOPE_DATA_DIR) + "/captures/h200_torch2.11_sdpa/bf_d64_n300_small_causal.npz";

AttentionOptions options_for(const TemporaryFolder& here) {
  AttentionOptions options;
  options.inputs = {.input = capture,
                    .files = {},
                    .names = {},
                    .format = bf16,
                    .layout = Layout::bhsd,
                    .cast = std::nullopt};
  options.mask = causal_mask;
  options.out = (here.path() / "run").string();
  options.command = "ulpscope attention";
  return options;
}

// All files of a run, one after the other.
std::string bytes_of(const AttentionOptions& options) {
  REQUIRE(run_attention(options).has_value());
  std::string all;
  for (const char* name :
       {"outputs.safetensors", "errors.safetensors", "summary.json", "report.html"}) {
    const auto bytes = read_back(std::filesystem::path(options.out) / name);
    REQUIRE_FALSE(bytes.empty());
    all += bytes;
  }
  return all;
}

}  // namespace

TEST_SUITE("attention run") {
  TEST_CASE("1, 2 and 7 threads write the same bytes") {
    const TemporaryFolder here;
    auto options = options_for(here);
    const auto one = bytes_of(options);
    options.threads = 2;
    CHECK((bytes_of(options) == one));
    options.threads = 7;
    CHECK((bytes_of(options) == one));
  }

  TEST_CASE("the host's rounding mode, FTZ and DAZ leave no trace") {
    const TemporaryFolder here;
    const auto options = options_for(here);
    const auto expected = bytes_of(options);
    for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
      std::fesetround(mode);
      const auto bytes = bytes_of(options);
      CHECK(std::fegetround() == mode);
      std::fesetround(FE_TONEAREST);
      CHECK((bytes == expected));
    }
    const unsigned state = _mm_getcsr();
    _mm_setcsr(state | 0x8040);  // FTZ and DAZ
    const auto bytes = bytes_of(options);
    _mm_setcsr(state);
    CHECK((bytes == expected));
  }

  TEST_CASE("another engine computes the outputs, and is not asked for what it lacks") {
    const TemporaryFolder here;
    auto options = options_for(here);
    options.log = LogLevel::none;
    options.backward = BackwardChoice::off;  // the input has a tensor do
    const auto outputs = [&] {
      REQUIRE(run_attention(options).has_value());
      const std::filesystem::path folder = options.out;
      return read_back(folder / "outputs.safetensors") + read_back(folder / "summary.json");
    };
    const auto expected = outputs();
    int calls = 0;
    options.forward = [&](const Plan& plan, const DriverOptions& driver) {
      ++calls;
      CHECK(driver.logging == Logging::off);
      return run_forward(plan, driver);
    };
    CHECK(outputs() == expected);
    CHECK(calls > 0);
    calls = 0;
    const auto message_of = [&](const AttentionOptions& changed) -> std::string {
      try {
        run_attention(changed);
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        return error.what();
      }
      return "";
    };
    auto logged = options;
    logged.log = LogLevel::statistics;
    CHECK(message_of(logged).ends_with("expected --log none"));
    auto reference = options;
    reference.kernel = "exact";
    CHECK(message_of(reference).find("kernel exact has no pass") != std::string::npos);
    auto backward = options;
    backward.backward = BackwardChoice::if_given;
    CHECK(message_of(backward).ends_with("expected --no-backward"));
    CHECK(calls == 0);
  }

  TEST_CASE("outputs lie in the layout of the input") {
    const TemporaryFolder here;
    auto options = options_for(here);
    REQUIRE(run_attention(options).has_value());
    const auto source = open_tensors(here.path() / "run/outputs.safetensors");
    CHECK(source.find("o")->shape == open_tensors(capture).find("q")->shape);
    CHECK(source.find("o")->element == Element::bf16);
    CHECK(source.find("lse")->element == Element::fp32);
    CHECK(source.metadata().at("layout") == "bhsd");
  }

  TEST_CASE("with dO the gradients are written like q, k and v, and the summary has them") {
    const TemporaryFolder here;
    auto options = options_for(here);
    const auto summary = run_attention(options);
    REQUIRE(summary.has_value());
    const auto source = open_tensors(here.path() / "run/outputs.safetensors");
    const auto recorded = open_tensors(capture);
    for (const auto& [gradient, like] :
         {std::pair{"dq", "q"}, std::pair{"dk", "k"}, std::pair{"dv", "v"}}) {
      CHECK(source.find(gradient)->shape == recorded.find(like)->shape);
      CHECK(source.read(gradient).bytes == recorded.read(std::string("fa_") + gradient).bytes);
    }
    CHECK(source.find("delta")->shape == source.find("lse")->shape);
    std::vector<std::string> names;
    for (const auto& output : (*summary)["outputs"]) names.push_back(output["name"]);
    CHECK(names ==
          std::vector<std::string>{"o", "lse", "dq", "dk", "dv", "delta", "p", "dp", "ds"});
    CHECK((*summary)["outputs"][8]["count"] == (*summary)["outputs"][6]["count"]);
    const auto& sample = (*summary)["reference"]["gradients"];
    CHECK(sample["judged_rows"] == 8);
    CHECK(sample["max_difference_ulp"]["dk"].get<double>() < 0x1p-20);
    CHECK((*summary)["inputs"].size() == 4);
  }

  TEST_CASE("without a backward pass there is no word of gradients") {
    const TemporaryFolder here;
    auto options = options_for(here);
    options.backward = BackwardChoice::off;
    const auto summary = run_attention(options);
    REQUIRE(summary.has_value());
    CHECK((*summary)["outputs"].size() == 2);
    CHECK((*summary)["inputs"].size() == 3);
    CHECK(open_tensors(here.path() / "run/outputs.safetensors").find("dq") == nullptr);
  }

  TEST_CASE("the kernel exact stays within half an ulp of the reference") {
    const TemporaryFolder here;
    auto options = options_for(here);
    options.kernel = "exact";
    const auto summary = run_attention(options);
    REQUIRE(summary.has_value());
    CHECK((*summary)["outputs"][0]["max_abs_ulp"].get<double>() <= 0.5);
    CHECK((*summary)["sites"].empty());
  }

  TEST_CASE("a row that no recording holds says so, and one that is held does not") {
    const TemporaryFolder here;
    auto options = options_for(here);
    options.backward = BackwardChoice::off;
    options.kernel = "fa2-pip";
    const auto summary = run_attention(options);
    REQUIRE(summary.has_value());
    REQUIRE((*summary)["notes"].size() == 1);
    CHECK(contains((*summary)["notes"][0].get<std::string>(), "fa2-pip: from source"));
    options.kernel = "fa2-torch";
    CHECK_FALSE(run_attention(options)->contains("notes"));
  }

  TEST_CASE("dQ without a fixed order is noted, and dK and dV are those of any order") {
    const TemporaryFolder here;
    auto options = options_for(here);
    options.gradient_order = GradientOrder::any;
    const auto summary = run_attention(options);
    REQUIRE(summary.has_value());
    REQUIRE((*summary)["notes"].size() == 1);
    CHECK(contains((*summary)["notes"][0].get<std::string>(), "no fixed order"));
    const auto recorded = open_tensors(capture);
    const auto outputs = open_tensors(here.path() / "run/outputs.safetensors");
    CHECK(outputs.read("dk").bytes == recorded.read("fa_dk").bytes);
    CHECK(outputs.read("dv").bytes == recorded.read("fa_dv").bytes);
  }

  TEST_CASE("8-bit operands and their factors: the reference has them too") {
    const TemporaryFolder here;
    const std::string matrices =
        std::string(ULPSCOPE_DATA_DIR) + "/captures/h200_torch2.11_gemm/gemm_e4m3_128x128x128.npz:";
    AttentionOptions options;
    options.inputs.files = {{"q", matrices + "a"}, {"k", matrices + "b"}, {"v", matrices + "b"}};
    options.inputs.format = e4m3fn;
    options.kernel = "fp8-e4m3";
    options.descale = {.q = 0.3, .k = 0.7, .v = 0.0123};
    const auto summary = run_attention(options);
    REQUIRE(summary.has_value());
    CHECK((*summary)["outputs"][0]["format"] == "bf16");
    CHECK((*summary)["outputs"][1]["max_abs_ulp"].get<double>() < 1e4);  // LSE: 13 bits of score
    CHECK((*summary)["problem"]["descale"]["v"].get<double>() == doctest::Approx(0.0123));
    options.kernel = "exact";
    const auto exact = run_attention(options);
    REQUIRE(exact.has_value());
    CHECK((*exact)["outputs"][0]["max_abs_ulp"].get<double>() <= 0.5);
    const auto refuses = [&](const char* part) {
      CHECK_THROWS_WITH_AS(run_attention(options), doctest::Contains(part), Error);
    };
    options.descale.k = -1;
    refuses("--descale k=-1: expected a number above zero");
    options.descale = {};
    options.inputs.files["do"] = matrices + "a";
    refuses("--do: kernel exact has no backward pass");
  }

  TEST_CASE("an override widens the output and is marked in the summary") {
    const TemporaryFolder here;
    auto options = options_for(here);
    options.overrides = {parse_override("output_store=fp32")};
    const auto summary = run_attention(options);
    REQUIRE(summary.has_value());
    CHECK((*summary)["outputs"][0]["format"] == "fp32");
    CHECK(open_tensors(here.path() / "run/outputs.safetensors").find("o")->element ==
          Element::fp32);
    size_t overridden = 0;
    for (const auto& cast : (*summary)["casts"]) overridden += cast["overridden"].get<bool>();
    CHECK(overridden == 1);
  }

  TEST_CASE("a stopped run writes nothing") {
    const TemporaryFolder here;
    auto options = options_for(here);
    const std::atomic<bool> stop = true;
    options.stop = &stop;
    CHECK_FALSE(run_attention(options).has_value());
    CHECK(here.count() == 0);
  }

  TEST_CASE("the histogram of every site holds every rounding") {
    const TemporaryFolder here;
    const auto summary = run_attention(options_for(here));
    REQUIRE(summary.has_value());
    for (const auto& site : (*summary)["sites"]) {
      CAPTURE(site["name"].get<std::string>());
      uint64_t sum = site["histogram"]["zero"].get<uint64_t>() + site["skipped"].get<uint64_t>();
      for (const auto& count : site["histogram"]["counts"]) sum += count.get<uint64_t>();
      CHECK(sum == site["count"].get<uint64_t>());
    }
  }

  TEST_CASE("the version is the build's") { CHECK(std::string(version) == ULPSCOPE_VERSION); }
}
