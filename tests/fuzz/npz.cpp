// The .npz reader: any bytes.
//
// Held: what is inflated stays within the budget, and the same archive read again gives the same
// tensors. A mutation inside the data of a member nearly always ends at its CRC-32; what lies
// behind that check is the .npy reader, which has a target of its own.
#include "ulpscope/tensor/npz.hpp"

#include "fuzz/tensor_file.hpp"

using namespace ulpscope;
using namespace ulpscope::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const MemoryFile file({data, size});
  const auto contents = read_all(file.path(), open_npz);
  if (!contents) return 0;
  expect(!contents->tensors.empty() || !contents->left_out.empty(), "an archive holds something");
  const auto again = read_all(file.path(), open_npz);
  expect(again && again->tensors.size() == contents->tensors.size(), "an archive opens again");
  uint64_t total = 0;
  for (size_t i = 0; i < contents->tensors.size(); ++i) {
    total += contents->tensors[i].bytes.size();
    expect(again->tensors[i].info == contents->tensors[i].info &&
               again->tensors[i].bytes == contents->tensors[i].bytes,
           "a tensor is the same when read again");
  }
  expect(total <= small_limits.inflated, "no more is inflated than the budget");
  return 0;
}
