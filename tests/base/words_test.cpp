#include "ulpscope/base/words.hpp"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

struct Numbers {
  int64_t small = 0;
  int128 large = 0;
  uint128 unsigned_large = 0;
  double real = 0;
  bool flag = false;
};

template <class Words, class N>
void list_words(Words& words, N& n) {
  words(n.small, n.large, n.unsigned_large, n.real, n.flag);
}

}  // namespace

TEST_CASE("what was written is read: the ends of every type, signs, NaN and -0") {
  const int128 least = -(int128{1} << 126) - (int128{1} << 126);
  for (const double real : {0.0, -0.0, std::nan(""), std::numeric_limits<double>::infinity(),
                            0x1p-1074, -0x1.fffffffffffffp1023}) {
    const Numbers written{INT64_MIN, least, ~uint128{0}, real, true};
    WordWriter out;
    list_words(out, written);
    CHECK(out.words().size() == 7);
    Numbers read;
    WordReader in(out.words());
    list_words(in, read);
    CHECK(in.is_complete());
    CHECK(read.small == INT64_MIN);
    CHECK((read.large == least));
    CHECK((read.unsigned_large == ~uint128{0}));
    CHECK(bit_cast<uint64_t>(read.real) == bit_cast<uint64_t>(real));
    CHECK(read.flag);
  }
}

TEST_CASE("words that are missing or left over are noticed") {
  WordWriter out;
  const Numbers zeros;
  list_words(out, zeros);
  for (const size_t count : {size_t{0}, size_t{6}}) {
    WordReader in(std::span(out.words()).first(count));
    Numbers read;
    list_words(in, read);
    CHECK_FALSE(in.is_complete());
  }
  out(uint64_t{1});
  WordReader in(out.words());
  Numbers read;
  list_words(in, read);
  CHECK_FALSE(in.is_complete());
}
