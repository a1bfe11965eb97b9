// Whether a block of keys and the summaries of the rows fit a head; both references ask.
// Tested by tests/reference/wide_gradients_test.cpp.
#pragma once

#include "ulpscope/base/error.hpp"
#include "ulpscope/reference/wide_attention.hpp"

#include <string>

namespace ulpscope {

inline void check_key_block(const ReferenceHead& head, size_t summaries, KeyRange keys) {
  const auto fail = [](const std::string& text) { throw Error(ErrorKind::usage, text); };
  if (keys.first < 0 || keys.first > keys.last || keys.last > head.keys) {
    fail("gradients: keys [" + std::to_string(keys.first) + ", " + std::to_string(keys.last) +
         "), expected a range within [0, " + std::to_string(head.keys) + ")");
  }
  if (summaries != static_cast<size_t>(head.rows)) {
    fail("gradients: " + std::to_string(summaries) + " row summaries, expected " +
         std::to_string(head.rows));
  }
}

// Heads of a group are added key by key.
inline void check_same_size(size_t head, size_t total) {
  if (head != total) {
    throw Error(ErrorKind::usage, "gradients: a head of " + std::to_string(head) +
                                      " numbers, expected " + std::to_string(total) +
                                      " as in the heads before it");
  }
}

}  // namespace ulpscope
