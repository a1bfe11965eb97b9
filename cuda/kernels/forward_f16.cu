// The forward kernels for f16: forward.cuh.
#include "kernels/forward.cuh"

namespace ulpscope::cuda {

void launch_forward_f16(const ForwardLaunch& launch) { launch_forward<F16>(launch); }

}  // namespace ulpscope::cuda
