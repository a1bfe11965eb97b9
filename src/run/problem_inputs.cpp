#include "ulpscope/run/problem_inputs.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/base/error.hpp"

#include <fmt/format.h>

namespace ulpscope {

namespace {

std::string described(const Operand16& x) {
  return fmt::format("{}: {} is {} ({}), {}", x.file, in_quotes(x.tensor), shape_text(x.shape),
                     layout_name(x.layout), format_name(x.format));
}

void require_agreement(const ProblemOperands& o) {
  const auto fail = [&](const Operand16& other, const std::string& expected) {
    throw Error(ErrorKind::input,
                fmt::format("{}; {}: expected {}", described(o.q), described(other), expected));
  };
  for (const Operand16* other : {&o.k, &o.v}) {
    if (other->format != o.q.format) fail(*other, "the format of q");
    if (other->sizes[0] != o.q.sizes[0]) fail(*other, fmt::format("batch {}", o.q.sizes[0]));
    if (other->sizes[3] != o.q.sizes[3]) fail(*other, fmt::format("dim {}", o.q.sizes[3]));
    if (other->sizes[1] == 0 || o.q.sizes[1] % other->sizes[1] != 0) {
      fail(*other, fmt::format("a number of heads that divides {}", o.q.sizes[1]));
    }
  }
  if (o.dout) {
    if (o.dout->format != o.q.format) fail(*o.dout, "the format of q");
    if (o.dout->sizes != o.q.sizes) fail(*o.dout, "the sizes of q");
  }
  if (o.v.sizes != o.k.sizes) {
    throw Error(ErrorKind::input,
                fmt::format("{}; {}: expected equal sizes", described(o.k), described(o.v)));
  }
}

uint32_t scale_bits(const ProblemOptions& options, int64_t dim) {
  if (!options.scale) return default_scale(dim);
  const auto scale = Soft<fp32>(*options.scale).bits();
  if (!is_finite(fp32, scale) || is_negative(fp32, scale) || is_zero(fp32, scale)) {
    throw Error(ErrorKind::usage, fmt::format("--scale {}: expected a number above zero within "
                                              "binary32",
                                              *options.scale));
  }
  return scale;
}

}  // namespace

bool has_dout(const ProblemOptions& options) {
  return options.backward == BackwardChoice::if_given && has_operand(options.inputs, "do");
}

ProblemOperands load_operands(const ProblemOptions& options) {
  ProblemOperands operands{load_operand(options.inputs, "q"), load_operand(options.inputs, "k"),
                           load_operand(options.inputs, "v"), std::nullopt};
  if (has_dout(options)) operands.dout = load_operand(options.inputs, "do");
  require_agreement(operands);
  return operands;
}

Problem problem_of(const ProblemOptions& options, const ProblemOperands& o) {
  Problem p;
  p.batch = o.q.sizes[0];
  p.heads = o.q.sizes[1];
  p.kv_heads = o.k.sizes[1];
  p.rows = o.q.sizes[2];
  p.keys = o.k.sizes[2];
  p.dim = o.q.sizes[3];
  p.format = o.q.format;
  p.mask = options.mask;
  p.launch = {.batch = p.batch,
              .heads = p.heads,
              .multiprocessors = options.multiprocessors.value_or(0),
              .parts = options.parts};
  if (options.launch) {
    p.launch.batch = (*options.launch)[0];
    p.launch.heads = (*options.launch)[1];
  }
  p.q = o.q.codes;
  p.k = o.k.codes;
  p.v = o.v.codes;
  for (const auto& [name, size] : {std::pair{"q", p.rows * p.dim * p.heads * p.batch},
                                   std::pair{"k and v", p.keys * p.kv_heads}}) {
    if (size == 0) {
      throw Error(ErrorKind::input,
                  fmt::format("{}: {} has no elements; expected at least one", o.q.file, name));
    }
  }
  p.scale = scale_bits(options, p.dim);
  return p;
}

}  // namespace ulpscope
