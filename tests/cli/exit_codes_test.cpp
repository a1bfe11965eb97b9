// What the tool does with wrong input: one line on stderr that names what, where, found and
// expected, the documented exit code, and no partial output.
#include <array>
#include <cstdio>
#include <memory>

#include "tensor/files.hpp"
#include <sys/wait.h>

namespace {

using namespace ulpscope::test;
namespace fs = std::filesystem;

struct Outcome {
  int code;
  std::string text;  // stdout and stderr
};

// Runs the tool in a folder; `arguments` as a shell reads them.
Outcome run(const fs::path& folder, const std::string& arguments, const char* before = "") {
  const std::string shell = "cd '" + folder.string() + "' && " + before +
                            " '" ULPSCOPE_TOOL_DIR "/ulpscope' " + arguments + " 2>&1";
  FILE* const pipe = popen(shell.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  std::array<char, 4096> part{};
  while (const size_t n = fread(part.data(), 1, part.size(), pipe)) text.append(part.data(), n);
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}

// The run fails with this code and one line that has all the parts; the output folder is absent.
void check_refusal(const fs::path& folder, const std::string& arguments, int code,
                   std::initializer_list<std::string_view> parts) {
  CAPTURE(arguments);
  const auto outcome = run(folder, arguments + " --out result");
  CAPTURE(outcome.text);
  CHECK(outcome.code == code);
  CHECK(outcome.text.starts_with("ulpscope: error: "));
  CHECK(std::count(outcome.text.begin(), outcome.text.end(), '\n') == 1);
  for (const auto part : parts) CHECK(contains(outcome.text, part));
  CHECK_FALSE(fs::exists(folder / "result"));
  for (const auto& left : fs::directory_iterator(folder)) {
    CHECK_FALSE(contains(left.path().filename().string(), "ulpscope-"));
  }
}

// Four rows of two bf16 numbers.
const std::string bf16_data(16, '\x3f');

std::string three_tensors(std::string_view dtype, std::string_view shape, uint64_t bytes) {
  return object(
      joined({entry("q", dtype, shape, 0, bytes), ",", entry("k", dtype, shape, bytes, 2 * bytes),
              ",", entry("v", dtype, shape, 2 * bytes, 3 * bytes)}));
}

std::string good_file() {
  return safetensors_bytes(three_tensors("BF16", "[4,2]", 16), std::string(48, '\x3f'));
}

}  // namespace

TEST_SUITE("exit codes") {
  TEST_CASE("a good dump ends with 0 and leaves the four files") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    const auto outcome = run(here.path(), "attention good.safetensors --out result");
    CAPTURE(outcome.text);
    CHECK(outcome.code == 0);
    for (const char* name :
         {"outputs.safetensors", "errors.safetensors", "summary.json", "report.html"}) {
      CHECK(fs::exists(here.path() / "result" / name));
    }
  }

