// bf16 and fp16 against MPFR, nearest-even: two million vectors for every operation.
//
// The same comparison with 10^9 vectors each is ulpscope_mpfr_sweep; docs/validation has its log.
#include "ulpscope/format/catalogue.hpp"

#include "oracles/mpfr_tally.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr uint64_t vectors = 2'000'000;
constexpr uint64_t seed = 1;

template <Format F, Operation operation>
MpfrTally tally() {
  MpfrOracle<F> oracle;
  return compare_with_mpfr<F, operation>(oracle, seed, 0, vectors);
}

// A test that meets no tie or no subnormal proves little: every kind must be well represented.
template <Format F, Operation operation>
void check() {
  const MpfrTally x = tally<F, operation>();
  CHECK_MESSAGE(x.mismatches == 0, "first at index ", x.first_mismatch, " of seed ", seed);
  CHECK(x.inexact > vectors / 4);
  CHECK(x.overflow > vectors / 100);
  CHECK(x.not_a_number > vectors / 100);
  if (operation == Operation::div) return;  // a quotient of p-bit numbers ties only when subnormal
  CHECK(x.ties > vectors / 200);
  CHECK(x.subnormal > vectors / 100);
}

template <Format F>
void check_all() {
  check<F, Operation::add>();
  check<F, Operation::sub>();
  check<F, Operation::mul>();
  check<F, Operation::div>();
  check<F, Operation::fma>();
}

}  // namespace

TEST_CASE("bf16 sums, products, quotients and fused multiply-adds are MPFR's") {
  check_all<bf16>();
}

TEST_CASE("fp16 sums, products, quotients and fused multiply-adds are MPFR's") {
  check_all<fp16>();
}

TEST_CASE("a wrong answer is noticed") {
  MpfrOracle<fp16> oracle;
  const Operands x{0x3C00, 0x1001, 0};  // 1 and a little more than half an ulp of it
  const MpfrAnswer mpfr = oracle.answer<Operation::add>(x);
  Rounded core = core_operation<Operation::add>(fp16, x, nearest_even);
  CHECK(mpfr.bits == 0x3C01);
  CHECK(mpfr.direction == 1);
  CHECK(agree<fp16>(core, mpfr, false));
  CHECK_FALSE(agree<fp16>(core_operation<Operation::add>(fp16, x, toward_zero), mpfr, false));
  core.residue = -core.residue;
  CHECK_FALSE(agree<fp16>(core, mpfr, false));
}

TEST_CASE("the vectors of a range are those of its parts") {
  MpfrOracle<bf16> oracle;
  const auto part = [&](uint64_t begin, uint64_t end) {
    return compare_with_mpfr<bf16, Operation::mul>(oracle, 7, begin, end);
  };
  MpfrTally joined = part(500, 1000);
  joined.join(part(0, 500));
  CHECK(joined.digest == part(0, 1000).digest);
  CHECK(joined.vectors == 1000);
}
