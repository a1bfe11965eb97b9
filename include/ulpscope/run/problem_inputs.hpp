// An attention problem out of files and options: what every job on one takes.
//
//   const auto operands = load_operands({.inputs = {.input = "dump.npz", .format = bf16}});
//   const Problem p = problem_of(options, operands);   // looks into the operands
//
// or a part at a time, so that no more than that part is in memory:
//
//   ProblemInputs inputs(options);                     // all checks that need no values
//   const auto part = inputs.read({.batch = 0, .first = 2, .end = 3});
//   const Problem p = problem_of(options, part);       // a head of K and V, the heads of Q that
//                                                      // share it, the launch of the whole
//
// Errors of kind usage (options) and input (files) name file, tensor, what was found and expected.
// Tested by tests/run/attention_run_test.cpp.
#pragma once

#include "ulpscope/attention/problem.hpp"
#include "ulpscope/run/inputs.hpp"
#include "ulpscope/run/rope_step.hpp"

#include <array>
#include <optional>

namespace ulpscope {

// Whether a tensor `do` in the input asks for the gradients too.
enum class BackwardChoice { if_given, off };
// Whether a tensor `bias` in the input is added to the scores.
enum class BiasChoice { if_given, off };

// --descale: what the codes of Q, K and V are to be multiplied with.
struct DescaleFactors {
  double q = 1;
  double k = 1;
  double v = 1;
};

struct ProblemOptions {
  InputOptions inputs;
  std::optional<RopeStep> rope = {};  // of Q and K, before all else
  Mask mask = no_mask;
  BackwardChoice backward = BackwardChoice::if_given;
  std::optional<double> scale;
  std::optional<double> softcap;
  std::string alibi;  // FILE or FILE:TENSOR of slopes, "default" for the usual ones; empty: none
  BiasChoice bias = BiasChoice::if_given;
  DescaleFactors descale;
  std::optional<std::array<int64_t, 2>> launch;  // batch, heads
  std::optional<int> multiprocessors;
  int64_t parts = 0;  // Launch::parts
  GradientOrder gradient_order = GradientOrder::fixed;
};

struct ProblemOperands {
  Operand16 q;
  Operand16 k;
  Operand16 v;
  std::optional<Operand16> dout = {};  // where the gradients are asked for
  std::optional<RegisterTensor> bias = {};
  std::optional<RegisterTensor> slopes = {};  // of a file
  std::vector<uint32_t> alibi = {};           // the slopes of every batch and head, binary32 bits
  std::string rotation = {};                  // of Q and K, in words; empty: none
  std::array<int64_t, 2> whole = {};  // batch and heads of the input that these are a part of
};

// Whether the gradients are asked for.
bool has_dout(const ProblemOptions& options);

// Operands that were found and agree in format and sizes, their values still in the files.
class ProblemInputs {
 public:
  explicit ProblemInputs(const ProblemOptions& options);

  // Everything but values and hashes; the slopes where no file gives them.
  const ProblemOperands& headers() const { return headers_; }
  // The same with the hashes of all bytes, which are read once, and all slopes.
  ProblemOperands hashed() const;

  // Memory that reading parts takes for good.
  uint64_t bytes_to_keep() const;

  ProblemOperands read() const;
  // A part: these heads of K and V, and all that goes with them. Hashes are those of the part.
  ProblemOperands read(const HeadRange& kv_heads);

 private:
  void read_slopes(ProblemOperands& operands) const;

  OpenOperand q_;
  OpenOperand k_;
  OpenOperand v_;
  std::optional<OpenOperand> dout_;
  std::optional<OpenRegisters> bias_;
  std::optional<OpenRegisters> slopes_;
  ProblemOperands headers_;
};

// All operands.
ProblemOperands load_operands(const ProblemOptions& options);

// The launch has the multiprocessors of the options, else 0: the caller knows the chip.
Problem problem_of(const ProblemOptions& options, const ProblemOperands& operands);

}  // namespace ulpscope
