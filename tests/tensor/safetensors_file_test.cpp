#include "ulpscope/tensor/safetensors_file.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include <csignal>

#include "files.hpp"
#include <sys/resource.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

const std::vector<TensorInfo> infos{{"o", Element::bf16, {3, 4}}, {"lse", Element::fp32, {3}}};

std::vector<Tensor> filled() {
  std::vector<Tensor> tensors;
  uint8_t next = 0;
  for (const auto& info : infos) {
    tensors.push_back(make_tensor(info));
    for (auto& byte : tensors.back().bytes) byte = std::byte{++next};
  }
  return tensors;
}

}  // namespace

TEST_CASE("written piece by piece from behind, the file is that of write_safetensors") {
  const TemporaryFolder here;
  const auto tensors = filled();
  write_safetensors(here.path() / "whole", tensors, {{"layout", "hsd"}});
  SafetensorsFile file(here.path() / "pieces", infos, {{"layout", "hsd"}});
  file.write(1, 0, tensors[1].bytes);
  for (const size_t row : {2U, 0U, 1U}) {
    file.write(0, 8 * row, Bytes(tensors[0].bytes).subspan(8 * row, 8));
  }
  file.finish();
  CHECK(read_back(here.path() / "pieces") == read_back(here.path() / "whole"));
}

TEST_CASE("a name that exists, and a file that may not be so long, are errors of the resource") {
  const TemporaryFolder here;
  const auto refusal = [&](const char* name) {
    try {
      const SafetensorsFile file(here.path() / name, infos, {});
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::resource);
      return std::string(error.what());
    }
    return std::string("written");
  };
  here.write("taken", "");
  CHECK(contains(refusal("taken"), "taken: cannot create: File exists"));
  CHECK(contains(refusal("absent/file"), "absent/file: cannot create"));

  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  const rlimit few{.rlim_cur = 20, .rlim_max = limit.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &few) == 0);
  const auto message = refusal("long");
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, before);
  CHECK(contains(message, "long: cannot"));
  CHECK(contains(message, "File too large"));
}
