#include "ulpscope/run/engines_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/report/table.hpp"
#include "ulpscope/tensor/open.hpp"

#include <sstream>

#include "tensor/files.hpp"
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;
using nlohmann::json;

namespace {

// bf16 numbers from 1 to 2 or, every third, -2 to -1, of no other pattern.
std::string numbers(size_t count, uint32_t seed) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1'664'525 + 1'013'904'223;
    bytes += little((i % 3 == 0 ? 0xBF80 : 0x3F80) + (seed >> 25), 2);
  }
  return bytes;
}

// 40 rows, 200 keys, head size 16; with dO where the name of the last tensor is "do".
std::string dump(std::string_view last = "do") {
  const uint64_t q = 40 * 16 * 2;
  const uint64_t k = 200 * 16 * 2;
  return safetensors_bytes(
      object(joined({entry("q", "BF16", "[40,16]", 0, q), ",",
                     entry("k", "BF16", "[200,16]", q, q + k), ",",
                     entry("v", "BF16", "[200,16]", q + k, q + 2 * k), ",",
                     entry(last, "BF16", "[40,16]", q + 2 * k, 2 * q + 2 * k)})),
      numbers((2 * q + 2 * k) / 2, 1));
}

EnginesOptions options_for(const TemporaryFolder& here, std::string_view last = "do") {
  EnginesOptions options;
  options.inputs.input = here.write("dump.safetensors", dump(last)).string();
  options.command = "ulpscope engines";
  return options;
}

json run(const EnginesOptions& options) {
  const auto summary = run_engine_comparison(options);
  REQUIRE(summary.has_value());
  return *summary;
}

