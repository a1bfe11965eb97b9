// A stream and the device memory of what runs on it, freed together at the end of scope.
//
//   DeviceMemory memory;
//   uint32_t* o = memory.room<uint32_t>(rows * dim);            // as it is found
//   const Visit* visits = memory.copy(std::span(host_visits));
//
// Memory comes from the driver's pool, so that calls of several threads do not wait for each other.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "support/bundle.hpp"

namespace ulpscope::cuda {

class DeviceMemory {
 public:
  DeviceMemory() {
    checked(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
    // What is freed stays in the pool for the next call.
    cudaMemPool_t pool = nullptr;
    size_t most = std::numeric_limits<size_t>::max();
    checked(cudaDeviceGetDefaultMemPool(&pool, 0), "cudaDeviceGetDefaultMemPool");
    checked(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &most),
            "cudaMemPoolSetAttribute");
  }
  ~DeviceMemory() {
    for (void* piece : pieces_) cudaFreeAsync(piece, stream_);
    cudaStreamDestroy(stream_);
  }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  cudaStream_t stream() const { return stream_; }

  template <class T>
  T* room(int64_t count) {
    void* piece = nullptr;
    const size_t bytes = static_cast<size_t>(count > 0 ? count : 1) * sizeof(T);
    checked(cudaMallocAsync(&piece, bytes, stream_), "cudaMallocAsync");
    pieces_.push_back(piece);
    return static_cast<T*>(piece);
  }

  template <class T>
  T* copy(std::span<const T> from) {
    static_assert(std::is_trivially_copyable_v<T>);
    T* const to = room<T>(static_cast<int64_t>(from.size()));
    checked(cudaMemcpyAsync(to, from.data(), from.size_bytes(), cudaMemcpyHostToDevice, stream_),
            "cudaMemcpy to the device");
    return to;
  }

  template <class T>
  void fetch(const T* from, std::span<T> to) const {
    checked(cudaMemcpyAsync(to.data(), from, to.size_bytes(), cudaMemcpyDeviceToHost, stream_),
            "cudaMemcpy to the host");
    wait();
  }

  void wait() const { checked(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }

 private:
  cudaStream_t stream_ = nullptr;
  std::vector<void*> pieces_;
};

}  // namespace ulpscope::cuda
