#include "ulpscope/run/problem_inputs.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/base/error.hpp"

#include <algorithm>

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
  for (const Operand16* x : {&o.q, &o.k}) {
    if (std::ranges::find(x->sizes, 0) == x->sizes.end()) continue;
    throw Error(ErrorKind::input,
                fmt::format("{}: no elements; expected at least one", described(*x)));
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

void require_slopes(const RegisterTensor& file, int64_t batch, int64_t heads) {
  const std::vector one_batch{heads};
  const std::vector every_batch{batch, heads};
  if (file.shape == one_batch || file.shape == every_batch) return;
  throw Error(ErrorKind::input,
              fmt::format("{}; expected a slope a head: {} or {}", described(file),
                          shape_text(one_batch), shape_text(every_batch)));
}

// Slopes of every batch and head, of those of one batch or of all.
std::vector<uint32_t> for_every_batch(const std::vector<uint32_t>& slopes, int64_t batch,
                                      int64_t heads) {
  std::vector<uint32_t> all;
  while (std::ssize(all) < batch * heads) all.insert(all.end(), slopes.begin(), slopes.end());
  return all;
}

// The part of a bias that some heads see: all of an axis that is broadcast.
Box bias_box(const RegisterTensor& bias, const HeadRange& heads) {
  Box box;
  for (const int64_t extent : bias.shape) box.push_back({0, extent});
  const auto cut = [&](size_t back, const AxisRange& range) {  // the axis `back` from the end
    if (back <= box.size() && box[box.size() - back].end != 1) box[box.size() - back] = range;
  };
  cut(3, {heads.first, heads.end});
  cut(4, {heads.batch, heads.batch + 1});
  return box;
}

// Q or K, rotated where that is asked for.
OpenOperand open_rotated(const ProblemOptions& options, const std::string& role) {
  OpenOperand operand = open_operand(options.inputs, role);
  if (!options.rope) return operand;
  const RopeStep& rope = *options.rope;
  rotate(operand, rope, role == "k" ? rope.key.value_or(rope.row) : rope.row);
  return operand;
}

std::string rotation_in_words(const RopeStep& rope) {
  return fmt::format(
      "Q and K were rotated by RoPE before the kernel ({}, base {}, the first row at "
      "position {}, the first key at {}): outputs, errors and gradients are those "
      "of the rotated ones",
      rope.recipe, rope.base, rope.row, rope.key.value_or(rope.row));
}

void require_positions(const ProblemOptions& options, const ProblemOperands& o) {
  if (!options.rope || options.rope->key || o.q.sizes[2] == o.k.sizes[2]) return;
  throw Error(ErrorKind::usage,
              fmt::format("--rope {}: {} queries and {} keys: which positions they are at is not "
                          "known; expected --rope-shift Q,K, those of the first of each",
                          options.rope->recipe, o.q.sizes[2], o.k.sizes[2]));
}

std::optional<OpenOperand> open_dout(const ProblemOptions& options) {
  if (!has_dout(options)) return std::nullopt;
  return open_operand(options.inputs, "do");
}

std::optional<OpenRegisters> open_bias(const ProblemOptions& options) {
  const bool asked = options.inputs.files.contains("bias");
  if (options.bias == BiasChoice::off) return std::nullopt;
  if (!asked && !has_operand(options.inputs, "bias")) return std::nullopt;
  return open_registers(options.inputs, "bias");
}

std::optional<OpenRegisters> open_slopes(const ProblemOptions& options) {
  if (options.alibi.empty() || options.alibi == "default") return std::nullopt;
  InputOptions inputs = options.inputs;
  inputs.files["alibi"] = options.alibi;
  return open_registers(inputs, "alibi");
}

}  // namespace

bool has_dout(const ProblemOptions& options) {
  return options.backward == BackwardChoice::if_given && has_operand(options.inputs, "do");
}

ProblemInputs::ProblemInputs(const ProblemOptions& options)
    : q_(open_rotated(options, "q")),
      k_(open_rotated(options, "k")),
      v_(open_operand(options.inputs, "v")),
      dout_(open_dout(options)),
      headers_{.q = q_.header(), .k = k_.header(), .v = v_.header()} {
  if (dout_) headers_.dout = dout_->header();
  require_agreement(headers_);
  require_positions(options, headers_);
  if (options.rope) headers_.rotation = rotation_in_words(*options.rope);
  const auto [batch, heads, rows, dim] = headers_.q.sizes;
  headers_.whole = {batch, heads};
  bias_ = open_bias(options);
  if (bias_) {
    headers_.bias = bias_->header();
    bias_sizes(*headers_.bias, {batch, heads, rows, headers_.k.sizes[2]});
  }
  slopes_ = open_slopes(options);
  if (slopes_) {
    headers_.slopes = slopes_->header();
    require_slopes(*headers_.slopes, batch, heads);
  }
  if (options.alibi == "default") {
    headers_.alibi = for_every_batch(usual_slopes(options, heads), batch, heads);
  }
}

ProblemOperands ProblemInputs::hashed() const {
  ProblemOperands result = headers_;
  result.q.hash = q_.hash();
  result.k.hash = k_.hash();
  result.v.hash = v_.hash();
  if (dout_) result.dout->hash = dout_->hash();
  if (bias_) result.bias->hash = bias_->hash();
  read_slopes(result);
  return result;
}

void ProblemInputs::read_slopes(ProblemOperands& operands) const {
  if (!slopes_) return;
  operands.slopes = slopes_->read();
  const auto [batch, heads] = headers_.whole;
  operands.alibi = for_every_batch(operands.slopes->values, batch, heads);
}

uint64_t ProblemInputs::bytes_to_keep() const {
  return q_.bytes_to_keep() + k_.bytes_to_keep() + v_.bytes_to_keep() +
         (dout_ ? dout_->bytes_to_keep() : 0) + (bias_ ? bias_->bytes_to_keep() : 0);
}

ProblemOperands ProblemInputs::read() const {
  ProblemOperands result = headers_;
  result.q = q_.read();
  result.k = k_.read();
  result.v = v_.read();
  if (dout_) result.dout = dout_->read();
  if (bias_) result.bias = bias_->read();
  read_slopes(result);
  return result;
}

ProblemOperands ProblemInputs::read(const HeadRange& kv_heads) {
  const int64_t group = headers_.q.sizes[1] / headers_.k.sizes[1];
  const HeadRange heads{kv_heads.batch, kv_heads.first * group, kv_heads.end * group};
  ProblemOperands result = headers_;
  result.q = q_.read(heads);
  result.k = k_.read(kv_heads);
  result.v = v_.read(kv_heads);
  if (dout_) result.dout = dout_->read(heads);
  if (bias_) result.bias = bias_->read(bias_box(*headers_.bias, heads));
  read_slopes(result);
  if (!result.alibi.empty()) {
    const auto batch = result.alibi.begin() + heads.batch * headers_.q.sizes[1];
    result.alibi = std::vector(batch + heads.first, batch + heads.end);
  }
  return result;
}

ProblemOperands load_operands(const ProblemOptions& options) {
  return ProblemInputs(options).read();
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
  p.launch = {.batch = o.whole[0],
              .heads = o.whole[1],
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
