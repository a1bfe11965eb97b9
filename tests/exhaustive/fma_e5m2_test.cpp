#include "exhaustive/triples.hpp"

using namespace ulpscope;

TEST_CASE("every product of two E5M2 numbers plus a third rounds once, as the reference does") {
  check_every_triple(e5m2, std::array{nearest_even});
}
