// ulpscope inspect: what is in a tensor file.
#include "ulpscope/tensor/open.hpp"

#include <memory>

#include "command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  std::string input;
  bool json = false;
};

nlohmann::json contents(const TensorSource& source) {
  nlohmann::json result{{"file", source.path()}, {"metadata", source.metadata()}};
  result["tensors"] = nlohmann::json::array();
  for (const auto& info : source.tensors()) {
    result["tensors"].push_back({{"name", info.name},
                                 {"element", element_name(info.element)},
                                 {"shape", info.shape},
                                 {"bytes", byte_count(info)}});
  }
  result["left_out"] = nlohmann::json::array();
  for (const auto& [name, reason] : source.left_out()) {
    result["left_out"].push_back({{"name", name}, {"reason", reason}});
  }
  return result;
}

std::string as_text(const TensorSource& source) {
  std::string text =
      fmt::format("{}: {} tensors\n", visible(source.path()), source.tensors().size());
  for (const auto& info : source.tensors()) {
    text += fmt::format("  {:<24} {:<8} {:<24} {} bytes\n", visible(info.name),
                        element_name(info.element), shape_text(info.shape), byte_count(info));
  }
  for (const auto& [name, reason] : source.left_out()) {
    text += fmt::format("  {:<24} left out: {}\n", visible(name), visible(reason));
  }
  for (const auto& [key, value] : source.metadata()) {
    text += fmt::format("  metadata {} = {}\n", visible(key), visible(value));
  }
  return text;
}

int run(const Arguments& arguments) {
  const auto source = open_tensors(arguments.input);
  print(arguments.json ? contents(source).dump(1) + "\n" : as_text(source));
  return exit_done;
}

}  // namespace

void add_inspect(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("inspect",
                                     "List the tensors of a .safetensors, .npz or .npy file or a "
                                     "folder of .npy files.\n"
                                     "\n"
                                     "  ulpscope inspect dump.npz");
  const auto a = std::make_shared<Arguments>();
  command->add_option("INPUT", a->input, "File or folder")->required();
  command->add_flag("--json", a->json, "Print one JSON object");
  command->callback([a, &context] { context.run = [a] { return run(*a); }; });
}

}  // namespace ulpscope::cli
