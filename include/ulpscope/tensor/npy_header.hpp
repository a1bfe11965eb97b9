// The header of a .npy array: a Python dict, written as text.
//
//   {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
//
// numpy reads it with Python's own parser. This one accepts what every known writer writes: one
// dict with exactly these three keys in any order, either kind of quotes without backslashes,
// True or False, plain decimal extents (Python 2 appended an L), blanks anywhere. An element type
// that has no place in a tensor (objects, text, records) is a well-formed header without an
// `element`: a folder or archive may hold such an array beside the tensors that are wanted.
//
// Source: numpy.lib.format, versions 1, 2 and 3. Tested by tests/tensor/npy_header_test.cpp.
#pragma once

#include "ulpscope/tensor/element.hpp"
#include "ulpscope/tensor/limits.hpp"
#include "ulpscope/tensor/stored_tensor.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ulpscope {

struct NpyHeader {
  std::string descr;
  std::optional<NpyType> type;  // nullopt: `descr` names nothing that a tensor can hold
  AxisOrder order = AxisOrder::c;
  std::vector<int64_t> shape;
};

// `where` opens every message: "dump.npz: tensor 'q'".
NpyHeader parse_npy_header(std::string_view text, const std::string& where,
                           const ReadLimits& limits = {});

// Why an array without a `type` cannot be read.
std::string unreadable_reason(const NpyHeader& header);

}  // namespace ulpscope
