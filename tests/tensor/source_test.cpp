#include "ulpscope/tensor/source.hpp"

#include <span>
#include <string>
#include <vector>

#include "tensor/files.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

TensorInfo named(const std::string& name) { return {name, Element::u8, {1}}; }

// One byte: the place of the tensor in the list.
StoredTensor open_one(size_t i) {
  return {"dump.npz", named("x"), {}, {.at = [i](uint64_t, std::span<std::byte> into) {
            into[0] = std::byte(i);
          }}};
}

TensorSource source_of(const std::vector<TensorInfo>& tensors, const ReadLimits& limits = {}) {
  return {"dump.npz", {tensors, {{"meta", "a reason"}}, {}}, open_one, limits};
}

std::string why(const std::vector<TensorInfo>& tensors, const ReadLimits& limits = {}) {
  return refusal([&] { source_of(tensors, limits); });
}

}  // namespace

TEST_CASE("a tensor is found and read by its name") {
  const TensorSource source = source_of({named("q"), named("k")});
  CHECK(source.find("k")->name == "k");
  CHECK(source.find("v") == nullptr);
  CHECK(source.read("k").bytes == std::vector{std::byte{1}});
}

TEST_CASE("a tensor that is not there is refused with what there is, or why not") {
  const TensorSource source = source_of({named("q"), named("k")});
  CHECK(refusal([&] { source.read("v"); }) == "dump.npz: no tensor 'v'; it has 'q', 'k'");
  CHECK(refusal([&] { source.read("meta"); }) == "dump.npz: tensor 'meta': a reason");
  CHECK(contains(refusal([&] { source_of({}).read("v"); }), "it has none"));
}

TEST_CASE("names are UTF-8 of 1 to 1,024 bytes, and each is there once") {
  CHECK(contains(why({named("")}), "at least one"));
  CHECK(contains(why({named(std::string(1025, 'n'))}), "at most 1024"));
  CHECK(contains(why({named("a\xFF")}), "UTF-8"));
  CHECK(contains(why({named(std::string("a\0b", 3))}), "no zero byte"));
  CHECK(contains(why({named("q"), named("q")}), "two tensors named 'q'"));
  CHECK(contains(why({named("meta")}), "two tensors named 'meta'"));
  CHECK(why({named("../\xC3\xA9\n")}) == "(accepted)");  // a name is only a name
}

TEST_CASE("ranks and counts have limits that a caller can move") {
  CHECK(contains(why({{"q", Element::u8, std::vector<int64_t>(17, 1)}}), "17 dimensions"));
  ReadLimits limits;
  limits.rank = 17;
  CHECK(why({{"q", Element::u8, std::vector<int64_t>(17, 1)}}, limits) == "(accepted)");
  limits.tensors = 2;
  CHECK(why({named("q")}, limits) == "(accepted)");
  CHECK(contains(why({named("q"), named("k")}, limits), "3 tensors, expected at most 2"));
}
