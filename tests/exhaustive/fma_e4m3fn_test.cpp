#include "exhaustive/triples.hpp"

using namespace ulpscope;

TEST_CASE("every product of two E4M3 numbers plus a third rounds once, as the reference does") {
  check_every_triple(e4m3fn, std::array{nearest_even});
}
