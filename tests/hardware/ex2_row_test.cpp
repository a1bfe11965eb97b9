// Rows of 2^x against the single instruction, on every instruction set of the machine.
#include "ulpscope/hardware/ex2_row.hpp"

#include "ulpscope/hardware/profiles/mufu_sm90.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <hwy/highway.h>

using namespace ulpscope;

namespace {

// HWY_SCALAR, which is among them, goes one by one.
template <class Body>
void on_every_target(const Body& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    INFO("target " << std::string(hwy::TargetName(target)));
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
}

int64_t differences(const std::vector<uint32_t>& x) {
  int64_t different = 0;
  std::vector<uint32_t> found(x.size());
  ex2_row(mufu_sm90, x, Flush::both, found);
  for (size_t i = 0; i < x.size(); ++i) different += found[i] != mufu_ex2(mufu_sm90, x[i]);
  ex2_row(mufu_sm90, x, Flush::none, found);
  for (size_t i = 0; i < x.size(); ++i) different += found[i] != ex2_approx(mufu_sm90, x[i]);
  return different;
}

}  // namespace

TEST_CASE("a row of 2^x is the instruction's, element by element") {
  on_every_target([] {
    // Every 997th operand: each exponent, fraction bits of all kinds.
    int64_t different = 0;
    std::vector<uint32_t> x(4096);
    uint64_t next = 0;
    while (next < uint64_t{1} << 32) {
      for (auto& one : x) {
        one = static_cast<uint32_t>(next);
        next += 997;
      }
      different += differences(x);
    }
    CHECK(different == 0);
  });
}

TEST_CASE("the edges of the range, whole numbers and their neighbours, NaN and infinities") {
  on_every_target([] {
    std::vector<uint32_t> x{0,           0x8000'0000, 1,           0x8000'0001, 0x7F80'0000,
                            0xFF80'0000, 0x7F80'0001, 0xFF80'0001, 0x7FFF'FFFF, 0xFFFF'FFFF,
                            0x3380'0000, 0xB380'0000, 0x33FF'FFFF, 0x3400'0000, 0xB400'0000};
    for (int n = -300; n <= 300; ++n) {
      const auto bits = bit_cast<uint32_t>(static_cast<float>(n) / 2);
      for (const uint32_t near : {bits - 1, bits, bits + 1}) x.push_back(near);
    }
    CHECK(differences(x) == 0);
  });
}

TEST_CASE("a row of any length, and in place") {
  for (size_t count = 0; count < 70; ++count) {
    std::vector<uint32_t> x(count + 1, 0x4000'0000);
    ex2_row(mufu_sm90, Row32(x).first(count), Flush::both, std::span(x).first(count));
    for (size_t i = 0; i < count; ++i) REQUIRE(x[i] == 0x4080'0000);
    CHECK(x[count] == 0x4000'0000);
  }
}
