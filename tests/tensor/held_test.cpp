#include "ulpscope/tensor/held.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/tensor/open.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr std::array<uint16_t, 6> numbers{1, 2, 3, 4, 5, 6};

HeldTensors two_rows() {
  return {
      .files = {{"<arrays>", {{{"q", Element::bf16, {2, 3}}, std::as_bytes(std::span(numbers))}}}}};
}

}  // namespace

TEST_CASE("tensors in memory are opened and read under their name, whole or a box of them") {
  const HeldTensors held = two_rows();
  const TensorSource source = open_tensors("<arrays>", {.held = &held});
  CHECK(source.path() == "<arrays>");
  REQUIRE(source.find("q") != nullptr);
  CHECK(*source.find("q") == TensorInfo{"q", Element::bf16, {2, 3}});
  const Tensor all = source.read("q");
  CHECK(std::ranges::equal(words<uint16_t>(all), numbers));
  CHECK(source.stored("q").in_pieces());
  const Tensor box = source.stored("q").read({{1, 2}, {0, 2}});
  CHECK(std::ranges::equal(words<uint16_t>(box), std::array<uint16_t, 2>{4, 5}));
}

TEST_CASE("reading sees what the memory holds by then: nothing was copied before") {
  std::array<uint16_t, 2> changing{7, 8};
  const HeldTensors held{
      .files = {{"x", {{{"x", Element::u16, {2}}, std::as_bytes(std::span(changing))}}}}};
  const TensorSource source = open_tensors("x", {.held = &held});
  changing[1] = 9;
  CHECK(words<uint16_t>(source.read("x"))[1] == 9);
}

TEST_CASE("bytes that disagree with the shape are bad input") {
  HeldTensors held = two_rows();
  held.files["<arrays>"][0].info.shape = {2, 2};
  CHECK_THROWS_WITH_AS(open_tensors("<arrays>", {.held = &held}),
                       "<arrays>: 'q' of shape (2, 2) takes 8 bytes, found 12", Error);
}

TEST_CASE("names that are not held are files") {
  const HeldTensors held = two_rows();
  CHECK_THROWS_AS(open_tensors("no such file.npy", {.held = &held}), Error);
}
