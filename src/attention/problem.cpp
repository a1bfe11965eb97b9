#include "ulpscope/attention/problem.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/base/error.hpp"

#include <cmath>

#include <fmt/format.h>

namespace ulpscope {

namespace {

void require(bool holds, ErrorKind kind, const std::string& message) {
  if (!holds) throw Error(kind, message);
}

// Four factors below 2^31 stay inside 128 bits.
uint128 product(std::initializer_list<int64_t> factors) {
  uint128 result = 1;
  for (const int64_t f : factors) result *= static_cast<uint128>(f);
  return result;
}

void check_terms(const Problem& p) {
  const ScoreTerms& terms = p.terms;
  require(is_finite(fp32, terms.cap) && !is_negative(fp32, terms.cap), ErrorKind::usage,
          "--softcap: expected a finite number above zero");
  const uint128 slopes = product({p.batch, p.heads});
  require(!terms.has(ScoreTerm::alibi) || terms.slopes.size() == slopes, ErrorKind::input,
          "--alibi: expected a slope for every batch and head");
  for (const uint32_t slope : terms.slopes) {
    require(is_finite(fp32, slope), ErrorKind::input, "--alibi: expected finite slopes");
  }
  if (!terms.has(ScoreTerm::bias)) return;
  const std::array sizes{p.batch, p.heads, p.rows, p.keys};
  const auto& found = terms.bias.sizes;
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    require(found[axis] == 1 || found[axis] == sizes[axis], ErrorKind::input,
            fmt::format("bias has the shape ({}); expected 1 or the size of the problem at each "
                        "place: ({})",
                        fmt::join(found, ", "), fmt::join(sizes, ", ")));
  }
  require(terms.bias.values.size() == product({found[0], found[1], found[2], found[3]}),
          ErrorKind::input, "bias does not have as many elements as its shape says");
}

}  // namespace

void check_without_operands(const Problem& p) {
  for (const auto& [name, value] :
       {std::pair{"batch", p.batch}, std::pair{"heads", p.heads}, std::pair{"kv_heads", p.kv_heads},
        std::pair{"seq_q", p.rows}, std::pair{"seq_k", p.keys}, std::pair{"head_dim", p.dim}}) {
    require(value > 0 && value < (int64_t{1} << 31), ErrorKind::input,
            fmt::format("{} is {}: expected 1 to 2^31 - 1", name, value));
  }
  require(p.heads % p.kv_heads == 0, ErrorKind::input,
          fmt::format("k and v have {} heads: expected a divisor of the {} heads of q", p.kv_heads,
                      p.heads));
  require(is_finite(fp32, p.scale) && !is_negative(fp32, p.scale) && !is_zero(fp32, p.scale),
          ErrorKind::usage, "--scale: expected a finite number above zero");
  for (const uint32_t factor : {p.descale.q, p.descale.k, p.descale.v}) {
    require(is_finite(fp32, factor) && !is_negative(fp32, factor) && !is_zero(fp32, factor),
            ErrorKind::usage, "--descale: expected finite numbers above zero");
  }
  require(
      p.launch.batch >= p.batch && p.launch.heads >= p.heads, ErrorKind::usage,
      fmt::format("--launch {},{}: the dump itself has batch {} and {} heads; expected at least "
                  "these",
                  p.launch.batch, p.launch.heads, p.batch, p.heads));
  require(p.launch.multiprocessors > 0 && p.launch.multiprocessors <= 4096, ErrorKind::usage,
          fmt::format("--sms {}: expected 1 to 4096", p.launch.multiprocessors));
  require(p.launch.parts >= 0 && p.launch.parts <= 128, ErrorKind::usage,
          fmt::format("--parts {}: expected 1 to 128", p.launch.parts));
  for (const int64_t side : {p.mask.left, p.mask.right}) {
    require(side >= Mask::unbounded && side < (int64_t{1} << 31), ErrorKind::usage,
            fmt::format("--window {},{}: expected -1 (unbounded) to 2^31 - 1 keys on each side",
                        p.mask.left, p.mask.right));
  }
  check_terms(p);
}

void check(const Problem& p) {
  check_without_operands(p);
  require(p.q.size() == product({p.batch, p.heads, p.rows, p.dim}) &&
              p.k.size() == product({p.batch, p.kv_heads, p.keys, p.dim}) &&
              p.v.size() == p.k.size(),
          ErrorKind::input, "q, k, v do not have as many elements as their shapes say");
}

HeadTerms head_terms(const Problem& p, Alignment alignment, int64_t batch, int64_t head) {
  HeadTerms terms{.cap = p.terms.cap, .diagonal = diagonal_key(p, alignment, 0)};
  if (p.terms.has(ScoreTerm::alibi)) {
    terms.slope = p.terms.slopes[static_cast<size_t>(batch * p.heads + head)];
  }
  if (p.terms.has(ScoreTerm::bias)) {
    const auto& [batches, heads, rows, keys] = p.terms.bias.sizes;
    const int64_t plane = (batches == 1 ? 0 : batch) * heads + (heads == 1 ? 0 : head);
    terms.bias = &p.terms.bias.values[static_cast<size_t>(plane * rows * keys)];
    terms.bias_row_step = rows == 1 ? 0 : keys;
    terms.bias_key_step = keys == 1 ? 0 : 1;
  }
  return terms;
}

ScoreTerms terms_of_heads(const Problem& p, int64_t batch, int64_t first, int64_t heads) {
  ScoreTerms terms = p.terms;
  if (terms.has(ScoreTerm::alibi)) {
    terms.slopes = terms.slopes.subspan(static_cast<size_t>(batch * p.heads + first),
                                        static_cast<size_t>(heads));
  }
  if (terms.has(ScoreTerm::bias)) {
    auto& sizes = terms.bias.sizes;
    const int64_t plane = sizes[2] * sizes[3];
    const int64_t before = (sizes[0] == 1 ? 0 : batch) * sizes[1] + (sizes[1] == 1 ? 0 : first);
    sizes[0] = 1;
    if (sizes[1] != 1) sizes[1] = heads;
    terms.bias.values = terms.bias.values.subspan(static_cast<size_t>(before * plane),
                                                  static_cast<size_t>(sizes[1] * plane));
  }
  return terms;
}

Problem problem_of_kv_head(const Problem& whole, int64_t kv_outer) {
  Problem part = whole;
  part.batch = 1;
  part.heads = whole.heads / whole.kv_heads;
  part.kv_heads = 1;
  part.part_of = {.first = whole.part_of.first + kv_outer, .all = whole_kv_heads(whole)};
  part.terms = terms_of_heads(whole, kv_outer / whole.kv_heads,
                              kv_outer % whole.kv_heads * part.heads, part.heads);
  const auto share = [&](std::span<const uint16_t> codes) {
    const size_t size = codes.size() / static_cast<size_t>(whole.batch * whole.kv_heads);
    return codes.subspan(static_cast<size_t>(kv_outer) * size, size);
  };
  part.q = share(whole.q);
  part.k = share(whole.k);
  part.v = share(whole.v);
  return part;
}

uint32_t default_scale(int64_t dim) {
  using Binary64 = Soft<fp64>;
  const auto root = sqrt(Binary64(static_cast<double>(dim)));
  return Soft<fp32>(Binary64(1.0) / root).bits();
}

}  // namespace ulpscope
