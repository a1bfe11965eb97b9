// Whether a listing of our kernels has the instructions that they are meant to consist of:
// kernels/stated_instructions.hpp.
//
//   nvcc -ptx ... kernels/forward_bf16.cu -o forward.ptx    check_listing ptx forward.ptx forward
//   bf16 cuobjdump --dump-sass PROGRAM > all.sass                check_listing sass all.sass
//   backward f16
//
// One line a kernel; of one that differs, a line for every instruction that does. Exit codes: 0 all
// as stated, 1 a difference or a kernel that is missing, 2 wrong arguments, 4 an unreadable file.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "kernels/stated_instructions.hpp"

namespace ulpscope::cuda {
namespace {

enum class Language { ptx, sass };

// A kernel's instructions, one text each: without predicate and, in SASS, without its address.
std::vector<std::string> instructions_of(const std::string& body, Language language) {
  std::vector<std::string> found;
  std::istringstream lines(body);
  for (std::string line; std::getline(lines, line);) {
    if (language == Language::sass) {
      const auto address = line.find("*/");
      if (address == std::string::npos) continue;
      line.erase(0, address + 2);
    }
    line.erase(0, line.find_first_not_of(" \t"));
    if (line.starts_with('@')) line.erase(0, line.find(' ') + 1);
    if (!line.empty()) found.push_back(line);
  }
  return found;
}

// The text of the kernel whose mangled name has all these parts; empty if there is none.
std::string kernel_text(const std::string& listing, Language language,
                        const std::vector<std::string>& parts) {
  const std::string start = language == Language::ptx ? ".entry " : "Function : ";
  for (size_t at = listing.find(start); at != std::string::npos;) {
    const size_t next = listing.find(start, at + 1);
    const std::string name = listing.substr(at, listing.find_first_of("(\n", at) - at);
    bool all = true;
    for (const auto& part : parts) all = all && name.find(part) != std::string::npos;
    if (all) return listing.substr(at, next == std::string::npos ? next : next - at);
    at = next;
  }
  return {};
}

int count(const std::vector<std::string>& instructions, const std::string& start) {
  int found = 0;
  for (const auto& one : instructions) found += one.starts_with(start) ? 1 : 0;
  return found;
}

// Each of them begins somewhere after the one before.
std::string out_of_order(const std::vector<std::string>& instructions,
                         const std::vector<std::string_view>& order) {
  size_t at = 0;
  for (const auto start : order) {
    while (at < instructions.size() && !instructions[at].starts_with(start)) ++at;
    if (at == instructions.size()) return std::string(start);
  }
  return {};
}

int complaints(const std::vector<std::string>& instructions, const StatedKernel& kernel,
               Language language) {
  int wrong = 0;
  for (const auto& stated : kernel.instructions) {
    const std::string& start = language == Language::ptx ? stated.ptx : stated.sass;
    if (start.empty()) continue;
    const int found = count(instructions, start);
    if (found == stated.count) continue;
    std::printf("  %s: %d, stated %d\n", start.c_str(), found, stated.count);
    ++wrong;
  }
  if (language == Language::sass) return wrong;
  for (const auto& one : instructions) {
    for (const auto part : absent_in_ptx) {
      if (!one.starts_with(part)) continue;
      std::printf("  not meant to be there: %s\n", one.c_str());
      ++wrong;
    }
  }
  const std::string late = out_of_order(instructions, kernel.order_in_ptx);
  if (late.empty()) return wrong;
  std::printf("  %s: not after the steps before it\n", late.c_str());
  return wrong + 1;
}

int check(const std::string& listing, Language language, std::string_view pass,
          std::string_view element) {
  int wrong = 0;
  for (const StatedKernel& kernel : stated_kernels(pass, element)) {
    const std::string text = kernel_text(listing, language, kernel.mangled);
    const bool missing = text.empty();
    const int here = missing ? 1 : complaints(instructions_of(text, language), kernel, language);
    std::printf("%s: %s\n", kernel.name.c_str(),
                missing     ? "not in the listing"
                : here == 0 ? "as stated"
                            : "different");
    wrong += here;
  }
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ulpscope::cuda

int main(int argc, char** argv) {
  using namespace ulpscope::cuda;
  const auto is = [&](int i, const char* one, const char* other) {
    return argc == 5 && (std::strcmp(argv[i], one) == 0 || std::strcmp(argv[i], other) == 0);
  };
  if (!is(1, "ptx", "sass") || !is(3, "forward", "backward") || !is(4, "bf16", "f16")) {
    std::fprintf(stderr, "usage: %s ptx|sass FILE forward|backward bf16|f16\n", argv[0]);
    return 2;
  }
  std::ifstream file(argv[2]);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) {
    std::fprintf(stderr, "%s: cannot read\n", argv[2]);
    return 4;
  }
  const Language language = std::strcmp(argv[1], "ptx") == 0 ? Language::ptx : Language::sass;
  return check(text.str(), language, argv[3], argv[4]);
}
