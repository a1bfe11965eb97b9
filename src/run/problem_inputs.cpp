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

// An option's number as binary32 bits.
uint32_t positive_register(std::string_view option, double value) {
  const auto bits = Soft<fp32>(value).bits();
  if (is_finite(fp32, bits) && !is_negative(fp32, bits) && !is_zero(fp32, bits)) return bits;
  throw Error(ErrorKind::usage,
              fmt::format("{}{}: expected a number above zero within binary32", option, value));
}

std::string described(const RegisterTensor& x) {
  return fmt::format("{}: {} is {}", x.file, in_quotes(x.tensor), shape_text(x.shape));
}

// Axes from the last one on, as numpy broadcasts: keys, queries, heads, batch.
std::array<int64_t, 4> bias_sizes(const RegisterTensor& bias, const std::array<int64_t, 4>& full) {
  std::array<int64_t, 4> sizes{1, 1, 1, 1};
  bool fits = bias.shape.size() <= sizes.size();
  for (size_t back = 1; fits && back <= bias.shape.size(); ++back) {
    const size_t axis = sizes.size() - back;
    sizes[axis] = bias.shape[bias.shape.size() - back];
    fits = sizes[axis] == 1 || sizes[axis] == full[axis];
  }
  if (fits) return sizes;
  throw Error(ErrorKind::input,
              fmt::format("{}; expected what broadcasts to (batch, heads, queries, keys) = {}",
                          described(bias), shape_text(full)));
}

// The usual slopes of all heads of a launch.
std::vector<uint32_t> usual_slopes(const ProblemOptions& options, int64_t heads) {
  if (!options.launch || (*options.launch)[1] == heads) return default_slopes(heads);
  throw Error(
      ErrorKind::usage,
      fmt::format("--alibi default: which {} of the launch's {} heads the dump holds is not "
                  "known; expected --alibi FILE",
                  heads, (*options.launch)[1]));
}

std::vector<uint32_t> slopes_of_file(const RegisterTensor& file, int64_t batch, int64_t heads) {
  const std::vector one_batch{heads};
  const std::vector every_batch{batch, heads};
  if (file.shape == one_batch || file.shape == every_batch) return file.values;
  throw Error(ErrorKind::input,
              fmt::format("{}; expected a slope a head: {} or {}", described(file),
                          shape_text(one_batch), shape_text(every_batch)));
}

void load_slopes(const ProblemOptions& options, ProblemOperands& o) {
  const int64_t batch = o.q.sizes[0];
  const int64_t heads = o.q.sizes[1];
  if (options.alibi == "default") {
    o.alibi = usual_slopes(options, heads);
  } else {
    InputOptions inputs = options.inputs;
    inputs.files["alibi"] = options.alibi;
    o.slopes = load_registers(inputs, "alibi");
    o.alibi = slopes_of_file(*o.slopes, batch, heads);
  }
  if (o.alibi.size() == static_cast<size_t>(batch * heads)) return;
  const std::vector<uint32_t> of_one_batch = o.alibi;
  for (int64_t b = 1; b < batch; ++b) {
    o.alibi.insert(o.alibi.end(), of_one_batch.begin(), of_one_batch.end());
  }
}

}  // namespace

bool has_dout(const ProblemOptions& options) {
  return options.backward == BackwardChoice::if_given && has_operand(options.inputs, "do");
}

ProblemOperands load_operands(const ProblemOptions& options) {
  ProblemOperands operands{load_operand(options.inputs, "q"), load_operand(options.inputs, "k"),
                           load_operand(options.inputs, "v")};
  if (has_dout(options)) operands.dout = load_operand(options.inputs, "do");
  require_agreement(operands);
  const bool asked = options.inputs.files.contains("bias");
  if (options.bias == BiasChoice::if_given && (asked || has_operand(options.inputs, "bias"))) {
    operands.bias = load_registers(options.inputs, "bias");
  }
  if (!options.alibi.empty()) load_slopes(options, operands);
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
              .parts = options.parts,
              .gradient_order = options.gradient_order};
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
  p.scale = options.scale ? positive_register("--scale ", *options.scale) : default_scale(p.dim);
  p.descale = {.q = positive_register("--descale q=", options.descale.q),
               .k = positive_register("--descale k=", options.descale.k),
               .v = positive_register("--descale v=", options.descale.v)};
  if (options.softcap) p.terms.cap = positive_register("--softcap ", *options.softcap);
  p.terms.slopes = o.alibi;
  if (o.bias) {
    p.terms.bias = {bias_sizes(*o.bias, {p.batch, p.heads, p.rows, p.keys}), o.bias->values};
  }
  return p;
}

}  // namespace ulpscope
