// Registers of 32-bit codes on their way to memory, and the loop over an array.
//
// Four registers of N codes each leave together, as 4 N bytes, halves or words in order. Packing
// works within blocks of 128 bits, so that a permutation of the register has to follow:
//   a0 b0 | a1 b1   ->   a0 a1 | b0 b1       (16-bit codes, blocks of two registers a and b)
//
// Included by lanes.cpp, once for each instruction set.
#if defined(ULPSCOPE_LANES_COMMON_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ULPSCOPE_LANES_COMMON_INL
#undef ULPSCOPE_LANES_COMMON_INL
#else
#define ULPSCOPE_LANES_COMMON_INL
#endif

#include <algorithm>
#include <array>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// 128, 256 or 512 bits.
using Words = hn::ScalableTag<uint32_t>;
using SignedWords = hn::RebindToSigned<Words>;
using Halves = hn::Repartition<uint16_t, Words>;
using SignedHalves = hn::Repartition<int16_t, Words>;
using Bytes = hn::Repartition<uint8_t, Words>;
using Singles = hn::Rebind<float, Words>;
using Doubles = hn::Repartition<double, Words>;
using Longs = hn::Repartition<uint64_t, Words>;
using Word = hn::Vec<Words>;
using Half = hn::Vec<SignedHalves>;
using Byte = hn::Vec<Bytes>;

HWY_INLINE Word word(uint32_t x) { return hn::Set(Words(), x); }
HWY_INLINE hn::Vec<SignedWords> as_signed(Word x) { return hn::BitCast(SignedWords(), x); }
HWY_INLINE size_t lanes() { return hn::Lanes(Words()); }
// All ones where the highest bit is set, else zero.
HWY_INLINE Word sign_mask_of(Word x) {
  return hn::BitCast(Words(), hn::BroadcastSignBit(as_signed(x)));
}

// Packs, block by block: lanes of 32 to 16 bits, saturating as signed or as unsigned numbers, and
// of 16 to 8 bits, saturating as signed numbers or of codes that fit.
HWY_INLINE Half pack_signed(Word a, Word b) {
  return hn::ReorderDemote2To(SignedHalves(), as_signed(a), as_signed(b));
}
#if HWY_TARGET <= HWY_AVX3
HWY_INLINE Half pack_halves(Word a, Word b) { return Half{_mm512_packus_epi32(a.raw, b.raw)}; }
HWY_INLINE Byte pack_bytes(Half a, Half b) { return Byte{_mm512_packs_epi16(a.raw, b.raw)}; }
HWY_INLINE Byte pack_codes(Half a, Half b) { return Byte{_mm512_packus_epi16(a.raw, b.raw)}; }
#elif HWY_TARGET <= HWY_AVX2
HWY_INLINE Half pack_halves(Word a, Word b) { return Half{_mm256_packus_epi32(a.raw, b.raw)}; }
HWY_INLINE Byte pack_bytes(Half a, Half b) { return Byte{_mm256_packs_epi16(a.raw, b.raw)}; }
HWY_INLINE Byte pack_codes(Half a, Half b) { return Byte{_mm256_packus_epi16(a.raw, b.raw)}; }
#elif HWY_TARGET == HWY_NEON
HWY_INLINE Half pack_halves(Word a, Word b) {
  const auto packed = [](Word x) { return vqmovun_s32(as_signed(x).raw); };
  return Half{vreinterpretq_s16_u16(vcombine_u16(packed(a), packed(b)))};
}
HWY_INLINE Byte pack_bytes(Half a, Half b) {
  return Byte{vreinterpretq_u8_s8(vcombine_s8(vqmovn_s16(a.raw), vqmovn_s16(b.raw)))};
}
HWY_INLINE Byte pack_codes(Half a, Half b) {
  return Byte{vcombine_u8(vqmovun_s16(a.raw), vqmovun_s16(b.raw))};
}
#else
HWY_INLINE Half pack_halves(Word a, Word b) { return Half{_mm_packus_epi32(a.raw, b.raw)}; }
HWY_INLINE Byte pack_bytes(Half a, Half b) { return Byte{_mm_packs_epi16(a.raw, b.raw)}; }
HWY_INLINE Byte pack_codes(Half a, Half b) { return Byte{_mm_packus_epi16(a.raw, b.raw)}; }
#endif

