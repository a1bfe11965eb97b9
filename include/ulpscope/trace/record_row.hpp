// The roundings of neighbouring elements of a row at one site: a block of records, as arrays that
// vector code writes and reads.
//
//   RecordRow records;
//   records.resize(count);                          // at most RecordRow::room
//   records.set(i, {.residue = ..., .flags = ..., .negative = ...});   or through the arrays
//   log.add_row(site, row, first_column, records);
//
// A residue stands beside its mark: the flags, and in the highest bit the sign of the exact value,
// where binary32 has it. Longer rows go block by block. A block lives on the stack and is not
// cleared; code may write to the end of the arrays, whatever the size.
//
// Tested by tests/trace/record_row_test.cpp.
#pragma once

#include "ulpscope/trace/moments.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace ulpscope {

class RecordRow {
 public:
  static constexpr std::size_t room = 128;
  static constexpr uint32_t negative_mark = uint32_t{1} << 31;
  // A record that is still to be set; a log wants none of these.
  static constexpr uint32_t open_mark = uint32_t{1} << 30;

  static constexpr uint32_t mark_of(Flag flags, bool negative) {
    return static_cast<uint32_t>(flags) | (negative ? negative_mark : 0);
  }

  void resize(std::size_t size) { size_ = size; }
  std::size_t size() const { return size_; }

  int64_t* residues() { return residues_.data(); }
  const int64_t* residues() const { return residues_.data(); }
  uint32_t* marks() { return marks_.data(); }
  const uint32_t* marks() const { return marks_.data(); }

  bool is_open(std::size_t i) const { return (marks_[i] & open_mark) != 0; }
  void set(std::size_t i, const Record& r) {
    residues_[i] = r.residue;
    marks_[i] = mark_of(r.flags, r.negative);
  }
  Record operator[](std::size_t i) const {
    return {.residue = residues_[i],
            .flags = static_cast<Flag>(static_cast<uint16_t>(marks_[i])),
            .negative = (marks_[i] & negative_mark) != 0};
  }

 private:
  // Without initialisers, so that a block costs nothing before it is filled.
  alignas(64) std::array<int64_t, room> residues_;
  alignas(64) std::array<uint32_t, room> marks_;
  std::size_t size_ = 0;
};

}  // namespace ulpscope
