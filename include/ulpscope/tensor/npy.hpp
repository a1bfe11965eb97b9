// Reads .npy: one array, as numpy.save writes it.
//
//   "\x93NUMPY" | version 1, 2 or 3, minor 0 | length of header: 2 bytes in version 1, else 4 |
//   header (tensor/npy_header.hpp) | elements
//
// The promised sizes are compared with the file before memory is taken, and the data must end
// where the file ends: a short file is not padded with zeros, and bytes behind the array are an
// Error. Big-endian elements are swapped and column-major arrays are transposed, so what comes
// out is always little-endian and row-major.
//
// The same functions serve a file and the members of an .npz: they see a stream of known size.
//
// Source: numpy.lib.format. Tested by tests/tensor/npy_test.cpp.
#pragma once

#include "ulpscope/tensor/npy_header.hpp"
#include "ulpscope/tensor/source.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace ulpscope {

// Reads everything before the elements of a stream of `size` bytes, and holds that the elements
// fill the rest of it exactly.
NpyHeader read_npy_header(const NextBytes& next, uint64_t size, const std::string& where,
                          const ReadLimits& limits);

// How the elements that follow lie; `header.type` must be there.
StoredForm stored_form(const NpyHeader& header);

// The file as a source of one tensor, named after the file: "dump/q.npy" holds "q".
TensorSource open_npy(const std::filesystem::path& path, const ReadLimits& limits = {});

}  // namespace ulpscope
