#include "ulpscope/hardware/chip.hpp"

#include "hardware/points.hpp"

namespace ulpscope {
namespace {

void check_captured(const std::string& instruction, const Format& input) {
  const FusedSum& row = matrix_unit(chip_named("h200"), input).sum;
  const auto terms = static_cast<size_t>(row.terms);
  size_t differences = 0;
  for (const auto& fields : captured_lines("h200_tensor_core_points/points.csv", instruction)) {
    REQUIRE(fields.size() == 2 + 2 * terms);
    std::vector<uint32_t> codes;
    for (const std::string& field : fields) codes.push_back(hex_code(field));
    const uint32_t d = fused_sum(row, input, codes[0], &codes[2], &codes[2 + terms], row.terms);
    differences += d == codes[1] ? 0 : 1;
  }
  CHECK(differences == 0);
}

TEST_CASE("the fused sum gives the bits that an H200's tensor cores gave") {
  check_captured("mma.m16n8k16.f32.bf16.bf16.f32", bf16);
  check_captured("mma.m16n8k16.f32.f16.f16.f32", fp16);
  check_captured("mma.m16n8k8.f32.tf32.tf32.f32", tf32);
  check_captured("wgmma.m64n8k16.f32.bf16.bf16", bf16);
  check_captured("wgmma.m64n8k16.f32.f16.f16", fp16);
  check_captured("wgmma.m64n8k32.f32.e4m3.e4m3", e4m3fn);
  check_captured("wgmma.m64n8k32.f32.e5m2.e5m2", e5m2);
}

}  // namespace
}  // namespace ulpscope
