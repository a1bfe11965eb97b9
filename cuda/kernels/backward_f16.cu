// The backward kernels for f16: backward.cuh.
#include "kernels/backward.cuh"

namespace ulpscope::cuda {

void launch_backward_f16(const BackwardLaunch& launch) { launch_backward<F16>(launch); }

}  // namespace ulpscope::cuda
