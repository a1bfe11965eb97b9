// The lists of names.
#include "ulpscope/scaling/schemes.hpp"

#include "ulpscope/base/error.hpp"

#include <set>
#include <string>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

std::string message_of(auto&& call) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("every scheme is valid, has a name of its own and a source") {
  std::set<std::string_view> names;
  for (const auto& row : schemes) {
    CAPTURE(row.name);
    CHECK(is_valid(row.scheme));
    CHECK(names.insert(row.name).second);
    CHECK_FALSE(row.source.empty());
    CHECK_FALSE(row.meaning.empty());
    CHECK_FALSE(scale_rule_name(row.scheme.rule).empty());
    CHECK(scheme_named(row.name) == row.scheme);
  }
}

TEST_CASE("every scale rule has a name of its own") {
  std::set<std::string_view> names;
  for (const auto& row : scale_rules) {
    CHECK(names.insert(row.name).second);
    CHECK(scale_rule_named(row.name) == row.rule);
    CHECK(scale_rule_name(row.rule) == row.name);
  }
  CHECK(scale_rule_name({Divisor::largest, Mode::to_odd}).empty());
}

TEST_CASE("the blocks are those of the sources") {
  CHECK(scheme_named("mxfp8_e4m3").block == 32);
  CHECK(scheme_named("nvfp4").block == 16);
  CHECK(scheme_named("nf4").block == 64);
  CHECK(scheme_named("coat").block == 128);
  CHECK(scheme_named("absmax-tensor").block == 0);
}

TEST_CASE("an unknown name lists the known ones") {
  const auto scheme = message_of([] { scheme_named("mxfp5"); });
  CHECK(scheme.find("'mxfp5'") != std::string::npos);
  CHECK(scheme.find("nvfp4") != std::string::npos);
  const auto rule = message_of([] { scale_rule_named("round"); });
  CHECK(rule.find("'round'") != std::string::npos);
  CHECK(rule.find("rceil") != std::string::npos);
}

TEST_CASE("a scheme that cannot be used is refused by its formats and block") {
  auto s = scheme_named("coat");
  s.element = fp64;
  const auto message = message_of([&] { check_scheme(s); });
  CHECK(message.find("fp64") != std::string::npos);
  CHECK(message.find("128") != std::string::npos);
}