// Puts the groups of `Code`s that packing has left block by block behind each other: of R registers
// packed into one, each block holds 4 / R words of the first, then of the second, and so on.
template <class Code>
class Order {
 public:
  Order() {
    constexpr size_t registers = sizeof(uint32_t) / sizeof(Code);
    constexpr size_t group = 4 / registers;
    const size_t blocks = lanes() / 4;
    alignas(64) int32_t from[16] = {};
    for (size_t i = 0; i < lanes(); ++i) {
      const size_t within = i % group;
      const size_t block = i / group % blocks;
      const size_t source = i / group / blocks;
      from[i] = static_cast<int32_t>(4 * block + group * source + within);
    }
    indices_ = hn::SetTableIndices(Words(), from);
  }
  template <class Packed>
  HWY_INLINE Word operator()(Packed packed) const {
    return hn::TableLookupLanes(hn::BitCast(Words(), packed), indices_);
  }

 private:
  decltype(hn::SetTableIndices(Words(), static_cast<const int32_t*>(nullptr))) indices_;
};

// Four registers of codes to memory.
struct Store32 {
  HWY_INLINE void operator()(Word a, Word b, Word c, Word d, uint32_t* codes) const {
    hn::StoreU(a, Words(), codes);
    hn::StoreU(b, Words(), codes + lanes());
    hn::StoreU(c, Words(), codes + 2 * lanes());
    hn::StoreU(d, Words(), codes + 3 * lanes());
  }
};
struct Store16 {
  Order<uint16_t> order;

  HWY_INLINE void operator()(Word a, Word b, Word c, Word d, uint16_t* codes) const {
    hn::StoreU(hn::BitCast(Halves(), order(pack_halves(a, b))), Halves(), codes);
    hn::StoreU(hn::BitCast(Halves(), order(pack_halves(c, d))), Halves(), codes + 2 * lanes());
  }
};
// Codes in the upper halves of their lanes.
struct StoreUpperHalves {
  Store16 store;

  HWY_INLINE void operator()(Word a, Word b, Word c, Word d, uint16_t* codes) const {
    store(hn::ShiftRight<16>(a), hn::ShiftRight<16>(b), hn::ShiftRight<16>(c),
          hn::ShiftRight<16>(d), codes);
  }
};
struct Store8 {
  Order<uint8_t> order;

  HWY_INLINE void operator()(Word a, Word b, Word c, Word d, uint8_t* codes) const {
    hn::StoreU(hn::BitCast(Bytes(), order(pack_codes(pack_signed(a, b), pack_signed(c, d)))),
               Bytes(), codes);
  }
};
template <class Code>
struct StoreOf;
template <>
struct StoreOf<uint8_t> {
  using type = Store8;
};
template <>
struct StoreOf<uint16_t> {
  using type = Store16;
};
template <>
struct StoreOf<uint32_t> {
  using type = Store32;
};
template <class Code>
using Store = typename StoreOf<Code>::type;

// Calls kernel(i, source, target) for groups of four registers: `i` counts elements of the array,
// which are read from `source`, written to `target`. The last elements take the way through a
// padded copy, so that kernels know no remainder.
//
// Kernels are to be inlined, and are copied: an object whose address nobody has keeps its constants
// in registers, although the codes that are stored may, as bytes, alias anything.
template <class From, class To, class Kernel>
void for_groups(const From* x, size_t count, To* y, Kernel kernel) {
  const size_t group = 4 * lanes();
  const size_t rest = count % group;
  alignas(64) From source[64];
  alignas(64) To target[64];
  const From* from = x;
  To* to = y;
  size_t i = 0;
  size_t end = count - rest;
  // Two at a time: the loop's own work counts.
  for (; i + 2 * group <= end; i += 2 * group, from += 2 * group, to += 2 * group) {
    kernel(i, from, to);
    kernel(i + group, from + group, to + group);
  }
  for (;;) {
    for (; i < end; i += group, from += group, to += group) kernel(i, from, to);
    if (end >= count) break;
    std::fill(std::copy(x + end, x + count, source), source + group, From{});
    from = source;
    to = target;
    end += group;
  }
  std::copy(target, target + rest, y + (count - rest));
}

// The kernel of a function from numbers to registers of codes.
template <class Code, class StoreCodes>
struct FourRegisters {
  Code code;
  StoreCodes store;

  template <class From, class To>
  HWY_INLINE void operator()(size_t, const From* from, To* to) const {
    const size_t n = lanes();
    store(code(from), code(from + n), code(from + 2 * n), code(from + 3 * n), to);
  }
};

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
