#include "ulpscope/run/quantise_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/tensor/open.hpp"

#include "tensor/files.hpp"
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// Three rows of 40 bf16 numbers: 1, 1 + 1/128, 1 + 2/128, ...
std::string rows_of_bf16() {
  std::string bytes;
  for (uint64_t i = 0; i < 120; ++i) bytes += little(0x3F80 + i, 2);
  return safetensors_bytes(object(entry("x", "BF16", "[3,40]", 0, 240)), bytes);
}

QuantiseRunOptions options_for(const TemporaryFolder& here) {
  QuantiseRunOptions options;
  options.input = here.write("x.safetensors", rows_of_bf16()).string();
  return options;
}

}  // namespace

TEST_SUITE("quantise") {
  TEST_CASE("without a name all schemes are run, in the order of their list") {
    const TemporaryFolder here;
    const auto result = run_quantise(options_for(here));
    REQUIRE(result["schemes"].size() == schemes.size());
    for (size_t i = 0; i < schemes.size(); ++i) {
      const auto& row = result["schemes"][i];
      CHECK(row["scheme"] == schemes[i].name);
      CHECK(row["count"] == 120);
      CHECK(row["skipped"] == 0);
    }
    CHECK(result["input"]["format"] == "bf16");
  }

  TEST_CASE("options replace the element, the block, the rule and the mode of a scheme") {
    const TemporaryFolder here;
    auto options = options_for(here);
    options.schemes = {"mxfp8_e4m3"};
    options.element = e5m2;
    options.block = 8;
    options.rule = rceil_rule;
    options.mode = Mode::toward_zero;
    const auto row = run_quantise(options)["schemes"][0];
    CHECK(row["element"] == "e5m2");
    CHECK(row["blocks"] == 15);
    CHECK(row["rule"] == "rceil");
    CHECK(row["round"] == "rz");
    CHECK(row["saturated"] == 0);
    CHECK(row["mean_error"].get<double>() < 0);
    CHECK(row["bits_per_value"].get<double>() == doctest::Approx(9.0));
  }

  TEST_CASE("the file has codes, scales and values, whichever kind it is") {
    const TemporaryFolder here;
    for (const char* name : {"mxfp8_e4m3", "nvfp4", "coat", "nf4"}) {
      for (const char* file : {"out.npz", "out.safetensors"}) {
        auto options = options_for(here);
        options.schemes = {name};
        options.out = (here.path() / file).string();
        run_quantise(options);
        const auto source = open_tensors(options.out);
        CAPTURE(name);
        CAPTURE(file);
        CHECK(source.read("codes").info.shape == std::vector<int64_t>{3, 40});
        CHECK(source.read("values").info.element == Element::fp32);
        const bool rows = scheme_named(name).along == Along::rows;
        CHECK(source.read("scales").info.shape.size() == (rows ? 2 : 1));
        CHECK((source.find("tensor_scale") != nullptr) == (std::string_view(name) == "nvfp4"));
        CHECK((source.find("exponents") != nullptr) == (std::string_view(name) == "coat"));
      }
    }
    // 1 in units of 2^-8: 256, code 0x78; 1 + 31/128 is 318, rounded to 320.
    auto options = options_for(here);
    options.schemes = {"mxfp8_e4m3"};
    options.out = (here.path() / "mx.safetensors").string();
    run_quantise(options);
    const auto source = open_tensors(options.out);
    CHECK(source.read("codes").info.element == Element::e4m3fn);
    CHECK(source.read("scales").info.element == Element::e8m0fnu);
    CHECK(element_bits(source.read("codes"), 0) == 0x78);
    CHECK(element_bits(source.read("codes"), 31) == 0x7A);
    CHECK(element_bits(source.read("scales"), 0) == 119);
    CHECK(source.metadata().at("scheme") == "mxfp8_e4m3");
  }

  TEST_CASE("what cannot be done is refused before anything is written") {
    const TemporaryFolder here;
    const auto refuses = [&](auto&& change, const char* part) {
      auto options = options_for(here);
      change(options);
      CHECK_THROWS_WITH_AS(run_quantise(options), doctest::Contains(part), Error);
    };
    refuses([](auto& o) { o.schemes = {"mxfp5"}; }, "mxfp5");
    refuses([](auto& o) { o.schemes = {"nf4"}, o.element = e4m3fn; }, "nf4");
    refuses([](auto& o) { o.schemes = {"fp4"}, o.mode = Mode::up; }, "--round");
    refuses([](auto& o) { o.schemes = {"coat"}, o.rule = floor_rule; }, "floor");
    refuses([](auto& o) { o.schemes = {"coat"}, o.element = fp64; }, "fp64");
    refuses([&](auto& o) { o.schemes = {"coat"}, o.out = (here.path() / "x.txt").string(); },
            ".safetensors");
    refuses([&](auto& o) { o.out = (here.path() / "x.npz").string(); }, "one --scheme");
    CHECK_FALSE(std::filesystem::exists(here.path() / "x.npz"));
  }

  TEST_CASE("binary64 is refused, and so is an empty tensor") {
    const TemporaryFolder here;
    QuantiseRunOptions options;
    options.input =
        here.write("d.safetensors",
                   safetensors_bytes(object(entry("x", "F64", "[1]", 0, 8)), std::string(8, '\0')))
            .string();
    CHECK_THROWS_WITH_AS(run_quantise(options), doctest::Contains("fp64"), Error);
    options.input =
        here.write("e.safetensors", safetensors_bytes(object(entry("x", "F32", "[0]", 0, 0)), ""))
            .string();
    CHECK_THROWS_WITH_AS(run_quantise(options), doctest::Contains("no elements"), Error);
  }
}
