// A sharded run that is killed again and again, at any moment, and resumed ends with the bytes of
// an undisturbed one; a full disk and a folder that cannot be written end with one line.
//
//   ULPSCOPE_KILLS=200 cli_kill_test       another number of kills
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

#include "run/made_inputs.hpp"
#include "tensor/files.hpp"
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace ulpscope;
using namespace ulpscope::test;
namespace fs = std::filesystem;
using Words = std::vector<std::string>;
using Microseconds = std::chrono::microseconds;

// The tool with these arguments, its output thrown away.
pid_t start(const Words& arguments) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child > 0) return child;
  std::vector<char*> words{const_cast<char*>("ulpscope")};
  for (const auto& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const int nowhere = open("/dev/null", O_WRONLY);
  dup2(nowhere, STDOUT_FILENO);
  dup2(nowhere, STDERR_FILENO);
  execv(ULPSCOPE_TOOL_DIR "/ulpscope", words.data());
  _exit(127);
}

// Its exit code; -1 if it was killed.
int ended(pid_t child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Microseconds time_of(const Words& arguments) {
  const auto before = std::chrono::steady_clock::now();
  REQUIRE(ended(start(arguments)) == 0);
  return std::chrono::duration_cast<Microseconds>(std::chrono::steady_clock::now() - before);
}

// No name in the folder but those of whole files and of one temporary file.
void check_whole(const fs::path& folder) {
  size_t temporary = 0;
  if (!fs::exists(folder)) return;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    const bool known = name == "manifest.json" || name.starts_with("part-");
    temporary += known ? 0 : 1;
    CHECK((known || name.starts_with(".ulpscope-")));
  }
  CHECK(temporary <= 2);  // one a thread
}

int kills_wanted() {
  const char* const text = std::getenv("ULPSCOPE_KILLS");
  return text != nullptr ? std::atoi(text) : 20;
}

// Runs and kills until `kills` are done or the run comes to its end; the number of kills.
int kill_until_done(const Words& arguments, const fs::path& folder, Microseconds longest, int kills,
                    std::mt19937_64& random) {
  for (int done = 0; done < kills; ++done) {
    const pid_t child = start(arguments);
    const auto wait = static_cast<int64_t>(random() % static_cast<uint64_t>(longest.count()));
    std::this_thread::sleep_for(Microseconds(wait));
    kill(child, SIGKILL);
    const int code = ended(child);
    check_whole(folder);
    if (code == 0) return done;
    REQUIRE(code == -1);
  }
  CHECK(ended(start(arguments)) == 0);
  return kills;
}

struct Outcome {
  int code;
  std::string text;
};

// As a shell runs it, in a folder.
Outcome run(const fs::path& folder, const std::string& before, const std::string& arguments) {
  const std::string shell = "cd '" + folder.string() + "' && " + before +
                            " '" ULPSCOPE_TOOL_DIR "/ulpscope' " + arguments + " 2>&1 >/dev/null";
  FILE* const pipe = popen(shell.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  std::array<char, 4096> part{};
  while (const size_t n = fread(part.data(), 1, part.size(), pipe)) text.append(part.data(), n);
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}

void check_one_line(const Outcome& outcome, int code) {
  CAPTURE(outcome.text);
  CHECK(outcome.code == code);
  CHECK(outcome.text.starts_with("ulpscope: error: "));
  CHECK(std::count(outcome.text.begin(), outcome.text.end(), '\n') == 1);
}

}  // namespace

TEST_CASE("killed at any moment and resumed, shards merge to the bytes of an undisturbed run") {
  const TemporaryFolder here;
  const auto file =
      made_file(here, "in.safetensors",
                {.batch = 2, .heads = 8, .kv_heads = 4, .rows = 64, .gradients = true});
  const auto in = [&](const char* name) { return (here.path() / name).string(); };
  const auto shard = [&](const char* which, const char* out) {
    return Words{"attention", file,  "--causal", "--threads", "2",
                 "--shard",   which, "--resume", "--out",     in(out)};
  };
  REQUIRE(ended(start({"attention", file, "--causal", "--out", in("whole")})) == 0);
  const auto whole = bytes_of_run(in("whole"));
  const auto longest = time_of(shard("1/2", "timed")) * 5 / 4;

  std::mt19937_64 random(1);
  int kills = 0;
  int rounds = 0;
  while (kills < kills_wanted()) {
    ++rounds;
    REQUIRE(rounds < 1000);
    for (const auto& [which, out] : {std::pair{"1/2", "one"}, std::pair{"2/2", "two"}}) {
      kills += kill_until_done(shard(which, out), in(out), longest, 10, random);
    }
    REQUIRE(ended(start({"merge", in("merged"), in("two"), in("one")})) == 0);
    CHECK((bytes_of_run(in("merged")) == whole));
    fs::remove_all(in("one"));
    fs::remove_all(in("two"));
  }
  MESSAGE(kills, " kills in ", rounds, " runs of two shards");
}

