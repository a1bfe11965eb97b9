// The .safetensors reader, and the writer behind it: any bytes.
//
// Held: the tensors of an accepted file, one after the other, are its data to the last byte; and
// what was read can be written and read back unchanged.
#include "ulpscope/tensor/safetensors.hpp"

#include <algorithm>

#include "fuzz/tensor_file.hpp"

using namespace ulpscope;
using namespace ulpscope::fuzz;

namespace {

size_t bytes_before_tensors(std::span<const uint8_t> file) {
  size_t length = 0;
  for (size_t i = 8; i-- > 0;) length = length << 8 | file[i];
  return 8 + length;
}

void expect_covers(const Contents& contents, std::span<const uint8_t> data) {
  for (const Tensor& tensor : contents.tensors) {
    expect(tensor.bytes.size() <= data.size(), "the tensors lie in the file");
    const auto part = std::as_bytes(data.first(tensor.bytes.size()));
    expect(std::ranges::equal(tensor.bytes, part), "a tensor's bytes are the file's");
    data = data.subspan(part.size());
  }
  expect(data.empty(), "the tensors fill the file");
}

void expect_survives_writing(const Contents& contents) {
  const std::filesystem::path path =
      "/dev/shm/ulpscope-fuzz-" + std::to_string(::getpid()) + ".safetensors";
  write_safetensors(path, contents.tensors, contents.metadata);
  const auto again = read_all(path, [](const auto& file, const ReadLimits&) {
    return open_safetensors(file);  // the writer pads and spells out: its header may be longer
  });
  std::filesystem::remove(path);
  expect(again && again->metadata == contents.metadata, "metadata survive writing");
  expect(again->tensors.size() == contents.tensors.size(), "every tensor survives writing");
  for (const Tensor& tensor : contents.tensors) {
    const auto same = [&](const Tensor& other) {
      return other.info == tensor.info && other.bytes == tensor.bytes;
    };
    expect(std::ranges::any_of(again->tensors, same), "a tensor survives writing");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span input(data, size);
  const MemoryFile file(input);
  const auto contents = read_all(file.path(), open_safetensors);
  if (!contents) return 0;
  // A tensor of a type that is not read is listed apart, and its bytes with it.
  if (contents->left_out.empty())
    expect_covers(*contents, input.subspan(bytes_before_tensors(input)));
  expect_survives_writing(*contents);
  return 0;
}
