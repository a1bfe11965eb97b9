#include "ulpscope/run/output_folder.hpp"

#include "ulpscope/base/error.hpp"

#include "tensor/files.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

namespace fs = std::filesystem;

const std::string our_summary = R"({"schema": "ulpscope.summary/1"})";

void fill(const OutputFolder& folder, const std::string& text) {
  std::ofstream(folder.path() / "summary.json") << our_summary;
  std::ofstream(folder.path() / "text") << text;
}

}  // namespace

TEST_SUITE("output folder") {
  TEST_CASE("nothing is under the name before the commit, all of it after") {
    const TemporaryFolder here;
    OutputFolder folder(here.path() / "a/b/run/");
    fill(folder, "new");
    CHECK_FALSE(fs::exists(here.path() / "a/b/run"));
    folder.commit();
    CHECK(read_back(here.path() / "a/b/run/text") == "new");
  }

  TEST_CASE("a folder that is not committed is gone, and an earlier run stays as it was") {
    const TemporaryFolder here;
    here.write("keep", "");
    for (const char* text : {"first", "second"}) {
      OutputFolder folder(here.path() / "run");
      fill(folder, text);
      folder.commit();
      CHECK(here.count() == 2);
    }
    { fill(OutputFolder(here.path() / "run"), "third"); }
    CHECK(read_back(here.path() / "run/text") == "second");
    CHECK(here.count() == 2);
  }

  TEST_CASE("what is not ours is refused: a file, a folder with other things") {
    const TemporaryFolder here;
    here.write("file", "");
    fs::create_directory(here.path() / "other");
    here.write("other/x", "");
    for (const char* name : {"file", "other"}) {
      CHECK_THROWS_AS(OutputFolder(here.path() / name), Error);
    }
    CHECK(here.count() == 2);
  }

  TEST_CASE("leftovers of killed processes go, the folder of one at work stays") {
    const TemporaryFolder here;
    const auto dead = here.path() / "run.ulpscope-11.tmp";
    const auto alive = here.path() / "run.ulpscope-12.tmp";
    const auto another = here.path() / "run2.ulpscope-13.tmp";
    for (const auto& folder : {dead, alive, another}) fs::create_directory(folder);
    const FolderLock at_work(alive);
    REQUIRE(at_work.can_tell());
    const OutputFolder folder(here.path() / "run");
    CHECK_FALSE(fs::exists(dead));
    CHECK(fs::exists(alive));
    CHECK(fs::exists(another));
    CHECK(fs::exists(folder.path()));
  }

  TEST_CASE("an earlier run that lost its name between two renames gets it back") {
    const TemporaryFolder here;
    fs::create_directory(here.path() / "run.ulpscope-11.old");
    here.write("run.ulpscope-11.old/summary.json", our_summary);
    { const OutputFolder folder(here.path() / "run"); }
    CHECK(read_back(here.path() / "run/summary.json") == our_summary);
    fs::create_directory(here.path() / "run.ulpscope-11.old");
    { const OutputFolder folder(here.path() / "run"); }
    CHECK(here.count() == 1);
  }
}
