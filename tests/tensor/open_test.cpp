#include "ulpscope/tensor/open.hpp"

#include <string>

#include "tensor/files.hpp"
#include <doctest/doctest.h>
#include <sys/stat.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

const std::string npy = npy_bytes(npy_dict("<u2", "False", "(1,)"), "qq");
const std::string npz = zip_bytes({stored("q.npy", npy)});
const std::string safetensors =
    safetensors_bytes(R"({"q":{"dtype":"U16","shape":[1],"data_offsets":[0,2]}})", "qq");

std::string why(const std::filesystem::path& path) {
  return refusal([&] { open_tensors(path); });
}

}  // namespace

TEST_CASE("the extension decides, whatever its case; without one the first bytes do") {
  const TemporaryFolder folder;
  CHECK(text_of(open_tensors(folder.write("q.npy", npy)).read("q")) == "qq");
  CHECK(text_of(open_tensors(folder.write("q", npy)).read("q")) == "qq");
  for (const char* name : {"x.npz", "x.NPZ", "x.zip", "x", "x.dump"}) {
    CAPTURE(name);
    CHECK(text_of(open_tensors(folder.write(name, npz)).read("q")) == "qq");
  }
  for (const char* name : {"x.safetensors", "x", "x.bin"}) {
    CAPTURE(name);
    CHECK(text_of(open_tensors(folder.write(name, safetensors)).read("q")) == "qq");
  }
}

TEST_CASE("a folder of .npy files holds one tensor a file, by name, and ignores the rest") {
  const TemporaryFolder folder;
  folder.write("v.npy", npy);
  folder.write("k.npy", npy);
  folder.write("notes.txt", "x");
  folder.write("._k.npy", "what macOS leaves on other file systems");
  folder.write("meta.npy", npy_bytes(npy_dict("|O", "False", "(1,)"), "\x80\x04N."));
  std::filesystem::create_directory(folder.path() / "more");
  const TensorSource source = open_tensors(folder.path());
  REQUIRE(source.tensors().size() == 2);
  CHECK(source.tensors()[0].name == "k");
  CHECK(source.tensors()[1].name == "v");
  CHECK(text_of(source.read("v")) == "qq");
  CHECK(source.left_out().size() == 1);
}

TEST_CASE("a file of a folder that changes after it was listed is refused") {
  const TemporaryFolder folder;
  folder.write("q.npy", npy);
  const TensorSource source = open_tensors(folder.path());
  folder.write("q.npy", npy_bytes(npy_dict("<u2", "False", "(2,)"), "qqqq"));
  CHECK(contains(refusal([&] { source.read("q"); }), "q.npy: changed since it was listed"));
}

TEST_CASE("a folder without arrays, and one whose array is a FIFO, are refused at once") {
  const TemporaryFolder folder;
  CHECK(contains(why(folder.path()), "a folder without a .npy file; .npy, .npz"));
  REQUIRE(::mkfifo((folder.path() / "q.npy").c_str(), 0600) == 0);
  CHECK(contains(why(folder.path()), "q.npy: is a FIFO"));
  CHECK(contains(why(folder.path() / "q.npy"), "q.npy: is a FIFO"));
}

TEST_CASE("what is missing is missing, whatever its extension") {
  for (const char* name : {"none", "none.npy", "none.npz", "none.safetensors", "none.pt"}) {
    CAPTURE(name);
    CHECK(contains(why(name), std::string(name) + ": cannot open: No such file or directory"));
  }
}

TEST_CASE("an empty file is no tensor file, whatever its extension") {
  const TemporaryFolder folder;
  for (const char* name : {"x", "x.npy", "x.npz", "x.safetensors", "x.pt"}) {
    CAPTURE(name);
    CHECK(contains(why(folder.write(name, "")), "x"));
  }
}

TEST_CASE("formats that are not read are refused with the way to convert them") {
  const TemporaryFolder folder;
  for (const char* name : {"x.pt", "x.pth", "x.pkl", "x.ckpt"}) {
    CAPTURE(name);
    CHECK(contains(why(folder.write(name, npz)), "safetensors.torch.save_file"));
  }
  const std::string torch = zip_bytes({stored("archive/data.pkl", "\x80\x02.")});
  CHECK(contains(why(folder.write("x.bin", torch)), "safetensors.torch.save_file"));
  CHECK(contains(why(folder.write("x", "\x80\x02}q.")), "pickle"));
  CHECK(contains(why(folder.write("x.h5", "\x89HDF")), "HDF5"));
  CHECK(contains(why(folder.write("x", "\x89HDF\r\n\x1a\n")), "HDF5"));
  CHECK(contains(why(folder.write("x", "GGUF\x03")), "GGUF"));
  CHECK(contains(why(folder.write("x.onnx", "\x08")), "ONNX"));
  CHECK(contains(why(folder.write("x.csv", "1,2,3")), "not a known tensor file; .npy, .npz"));
}

TEST_CASE("a file that is not what its extension says is refused by the reader it names") {
  const TemporaryFolder folder;
  CHECK(contains(why(folder.write("x.npy", npz)), "not a .npy file"));
  CHECK(contains(why(folder.write("x.npz", npy)), "not a sound zip archive"));
  CHECK(contains(why(folder.write("x.safetensors", npy)), "not a safetensors file"));
}
