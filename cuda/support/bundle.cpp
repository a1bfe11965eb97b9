// See bundle.hpp. The driver's version has no call in the runtime; nvidia-smi comes with the
// driver and prints it.
#include "support/bundle.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/gpu.hpp"

#include <array>
#include <cstdio>

namespace ulpscope::cuda {

void checked(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  throw Error(ErrorKind::resource, std::string(call) + ": " + cudaGetErrorName(status) + ": " +
                                       cudaGetErrorString(status));
}

void checked_launch(const char* kernel) {
  checked(cudaGetLastError(), kernel);
  checked(cudaDeviceSynchronize(), kernel);
}

namespace {

std::string driver_version() {
  std::string text;
  if (FILE* pipe = popen("nvidia-smi --query-gpu=driver_version --format=csv,noheader", "r")) {
    std::array<char, 64> line{};
    if (std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr) text = line.data();
    pclose(pipe);
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text.empty() ? "unknown" : text;
}

std::string without_folder(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

// CUDA counts 13000 for 13.0.
std::string cuda_version(int number) {
  return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

}  // namespace

std::string bundle_line(int argc, char** argv, const char* date) {
  const gpu::Device device = gpu::device();
  int driver = 0;
  checked(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  std::string command;
  for (int i = 0; i < argc; ++i) command += (i == 0 ? "" : " ") + without_folder(argv[i]);
  return "bundle: chip=\"" + device.name + "\" compute_capability=" + device.compute_capability +
         " driver=" + device.driver + " driver_cuda=" + cuda_version(driver) +
         " runtime=" + device.runtime + " toolkit=" + device.toolkit + " date=" + date +
         " command=\"" + command + "\"";
}

}  // namespace ulpscope::cuda

namespace ulpscope::gpu {

Device device() {
  using namespace cuda;
  int count = 0;
  checked(cudaGetDeviceCount(&count), "no CUDA device");
  cudaDeviceProp properties{};
  int runtime = 0;
  checked(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  checked(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  return {.name = properties.name,
          .compute_capability =
              std::to_string(properties.major) + "." + std::to_string(properties.minor),
          .driver = driver_version(),
          .runtime = cuda_version(runtime),
          .toolkit = ULPSCOPE_NVCC_VERSION};
}

}  // namespace ulpscope::gpu
