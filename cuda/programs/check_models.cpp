// Holds every model of include/ulpscope/hardware against the card, and records points of it.
//
//   check_models DATE COUNT FOLDER
//
// One line an instruction, conversion or library function:
//
//   ex2.approx.f32                       tried 4294967296  differences 0
//
// COUNT outputs of each kind of matrix instruction and as many operands of each instruction of
// two or three; all operands of the others. FOLDER gets special_functions.csv, conversions.csv and
// fused_sums.csv: results of the chip with their operands, which the tests replay without a GPU.
// It needs no library beside CUDA: where more is installed, `ulpscope verify` does the same.
#include "ulpscope/base/error.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "hardware/checks.hpp"
#include "support/probe.hpp"

namespace ulpscope::cuda {
namespace {

// A file of points, or an Error of kind resource.
class Points {
 public:
  explicit Points(const std::filesystem::path& path) : path_(path.string()), file_(path) {}
  std::ostream* stream() { return &file_; }
  void close() {
    if (!file_.flush()) throw Error(ErrorKind::resource, path_ + ": cannot write");
  }

 private:
  std::string path_;
  std::ofstream file_;
};

void print(const gpu::ModelCheck& check) {
  std::printf("%-36s tried %llu  differences %llu", check.model.c_str(),
              static_cast<unsigned long long>(check.tried),
              static_cast<unsigned long long>(check.differences));
  if (!check.first.empty()) std::printf("  first %s", check.first.c_str());
  if (!check.remark.empty()) std::printf("  %s", check.remark.c_str());
  std::printf("\n");
  std::fflush(stdout);
}

int probe(char** argv) {
  const uint64_t count = std::strtoull(argv[2], nullptr, 10);
  if (count == 0) throw Error(ErrorKind::usage, std::string(argv[2]) + ": not a count");
  int models = 0;
  int failures = 0;
  const Report report = [&](const gpu::ModelCheck& check) {
    print(check);
    models += 1;
    failures += check.differences == 0 ? 0 : 1;
  };
  const std::filesystem::path folder = argv[3];
  Points special(folder / "special_functions.csv");
  Points conversions(folder / "conversions.csv");
  Points sums(folder / "fused_sums.csv");
  check_special_functions(report, special.stream());
  check_conversions(report, conversions.stream());
  check_arithmetic(count, report);
  check_fused_sums(h200(), count, report, sums.stream());
  for (Points* points : {&special, &conversions, &sums}) points->close();
  std::printf("models that differ: %d of %d\n", failures, models);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ulpscope::cuda

int main(int argc, char** argv) {
  return ulpscope::cuda::probe_main(argc, argv, 3, "DATE COUNT FOLDER", ulpscope::cuda::probe);
}
