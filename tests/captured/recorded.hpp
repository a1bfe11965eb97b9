// A recorded call: its inputs as a problem, and what a kernel made of them. cases.json beside the
// captures says what the tensors cannot: format, mask, scale and launch.
#pragma once

#include "ulpscope/compare/identify.hpp"
#include "ulpscope/tensor/open.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

std::filesystem::path capture_folder(const std::string& name);
std::vector<std::string> captured_cases(const std::filesystem::path& folder);

// Format, mask, scale and launch; the shape is there already.
void apply_facts(const nlohmann::json& facts, Problem& problem);

class Recorded {
 public:
  Recorded(const std::filesystem::path& folder, const std::string& name);
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;

  const Problem& problem() const { return problem_; }
  std::span<const uint16_t> dout() const;

  // `prefix` names the kernel: fa_o, fa_lse, fa_dq for "fa_".
  bool has(const std::string& prefix, Output output) const;
  // In the problem's sizes: some kernels pad the rows of the LSE.
  Observed output(const std::string& prefix, Output output) const;

 private:
  std::string name_of(const std::string& prefix, Output output) const;

  // NAME.npz holds q, k, ...; or cases.npz holds NAME.q, NAME.k, ...
  bool own_file_;
  std::string name_;
  TensorSource source_;
  Tensor q_;
  Tensor k_;
  Tensor v_;
  Tensor dout_;  // empty where there is none
  Problem problem_;
};

}  // namespace ulpscope
