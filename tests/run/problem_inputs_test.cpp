#include "ulpscope/run/problem_inputs.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/rounding.hpp"
#include "ulpscope/run/output_tensors.hpp"
#include "ulpscope/tensor/npz.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include <random>

#include "tensor/files.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

constexpr Sizes q_sizes{2, 4, 5, 8};
constexpr Sizes k_sizes{2, 2, 7, 8};

// Finite binary32 numbers of both signs.
Tensor random_tensor(const std::string& name, const std::vector<int64_t>& shape) {
  std::mt19937 random(static_cast<unsigned>(name[0]));
  Tensor tensor = make_tensor({name, Element::fp32, shape});
  for (uint32_t& word : words<uint32_t>(tensor)) {
    word = 0x3F00'0000 + (static_cast<uint32_t>(random()) & 0x80FF'FFFF);
  }
  return tensor;
}

std::vector<Tensor> tensors(Layout layout, const std::vector<int64_t>& bias) {
  return {random_tensor("q", shape_in_layout(q_sizes, layout)),
          random_tensor("k", shape_in_layout(k_sizes, layout)),
          random_tensor("v", shape_in_layout(k_sizes, layout)),
          random_tensor("do", shape_in_layout(q_sizes, layout)),
          random_tensor("bias", bias),
          random_tensor("slopes", {2, 4})};
}

ProblemOptions options_for(const std::filesystem::path& file, Layout layout) {
  ProblemOptions options;
  options.inputs.input = file.string();
  options.inputs.layout = layout;
  options.inputs.format = bf16;
  options.inputs.cast = nearest_even;
  options.alibi = file.string() + ":slopes";
  return options;
}

// The values of one axis-aligned part of an array of (batch, heads, seq, dim).
template <class T>
std::vector<T> heads_of(const std::vector<T>& values, const Sizes& sizes, const HeadRange& heads) {
  const int64_t plane = sizes[2] * sizes[3];
  const auto start = values.begin() + heads.batch * sizes[1] * plane;
  return {start + heads.first * plane, start + heads.end * plane};
}

// What the part (batch, kv heads) of a problem is, cut from the whole.
void check_part(const ProblemOperands& part, const ProblemOperands& whole,
                const HeadRange& kv_heads) {
  const HeadRange heads{kv_heads.batch, 2 * kv_heads.first, 2 * kv_heads.end};
  const int64_t count = heads.end - heads.first;
  CHECK(part.q.codes == heads_of(whole.q.codes, q_sizes, heads));
  CHECK(part.k.codes == heads_of(whole.k.codes, k_sizes, kv_heads));
  CHECK(part.v.codes == heads_of(whole.v.codes, k_sizes, kv_heads));
  CHECK(part.dout->codes == heads_of(whole.dout->codes, q_sizes, heads));
  CHECK(part.q.sizes == Sizes{1, count, 5, 8});
  CHECK(part.alibi == heads_of(whole.alibi, {2, 4, 1, 1}, heads));
}

}  // namespace

