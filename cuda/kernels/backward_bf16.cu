// The backward kernels for bf16: backward.cuh.
#include "kernels/backward.cuh"

namespace ulpscope::cuda {

void launch_backward_bf16(const BackwardLaunch& launch) { launch_backward<Bf16>(launch); }

}  // namespace ulpscope::cuda
