// Boost.Multiprecision's cpp_bin_float with 11 bits and the exponents of binary16 or of TF32. It
// has values and no codes.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/value.hpp"

#include "peer.hpp"
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <boost/version.hpp>

namespace ulpscope::peers {

namespace {

namespace mp = boost::multiprecision;
template <int lowest, int highest>
using ElevenBits =
    mp::number<mp::cpp_bin_float<11, mp::digit_base_2, void, int, lowest, highest>, mp::et_off>;

template <class Number>
Number number(const Operand& x) {
  if (x.format == "int64") return Number(bit_cast<int64_t>(x.bits));
  return Number(double_value(format_named(x.format), x.bits));
}

template <class Number>
Answer answer(const Question& q) {
  const auto value = [&]() -> Number {
    const auto x = number<Number>(q.operands.at(0));
    if (q.operation == "convert") return x;
    if (q.operation == "exp") return exp(x);
    if (q.operation == "log") return log(x);
    if (q.operation == "sqrt") return sqrt(x);
    const auto y = number<Number>(q.operands.at(1));
    if (q.operation == "add") return x + y;
    if (q.operation == "mul") return x * y;
    if (q.operation == "div") return x / y;
    refuse(q, "Boost");
  };
  return {.value = value().template convert_to<double>()};
}

}  // namespace

Answer ask_boost(const Question& q) {
  if (q.rounding == "rne" && q.format == "fp16") return answer<ElevenBits<-14, 15>>(q);
  if (q.rounding == "rne" && q.format == "tf32") return answer<ElevenBits<-126, 127>>(q);
  refuse(q, "Boost");
}

std::string boost_version() {
  return "Boost " + std::to_string(BOOST_VERSION / 100000) + "." +
         std::to_string(BOOST_VERSION / 100 % 1000);
}

}  // namespace ulpscope::peers
