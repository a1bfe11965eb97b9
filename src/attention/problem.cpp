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

}  // namespace

void check(const Problem& p) {
  for (const auto& [name, value] :
       {std::pair{"batch", p.batch}, std::pair{"heads", p.heads}, std::pair{"kv_heads", p.kv_heads},
        std::pair{"seq_q", p.rows}, std::pair{"seq_k", p.keys}, std::pair{"head_dim", p.dim}}) {
    require(value > 0 && value < (int64_t{1} << 31), ErrorKind::input,
            fmt::format("{} is {}: expected 1 to 2^31 - 1", name, value));
  }
  require(p.heads % p.kv_heads == 0, ErrorKind::input,
          fmt::format("k and v have {} heads: expected a divisor of the {} heads of q", p.kv_heads,
                      p.heads));
  require(p.q.size() == product({p.batch, p.heads, p.rows, p.dim}) &&
              p.k.size() == product({p.batch, p.kv_heads, p.keys, p.dim}) &&
              p.v.size() == p.k.size(),
          ErrorKind::input, "q, k, v do not have as many elements as their shapes say");
  require(is_finite(fp32, p.scale) && !is_negative(fp32, p.scale) && !is_zero(fp32, p.scale),
          ErrorKind::usage, "--scale: expected a finite number above zero");
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
}

uint32_t default_scale(int64_t dim) {
  using Binary64 = Soft<fp64>;
  const auto root = sqrt(Binary64(static_cast<double>(dim)));
  return Soft<fp32>(Binary64(1.0) / root).bits();
}

}  // namespace ulpscope
