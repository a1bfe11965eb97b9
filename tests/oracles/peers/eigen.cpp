// Eigen's bfloat16 and half, with the functions that Eigen has for them.
#include "peer.hpp"
#include <Eigen/Core>

namespace ulpscope::peers {

namespace {

template <class Number>
std::optional<Number> limit(const Question& q) {
  if (q.operation == "epsilon") return std::numeric_limits<Number>::epsilon();
  if (q.operation == "round_error") return std::numeric_limits<Number>::round_error();
  return std::nullopt;
}

// Results of one format; operands of the same format but for conversions.
template <class Number>
Number result(const Question& q) {
  if (const auto constant = limit<Number>(q)) return *constant;
  const Operand& x = q.operands.at(0);
  const auto number = [&](size_t i) {
    return Eigen::numext::bit_cast<Number>(static_cast<uint16_t>(q.operands.at(i).bits));
  };
  if (q.operation == "convert") {
    if (x.format == "fp64") return Number(bit_cast<double>(x.bits));
    if (x.format == "fp32") return Number(bit_cast<float>(static_cast<uint32_t>(x.bits)));
    if (x.format == "int64") return static_cast<Number>(bit_cast<int64_t>(x.bits));
  } else if (x.format == q.format) {
    if (q.operation == "add") return number(0) + number(1);
    if (q.operation == "mul") return number(0) * number(1);
    if (q.operation == "div") return number(0) / number(1);
    if (q.operation == "fma") return Eigen::internal::pmadd(number(0), number(1), number(2));
    if (q.operation == "sqrt") return sqrt(number(0));
    if (q.operation == "exp") return exp(number(0));
    if (q.operation == "log") return log(number(0));
    if (q.operation == "log2") return log2(number(0));
    if (q.operation == "tanh") return tanh(number(0));
  }
  refuse(q, "Eigen");
}

template <class Number>
Answer answer(const Question& q) {
  const auto x = result<Number>(q);
  return {Eigen::numext::bit_cast<uint16_t>(x), static_cast<double>(x)};
}

}  // namespace

Answer ask_eigen(const Question& q) {
  if (q.rounding == "rne" && q.format == "bf16") return answer<Eigen::bfloat16>(q);
  if (q.rounding == "rne" && q.format == "fp16") return answer<Eigen::half>(q);
  refuse(q, "Eigen");
}

std::string eigen_version() {
  return "Eigen " + std::to_string(EIGEN_WORLD_VERSION) + "." +
         std::to_string(EIGEN_MAJOR_VERSION) + "." + std::to_string(EIGEN_MINOR_VERSION);
}

}  // namespace ulpscope::peers
