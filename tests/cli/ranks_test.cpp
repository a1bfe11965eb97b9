// ulpscope attention under mpirun: the bytes and the words of one process, whatever happens to a
// rank.
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include "run/made_inputs.hpp"
#include "tensor/files.hpp"
#include <sys/wait.h>

using namespace ulpscope;
using namespace ulpscope::test;
namespace fs = std::filesystem;

namespace {

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

// A line for the shell, in a folder. mpirun refuses root unless told twice; a test may be root, and
// may have fewer processors than ranks.
Outcome shell(const fs::path& folder, const std::string& line) {
  const std::string command = "cd '" + folder.string() +
                              "' && export OMPI_ALLOW_RUN_AS_ROOT=1 "
                              "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 && { " +
                              line + "; } >out.txt 2>err.txt </dev/null";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_back(folder / "out.txt"),
          read_back(folder / "err.txt")};
}

const std::string tool = "'" ULPSCOPE_TOOL_DIR "/ulpscope'";
const std::string mpirun = "'" ULPSCOPE_MPIRUN "' --oversubscribe ";

size_t count_of(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

constexpr MadeInput six_heads{
    .batch = 2, .heads = 6, .kv_heads = 3, .rows = 128, .keys = 128, .dim = 32, .gradients = true};

}  // namespace

TEST_CASE("two and three ranks leave the bytes of one process, and rank 0 alone speaks") {
  const TemporaryFolder here;
  made_file(here, "in.safetensors", six_heads);
  const Outcome alone = shell(here.path(), tool + " attention in.safetensors --out alone");
  REQUIRE(alone.code == 0);
  for (const auto& ranks : {std::string("2"), std::string("3")}) {
    const Outcome several = shell(here.path(), mpirun + "-n " + ranks + " " + tool +
                                                   " attention in.safetensors --out " + ranks);
    CAPTURE(several.err);
    CHECK(several.code == 0);
    CHECK(several.out == alone.out);
    CHECK(count_of(several.err, "wrote ") == 1);
    CHECK(bytes_of_run(here.path() / ranks) == bytes_of_run(here.path() / "alone"));
  }
}

TEST_CASE("an error ends all ranks with its line and its code") {
  const TemporaryFolder here;
  made_file(here, "in.safetensors", six_heads);
  const auto both = [&](const std::string& first, const std::string& second) {
    return shell(here.path(), mpirun + "-n 1 " + tool + " attention " + first + " : -n 1 " + tool +
                                  " attention " + second);
  };
  for (const Outcome& outcome : {both("in.safetensors --out o", "no.safetensors --out o"),
                                 both("no.safetensors --out o", "no.safetensors --out o")}) {
    CAPTURE(outcome.err);
    CHECK(outcome.code == 3);
    CHECK(count_of(outcome.err, "ulpscope: error: ") == 1);
    CHECK(contains(outcome.err, "no.safetensors: cannot open"));
    CHECK(outcome.out.empty());
    CHECK_FALSE(fs::exists(here.path() / "o"));
  }
  CHECK(both("in.safetensors", "in.safetensors").code == 2);  // no --out
}

TEST_CASE("after a rank was killed the same command with --resume ends with the same bytes") {
  const TemporaryFolder here;
  made_file(here, "in.safetensors", six_heads);
  REQUIRE(shell(here.path(), tool + " attention in.safetensors --out alone").code == 0);
  const std::string ranks = mpirun + "-n 2 sh -c 'echo $$ > pid-$OMPI_COMM_WORLD_RANK; exec ";
  const std::string attention = " attention in.safetensors --threads 1 --out run";
  for (const char* const victim : {"pid-0", "pid-1"}) {
    Outcome killed{};
    std::jthread run([&] {
      killed = shell(here.path(), ranks + ULPSCOPE_TOOL_DIR "/ulpscope" + attention + "'");
    });
    const auto parts = here.path() / "run.ulpscope-parts";
    for (int i = 0; i < 2000 && !fs::exists(parts / "part-000000.safetensors"); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    kill(static_cast<pid_t>(std::stol(read_back(here.path() / victim))), SIGKILL);
    run.join();
    CHECK(killed.code != 0);
    CHECK_FALSE(fs::exists(here.path() / "run"));
    CHECK(fs::exists(parts));
    const Outcome resumed =
        shell(here.path(), ranks + ULPSCOPE_TOOL_DIR "/ulpscope" + attention + " --resume'");
    CAPTURE(resumed.err);
    CHECK(resumed.code == 0);
    CHECK(bytes_of_run(here.path() / "run") == bytes_of_run(here.path() / "alone"));
    fs::remove_all(here.path() / "run");
  }
}
