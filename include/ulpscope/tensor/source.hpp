// What a tensor file offers: the list of its tensors at once, the data of one when asked.
//
//   const TensorSource dump = open_tensors("dump.npz");        // tensor/open.hpp
//   for (const TensorInfo& info : dump.tensors()) ...          // no data read yet
//   const Tensor q = dump.read("q");
//   const Tensor head = dump.stored("k").read(box);            // a part of one
//
// Every reader (npy, npz, safetensors, folder) makes one of these from a list and a function that
// opens one entry; the checks that hold for all of them (names, ranks, counts, no
// name twice) are made here. Arrays of a type that has no place in a tensor are listed apart,
// with the reason, so that a stray text array does not make a dump unreadable.
//
// Reading is for one thread at a time. Tested by tests/tensor/source_test.cpp.
#pragma once

#include "ulpscope/tensor/limits.hpp"
#include "ulpscope/tensor/stored_tensor.hpp"
#include "ulpscope/tensor/tensor.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ulpscope {

class TensorSource {
 public:
  struct LeftOut {
    std::string name;
    std::string reason;
  };
  struct Contents {
    std::vector<TensorInfo> tensors;
    std::vector<LeftOut> left_out;
    std::map<std::string, std::string> metadata;  // safetensors only
  };
  using Open = std::function<StoredTensor(size_t i)>;  // tensors[i]

  TensorSource(std::string path, Contents contents, Open open, const ReadLimits& limits);

  const std::string& path() const { return path_; }
  const std::vector<TensorInfo>& tensors() const { return contents_.tensors; }
  const std::vector<LeftOut>& left_out() const { return contents_.left_out; }
  const std::map<std::string, std::string>& metadata() const { return contents_.metadata; }

  const TensorInfo* find(std::string_view name) const;  // nullptr: no such tensor
  StoredTensor stored(std::string_view name) const;     // throws Error where there is none
  Tensor read(std::string_view name) const;             // all of it

 private:
  [[noreturn]] void fail_missing(std::string_view name) const;

  std::string path_;
  Contents contents_;
  Open open_;
};

}  // namespace ulpscope