TEST_CASE("a whole run, killed and resumed, leaves the earlier run or the new one, never a half") {
  const TemporaryFolder here;
  const auto file = made_file(here, "in.safetensors", {.batch = 2, .rows = 64});
  const auto out = here.path() / "run";
  const Words other{"attention", file, "--out", out.string()};
  const Words resumed{"attention", file, "--causal", "--resume", "--out", out.string()};
  REQUIRE(ended(start(resumed)) == 0);
  const auto expected = bytes_of_run(out);
  REQUIRE(ended(start(other)) == 0);
  const auto earlier = bytes_of_run(out);
  const auto longest =
      time_of({"attention", file, "--causal", "--out", (here.path() / "x").string()});

  std::mt19937_64 random(2);
  for (int kills = 0; kills < kills_wanted() / 2; ++kills) {
    const pid_t child = start(resumed);
    const auto wait = static_cast<int64_t>(random() % static_cast<uint64_t>(longest.count()));
    std::this_thread::sleep_for(Microseconds(wait));
    kill(child, SIGKILL);
    ended(child);
    const auto found = bytes_of_run(out);
    CHECK((found == earlier || found == expected));
  }
  REQUIRE(ended(start(resumed)) == 0);
  CHECK((bytes_of_run(out) == expected));
  fs::remove_all(here.path() / "x");
  CHECK(here.count() == 2);  // the input and the run: nothing else is left
}

TEST_CASE("SIGINT ends a shard with 130, and its parts are kept") {
  const TemporaryFolder here;
  const auto file = made_file(here, "in.safetensors", {.batch = 8, .rows = 200, .keys = 200});
  const Words shard{"attention", file, "--shard", "1/1", "--out", (here.path() / "s").string(),
                    "--threads", "1"};
  const auto whole = time_of(shard);
  const pid_t child = start(shard);
  std::this_thread::sleep_for(whole / 2);
  kill(child, SIGINT);
  const int code = ended(child);
  CHECK((code == 130 || code == 0));
  check_whole(here.path() / "s");
}

TEST_CASE("a full disk ends with 4 and one line, and what is there is whole") {
  const TemporaryFolder here;
  made_file(here, "in.safetensors", {.rows = 64});
  // A file may have so many blocks of 512 or 1024 bytes: for parts none, for the manifest enough.
  for (const char* few : {"ulimit -f 1;", "ulimit -f 12;"}) {
    check_one_line(run(here.path(), few, "attention in.safetensors --out run"), 4);
    CHECK_FALSE(fs::exists(here.path() / "run"));
    check_one_line(run(here.path(), few, "attention in.safetensors --shard 1/1 --out s"), 4);
    check_whole(here.path() / "s");
  }
  CHECK(run(here.path(), "", "attention in.safetensors --shard 1/1 --resume --out s").code == 0);
  check_one_line(run(here.path(), "ulimit -f 1;", "merge run s"), 4);
  CHECK_FALSE(fs::exists(here.path() / "run"));
  CHECK(run(here.path(), "", "merge run s").code == 0);
  CHECK(here.count() == 3);
}

TEST_CASE("a full file system ends with 4 and one line too") {
  const TemporaryFolder here;
  made_file(here, "in.safetensors", {.heads = 8, .kv_heads = 8, .rows = 64});
  fs::create_directory(here.path() / "small");
  // Root may mount one of 64 KiB, in a name space of its own; others skip this.
  const auto in_small = [&](const std::string& arguments) {
    return run(here.path(),
               "unshare -m sh -c 'mount -t tmpfs -o size=64k none small && exec \"$@\"; exit 99' _",
               arguments);
  };
  if (in_small("formats").code != 0) return;
  check_one_line(in_small("attention in.safetensors --out small/run"), 4);
  check_one_line(in_small("attention in.safetensors --shard 1/1 --out small/s"), 4);
}

TEST_CASE("a folder that cannot be made or written ends with 4 and one line") {
  const TemporaryFolder here;
  made_file(here, "in.safetensors", {});
  here.write("file", "");
  for (const char* out : {"file/run", "/proc/ulpscope/run"}) {
    const std::string to = std::string(" --out ") + out;
    check_one_line(run(here.path(), "", "attention in.safetensors" + to), 4);
    check_one_line(run(here.path(), "", "attention in.safetensors --shard 1/2" + to), 4);
  }
  CHECK(here.count() == 2);
}
