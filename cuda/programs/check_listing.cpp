// Whether a listing of the forward kernels has the instructions that they are meant to consist of:
// kernels/forward_instructions.hpp.
//
//   nvcc -ptx ... kernels/forward_bf16.cu -o forward.ptx    check_listing ptx forward.ptx bf16
//   cuobjdump --dump-sass PROGRAM > forward.sass            check_listing sass forward.sass bf16
//
// One line a kernel; of one that differs, a line for every instruction that does. Exit codes: 0 all
// as stated, 1 a difference or a kernel that is missing, 2 wrong arguments, 4 an unreadable file.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "kernels/forward_instructions.hpp"

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
std::string out_of_order(const std::vector<std::string>& instructions) {
  size_t at = 0;
  for (const auto start : order_in_ptx) {
    while (at < instructions.size() && !instructions[at].starts_with(start)) ++at;
    if (at == instructions.size()) return std::string(start);
  }
  return {};
}

int complaints(const std::vector<std::string>& instructions, const KernelShape& shape,
               Language language) {
  int wrong = 0;
  for (const auto& stated : stated_instructions(shape)) {
    const std::string& start = language == Language::ptx ? stated.ptx : stated.sass;
    if (start.empty()) continue;
    const int found = count(instructions, start);
    if (found == stated.count) continue;
    std::printf("  %s: %d, stated %d\n", start.c_str(), found, stated.count);
    ++wrong;
  }
  const auto refuse = [&](std::string_view part) {
    for (const auto& one : instructions) {
      if (one.find(part) == std::string::npos) continue;
      std::printf("  not meant to be there: %s\n", one.c_str());
      ++wrong;
    }
  };
  if (language == Language::sass) {
    for (const auto part : absent_in_sass) refuse(part);
    return wrong;
  }
  for (const auto part : absent_in_ptx) refuse(part);
  const std::string late = out_of_order(instructions);
  if (!late.empty()) {
    std::printf("  %s: not after the steps before it\n", late.c_str());
    ++wrong;
  }
  return wrong;
}

int check(const std::string& listing, Language language, std::string_view element) {
  int wrong = 0;
  for (const KernelShape& shape :
       {KernelShape{element, 64, 128, false}, KernelShape{element, 64, 128, true},
        KernelShape{element, 128, 64, false}, KernelShape{element, 128, 64, true}}) {
    const std::string text = kernel_text(
        listing, language,
        {element == "bf16" ? "4Bf16E" : "3F16E", "ForwardTileILi" + std::to_string(shape.dim) + "E",
         "ExposureE0", shape.stable ? "MaximumRuleE1" : "MaximumRuleE0"});
    const auto instructions = instructions_of(text, language);
    const bool missing = text.empty();
    const int here = missing ? 1 : complaints(instructions, shape, language);
    std::printf("forward %.*s, head size %d%s: %s\n", static_cast<int>(element.size()),
                element.data(), shape.dim, shape.stable ? ", stable" : "",
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
  const bool ptx = argc == 4 && std::strcmp(argv[1], "ptx") == 0;
  if (!ptx && !(argc == 4 && std::strcmp(argv[1], "sass") == 0)) {
    std::fprintf(stderr, "usage: %s ptx|sass FILE bf16|f16\n", argv[0]);
    return 2;
  }
  std::ifstream file(argv[2]);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) {
    std::fprintf(stderr, "%s: cannot read\n", argv[2]);
    return 4;
  }
  return check(text.str(), ptx ? Language::ptx : Language::sass, argv[3]);
}