  TEST_CASE("usage errors end with 2 and name the choices") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    const std::string good = "attention good.safetensors ";
    check_refusal(here.path(), good + "--kernel fa9", 2, {"fa9", "fa2-torch", "exact"});
    check_refusal(here.path(), good + "--kernel fa2-torch@sm12", 2, {"sm12", "h200", "sm80"});
    check_refusal(here.path(), good + "--kernel fa2-torch@sm70", 2, {"sm70", "bf16", "fp16"});
    check_refusal(here.path(), good + "--format bf17", 2, {"bf17", "bf16", "eXmY"});
    check_refusal(here.path(), good + "--set nowhere=bf16", 2, {"nowhere", "probability_cast"});
    check_refusal(here.path(), good + "--set scores=bf16:up", 2, {"'up'", "rne"});
    check_refusal(here.path(), good + "--set scores=fp64", 2, {"fp64", "binary32"});
    check_refusal(here.path(), good + "--layout bhsd", 3, {"good.safetensors", "(4, 2)", "bhsd"});
    check_refusal(here.path(), good + "--layout xy", 2, {"xy", "bshd"});
    check_refusal(here.path(), good + "--scale 0", 2, {"--scale"});
    check_refusal(here.path(), good + "--softcap 0", 2, {"--softcap 0", "above zero"});
    check_refusal(here.path(), good + "--softcap 30", 2, {"fa2-torch", "--softcap", "exact"});
    check_refusal(here.path(), good + "--alibi default", 2, {"fa2-torch", "--alibi", "exact"});
    check_refusal(here.path(), good + "--alibi absent.npy", 3, {"absent.npy"});
    check_refusal(here.path(), good + "--alibi good.safetensors", 3, {"'alibi'", "FILE:TENSOR"});
    check_refusal(here.path(), good + "--bias good.safetensors:q --kernel kernel", 3,
                  {"'q'", "(4, 2)", "broadcasts", "(1, 1, 4, 4)"});
    check_refusal(here.path(), good + "--map mask=q", 2, {"--map mask=q", "bias=NAME"});
    check_refusal(here.path(), good + "--launch 0,1", 2, {"--launch 0,1"});
    check_refusal(here.path(), good + "--tile 128,100", 2, {"--tile 128,100", "32"});
    check_refusal(here.path(), good + "--stable beta=1,tol=0", 2, {"beta=1,tol=0", "B above 1"});
    check_refusal(here.path(), good + "--stable beta=2,tol=0,clamp=1", 2,
                  {"fa2-torch", "clamp=none"});
    check_refusal(here.path(), good + "--offset x", 2, {"--offset x", "number"});
    check_refusal(here.path(), good + "--kernel exact --offset 1", 2, {"exact", "maximum"});
    check_refusal(here.path(), good + "--set dq_store=bf16:sr8", 2, {"dq_store", "forward"});
    check_refusal(here.path(), good + "--set scores=bf16:sr65", 2, {"sr65", "64"});
    check_refusal(here.path(), good + "--unknown", 2, {"--unknown"});
    check_refusal(here.path(), "attention", 2, {"INPUT"});
    check_refusal(here.path(), good + "--format fp16", 2, {"bf16", "--cast"});
  }

  TEST_CASE("grids that cannot be swept end with 2 and name the choices") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    const auto refuse = [&](const std::string& words,
                            std::initializer_list<std::string_view> names) {
      check_refusal(here.path(), "sweep " + words, 2, names);
    };
    refuse("", {"--preset", "--gap"});
    refuse("--preset fig7", {"fig7", "resonance", "golden"});
    refuse("--measure speed --gap 4", {"speed", "attention", "p-cast"});
    refuse("--gap 4..", {"'4..'", "FROM..TO"});
    refuse("--rows 0", {"--rows", "'0'"});
    refuse("--tiles 64", {"--tiles", "128x64"});
    refuse("--kernels fa9", {"--kernels", "fa9", "fa2-torch"});
    refuse("--formats bf17", {"--formats", "bf17"});
    refuse("--modes up", {"--modes", "rne"});
    refuse("--site nowhere", {"--site", "nowhere", "output_store"});
    refuse("--preset stalling --gap 4", {"--gap", "sum", "terms"});
    refuse("good.safetensors --gap 4", {"--gap", "drawn"});
    refuse("--rows 64 --kernels paper-compiled", {"no point", "1024 x 1024"});
    check_refusal(here.path(), "sweep absent.npz --modes rz", 3, {"absent.npz"});
  }

  TEST_CASE("treatments that a kernel does not take end with 2") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    const auto refused = [&](const std::string& options, std::string_view part) {
      CAPTURE(options);
      const auto outcome = run(here.path(), "mitigate good.safetensors " + options);
      CHECK(outcome.code == 2);
      CHECK(outcome.text.starts_with("ulpscope: error: "));
      CHECK(contains(outcome.text, part));
    };
    refused("--kernel exact", "exact");
    refused("--site nowhere", "nowhere");
    refused("--site dq_store", "forward");
    refused("--stable beta=1,tol=0", "B above 1");
    refused("--offset x", "--offset x");
    refused("--from-row 4", "less than 4");
    refused("--from-row -1", "--from-row");
  }

  TEST_CASE("factors and orders that a kernel does not know end with 2") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    for (const char* piece : {"q", "q=", "q=x", "o=1", "q=1x"}) {
      check_refusal(here.path(), joined({"attention good.safetensors --descale ", piece}), 2,
                    {"--descale ", piece, "expected q=NUMBER"});
    }
    check_refusal(here.path(), "attention good.safetensors --descale q=2,v=3", 2,
                  {"--descale", "fa2-torch", "takes no factors"});
    check_refusal(here.path(),
                  "attention good.safetensors --do good.safetensors:q --kernel memeff-torch "
                  "--unordered",
                  2, {"memeff-torch", "without a fixed order", "--unordered"});
    check_refusal(here.path(), "attention good.safetensors --do good.safetensors:q --kernel exact",
                  2, {"--do", "exact", "no backward pass"});
  }

  TEST_CASE("rotations, logits and optimizer states that make no sense are refused") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    const auto check = [&](const std::string& arguments, int code,
                           std::initializer_list<std::string_view> parts) {
      const auto outcome = run(here.path(), arguments);
      CAPTURE(outcome.text);
      CHECK(outcome.code == code);
      CHECK(outcome.text.starts_with("ulpscope: error: "));
      CHECK(std::count(outcome.text.begin(), outcome.text.end(), '\n') == 1);
      for (const auto part : parts) CHECK(contains(outcome.text, part));
    };
    const std::string good = "attention good.safetensors ";
    check(good + "--rope fp64", 2, {"fp64", "fp32, cast, hf-bf16"});
    check(good + "--rope-shift 4", 2, {"--rope-shift", "--rope"});
    check(good + "--rope-base 500", 2, {"--rope-base", "--rope"});
    check(good + "--rope cast --rope-shift -1", 2, {"--rope-shift -1"});
    check(good + "--rope cast --rope-base 1", 2, {"above 1"});
    check("sweep --rope cast --rows 8", 2, {"--rope cast", "expected a file"});
    check("monitors good.safetensors --rope cast --do good.safetensors:q --x good.safetensors:k", 2,
          {"--rope cast", "before its rotation"});
    check("sharpness good.safetensors:q --eps 0", 2, {"--eps 0", "above 0"});
    check("sharpness good.safetensors:q --target 2", 2, {"--target 2", "0 to 1"});
    check("sharpness good.safetensors:q --target 0 --labels good.safetensors:k", 2,
          {"one of them"});
    check("sharpness good.safetensors:q --labels good.safetensors:k", 3, {"expected 4 labels"});
    check("sharpness absent.npy", 3, {"absent.npy"});
    check("coat --first good.safetensors:q", 2, {"--first", "--second"});
    check("coat --values 0", 2, {"--values"});
    check("coat --first absent.npy --second absent.npy", 3, {"absent.npy"});
    CHECK(run(here.path(), good + "--rope hf-bf16 --rope-base 500 --rope-shift 3,5").code == 0);
    CHECK(run(here.path(), "sharpness good.safetensors:q").code == 0);
    CHECK(run(here.path(), "coat --first good.safetensors:q --second good.safetensors:k").code ==
          0);
  }

  TEST_CASE("elements without a history and steps without dO are refused") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    const auto check = [&](const std::string& arguments, int code,
                           std::initializer_list<std::string_view> parts) {
      const auto outcome = run(here.path(), arguments);
      CAPTURE(outcome.text);
      CHECK(outcome.code == code);
      CHECK(outcome.text.starts_with("ulpscope: error: "));
      CHECK(std::count(outcome.text.begin(), outcome.text.end(), '\n') == 1);
      for (const auto part : parts) CHECK(contains(outcome.text, part));
    };
    const std::string good = "history good.safetensors ";
    check(good, 2, {"--element"});
    check(good + "--element 0,0,4,0", 2, {"--element 0,0,4,0", "(1, 1, 4, 2)"});
    check(good + "--element 0,0,3", 2, {"--element 0,0,3", "(1, 1, 4, 2)"});
    check(good + "--element 0,0,3,0 --output lse", 2, {"--element 0,0,3,0", "(1, 1, 4)"});
    check(good + "--element 0,0,3,0 --output p", 2, {"--output p", "o or lse"});
    check(good + "--element 0,0,3,0 --kernel exact", 2, {"exact", "history"});
    check("history absent.npz --element 0,0,0,0", 3, {"absent.npz"});
    check("drift good.safetensors", 2, {"do"});
    check("monitors good.safetensors --compare-window -1", 2, {"--compare-window"});
    check("monitors good.safetensors --do good.safetensors:q --x good.safetensors:absent", 3,
          {"good.safetensors", "absent"});
    check("rope --matrices --lengths 0", 2, {"--lengths 0"});
    check("drift --law abnormal", 2, {"abnormal", "ties"});
    check("drift --steps 0", 2, {"--steps"});
    check("drift absent.npz", 3, {"absent.npz"});
    CHECK(run(here.path(), good + "--element 0,0,3,0").code == 0);
    CHECK(run(here.path(), good + "--element 0,0,3 --output lse").code == 0);
  }

  TEST_CASE("bits without a format are refused, and so is a format of another width") {
    const TemporaryFolder here;
    here.write("bits.safetensors",
               safetensors_bytes(three_tensors("U16", "[4,2]", 16), std::string(48, '\x3f')));
    check_refusal(here.path(), "attention bits.safetensors", 2,
                  {"bits.safetensors", "u16", "--format"});
    check_refusal(here.path(), "attention bits.safetensors --format e5m2", 2, {"16 bits", "e5m2"});
    CHECK(run(here.path(), "attention bits.safetensors --format bf16").code == 0);
  }

  TEST_CASE("wider inputs are rounded only when asked, and the summary says so") {
    const TemporaryFolder here;
    here.write("wide.safetensors",
               safetensors_bytes(three_tensors("F32", "[4,2]", 32), std::string(96, '\x3f')));
    check_refusal(here.path(), "attention wide.safetensors", 2, {"fp32", "--cast rne"});
    const auto outcome =
        run(here.path(), "attention wide.safetensors --format bf16 --cast rne --json");
    CHECK(outcome.code == 0);
    CHECK(contains(outcome.text, "rounded from fp32 to bf16 by rne"));
  }

  TEST_CASE("bad files end with 3 and say which and why") {
    const TemporaryFolder here;
    const auto check = [&](const std::string& name, const std::string& bytes,
                           std::initializer_list<std::string_view> parts,
                           const std::string& options = "") {
      here.write(name, bytes);
      check_refusal(here.path(), "attention " + name + options, 3, parts);
    };
    check_refusal(here.path(), "attention absent.npz", 3, {"absent.npz"});
    check("empty.safetensors", "", {"empty.safetensors"});
    check("empty.npy", "", {"empty.npy"});
    check("noq.safetensors",
          safetensors_bytes(object(entry("k", "BF16", "[4,2]", 0, 16)), bf16_data),
          {"noq.safetensors", "'q'", "k"});
    check("shapes.safetensors",
          safetensors_bytes(object(joined({entry("q", "BF16", "[4,2]", 0, 16), ",",
                                           entry("k", "BF16", "[2,4]", 16, 32), ",",
                                           entry("v", "BF16", "[4,2]", 32, 48)})),
                            std::string(48, '\0')),
          {"shapes.safetensors", "(2, 4)", "dim 2"});
    check("dtype.safetensors",
          safetensors_bytes(three_tensors("I32", "[4,2]", 32), std::string(96, '\0')),
          {"dtype.safetensors", "i32", "bf16"});
    check("header.safetensors", little(1 << 20, 8) + "{}", {"header.safetensors"});
    check("overlap.safetensors",
          safetensors_bytes(object(joined({entry("q", "BF16", "[4,2]", 0, 16), ",",
                                           entry("k", "BF16", "[4,2]", 8, 24)})),
                            std::string(24, '\0')),
          {"overlap.safetensors"});
    check("beyond.safetensors",
          safetensors_bytes(object(entry("q", "BF16", "[4,2]", 0, 16)), std::string(8, '\0')),
          {"beyond.safetensors"});
    check("twice.safetensors",
          safetensors_bytes(object(joined({entry("q", "BF16", "[4,2]", 0, 16), ",",
                                           entry("q", "BF16", "[4,2]", 16, 32)})),
                            std::string(32, '\0')),
          {"twice.safetensors", "q"});
    check("product.safetensors",
          safetensors_bytes(object(entry("q", "BF16", "[4294967296,4294967296,2]", 0, 16)),
                            bf16_data),
          {"product.safetensors"});
    check("zero.safetensors", safetensors_bytes(three_tensors("BF16", "[0,2]", 0), ""),
          {"zero.safetensors"});
    const auto array = npy_bytes(npy_dict("<u2", "False", "(4, 2)"), bf16_data);
    auto wrong = stored("q.npy", array);
    wrong.crc ^= 1;
    check("crc.npz", zip_bytes({wrong, stored("k.npy", array), stored("v.npy", array)}),
          {"crc.npz"}, " --format bf16");
    auto member = stored("q.npy", array);
    member.size = uint64_t{0xFFFF'FFF0};
    check("bomb.npz", zip_bytes({member}), {"bomb.npz"}, " --format bf16");
  }

  TEST_CASE("a truncated .npy is refused at every length") {
    const TemporaryFolder here;
    const auto array = npy_bytes(npy_dict("<u2", "False", "(4, 2)"), bf16_data);
    here.write("k.npy", array);
    here.write("v.npy", array);
    for (const size_t length : {size_t{0}, size_t{5}, size_t{9}, size_t{40}, array.size() - 1}) {
      here.write("q.npy", array.substr(0, length));
      check_refusal(here.path(), "attention --q q.npy --k k.npy --v v.npy --format bf16", 3,
                    {"q.npy"});
    }
    here.write("q.npy", array);
    CHECK(run(here.path(), "attention --q q.npy --k k.npy --v v.npy --format bf16").code == 0);
  }

  TEST_CASE("a folder without arrays is refused") {
    const TemporaryFolder here;
    fs::create_directory(here.path() / "folder");
    check_refusal(here.path(), "attention folder", 3, {"folder"});
  }

  TEST_CASE("a foreign --out is refused and left alone, an earlier run is replaced") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    fs::create_directory(here.path() / "foreign");
    here.write("foreign/letter.txt", "mine");
    const auto refused = run(here.path(), "attention good.safetensors --out foreign");
    CHECK(refused.code == 2);
    CHECK(contains(refused.text, "foreign"));
    CHECK(read_back(here.path() / "foreign/letter.txt") == "mine");
    CHECK(run(here.path(), "attention good.safetensors --out result").code == 0);
    here.write("result/stale.txt", "old");
    CHECK(run(here.path(), "attention good.safetensors --out result/").code == 0);
    CHECK_FALSE(fs::exists(here.path() / "result/stale.txt"));
    here.write("plain", "a file");
    CHECK(run(here.path(), "attention good.safetensors --out plain").code == 2);
  }

  TEST_CASE("what cannot be written ends with 4") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    CHECK(run(here.path(), "attention good.safetensors --out /proc/nothing/here").code == 4);
    CHECK(run(here.path(), "formats > /dev/full").code == 4);
    const auto limited =
        run(here.path(), "attention good.safetensors --out result", "ulimit -f 1; trap '' XFSZ;");
    CAPTURE(limited.text);
    CHECK(limited.code == 4);
    CHECK_FALSE(fs::exists(here.path() / "result"));
  }

  TEST_CASE("compare ends with 0 where bits agree, 1 where not, 3 where shapes disagree") {
    const TemporaryFolder here;
    here.write("a.safetensors",
               safetensors_bytes(object(entry("o", "BF16", "[4,2]", 0, 16)), bf16_data));
    auto other = bf16_data;
    other[6] = '\x40';
    here.write("b.safetensors",
               safetensors_bytes(object(entry("o", "BF16", "[4,2]", 0, 16)), other));
    here.write("c.safetensors",
               safetensors_bytes(object(entry("o", "BF16", "[2,4]", 0, 16)), bf16_data));
    CHECK(run(here.path(), "compare a.safetensors a.safetensors:o").code == 0);
    const auto different = run(here.path(), "compare a.safetensors b.safetensors");
    CHECK(different.code == 1);
    CHECK(contains(different.text, "1 of 8 elements"));
    const auto shapes = run(here.path(), "compare a.safetensors c.safetensors");
    CHECK(shapes.code == 3);
    CHECK(contains(shapes.text, "(2, 4)"));
    CHECK(run(here.path(), "compare a.safetensors:p a.safetensors").code == 3);
    CHECK(run(here.path(), "compare a.safetensors b.safetensors --out result").code == 1);
    CHECK(fs::exists(here.path() / "result/report.html"));
  }

  TEST_CASE("compare --fit ends with 0 where a rounding explains every element, 1 where none") {
    const TemporaryFolder here;
    const auto wide = joined({little(0x3F80'FFFF, 4), little(0xBF80'8000, 4)});
    here.write("wide.safetensors", safetensors_bytes(object(entry("x", "F32", "[2]", 0, 8)), wide));
    const auto narrow = [&](const std::string& name, uint64_t first, uint64_t second) {
      here.write(name, safetensors_bytes(object(entry("x", "BF16", "[2]", 0, 4)),
                                         joined({little(first, 2), little(second, 2)})));
    };
    narrow("rz.safetensors", 0x3F80, 0xBF80);
    narrow("none.safetensors", 0x3F90, 0xBF80);
    const auto explained = run(here.path(), "compare rz.safetensors wide.safetensors --fit");
    CHECK(explained.code == 0);
    CHECK(contains(explained.text, "rz explains 100 % of 2 elements"));
    CHECK(run(here.path(), "compare rz.safetensors wide.safetensors").code == 1);
    const auto none = run(here.path(), "compare wide.safetensors none.safetensors --fit");
    CHECK(none.code == 1);
    CHECK(contains(none.text, "not even a neighbour"));
    check_refusal(here.path(), "compare rz.safetensors none.safetensors --fit", 2,
                  {"rz.safetensors:x is bf16", "in more bits"});
    check_refusal(here.path(), "compare rz.safetensors wide.safetensors --row-tile 0", 2,
                  {"--row-tile"});
    check_refusal(here.path(), "compare rz.safetensors rz.safetensors --layout bhsd", 2,
                  {"rz.safetensors:x has shape (2,)", "--layout bhsd"});
  }

  TEST_CASE("compare tells a history only with inputs, and of kernels that have one") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    const std::string pair = "compare good.safetensors:q good.safetensors:k ";
    const std::string told = pair + "--inputs good.safetensors --kernels ";
    CHECK(run(here.path(), told + "fa2-torch --element 0,0,1,1").code == 0);
    check_refusal(here.path(), pair + "--inputs good.safetensors", 2, {"--kernels"});
    check_refusal(here.path(), pair + "--kernels fa2-torch", 2, {"--inputs"});
    check_refusal(here.path(), told + "exact --element 0,0,1,1", 2, {"kernel exact"});
    check_refusal(here.path(), told + "fa2-torch --element 0,0,4,1", 2, {"--element 0,0,4,1"});
    check_refusal(here.path(), pair + "--inputs no.safetensors --kernels fa2-torch", 3,
                  {"no.safetensors"});
  }

  TEST_CASE("gemm ends with 0, 1 where --compare finds other bits, 2 and 3 for what is wrong") {
    const TemporaryFolder here;
    here.write("good.safetensors",
               safetensors_bytes(object(joined({entry("a", "BF16", "[4,2]", 0, 16), ",",
                                                entry("b", "BF16", "[3,2]", 16, 28)})),
                                 std::string(28, '\x3f')));
    const std::string good = "gemm good.safetensors:a good.safetensors:b ";
    CHECK(run(here.path(), good + "--out d.safetensors").code == 0);
    const auto equal = run(here.path(), good + "--compare d.safetensors:d");
    CHECK(equal.code == 0);
    CHECK(contains(equal.text, "EQUAL: All 12 elements of D"));
    CHECK(run(here.path(), good + "--out-format fp32 --out wide.safetensors").code == 0);
    CHECK(run(here.path(),
              "gemm good.safetensors:b good.safetensors:b --out e.safetensors "
              "--kernel cublas-bf16@sm80 --chips all")
              .code == 0);
    auto other = bf16_data + bf16_data.substr(0, 8);
    here.write("other.safetensors",
               safetensors_bytes(object(entry("d", "BF16", "[4,3]", 0, 24)), other));
    CHECK(run(here.path(), good + "--compare other.safetensors").code == 1);
    check_refusal(here.path(), good + "--compare wide.safetensors", 3,
                  {"wide.safetensors:d", "fp32", "expected D, bf16 (4, 3)"});
    check_refusal(here.path(), good + "--kernel fa2-torch", 2, {"fa2-torch", "cublaslt-e4m3"});
    check_refusal(here.path(), good + "--split-k 0", 2, {"--split-k"});
    check_refusal(here.path(), good + "--split-k 2", 2, {"--split-k 2", "1 parts"});
    check_refusal(here.path(), good + "--chips sm80,sm12", 2, {"sm12", "sm100"});
    check_refusal(here.path(), good + "--scale-a 2", 2, {"cublas-bf16", "--scale-a"});
    check_refusal(here.path(), "gemm good.safetensors good.safetensors:b", 2,
                  {"good.safetensors", "FILE:TENSOR"});
    check_refusal(here.path(), "gemm absent.npz absent.npz", 3, {"absent.npz"});
    check_refusal(here.path(), "gemm good.safetensors:a", 2, {"B"});
    const auto folder = run(here.path(), good + "--out result");
    CHECK(folder.code == 0);
    CHECK(run(here.path(), "report result").code == 0);
  }

  TEST_CASE("engines ends with 0 where a kernel takes the problem, 2 where none does") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    const std::string good = "engines good.safetensors ";
    check_refusal(here.path(), good + "--kernels fa9", 2, {"fa9", "fa2-torch", "exact"});
    check_refusal(here.path(), good + "--chips sm12", 2, {"sm12", "h200"});
    check_refusal(here.path(), good + "--kernels fa2-torch@sm70", 2, {"sm70", "bf16"});
    check_refusal(here.path(), good + "--window 1,1 --kernels cudnn-9.19", 2, {"windows"});
    check_refusal(here.path(), good + "--sms 0", 2, {"--sms"});
    check_refusal(here.path(), good + "--layout xy", 2, {"xy", "bshd"});
    check_refusal(here.path(), "engines", 2, {"INPUT"});
    check_refusal(here.path(), "engines absent.npz", 3, {"absent.npz"});
    CHECK(run(here.path(), good + "> /dev/full").code == 4);
    const auto json = run(here.path(), good + "--kernels all,fa2-torch@sm70 --json");
    CHECK(json.code == 0);
    CHECK(json.text.starts_with("{\n"));
    CHECK(contains(json.text, "\"refusal\""));
    CHECK(run(here.path(), good + "--out result").code == 0);
    for (const char* name : {"outputs.safetensors", "summary.json", "report.html"}) {
      CHECK(fs::exists(here.path() / "result" / name));
    }
    const auto page = read_back(here.path() / "result/report.html");
    CHECK(run(here.path(), "report result").code == 0);
    CHECK(read_back(here.path() / "result/report.html") == page);
    CHECK(contains(run(here.path(), "report result --csv").text, "fa2-torch@h200.o"));
  }

  TEST_CASE("identify ends with 0 where a kernel gives every bit, 1 where none does") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    CHECK(run(here.path(), "attention good.safetensors --out result").code == 0);
    const std::string good = "identify good.safetensors ";
    const auto found = run(here.path(), good + "result/outputs.safetensors");
    CAPTURE(found.text);
    CHECK(found.code == 0);
    CHECK(found.text.starts_with("IDENTIFIED: fa2-torch@h200"));
    auto other = bf16_data;
    other[6] = '\x41';
    here.write("other.safetensors",
               safetensors_bytes(object(entry("o", "BF16", "[4,2]", 0, 16)), other));
    const auto unknown = run(here.path(), good + "other.safetensors --ranked 1");
    CHECK(unknown.code == 1);
    CHECK(unknown.text.starts_with("UNKNOWN: none of "));
    const auto json = run(here.path(), good + "other.safetensors --ranked 1 --json");
    CHECK(json.code == 1);
    CHECK(contains(json.text, "\"kernels\": []"));
    fs::remove_all(here.path() / "result");
    const auto refused = [&](const std::string& arguments, int code,
                             std::initializer_list<std::string_view> parts) {
      const auto outcome = run(here.path(), arguments);
      CAPTURE(outcome.text);
      CHECK(outcome.code == code);
      CHECK(outcome.text.starts_with("ulpscope: error: "));
      CHECK(std::count(outcome.text.begin(), outcome.text.end(), '\n') == 1);
      for (const auto part : parts) CHECK(contains(outcome.text, part));
    };
    refused(good + "good.safetensors", 2, {"good.safetensors", "--map o=NAME"});
    refused(good + "other.safetensors --ranked 0", 2, {"--ranked"});
    refused(good + "other.safetensors --map dq=o", 2, {"gradients need dO"});
    refused(good + "absent.npz", 3, {"absent.npz"});
    here.write("short.safetensors", safetensors_bytes(object(entry("o", "BF16", "[3,2]", 0, 12)),
                                                      bf16_data.substr(0, 12)));
    refused(good + "short.safetensors", 3, {"short.safetensors", "(3, 2)", "(4, 2)"});
    CHECK(run(here.path(), good + "other.safetensors --ranked 1 > /dev/full").code == 4);
  }

  TEST_CASE("attribute ends with 0 on a good dump, 2 and 3 for what is wrong") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    const std::string good = "attribute good.safetensors ";
    const auto text = run(here.path(), good);
    CAPTURE(text.text);
    CHECK(text.code == 0);
    CHECK(contains(text.text, "nobody is accused"));
    const auto refuse = [&](const std::string& arguments, int code, std::string_view part) {
      CAPTURE(arguments);
      const auto outcome = run(here.path(), arguments);
      CAPTURE(outcome.text);
      CHECK(outcome.code == code);
      CHECK(outcome.text.starts_with("ulpscope: error: "));
      CHECK(contains(outcome.text, part));
    };
    refuse("attribute absent.npz", 3, "absent.npz");
    refuse(good + "--kernel nobody", 2, "nobody");
    refuse(good + "--set nowhere=exact", 2, "nowhere");
    refuse(good + "--ablations", 2, "a tensor 'do'");
    CHECK(run(here.path(), good + "--heads 0").code == 2);  // without --ablations
    CHECK(run(here.path(), good + "--out run --ablations").code == 2);
    refuse(good + "--out good.safetensors", 2, "is not a folder");
    refuse(good + "--out /proc/nowhere/run", 4, "/proc/nowhere");
    CHECK(run(here.path(), good + "--out run").code == 0);
    CHECK(run(here.path(), "report run").code == 0);
    CHECK(run(here.path(), good + "> /dev/full").code == 4);
  }

  TEST_CASE("attention --explain accuses nobody on a good dump, and is refused on half a run") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    const std::string explain = "attention good.safetensors --explain ";
    const auto text = run(here.path(), explain);
    CAPTURE(text.text);
    CHECK(text.code == 0);
    CHECK(contains(text.text, "Nobody is accused"));
    const auto refuse = [&](const std::string& options, std::string_view part) {
      CAPTURE(options);
      const auto outcome = run(here.path(), explain + options);
      CHECK(outcome.code == 2);
      CHECK(outcome.text.starts_with("ulpscope: error: --explain"));
      CHECK(contains(outcome.text, part));
    };
    refuse("--shard 1/2 --out run", "a whole run");
    refuse("--log statistics", "--log full");
    refuse("--log none", "--log full");
  }

  TEST_CASE("attribute --observed ends with 0 if nobody is accused, 1 if somebody is") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    const std::string good = "attribute good.safetensors ";
    REQUIRE(run(here.path(), "attention good.safetensors --out true").code == 0);
    REQUIRE(
        run(here.path(), "attention good.safetensors --set output_store=fp16 --out fault").code ==
        0);
    const auto clean = run(here.path(), good + "--observed true/outputs.safetensors");
    CAPTURE(clean.text);
    CHECK(clean.code == 0);
    CHECK(clean.text == "nobody is accused: all 12 elements agree\n");
    const auto accused = run(here.path(), good + "--observed fault/outputs.safetensors");
    CAPTURE(accused.text);
    CHECK(accused.code == 1);
    CHECK(accused.text.starts_with(
        "accused: output_store (change output_store=fp16 gives all 12 elements)\n"));
    auto other = bf16_data;
    other[6] = '\x41';
    here.write("other.safetensors",
               safetensors_bytes(object(entry("o", "BF16", "[4,2]", 0, 16)), other));
    const auto unknown = run(here.path(), good + "--observed other.safetensors --json");
    CHECK(unknown.code == 1);
    CHECK(contains(unknown.text, "\"accused\": []"));
    CHECK(contains(unknown.text, "\"clean\": false"));
    const auto refuse = [&](const std::string& arguments, int code, std::string_view part) {
      CAPTURE(arguments);
      const auto outcome = run(here.path(), good + "--observed " + arguments);
      CAPTURE(outcome.text);
      CHECK(outcome.code == code);
      CHECK(contains(outcome.text, part));
    };
    refuse("absent.npz", 3, "absent.npz");
    refuse("good.safetensors", 2, "found no output");
    refuse("true/outputs.safetensors --kernel nobody", 2, "nobody");
    refuse("true/outputs.safetensors --kernel exact", 2, "exact");
    refuse("true/outputs.safetensors --set output_store=fp32", 2, "--set");
    refuse("true/outputs.safetensors --ablations", 2, "--ablations");
  }

  TEST_CASE("--delta-layout takes a layout that the kernel has, and names them") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    const std::string with_do = "attention good.safetensors --do good.safetensors:v ";
    CHECK(run(here.path(), with_do + "--kernel flex-triton --delta-layout 32x1").code == 0);
    check_refusal(here.path(), with_do + "--kernel flex-triton --delta-layout 3x1", 2,
                  {"'3x1'", "8x4, 32x1"});
    check_refusal(here.path(), with_do + "--delta-layout 32x1", 2, {"fa2-torch", "'32x1'"});
    check_refusal(here.path(), "attention good.safetensors --delta-layout 32x1", 2, {"'do'"});
    const std::string engines = "engines good.safetensors --do good.safetensors:v ";
    CHECK(run(here.path(), engines + "--delta-layout 32x1").code == 0);
    check_refusal(here.path(), engines + "--delta-layout 3x1", 2, {"--delta-layout 3x1"});
  }

  TEST_CASE("report redraws the same bytes, and refuses what is not a run") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    CHECK(run(here.path(), "attention good.safetensors --out result").code == 0);
    const auto page = read_back(here.path() / "result/report.html");
    here.write("result/report.html", "gone");
    CHECK(run(here.path(), "report result").code == 0);
    CHECK(read_back(here.path() / "result/report.html") == page);
    CHECK(run(here.path(), "report absent").code == 3);
    here.write("result/summary.json", "{}");
    CHECK(run(here.path(), "report result").code == 3);
  }

  TEST_CASE("verify without a card says so") {
    const TemporaryFolder here;
    // A number that no card has hides the one that may be there.
    const auto outcome = run(here.path(), "verify --out result", "CUDA_VISIBLE_DEVICES=-1");
    CAPTURE(outcome.text);
    CHECK(outcome.code == 4);
    const bool said = contains(outcome.text, "ulpscope: error: no CUDA device: ") ||
                      contains(outcome.text, "ulpscope: error: this ulpscope was built without");
    CHECK(said);
    CHECK(std::count(outcome.text.begin(), outcome.text.end(), '\n') == 1);
    CHECK_FALSE(fs::exists(here.path() / "result"));
    const auto kernels = run(here.path(), "verify --kernels 1", "CUDA_VISIBLE_DEVICES=-1");
    CHECK(kernels.code == 4);
    CHECK(std::count(kernels.text.begin(), kernels.text.end(), '\n') == 1);
    CHECK(run(here.path(), "verify --kernels 0", "CUDA_VISIBLE_DEVICES=-1").code == 2);
  }

  TEST_CASE("replay ends with 1 where a bit differs and 3 where there is no recording") {
    const TemporaryFolder here;
    here.write("fuzz.json", R"({"cases": [{"kernel": "flash", "dtype": "bfloat16", "heads": 1,
      "seq_q": 2, "seq_k": 2, "head_dim": 8, "causal": true, "seed": 1, "o": 1, "lse": 2}]})");
    const auto differs = run(here.path(), "replay .");
    CHECK(differs.code == 1);
    CHECK(contains(differs.text, "first flash 1 o"));
    const auto missing = run(here.path(), "replay nowhere");
    CHECK(missing.code == 3);
    CHECK(missing.text ==
          "ulpscope: error: nowhere: no recording: expected a fuzz.json or a cases.json in it\n");
    CHECK(run(here.path(), "replay . --as fa3").code == 2);
    CHECK(run(here.path(), "replay . --kernel memeff-torch").code == 3);
  }

  TEST_CASE("attention on a card that is not there says so") {
    const TemporaryFolder here;
    here.write("good.safetensors", good_file());
    const auto outcome =
        run(here.path(), "attention good.safetensors --device cuda --log none --out result",
            "CUDA_VISIBLE_DEVICES=-1");
    CAPTURE(outcome.text);
    CHECK(outcome.code == 4);
    const bool said = contains(outcome.text, "ulpscope: error: no CUDA device: ") ||
                      contains(outcome.text, "ulpscope: error: this ulpscope was built without");
    CHECK(said);
    CHECK(std::count(outcome.text.begin(), outcome.text.end(), '\n') == 1);
    CHECK_FALSE(fs::exists(here.path() / "result"));
    check_refusal(here.path(), "attention good.safetensors --device tpu", 2, {"--device", "tpu"});
  }

  TEST_CASE("vectors ends with 0 where all agree, 1 where not, 3 where a line is no vector") {
    const TemporaryFolder here;
    here.write("good", "3C00 3C00 4000 00\n3C00 4200 4400 00\n");
    here.write("wrong", "3C00 3C00 4000 00\n3C00 4200 4401 00\n");
    here.write("short", "3C00 3C00 4000 00\n3C00 4200 44\n");
    here.write("empty", "");
    const auto good = run(here.path(), "vectors f16_add < good");
    CHECK(good.code == 0);
    CHECK(good.text == "f16_add, rnear_even, tininess after, notexact: 2 vectors, mismatches: 0\n");
    const auto wrong = run(here.path(), "vectors f16_add --rounding rmin < wrong");
    CHECK(wrong.code == 1);
    CHECK(contains(wrong.text, "line 2: 3C00 4200: found 4400 00, expected 4401 00\n"));
    CHECK(contains(wrong.text, "2 vectors, mismatches: 1 (1 in value, 0 in flags)\n"));
    const auto json = run(here.path(), "vectors f16_add --json < wrong");
    CHECK(json.code == 1);
    CHECK(contains(json.text, "\"mismatches\": 1"));
    const auto refused = [&](const std::string& arguments, int code,
                             std::initializer_list<std::string_view> parts) {
      const auto outcome = run(here.path(), arguments);
      CAPTURE(outcome.text);
      CHECK(outcome.code == code);
      CHECK(outcome.text.starts_with("ulpscope: error: "));
      CHECK(std::count(outcome.text.begin(), outcome.text.end(), '\n') == 1);
      for (const auto part : parts) CHECK(contains(outcome.text, part));
    };
    refused("vectors f16_add < short", 3, {"stdin, line 2", "'3C00 4200 44'", "xxxx xxxx xxxx xx"});
    refused("vectors f16_add < empty", 3, {"stdin", "no line"});
    refused("vectors f16_add < .", 3, {"stdin", "directory"});
    refused("vectors f16_addd < good", 2, {"'f16_addd'", "mulAdd"});
    refused("vectors f16_add --rounding rne < good", 2, {"'rne'", "rnear_even"});
    refused("vectors f16_add --tininess never < good", 2, {"--tininess", "after"});
    refused("vectors < good", 2, {"FUNCTION"});
    CHECK(run(here.path(), "vectors f16_add < good > /dev/full").code == 4);
  }
}
