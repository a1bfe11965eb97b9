#include "exhaustive/pairs.hpp"

using namespace ulpscope;

TEST_CASE("every sum of two narrow numbers is the reference's in every mode and policy") {
  check_every_pair(Operation::add);
}

TEST_CASE("every difference of two narrow numbers is the reference's in every mode and policy") {
  check_every_pair(Operation::sub);
}
