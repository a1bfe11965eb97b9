// The line that says where results came from, and the checks around every call of the runtime.
//
//   bundle: chip="NVIDIA H200" compute_capability=9.0 driver=580.159.04 driver_cuda=13.0
//           runtime=13.0 toolkit=13.0.88 date=2026-11-22 command="check_mufu 2026-11-22"
//
// (one line). The date is an argument of every program: a machine's clock proves nothing. Of
// paths in the command only the file's name is shown.
// Every program of this room prints it first.
#pragma once

#include <string>

#include <cuda_runtime_api.h>

namespace ulpscope::cuda {

// Throws an Error of kind resource that names the call and what the runtime said.
void checked(cudaError_t status, const char* call);

// After a launch: reports a launch that failed, then waits and reports what went wrong inside.
void checked_launch(const char* kernel);

std::string bundle_line(int argc, char** argv, const char* date);

}  // namespace ulpscope::cuda
