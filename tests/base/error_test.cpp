#include "ulpscope/base/error.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("an error carries its line and its kind") {
  const Error error(ErrorKind::input, "q.npy: truncated");
  CHECK(std::string(error.what()) == "q.npy: truncated");
  CHECK(error.kind() == ErrorKind::input);
}

TEST_CASE("the kinds of error leave with the exit codes of the command line") {
  CHECK(exit_code(ErrorKind::usage) == 2);
  CHECK(exit_code(ErrorKind::input) == 3);
  CHECK(exit_code(ErrorKind::resource) == 4);
}

TEST_CASE("an error can be caught as a standard exception") {
  CHECK_THROWS_AS(throw Error(ErrorKind::usage, "bad"), std::runtime_error);
}
