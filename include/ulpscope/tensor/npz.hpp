// Reads and writes .npz: a zip archive of .npy members, as numpy.savez and savez_compressed write
// it.
//
// libzip reads the archive: stored and deflated members, zip64, data descriptors; it compares the
// central directory with the local headers, and size and CRC-32 at the end of each member. Around
// it stands what an archive from a stranger needs: the inflated sizes are promised in the
// directory, so their sum is held against a budget and against the size of the file before
// anything is inflated (tensor/limits.hpp), and no more is ever inflated than was promised.
// Encrypted members and other methods are refused.
//
//   "q.npy" is the tensor "q"; members that are not called *.npy are none of our business.
//
// A zip archive of torch.save is recognised by its data.pkl and refused: it is pickle.
//
// Source: APPNOTE.TXT 6.3.3 as libzip 1.7 implements it. Tested by tests/tensor/npz_test.cpp.
#pragma once

#include "ulpscope/tensor/source.hpp"

#include <filesystem>
#include <span>

namespace ulpscope {

TensorSource open_npz(const std::filesystem::path& path, const ReadLimits& limits = {});

// Writes an archive of stored members, whole or not at all (base/output_file.hpp). The same tensors
// give the same bytes: members are dated 1980-01-01. Throws Error(usage) for a name twice or empty.
void write_npz(const std::filesystem::path& path, std::span<const Tensor> tensors);

}  // namespace ulpscope
