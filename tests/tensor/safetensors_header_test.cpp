#include "ulpscope/tensor/safetensors_header.hpp"

#include <array>
#include <string>
#include <vector>

#include "tensor/files.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

SafetensorsHeader parse(std::string_view text) {
  return parse_safetensors_header(text, "x.safetensors");
}

std::string why(std::string_view text) {
  const std::string message = refusal([&] { parse(text); });
  const bool accepted = message == "(accepted)";
  if (!accepted) CHECK(contains(message, "x.safetensors: safetensors header: "));
  return message;
}

const std::string q = entry("q", "U8", "[2]", 0, 2);

}  // namespace

TEST_CASE("entries stand in the order of the text, with their metadata") {
  const SafetensorsHeader header = parse(
      joined({" \n{", R"("__metadata__":{"k":"v","":"\u00e9"},)", entry("z", "BF16", "[]", 4, 6),
              ",", entry("a\\nb", "F8_E4M3", "[2, 3]", 0, 4), "} \t"}));
  CHECK(header.metadata == std::map<std::string, std::string>{{"k", "v"}, {"", "\xC3\xA9"}});
  REQUIRE(header.entries.size() == 2);
  CHECK(header.entries[0].name == "z");
  CHECK(header.entries[0].dtype == "BF16");
  CHECK(header.entries[0].shape.empty());
  CHECK(header.entries[0].begin == 4);
  CHECK(header.entries[0].end == 6);
  CHECK(header.entries[1].name == "a\nb");
  CHECK(header.entries[1].shape == std::vector<int64_t>{2, 3});
}

TEST_CASE("a header may be empty of tensors, but not empty") {
  CHECK(parse("{}").entries.empty());
  CHECK(parse(object(R"("__metadata__":{})")).metadata.empty());
  CHECK(contains(why(""), "empty"));
  CHECK(contains(why(" \n"), "empty"));
}

TEST_CASE("numbers are unsigned integers below 2^63 and nothing that can be taken for one") {
  for (const char* number : {"-1",
                             "-0",
                             "8.0",
                             "8e0",
                             "1e3",
                             "18446744073709551616",
                             "\"8\"",
                             "true",
                             "null",
                             "[8]",
                             "{}",
                             "NaN",
                             "0x8",
                             "08",
                             "+8",
                             "1e400",
                             "9223372036854775808",
                             "Infinity",
                             "8,",
                             ",8",
                             ""}) {
    CAPTURE(number);
    const std::string_view n = number;
    if (!n.empty()) {  // no extent at all is the shape of a scalar
      CHECK(why(object(entry("q", "U8", joined({"[", n, "]"}), 0, 8))) != "(accepted)");
    }
    const std::string start = R"({"q":{"dtype":"U8","shape":[8],"data_offsets":[)";
    CHECK(why(joined({start, "0,", n, "]}}"})) != "(accepted)");
    CHECK(why(joined({start, n, ",8]}}"})) != "(accepted)");
  }
  CHECK(parse(object(entry("q", "U8", "[9223372036854775807]", 0, 8))).entries[0].shape[0] ==
        INT64_MAX);
}

TEST_CASE("a shape has at most 16 numbers, offsets are two in order") {
  CHECK(why(object(entry("q", "U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,8]", 0, 8))) == "(accepted)");
  CHECK(contains(why(object(entry("q", "U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,8]", 0, 8))),
                 "more than 16 numbers at key 'shape' of tensor 'q'"));
  const auto offsets = [](std::string_view list) {
    return why(joined({R"({"q":{"dtype":"U8","shape":[2],"data_offsets":)", list, "}}"}));
  };
  CHECK(offsets("[0,2]") == "(accepted)");
  CHECK(contains(offsets("[2,0]"), "no begin <= end"));
  CHECK(contains(offsets("[2]"), "no begin <= end"));
  CHECK(contains(offsets("[]"), "no begin <= end"));
  CHECK(contains(offsets("[0,1,2]"), "more than 2 numbers"));
}

TEST_CASE("a key that stands twice is refused, at every level") {
  const std::string body = R"("dtype":"U8","shape":[2],"data_offsets":[0,2])";
  CHECK(contains(why(object(joined({q, ",", q}))), "a key twice at key 'q'"));
  CHECK(
      contains(why(object(joined({q, ",", entry("\\u0071", "U8", "[2]", 0, 2)}))), "a key twice"));
  CHECK(contains(why(object(joined({"\"q\":{", body, ",", body, "}"}))), "a key twice"));
  CHECK(contains(why(object(R"("__metadata__":{"a":"","a":""})")), "a key twice"));
  CHECK(contains(why(object(R"("__metadata__":{},"__metadata__":{})")), "a key twice"));
  CHECK(why(object(joined({q, ",", entry("k", "U8", "[2]", 0, 2)}))) == "(accepted)");
}

