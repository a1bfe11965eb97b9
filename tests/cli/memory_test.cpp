// --mem-limit: a run stays below what it was given, or does not start.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "run/made_inputs.hpp"
#include "tensor/files.hpp"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ulpscope;
using namespace ulpscope::test;
namespace fs = std::filesystem;

namespace {

struct Outcome {
  int code;
  uint64_t peak;  // bytes
  std::string err;
};

// ulpscope attention with these arguments, in a folder.
Outcome attention(const fs::path& folder, const std::vector<std::string>& arguments) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::vector<char*> words{const_cast<char*>("ulpscope"), const_cast<char*>("attention")};
    for (const auto& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    if (chdir(folder.c_str()) != 0) _exit(126);
    dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
    dup2(open("err.txt", O_WRONLY | O_CREAT | O_TRUNC, 0666), STDERR_FILENO);
    execv(ULPSCOPE_TOOL_DIR "/ulpscope", words.data());
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  REQUIRE(wait4(child, &status, 0, &usage) == child);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          static_cast<uint64_t>(usage.ru_maxrss) << 10, read_back(folder / "err.txt")};
}

constexpr MadeInput three_heads{
    .batch = 1, .heads = 3, .kv_heads = 3, .rows = 2048, .keys = 2048, .dim = 128};

}  // namespace

TEST_CASE("within a limit fewer heads run at a time, below it, and the bytes are the same") {
  const TemporaryFolder here;
  made_file(here, "in.safetensors", three_heads);
  const std::vector<std::string> plain{"in.safetensors", "--window", "16,0", "--threads", "2"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), plain.begin(), plain.end());
    return attention(here.path(), more);
  };
  REQUIRE(with({"--out", "free"}).code == 0);
  const Outcome limited = with({"--mem-limit", "50M", "--out", "limited"});
  CAPTURE(limited.err);
  CHECK(limited.code == 0);
  CHECK(limited.peak <= uint64_t{50} << 20);
  CHECK(contains(limited.err, "--mem-limit: 1 K/V head at a time, 2 threads"));
  CHECK(bytes_of_run(here.path() / "limited") == bytes_of_run(here.path() / "free"));

  const Outcome refused = with({"--mem-limit", "30M", "--out", "refused"});
  CHECK(refused.code == 4);
  CHECK(refused.err.starts_with("ulpscope: error: --mem-limit 30.0M: "));
  CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
  CHECK_FALSE(fs::exists(here.path() / "refused"));
  CHECK(with({"--mem-limit", "half"}).code == 2);
}

TEST_CASE("a backward pass stays below its limit") {
  const TemporaryFolder here;
  MadeInput made = three_heads;
  made.gradients = true;
  made_file(here, "in.safetensors", made);
  const Outcome limited = attention(
      here.path(), {"in.safetensors", "--window", "16,0", "--threads", "2", "--mem-limit", "110M"});
  CAPTURE(limited.err);
  CHECK(limited.code == 0);
  CHECK(limited.peak <= uint64_t{110} << 20);
}
