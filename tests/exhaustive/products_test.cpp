#include "exhaustive/pairs.hpp"

using namespace ulpscope;

TEST_CASE("every product of two narrow numbers is the reference's in every mode and policy") {
  check_every_pair(Operation::mul);
}

TEST_CASE("every quotient of two narrow numbers is the reference's in every mode and policy") {
  check_every_pair(Operation::div);
}

TEST_CASE("every square root of a narrow number is the reference's in every mode and policy") {
  const auto roundings = modes_and_overflows();
  for (const Format& f : narrow_formats()) {
    Verdict verdict;
    for (uint64_t a = 0; a < code_count(f); ++a) {
      verdict.judge({f, Operation::sqrt, {{{f, a}, {}, {}}}}, roundings);
    }
    CHECK_MESSAGE(verdict.agrees(), verdict.text());
  }
}
