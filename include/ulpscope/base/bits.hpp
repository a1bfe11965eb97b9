// Integers and bits for host and device: the few operations that std offers only to the host.
//
// Everything is constexpr and compiles unchanged in .cu files, so the same text can be compared
// with silicon on the silicon. Words are `uint64_t` for formats of up to 28 significand bits and
// `uint128` above (format/exact.hpp says why).
//
//   bit_width(uint64_t{12}) == 4
//   shift_right_jam(uint64_t{0b10010}, 2).word == 0b100, .sticky == true
//
// Tested by tests/base/bits_test.cpp.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define ULPSCOPE_HD __host__ __device__
#else
#define ULPSCOPE_HD
#endif

namespace ulpscope {

__extension__ using uint128 = unsigned __int128;
__extension__ using int128 = __int128;

template <class To, class From>
ULPSCOPE_HD constexpr To bit_cast(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  return __builtin_bit_cast(To, from);
}

template <class Word>
inline constexpr int word_bits = static_cast<int>(8 * sizeof(Word));

namespace detail {
// The host's builtin is not device code, the device's intrinsic is not constexpr.
ULPSCOPE_HD constexpr int leading_zeros64(uint64_t x) {  // x != 0
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return __clzll(static_cast<long long>(x));
#endif
  return __builtin_clzll(x);
}
}  // namespace detail

// Number of bits up to and including the highest set one; 0 for 0.
ULPSCOPE_HD constexpr int bit_width(uint32_t x) {
  return x == 0 ? 0 : 64 - detail::leading_zeros64(x);
}
ULPSCOPE_HD constexpr int bit_width(uint64_t x) {
  return x == 0 ? 0 : 64 - detail::leading_zeros64(x);
}
ULPSCOPE_HD constexpr int bit_width(uint128 x) {
  const auto high = static_cast<uint64_t>(x >> 64);
  return high != 0 ? 64 + bit_width(high) : bit_width(static_cast<uint64_t>(x));
}

// Zeros above the highest set bit.
template <class Word>
ULPSCOPE_HD constexpr int leading_zeros(Word x) {
  return word_bits<Word> - bit_width(x);
}

// All bits set if the condition holds, else none.
template <class Word>
ULPSCOPE_HD constexpr Word ones_if(bool condition) {
  return static_cast<Word>(Word{0} - static_cast<Word>(static_cast<int>(condition)));
}
// `x` if the condition holds, else `y`: for conditions that no processor can guess, such as which
// of two operands is the larger one, because compilers make jumps of `?:`.
template <class Word>
ULPSCOPE_HD constexpr Word select(bool condition, Word x, Word y) {
  return static_cast<Word>(y ^ ((x ^ y) & ones_if<Word>(condition)));
}

// The lowest n bits set, 0 <= n <= word_bits.
template <class Word>
ULPSCOPE_HD constexpr Word low_mask(int n) {
  return n >= word_bits<Word> ? static_cast<Word>(~Word{0})
                              : static_cast<Word>((Word{1} << n) - Word{1});
}

template <class Word>
struct Jammed {
  Word word;
  bool sticky;  // whether any bit that was shifted out was set
};

// Shifts right by any n >= 0 and reports whether something was lost.
template <class Word>
ULPSCOPE_HD constexpr Jammed<Word> shift_right_jam(Word x, int n) {
  if (n >= word_bits<Word>) return {Word{0}, x != 0};
  return {static_cast<Word>(x >> n), (x & low_mask<Word>(n)) != 0};
}

}  // namespace ulpscope
