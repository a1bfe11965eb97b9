// A sum of binary64 numbers that carries along what its additions round away (Neumaier's).
//
//   CompensatedSum s; s.add(1); s.add(1e100); s.add(1); s.add(-1e100);  // s.value() is 2
//
// Error: 2^-52 of the sum's magnitude plus n^2 2^-105 of the sum of the magnitudes; without the
// compensation it is n 2^-53 of the latter. Wants the host to round to nearest (host_fp.hpp).
//
// Source: A. Neumaier, ZAMM 54 (1974) 39-51. Tested by tests/base/compensated_sum_test.cpp.
#pragma once

namespace ulpscope {

class CompensatedSum {
 public:
  void add(double x) {
    const double total = sum_ + x;
    const auto magnitude = [](double y) { return y < 0 ? -y : y; };
    lost_ += magnitude(sum_) >= magnitude(x) ? (sum_ - total) + x : (x - total) + sum_;
    sum_ = total;
  }
  void add(const CompensatedSum& other) {
    add(other.sum_);
    lost_ += other.lost_;
  }
  double value() const { return sum_ + lost_; }

 private:
  double sum_ = 0;
  double lost_ = 0;
};

}  // namespace ulpscope
