// The lanes' records against round_pack's, element by element, on every instruction set of the
// machine.
#include "ulpscope/trace/plain_records.hpp"

#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/hardware/scalar.hpp"
#include "ulpscope/round/array.hpp"

#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <hwy/highway.h>

using namespace ulpscope;

namespace {

// HWY_SCALAR, which is among them, leaves everything open.
template <class Body>
void on_every_target(const Body& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    INFO("target " << std::string(hwy::TargetName(target)));
    body(target <= HWY_SSE4);
  }
  hwy::SetSupportedTargetsForTest(0);
}

using Registers = std::vector<uint32_t>;

// Numbers whose exponents differ by little or much, few or many bits, zeros, and codes of all
// kinds.
uint32_t random_register(std::mt19937_64& random, int spread) {
  const uint64_t word = random();
  auto bits = static_cast<uint32_t>(word >> 32);
  switch (word % 16) {
    case 0: return bits & 0x8000'0000;
    case 1: return bits;
    case 2: bits &= 0xFFFF'0000; break;
    case 3: bits |= 0x007F'FF00; break;
    default: break;
  }
  const auto field =
      static_cast<uint32_t>(127 - spread + static_cast<int>(random() % (2 * spread + 1)));
  return (bits & 0x807F'FFFF) | field << 23;
}

Registers random_registers(std::mt19937_64& random, size_t count, int spread) {
  Registers x(count);
  for (auto& one : x) one = random_register(random, spread);
  return x;
}

struct Checked {
  int64_t different = 0;
  int64_t open = 0;
};

// The records of a row against the rounding of exact(i).
template <class ExactValue>
void compare(const RecordRow& records, bool all, const Format& format, Rounding rounding,
             const ExactValue& exact, Checked& checked) {
  int64_t open = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    if (records.is_open(i)) {
      ++open;
      continue;
    }
    const auto x = exact(i);
    const Rounded expected = round_pack(format, x, rounding);
    const Record found = records[i];
    checked.different += found.residue != expected.residue || found.flags != expected.flags ||
                         found.negative != x.negative;
  }
  checked.different += all != (open == 0);
  checked.open += open;
}

Exact<uint64_t> value(uint32_t bits) { return decode<uint64_t>(fp32, bits); }

constexpr Rounding flushed{.mode = Mode::nearest_even, .policy = {.flush = Flush::both}};

// As an instruction with .ftz reads a register.
Exact<uint64_t> value(uint32_t bits, Flush flush) {
  const bool subnormal = (bits & 0x7F80'0000) == 0;
  return value(flush == Flush::both && subnormal ? bits & 0x8000'0000 : bits);
}

template <class Rows, class Records, class Operation>
void check_operation(int rows, const Rows& rounded_rows, const Records& record,
                     const Operation& operation) {
  on_every_target([&](bool has_lanes) {
    for (const Flush flush : {Flush::none, Flush::both}) {
      for (const int spread : {0, 1, 3, 12, 30, 62, 126}) {
        std::mt19937_64 random(static_cast<uint64_t>(spread) + 100);
        Checked checked;
        int64_t count = 0;
        for (int row = 0; row < rows; ++row) {
          const size_t size = row % 3 == 0 ? random() % (RecordRow::room + 1) : RecordRow::room;
          const Registers x = random_registers(random, size, spread);
          const Registers y = random_registers(random, size, spread);
          Registers rounded(size);
          rounded_rows(x, y, flush, rounded);
          RecordRow records;
          records.resize(size);
          const bool all = record(x, y, rounded, records);
          compare(
              records, all, fp32, flush == Flush::both ? flushed : nearest_even,
              [&](size_t i) { return operation(value(x[i], flush), value(y[i], flush)); }, checked);
          count += static_cast<int64_t>(size);
        }
        INFO("spread " << spread);
        CHECK(checked.different == 0);
        // What is open is rare, unless exponents run over the whole range.
        if (has_lanes) CHECK(checked.open < (spread < 30 ? count / 50 : count));
        if (!has_lanes) CHECK(checked.open == count);
      }
    }
  });
}

void check_casts(const Format& format, Rounding rounding) {
  INFO("format " << std::string(format_name(format)));
  REQUIRE(has_plain_casts(format));
  on_every_target([&](bool has_lanes) {
    for (const int spread : {1, 8, 20, 126}) {
      std::mt19937_64 random(static_cast<uint64_t>(spread));
      Checked checked;
      for (int row = 0; row < 100; ++row) {
        const Registers x = random_registers(random, RecordRow::room, spread);
        std::vector<float> numbers(x.size());
        std::vector<float> rounded(x.size());
        for (size_t i = 0; i < x.size(); ++i) numbers[i] = bit_cast<float>(x[i]);
        round_values(std::span<const float>(numbers), format, rounding, std::span(rounded));
        Registers results(x.size());
        for (size_t i = 0; i < x.size(); ++i) results[i] = bit_cast<uint32_t>(rounded[i]);
        RecordRow records;
        records.resize(x.size());
        const bool all = record_casts(x, results, format, records);
        compare(
            records, all, format, rounding, [&](size_t i) { return value(x[i]); }, checked);
      }
      INFO("spread " << spread);
      CHECK(checked.different == 0);
      if (has_lanes && spread == 1) CHECK(checked.open < 100 * 128 / 4);
    }
  });
}

}  // namespace

TEST_CASE("the records of products are those of round_pack") {
  check_operation(300, multiply_rows, record_products,
                  [](const auto& x, const auto& y) { return multiply(x, y); });
}

TEST_CASE("the records of sums are those of round_pack, carries among them") {
  check_operation(300, add_rows, record_sums,
                  [](const auto& x, const auto& y) { return add(x, y, Mode::nearest_even); });
}

TEST_CASE("the records of fused multiply-adds are those of round_pack, rests far below included") {
  on_every_target([](bool has_lanes) {
    for (const int spread : {0, 1, 3, 8, 30, 60}) {
      std::mt19937_64 random(static_cast<uint64_t>(spread) + 200);
      Checked checked;
      int64_t count = 0;
      for (int row = 0; row < 1000; ++row) {
        const size_t size = random() % (RecordRow::room + 1);
        const Registers x = random_registers(random, size, spread);
        const Registers y = random_registers(random, size, spread);
        Registers z = random_registers(random, size, 2 * spread);
        // Sums that cancel, all or nearly.
        for (size_t i = 0; i < size; i += 3) {
          z[i] = fmul(x[i], y[i]) ^ 0x8000'0000;
          if (i % 2 == 0) z[i] += static_cast<uint32_t>(random() % 3);
        }
        Registers rounded(size);
        multiply_add_rows(x, y, z, rounded);
        RecordRow records;
        records.resize(size);
        const bool all = record_fused(x, y, z, rounded, records);
        compare(
            records, all, fp32, nearest_even,
            [&](size_t i) {
              return fma(value(x[i]), value(y[i]), value(z[i]), Mode::nearest_even);
            },
            checked);
        count += static_cast<int64_t>(size);
      }
      INFO("spread " << spread);
      CHECK(checked.different == 0);
      if (has_lanes) CHECK(checked.open < count / 4);
    }
  });
}

TEST_CASE("the records of casts are those of round_pack, in every mode and for any format") {
  for (const Format& format : {bf16, fp16, e4m3fn, e5m2, e2m1fn, tf32, fp32, e4m3fnuz}) {
    for (const Rounding rounding : {nearest_even, toward_zero, upward, downward, to_odd,
                                    nearest_away, saturating(nearest_even)}) {
      check_casts(format, rounding);
    }
  }
}
