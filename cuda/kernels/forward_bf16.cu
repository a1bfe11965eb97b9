// The forward kernels for bf16: forward.cuh.
#include "kernels/forward.cuh"

namespace ulpscope::cuda {

void launch_forward_bf16(const ForwardLaunch& launch) { launch_forward<Bf16>(launch); }

}  // namespace ulpscope::cuda
