// Device memory that starts poisoned: an element that a kernel forgot to write shows.
//
//   DeviceBuffer<uint32_t> results(n);  kernel<<<...>>>(results.data(), n);  results.to_host()
//
// Every byte starts as 0xA5 and again after poison(). Plain cudaMalloc, freed at the end of scope.
#pragma once

#include <cstddef>
#include <vector>

#include "support/bundle.hpp"

namespace ulpscope::cuda {

template <class T>
class DeviceBuffer {
 public:
  explicit DeviceBuffer(size_t count) : count_(count) {
    checked(cudaMalloc(reinterpret_cast<void**>(&data_), count * sizeof(T)), "cudaMalloc");
    poison();
  }
  explicit DeviceBuffer(const std::vector<T>& host) : DeviceBuffer(host.size()) {
    checked(cudaMemcpy(data_, host.data(), count_ * sizeof(T), cudaMemcpyHostToDevice),
            "cudaMemcpy to the device");
  }
  ~DeviceBuffer() { cudaFree(data_); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  void poison() { checked(cudaMemset(data_, 0xA5, count_ * sizeof(T)), "cudaMemset"); }
  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return count_; }

  std::vector<T> to_host() const {
    std::vector<T> host(count_);
    checked(cudaMemcpy(host.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost),
            "cudaMemcpy to the host");
    return host;
  }

 private:
  T* data_ = nullptr;
  size_t count_;
};

}  // namespace ulpscope::cuda