TEST_SUITE("problem inputs") {
  TEST_CASE("a part of a problem is the whole cut, in every layout and kind of file") {
    const TemporaryFolder here;
    for (const Layout layout : {Layout::bhsd, Layout::bshd, Layout::sbhd}) {
      const auto all = tensors(layout, {4, 5, 7});
      write_safetensors(here.path() / "x.safetensors", all);
      write_npz(here.path() / "x.npz", all);
      for (const auto& file : {"x.safetensors", "x.npz"}) {
        CAPTURE(file);
        const auto options = options_for(here.path() / file, layout);
        const ProblemOperands whole = load_operands(options);
        ProblemInputs inputs(options);
        for (const HeadRange part : {HeadRange{0, 0, 1}, HeadRange{1, 1, 2}, HeadRange{1, 0, 2}}) {
          check_part(inputs.read(part), whole, part);
        }
      }
    }
  }

  TEST_CASE("a part of a bias has the axes that the bias has") {
    const TemporaryFolder here;
    const std::vector<std::vector<int64_t>> shapes{
        {7}, {5, 1}, {4, 5, 7}, {1, 1, 7}, {2, 1, 5, 7}, {1, 4, 1, 1}, {2, 4, 5, 7}, {2, 1, 1, 7}};
    for (const auto& shape : shapes) {
      CAPTURE(shape_text(shape));
      write_safetensors(here.path() / "x.safetensors", tensors(Layout::bhsd, shape));
      const auto options = options_for(here.path() / "x.safetensors", Layout::bhsd);
      const ProblemOperands whole = load_operands(options);
      const Problem all = problem_of(options, whole);
      ProblemInputs inputs(options);
      const ProblemOperands operands = inputs.read({.batch = 1, .first = 1, .end = 2});
      const Problem part = problem_of(options, operands);
      for (int64_t head = 0; head < 2; ++head) {
        const HeadTerms a = head_terms(all, Alignment::top_left, 1, 2 + head);
        const HeadTerms b = head_terms(part, Alignment::top_left, 0, head);
        for (int64_t row = 0; row < 5; ++row) {
          for (int64_t key = 0; key < 7; ++key) CHECK(a.bias_of(row, key) == b.bias_of(row, key));
        }
        CHECK(a.slope == b.slope);
      }
    }
  }

  TEST_CASE("the problem of a part is launched with the whole") {
    const TemporaryFolder here;
    write_safetensors(here.path() / "x.safetensors", tensors(Layout::bhsd, {7}));
    auto options = options_for(here.path() / "x.safetensors", Layout::bhsd);
    const auto launch = [&] {
      const auto part = ProblemInputs(options).read({.batch = 1, .first = 0, .end = 1});
      const Problem p = problem_of(options, part);
      CHECK(p.batch == 1);
      CHECK(p.heads == 2);
      return std::array{p.launch.batch, p.launch.heads};
    };
    CHECK(launch() == std::array<int64_t, 2>{2, 4});
    options.launch = {8, 16};
    CHECK(launch() == std::array<int64_t, 2>{8, 16});
  }

  TEST_CASE("the usual slopes of a part are those of its heads") {
    const TemporaryFolder here;
    write_safetensors(here.path() / "x.safetensors", tensors(Layout::bhsd, {7}));
    auto options = options_for(here.path() / "x.safetensors", Layout::bhsd);
    options.alibi = "default";
    const auto slopes = default_slopes(4);
    const auto part = ProblemInputs(options).read({.batch = 1, .first = 1, .end = 2});
    CHECK(part.alibi == std::vector<uint32_t>{slopes[2], slopes[3]});
  }

  TEST_CASE("hashes of all bytes are those of the whole read at once") {
    const TemporaryFolder here;
    write_npz(here.path() / "x.npz", tensors(Layout::bshd, {4, 5, 7}));
    const auto options = options_for(here.path() / "x.npz", Layout::bshd);
    const ProblemOperands whole = load_operands(options);
    const ProblemOperands hashed = ProblemInputs(options).hashed();
    CHECK(hashed.q.codes.empty());
    CHECK(hashed.q.hash == whole.q.hash);
    CHECK(hashed.dout->hash == whole.dout->hash);
    CHECK(hashed.bias->hash == whole.bias->hash);
    CHECK(hashed.slopes->hash == whole.slopes->hash);
    CHECK(hashed.alibi == whole.alibi);
  }

  TEST_CASE("what needs no values is refused before any is read") {
    const TemporaryFolder here;
    auto all = tensors(Layout::bhsd, {3, 7});
    write_safetensors(here.path() / "x.safetensors", all);
    const auto options = options_for(here.path() / "x.safetensors", Layout::bhsd);
    CHECK(contains(refusal([&] { ProblemInputs inputs(options); }), "broadcasts to"));
    all[2] = random_tensor("v", {2, 2, 6, 8});
    write_safetensors(here.path() / "x.safetensors", all);
    CHECK(contains(refusal([&] { ProblemInputs inputs(options); }), "expected equal sizes"));
    all[1] = random_tensor("k", {2, 2, 0, 8});
    all[2] = random_tensor("v", {2, 2, 0, 8});
    write_safetensors(here.path() / "x.safetensors", all);
    CHECK(contains(refusal([&] { ProblemInputs inputs(options); }), "no elements; expected"));
  }
}
