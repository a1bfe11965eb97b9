// A value as a list of 64-bit words, and back: how results travel between processes and into files.
//
// A type says once which numbers it consists of, and the same text writes and reads them:
//
//   template <class Words, class M> void list_words(Words& words, M& m) { words(m.count, m.sum); }
//   WordWriter out;                list_words(out, moments);
//   WordReader in(out.words());    list_words(in, again);    in.is_complete()
//
// An integer of 64 bits or fewer takes a word, one of 128 bits two, the low one first; a double is
// its bits. A reader that runs out of words reads zeros, and is not complete then.
//
// Host only. Tested by tests/base/words_test.cpp.
#pragma once

#include "ulpscope/base/bits.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ulpscope {

class WordWriter {
 public:
  template <class... Numbers>
  void operator()(const Numbers&... numbers) {
    (write(numbers), ...);
  }
  const std::vector<uint64_t>& words() const { return words_; }

 private:
  template <class Number>
  void write(const Number& x) {
    if constexpr (sizeof x == 16) {
      const auto bits = static_cast<uint128>(x);
      words_.push_back(static_cast<uint64_t>(bits));
      words_.push_back(static_cast<uint64_t>(bits >> 64));
    } else {
      words_.push_back(static_cast<uint64_t>(x));
    }
  }
  void write(const double& x) { words_.push_back(bit_cast<uint64_t>(x)); }

  std::vector<uint64_t> words_;
};

class WordReader {
 public:
  explicit WordReader(std::span<const uint64_t> words) : words_(words) {}

  template <class... Numbers>
  void operator()(Numbers&... numbers) {
    (read(numbers), ...);
  }
  // Whether every word was read, and none was missing.
  bool is_complete() const { return at_ == words_.size(); }
  bool has_run_out() const { return at_ > words_.size(); }

 private:
  uint64_t next() {
    const size_t at = at_++;
    return at < words_.size() ? words_[at] : 0;
  }
  template <class Number>
  void read(Number& x) {
    if constexpr (sizeof x == 16) {
      const uint128 low = next();
      x = static_cast<Number>(uint128{next()} << 64 | low);
    } else {
      x = static_cast<Number>(next());
    }
  }
  void read(double& x) { x = bit_cast<double>(next()); }

  std::span<const uint64_t> words_;
  size_t at_ = 0;
};

}  // namespace ulpscope
