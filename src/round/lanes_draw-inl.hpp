// The words of random_bits for a run of elements: Philox4x32-10 in lanes.
//
// A lane of 64 bits carries one block: each of the four words of its state is the lower half of a
// lane, and what a product leaves in an upper half is never read. Two registers hold the even and
// the odd ones of 2 N blocks, and their words joined are in the order of the blocks.
//
// Included by lanes.cpp, once for each instruction set.
#if defined(ULPSCOPE_LANES_DRAW_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ULPSCOPE_LANES_DRAW_INL
#undef ULPSCOPE_LANES_DRAW_INL
#else
#define ULPSCOPE_LANES_DRAW_INL
#endif

#include "lanes_common-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

using Long = hn::Vec<Longs>;

HWY_INLINE Long long_word(uint64_t x) { return hn::Set(Longs(), x); }

// Salmon and others 2011: in each round two words are multiplied by constants, and the upper halves
// of the products mixed with the other two and with a key that steps on.
struct Philox {
  static constexpr int rounds = 10;
  uint64_t key[rounds][2];
  uint32_t site;
  uint32_t step;

  explicit Philox(const Draw& draw) : site(draw.site), step(draw.step) {
    auto low = static_cast<uint32_t>(draw.seed);
    auto high = static_cast<uint32_t>(draw.seed >> 32);
    for (auto& round_key : key) {
      round_key[0] = low;
      round_key[1] = high;
      low += 0x9E37'79B9;
      high += 0xBB67'AE85;
    }
  }
};

struct Blocks {
  Long word0, word1, word2, word3;
};

HWY_INLINE Long product(Long a, uint32_t b) {
  return hn::MulEven(hn::BitCast(Words(), a), hn::BitCast(Words(), long_word(b)));
}
HWY_INLINE Blocks next_round(const Blocks& x, const uint64_t (&key)[2]) {
  const Long product0 = product(x.word0, 0xD251'1F53);
  const Long product1 = product(x.word2, 0xCD9E'8D57);
  return {hn::Xor3(hn::ShiftRight<32>(product1), x.word1, long_word(key[0])), product1,
          hn::Xor3(hn::ShiftRight<32>(product0), x.word3, long_word(key[1])), product0};
}

// One row of blocks serves this many elements of 16 or of 32 bits (random_bits.hpp).
constexpr size_t row_length = 16;

// Rows drawn at a time: each round of a block waits for the one before, so that a processor with
// registers enough computes two blocks in the time of one.
constexpr size_t rows = HWY_TARGET <= HWY_AVX3 ? 2 : 1;
constexpr size_t longest_draw = rows * 8 * row_length;

// The four words of N blocks of each row, in order of the blocks.
struct RowWords {
  Word word[rows][4];
};
HWY_INLINE RowWords row_words(uint64_t first, const Philox& philox) {
  Blocks even[rows] = {};  // implicit constructors know fewer instructions
  Blocks odd[rows] = {};
  const Long site = long_word(philox.site);
  const Long step = long_word(philox.step);
  for (size_t r = 0; r < rows; ++r) {
    const Long number = hn::ShiftLeft<1>(hn::Iota(Longs(), 0)) + long_word(first + r * row_length);
    const Long next = number + long_word(1);
    even[r] = {number, hn::ShiftRight<32>(number), site, step};
    odd[r] = {next, hn::ShiftRight<32>(next), site, step};
  }
  for (const auto& key : philox.key) {
    for (size_t r = 0; r < rows; ++r) {
      even[r] = next_round(even[r], key);
      odd[r] = next_round(odd[r], key);
    }
  }
  const auto joined = [](Long low, Long high) HWY_ATTR {
    return hn::OddEven(hn::BitCast(Words(), hn::ShiftLeft<32>(high)), hn::BitCast(Words(), low));
  };
  RowWords words = {};
  for (size_t r = 0; r < rows; ++r) {
    words.word[r][0] = joined(even[r].word0, odd[r].word0);
    words.word[r][1] = joined(even[r].word1, odd[r].word1);
    words.word[r][2] = joined(even[r].word2, odd[r].word2);
    words.word[r][3] = joined(even[r].word3, odd[r].word3);
  }
  return words;
}

// The draws in N blocks of one row, those of 16 bits parted.
HWY_INLINE void store_draws(const Word (&words)[4], bool halves, uint32_t* to) {
  for (const Word& word : words) {
    hn::StoreU(word, Words(), to);
    to += row_length;
    if (!halves) continue;
    hn::StoreU(hn::ShiftRight<16>(word), Words(), to);
    to += row_length;
  }
}

// Fills `words`, of `count` and longest_draw more, with the draws of the elements from that of
// `first` on, each in the low bits of its word; returns where they begin.
inline const uint32_t* draw_words(const Draw& first, int bits, size_t count, uint32_t* words) {
  const Philox philox(first);
  const bool halves = bits <= 16;
  const size_t parts = halves ? 8 : 4;
  const size_t row_elements = row_length * parts;
  const size_t skipped = first.element % row_elements;
  uint64_t block = (first.element - skipped) / parts;
  const uint32_t* const end = words + skipped + count;
  for (uint32_t* to = words; to < end; to += rows * row_elements, block += rows * row_length) {
    for (size_t i = 0; i < row_length; i += lanes()) {
      const RowWords drawn = row_words(block + i, philox);
      for (size_t r = 0; r < rows; ++r) {
        store_draws(drawn.word[r], halves, to + r * row_elements + i);
      }
    }
  }
  return words + skipped;
}

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
