// gpu.hpp in a build without CUDA: no card answers.
#include "ulpscope/attention/driver.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/gpu.hpp"

namespace ulpscope::gpu {

namespace {

[[noreturn]] void refuse() {
  throw Error(ErrorKind::resource,
              "this ulpscope was built without CUDA (CMake option ULPSCOPE_CUDA)");
}

}  // namespace

Device device() { refuse(); }

std::vector<ModelCheck> verify(const VerifyOptions&) { refuse(); }

ExposedForward forward(const ForwardCall&) { refuse(); }

ExposedBackward backward(const BackwardCall&) { refuse(); }

std::vector<double> time_forward(const ForwardTiming&) { refuse(); }

DriverResult run_forward(const Plan&, const DriverOptions&) { refuse(); }

}  // namespace ulpscope::gpu