std::vector<std::string> names_of(const json& engines) {
  std::vector<std::string> names;
  for (const auto& engine : engines) names.push_back(engine["name"]);
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_SUITE("engines run") {
  TEST_CASE("kernels without a chip go through the chips, each engine once, exact alone") {
    const TemporaryFolder here;
    auto options = options_for(here, "other");
    options.kernels = {"fa2-torch", "memeff-torch@sm80", "exact", "fa2-torch@sm80"};
    options.chips = {"sm80", "h200", "sm80"};
    const json summary = run(options);
    CHECK(names_of(summary["engines"]) ==
          Names{"fa2-torch@sm80", "fa2-torch@h200", "memeff-torch@sm80", "exact"});
    CHECK(summary["kind"] == "engines");
    REQUIRE(summary["matrices"].size() == 2);  // o, lse
    CHECK(summary["matrices"][0]["pairs"].size() == 6);
    CHECK(summary["outputs"].size() == 8);
    options.kernels = {"all"};
    options.chips = {"all"};
    const auto names = names_of(run(options)["engines"]);
    CHECK(std::count(names.begin(), names.end(), "exact") == 1);
    CHECK(std::count(names.begin(), names.end(), "cudnn-9.19@sm100") == 1);
    CHECK(std::count(names.begin(), names.end(), "fa2-torch@h200") == 0);  // sm90 stands for it
  }

  TEST_CASE("with dO the gradients are compared, among the kernels that have them") {
    const TemporaryFolder here;
    auto options = options_for(here);
    options.kernels = {"fa2-torch", "memeff-torch", "exact"};
    const json summary = run(options);
    REQUIRE(summary["matrices"].size() == 5);
    CHECK(summary["matrices"][4]["tensor"] == "dv");
    CHECK(summary["matrices"][4]["elements"] == 200 * 16);
    CHECK(summary["matrices"][4]["engines"] == json{"fa2-torch@h200", "memeff-torch@h200"});
    CHECK(summary["engines"][2].contains("backward_refusal"));
    CHECK(summary["inputs"].size() == 4);
    options.backward = BackwardChoice::off;
    CHECK(run(options)["matrices"].size() == 2);
  }

  TEST_CASE("a kernel that refuses is listed with its reason, and alone is an error") {
    const TemporaryFolder here;
    auto options = options_for(here, "other");
    options.kernels = {"fa2-torch", "cudnn-9.19"};
    options.mask = {.left = 3, .right = 0};
    const json summary = run(options);
    CHECK(summary["engines"][1]["refusal"].get<std::string>().find("windows") != std::string::npos);
    CHECK(summary["matrices"][0]["engines"].size() == 1);
    CHECK(contains(text_summary(summary), "not computed: cudnn-9.19@h200: "));
    CHECK(summary["notes"].size() == 1);  // rows and keys differ under a mask
    const auto refuses = [&](ErrorKind kind, std::string_view part) {
      try {
        run_engine_comparison(options);
        FAIL("nothing was refused");
      } catch (const Error& error) {
        CHECK(error.kind() == kind);
        CHECK(contains(error.what(), part));
      }
    };
    options.kernels = {"cudnn-9.19"};
    refuses(ErrorKind::usage, "windows");
    options.kernels = {"cudnn"};
    refuses(ErrorKind::usage, "cudnn-9.19");
    options.kernels = {"all"};
    options.chips = {"sm12"};
    refuses(ErrorKind::usage, "sm12");
    options.chips = {"h200"};
    options.launch = {0, 1};
    refuses(ErrorKind::usage, "--launch 0,1");
    options.inputs.input = "absent.npz";
    refuses(ErrorKind::input, "absent.npz");
  }

  TEST_CASE("dQ that is added in no fixed order is marked") {
    const TemporaryFolder here;
    auto options = options_for(here);
    const uint64_t k = 400 * 16 * 2;
    options.inputs.input.clear();
    for (const char* role : {"q", "k", "v", "do"}) {
      const auto file =
          here.write(std::string(role) + ".safetensors",
                     safetensors_bytes(object(entry(role, "BF16", "[400,16]", 0, k)),
                                       numbers(k / 2, static_cast<uint32_t>(role[0]))));
      options.inputs.files[role] = file.string();
    }
    options.kernels = {"fa2-torch", "cudnn-9.19"};
    const json summary = run(options);
    REQUIRE(summary["notes"].size() == 1);
    CHECK(contains(summary["notes"][0].get<std::string>(), "UNORDERED: cudnn-9.19@h200"));
    CHECK(summary["engines"][1]["unordered_dq"] == true);
  }

  TEST_CASE("1, 2 and 7 threads leave the same files, a tensor for every engine and output") {
    const TemporaryFolder here;
    auto options = options_for(here);
    options.kernels = {"fa2-torch", "memeff-torch", "exact"};
    options.out = (here.path() / "run").string();
    std::string first;
    for (const int threads : {1, 2, 7}) {
      options.threads = threads;
      std::string all = text_summary(run(options));
      for (const char* name : {"outputs.safetensors", "summary.json", "report.html"}) {
        const auto bytes = read_back(here.path() / "run" / name);
        REQUIRE_FALSE(bytes.empty());
        all += bytes;
      }
      if (first.empty()) first = all;
      CHECK((all == first));
    }
    const auto outputs = open_tensors((here.path() / "run/outputs.safetensors").string());
    CHECK(outputs.read("fa2-torch@h200.o").info.shape == std::vector<int64_t>{40, 16});
    CHECK(outputs.read("memeff-torch@h200.dk").info.shape == std::vector<int64_t>{200, 16});
    CHECK(outputs.read("exact.lse").info.shape == std::vector<int64_t>{40});
    CHECK(outputs.read("exact.o").info.element == Element::bf16);
  }

  TEST_CASE("the verdict names who agrees, and who is apart from the rest") {
    const TemporaryFolder here;
    auto options = options_for(here, "other");
    const auto verdict = [&](std::vector<std::string> kernels) {
      options.kernels = std::move(kernels);
      return run(options)["verdict"]["text"].get<std::string>();
    };
    CHECK(contains(verdict({"fa2-torch@h200", "fa2-torch@sm90"}),
                   "Equal in every bit: fa2-torch@h200 = fa2-torch@sm90."));
    const auto apart = verdict({"fa2-torch@h200", "fa2-torch@sm90", "memeff-torch"});
    CHECK(contains(apart, "fa2-torch@h200 = fa2-torch@sm90."));
    CHECK(contains(apart, "Apart from the rest: memeff-torch@h200 in o ("));
    // Of two nobody can say which one is off, and the reference is nobody's neighbour.
    const auto two = verdict({"fa2-torch", "memeff-torch", "exact"});
    CHECK(contains(two, "No two engines agree in every bit."));
    CHECK_FALSE(contains(two, "Apart"));
  }

  TEST_CASE("no line of the table is wider than 120 columns, however many engines there are") {
    const TemporaryFolder here;
    auto options = options_for(here, "other");
    options.kernels = {"all"};
    options.chips = {"all"};
    std::istringstream lines(text_summary(run(options)));
    for (std::string line; std::getline(lines, line);) {
      CAPTURE(line);
      CHECK(line.size() <= 120);
    }
  }

  TEST_CASE("a stopped run writes nothing") {
    const TemporaryFolder here;
    auto options = options_for(here);
    options.out = (here.path() / "run").string();
    const std::atomic<bool> stop = true;
    options.stop = &stop;
    CHECK_FALSE(run_engine_comparison(options).has_value());
    CHECK(here.count() == 1);  // the dump
  }
}
