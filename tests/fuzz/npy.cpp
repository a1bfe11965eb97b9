// The .npy reader: any bytes.
//
// Held: an accepted file is accounted for to the last byte, header and elements; the elements are
// the file's, perhaps in another order (big-endian and column-major files are turned around).
#include "ulpscope/tensor/npy.hpp"

#include <algorithm>

#include "fuzz/tensor_file.hpp"

using namespace ulpscope;
using namespace ulpscope::fuzz;

namespace {

// Magic and version take 8 bytes, the length of the header 2 in version 1, else 4.
size_t bytes_before_elements(std::span<const uint8_t> file) {
  const size_t field = file[6] == 1 ? 2 : 4;
  size_t length = 0;
  for (size_t i = field; i-- > 0;) length = length << 8 | file[8 + i];
  return 8 + field + length;
}

std::vector<uint8_t> sorted(std::span<const uint8_t> bytes) {
  std::vector<uint8_t> result(bytes.begin(), bytes.end());
  std::ranges::sort(result);
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span input(data, size);
  const MemoryFile file(input);
  const auto contents = read_all(file.path(), open_npy);
  if (!contents) return 0;
  expect(contents->tensors.size() + contents->left_out.size() == 1, "a .npy file is one array");
  if (contents->tensors.empty()) return 0;
  const std::vector<std::byte>& bytes = contents->tensors[0].bytes;
  expect(bytes_before_elements(input) + bytes.size() == size, "header and elements fill the file");
  const auto elements = std::span(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  expect(sorted(elements) == sorted(input.last(bytes.size())), "the elements are the file's");
  return 0;
}
