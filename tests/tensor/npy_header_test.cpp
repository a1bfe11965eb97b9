#include "ulpscope/tensor/npy_header.hpp"

#include <string>
#include <vector>

#include "tensor/files.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

NpyHeader parse(std::string_view text) { return parse_npy_header(text, "q.npy"); }
std::string why(std::string_view text) {
  return refusal([&] { parse(text); });
}

}  // namespace

TEST_CASE("a header as numpy writes it") {
  const NpyHeader header = parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  \n");
  CHECK(header.type->element == Element::fp32);
  CHECK(header.order == AxisOrder::c);
  CHECK(header.shape == std::vector<int64_t>{2, 3});
}

TEST_CASE("order of keys, kind of quotes, blanks and the L of Python 2 do not matter") {
  const NpyHeader header = parse("{ \"shape\":(5L ,),\"fortran_order\" : True,\t'descr':'>V2' }");
  CHECK(header.type->element == Element::bf16);
  CHECK(header.type->order == std::endian::big);
  CHECK(header.order == AxisOrder::fortran);
  CHECK(header.shape == std::vector<int64_t>{5});
  CHECK(parse(npy_dict("<f4", "False", "()")).shape.empty());
  CHECK(parse(npy_dict("<f4", "False", "(0, 9223372036854775807)")).shape[1] == INT64_MAX);
}

TEST_CASE("an array of objects or records is well formed and has no type") {
  const NpyHeader object = parse(npy_dict("|O", "False", "(3,)"));
  CHECK_FALSE(object.type);
  CHECK(contains(unreadable_reason(object), "pickled Python objects"));
  const NpyHeader record = parse(
      "{'descr': [('a]', '<i4'), ('b', '<f4', (2,))], 'fortran_order': False, 'shape': (3,), }");
  CHECK_FALSE(record.type);
  CHECK(record.descr == "[('a]', '<i4'), ('b', '<f4', (2,))]");
  CHECK(contains(unreadable_reason(record), "expected floats, integers or booleans"));
}

TEST_CASE("what is not such a dict is refused with the place and what was expected") {
  CHECK(contains(why(""), "character 0: found the end, expected '{'"));
  CHECK(contains(why("{}"), "expected the keys"));
  CHECK(contains(why("{'descr': '<f4', 'fortran_order': False}"), "expected the keys"));
  CHECK(contains(why("{'descr': '<f4', 'descr': '<f4'}"), "each once"));
  CHECK(contains(why("{'descr': '<f4', 'order': 1}"), "each once"));
  CHECK(contains(why(npy_dict("<f4", "false", "()")), "expected True or False"));
  CHECK(contains(why(npy_dict("<f\\x34", "False", "()")), "without backslashes"));
  CHECK(contains(why(npy_dict("<f4", "False", "()") + "x"), "expected nothing more"));
  CHECK(contains(why("{'descr': '<f4"), "expected a closing quote"));
  CHECK(contains(why("{'descr': [('a', '<f4')"), "expected a closing bracket"));
  CHECK(contains(why("{'descr' '<f4'}"), "expected ':'"));
  CHECK(contains(why("{'descr': '<f4' 'shape': ()}"), "expected '}'"));
}

TEST_CASE("a shape is a tuple of plain non-negative integers below 2^63") {
  const auto shape = [](std::string_view text) { return why(npy_dict("<f4", "False", text)); };
  CHECK(contains(shape("(7)"), "a number in Python"));
  CHECK(contains(shape("7"), "expected '('"));
  CHECK(contains(shape("[7]"), "expected '('"));
  CHECK(contains(shape("(-1,)"), "expected an extent"));
  CHECK(contains(shape("(-0,)"), "expected an extent"));
  CHECK(contains(shape("(+1,)"), "expected an extent"));
  CHECK(contains(shape("(9223372036854775808,)"), "below 2^63"));
  CHECK(contains(shape("(18446744073709551617,)"), "below 2^63"));
  CHECK(contains(shape("(1e3,)"), "expected"));
  CHECK(contains(shape("(1_0,)"), "expected"));
  CHECK(contains(shape("(1 2)"), "expected"));
  CHECK(contains(shape("(,)"), "expected an extent"));
  CHECK(contains(shape("(True,)"), "expected an extent"));
  CHECK(contains(shape("(1, 1"), "expected"));
}

TEST_CASE("a rank of 16 is read and one of 17 is not") {
  std::string sixteen = "(";
  for (int i = 0; i < 16; ++i) sixteen += "1, ";
  CHECK(parse(npy_dict("<f4", "False", sixteen + ")")).shape.size() == 16);
  CHECK(contains(why(npy_dict("<f4", "False", sixteen + "1)")), "expected at most 16 extents"));
}

TEST_CASE("brackets as deep as a header allows do not hurt") {
  const std::string deep = "{'descr': " + std::string(5000, '[') + std::string(4000, ']');
  CHECK(contains(why(deep), "expected a closing bracket"));
}
