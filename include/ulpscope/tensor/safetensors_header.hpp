// The header of a .safetensors file: JSON of one shape, and nothing else that JSON allows.
//
//   {"o": {"dtype": "BF16", "shape": [2, 64], "data_offsets": [0, 256]},
//    "__metadata__": {"kernel": "fa2-torch"}}
//
// nlohmann's parser reports each piece of syntax as it meets it, and each is held against what may
// stand there. So what its documents would let pass is refused (a key twice, -1 taken for
// unsigned, 2^64 taken for a float), and a hostile header is refused where it goes wrong, before
// it costs time or memory. A byte-order mark and whatever follows a zero byte, which the parser
// skips in silence, are looked for beforehand.
//
// Whether entries fit each other and the file is for the reader to say (safetensors.hpp).
//
// Source: the format's README. Tested by tests/tensor/safetensors_header_test.cpp.
#pragma once

#include "ulpscope/tensor/limits.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ulpscope {

struct SafetensorsEntry {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  uint64_t begin = 0;  // bytes from the end of the header
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // as they stand in the header
  std::map<std::string, std::string> metadata;
};

// `where` opens every message: the name of the file.
SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& where,
                                           const ReadLimits& limits = {});

}  // namespace ulpscope