TEST_CASE("a tensor has exactly its three keys, each of its type") {
  CHECK(contains(why(object(R"("q":{"dtype":"U8","shape":[2],"data_offsets":[0,2],"more":1})")),
                 "none of dtype, shape, data_offsets"));
  CHECK(contains(why(object(R"("q":{"dtype":"U8","shape":[2]})")), "without all of its keys"));
  CHECK(contains(why(object(R"("q":{})")), "without all of its keys"));
  for (const char* body : {R"("dtype":8,"shape":[2],"data_offsets":[0,2])",
                           R"("dtype":["U8"],"shape":[2],"data_offsets":[0,2])",
                           R"("dtype":"U8","shape":2,"data_offsets":[0,2])",
                           R"("dtype":"U8","shape":[[2]],"data_offsets":[0,2])",
                           R"("dtype":"U8","shape":{"a":2},"data_offsets":[0,2])",
                           R"("dtype":"U8","shape":"2","data_offsets":[0,2])",
                           R"("dtype":"U8","shape":[2],"data_offsets":null)"}) {
    CAPTURE(body);
    CHECK(contains(why(object(joined({"\"q\":{", body, "}"}))), "of tensor 'q'"));
  }
}

TEST_CASE("nothing but tensors and metadata stands in a header") {
  for (const char* value : {"[]", "null", "1", "-1", "1.5", "true", "\"text\""}) {
    CAPTURE(value);
    CHECK(contains(why(joined({"{\"q\":", value, "}"})), "at key 'q'"));
    CHECK(contains(why(joined({"{\"__metadata__\":", value, "}"})), "at key '__metadata__'"));
  }
  for (const char* value : {"[]", "null", "1", "-1", "1.5", "true", "{}"}) {
    CAPTURE(value);
    CHECK(contains(why(joined({"{\"__metadata__\":{\"a\":", value, "}}"})),
                   "at key 'a' of __metadata__"));
  }
}

TEST_CASE("what is not JSON, or not an object, is refused") {
  const std::string zero(1, '\0');
  for (const std::string& text : std::vector<std::string>{
           "[]",
           "1",
           "null",
           "\"q\"",
           "{",
           q,
           "{'q':1}",
           joined({"{", q}),
           joined({"{", q, ",}"}),
           joined({"{", q, "}}"}),
           joined({"{", q, "} x"}),
           joined({"{", q, "}{}"}),
           joined({"{/**/", q, "}"}),
           joined({"\xEF\xBB\xBF{", q, "}"}),             // byte-order mark
           joined({"{", q, "}", zero, "hidden"}),         // the parser would stop at the zero
           object(entry("\xFF", "U8", "[2]", 0, 2)),      // not UTF-8
           object(entry("\xC0\x80", "U8", "[2]", 0, 2)),  // an overlong zero
           object(entry("\\ud800", "U8", "[2]", 0, 2)),   // half a surrogate pair
           object(entry("\n", "U8", "[2]", 0, 2)),        // a control character as it is
           object(entry("\\x", "U8", "[2]", 0, 2))}) {
    CAPTURE(text);
    CHECK(why(text) != "(accepted)");
  }
}

TEST_CASE("every proper prefix of a header is refused") {
  const std::string whole = object(joined({q, R"(,"__metadata__":{"a":"b"})"}));
  for (size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK(why(whole.substr(0, length)) != "(accepted)");
  }
  CHECK(why(whole) == "(accepted)");
}

TEST_CASE("headers made to cost time or memory are refused where they go wrong") {
  CHECK(contains(why(joined({"{\"q\":", std::string(10'000'000, '[')})), "found a list"));
  std::string objects = "{";
  for (int i = 0; i < 1'000'000; ++i) objects += "\"q\":{";
  CHECK(contains(why(objects), "none of dtype"));
  std::string lists = R"({"q":{"shape":[)";
  for (int i = 0; i < 1'000'000; ++i) lists += "1,";
  CHECK(contains(why(lists), "more than 16 numbers"));
  std::string texts = R"({"__metadata__":{)";
  for (int i = 0; i < 200'000; ++i) texts += joined({"\"", std::to_string(i), "\":\"\","});
  CHECK(contains(why(texts), "more than 100000 keys"));
}

TEST_CASE(
    "no byte of a header, set to anything, gives what is not in it or anything but an Error") {
  const std::string good = object(entry("q", "U16", "[2,3]", 0, 12));
  size_t accepted = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string text = good;
      text[at] = static_cast<char>(value);
      try {
        const SafetensorsHeader header = parse(text);
        ++accepted;
        // No change of one byte adds or removes a tensor, or moves one beyond 99 bytes.
        if (header.entries.size() != 1) FAIL("not one tensor, byte " << at << " set to " << value);
        if (header.entries[0].end > 99) FAIL("an offset out of nowhere");
      } catch (const Error&) {
      }
    }
  }
  CHECK(accepted > 300);  // other names, other types, other digits
}
