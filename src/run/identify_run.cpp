#include "ulpscope/run/identify_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/table.hpp"
#include "ulpscope/run/kernel_name.hpp"
#include "ulpscope/run/summary_writer.hpp"
#include "ulpscope/run/version.hpp"
#include "ulpscope/tensor/open.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

std::string role_of(Output output) { return std::string(output_name(output)); }

// A tensor of the outputs, before its axes are put in order.
struct Found {
  Output output;
  std::string file;
  Tensor tensor;
  std::map<std::string, std::string> metadata;

  std::string described() const {
    return fmt::format("{}: {} is {} {}", file, in_quotes(tensor.info.name),
                       element_name(tensor.info.element), shape_text(tensor.info.shape));
  }
};

bool equal_but_for_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::optional<Found> find_output(const OutputFiles& files, Output output) {
  const std::string role = role_of(output);
  const auto own = files.files.find(role);
  FileAndTensor where{files.input, ""};
  if (own != files.files.end()) where = split_file_and_tensor(own->second);
  if (where.file.empty()) return std::nullopt;
  if (const auto named = files.names.find(role); named != files.names.end()) {
    where.tensor = named->second;
  }
  const TensorSource source = open_tensors(where.file, {.held = files.held});
  if (where.tensor.empty()) {
    for (const auto& info : source.tensors()) {
      const bool alone = own != files.files.end() && source.tensors().size() == 1;
      if (alone || equal_but_for_case(info.name, role)) where.tensor = info.name;
    }
  }
  if (where.tensor.empty()) {
    if (own == files.files.end()) return std::nullopt;
    throw Error(ErrorKind::input, fmt::format("{}: no tensor '{}'; expected --{} FILE:TENSOR",
                                              where.file, role, role));
  }
  return Found{output, where.file, source.read(where.tensor), source.metadata()};
}

// What the file says, or the format of the inputs for as many bits, or binary32 for 32.
Format format_of(const Found& found, const Format& inputs) {
  const Element element = found.tensor.info.element;
  const auto named = found.metadata.find(role_of(found.output) + "_format");
  if (named != found.metadata.end()) return format_named(named->second);
  if (names_a_format(element)) {
    if (const auto format = find_format(element_name(element))) return *format;
  }
  if (element == Element::u16 && width(inputs) == 16) return inputs;
  if (element == Element::u8 && width(inputs) == 8) return inputs;
  if (element == Element::u32) return fp32;
  throw Error(ErrorKind::input, fmt::format("{}; expected a floating-point format, or bits of {}",
                                            found.described(), format_name(inputs)));
}

// The codes of a tensor in (batch, heads, seq, dim) order, which lies in the layout of an operand.
std::vector<uint32_t> in_order(const Found& found, const std::array<int64_t, 4>& sizes,
                               Layout layout) {
  std::vector<uint32_t> place(element_count(found.tensor.info));
  std::iota(place.begin(), place.end(), 0);
  place = in_layout(place, sizes, layout);
  std::vector<uint32_t> codes(place.size());
  for (size_t i = 0; i < place.size(); ++i) {
    codes[place[i]] = static_cast<uint32_t>(element_bits(found.tensor, i));
  }
  return codes;
}

std::vector<uint32_t> codes_like(const Found& found, const Operand16& like) {
  const auto expected = shape_in_layout(like.sizes, like.layout);
  if (found.tensor.info.shape != expected) {
    throw Error(ErrorKind::input, fmt::format("{}; expected the shape of {}, {}", found.described(),
                                              like.role, shape_text(expected)));
  }
  return in_order(found, like.sizes, like.layout);
}

// (batch, heads, seq or more), leading axes of size 1 left out at will, perhaps one more at the
// end; or the axes of q without the last one.
std::vector<uint32_t> lse_codes(const Found& found, const Operand16& q) {
  auto shape = found.tensor.info.shape;
  auto sizes = q.sizes;
  sizes[3] = 0;
  const auto like_q = shape_in_layout(sizes, q.layout);
  const bool names_layout = found.metadata.contains("layout");
  if (names_layout && shape == like_q) {
    sizes[3] = 1;
    return in_order(found, sizes, q.layout);
  }
  if (!shape.empty() && shape.back() == 1 && shape.size() > 1) shape.pop_back();
  while (shape.size() < 3) shape.insert(shape.begin(), 1);
  const int64_t heads = q.sizes[0] * q.sizes[1];
  const bool fits = shape.size() == 3 && shape[0] * shape[1] == heads && shape[2] >= q.sizes[2];
  if (!fits) {
    throw Error(ErrorKind::input,
                fmt::format("{}; expected ({}, {}, {} or more)", found.described(), q.sizes[0],
                            q.sizes[1], q.sizes[2]));
  }
  std::vector<uint32_t> codes;
  for (int64_t head = 0; head < heads; ++head) {
    for (int64_t row = 0; row < q.sizes[2]; ++row) {
      const auto at = static_cast<size_t>(head * shape[2] + row);
      codes.push_back(static_cast<uint32_t>(element_bits(found.tensor, at)));
    }
  }
  return codes;
}

Observed observed(const Found& found, const ProblemOperands& operands) {
  const Format format = format_of(found, operands.q.format);
  switch (found.output) {
    case Output::o:
    case Output::dq: return {found.output, format, codes_like(found, operands.q)};
    case Output::dk: return {found.output, format, codes_like(found, operands.k)};
    case Output::dv: return {found.output, format, codes_like(found, operands.v)};
    case Output::lse: break;
  }
  return {found.output, format, lse_codes(found, operands.q)};
}

std::vector<Found> find_outputs(const OutputFiles& files) {
  std::vector<Found> all;
  for (const Output output : all_outputs) {
    if (auto found = find_output(files, output)) all.push_back(std::move(*found));
  }
  if (all.empty()) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: found no output; expected tensors o, lse, dq, dk or dv, their "
                            "names by --map o=NAME, or --o FILE:TENSOR",
                            files.input.empty() ? "identify" : files.input));
  }
  return all;
}

json output_json(const Found& found, const Observed& seen) {
  return {{"output", role_of(found.output)},    {"file", found.file},
          {"tensor", found.tensor.info.name},   {"shape", found.tensor.info.shape},
          {"format", format_name(seen.format)}, {"xxh3_128", hash_of(found.tensor)}};
}

// The sizes (batch, heads, seq, dim) that an output's flat index counts in.
std::array<int64_t, 4> sizes_of(Output output, const ProblemOperands& operands) {
  switch (output) {
    case Output::dk:
    case Output::dv: return operands.k.sizes;
    case Output::o:
    case Output::dq: return operands.q.sizes;
    case Output::lse: break;
  }
  auto sizes = operands.q.sizes;
  sizes[3] = 1;
  return sizes;
}

// (batch, head, seq, dim), without the last one for the LSE.
std::vector<int64_t> index_of(const Agreement& a, const ProblemOperands& operands) {
  const auto sizes = sizes_of(a.output, operands);
  std::vector<int64_t> index(4);
  int64_t rest = a.first;
  for (size_t axis = 4; axis-- > 0;) {
    index[axis] = rest % sizes[axis];
    rest /= sizes[axis];
  }
  if (a.output == Output::lse) index.pop_back();
  return index;
}

json match_json(const Match& match, const ProblemOperands& operands) {
  json result{{"name", match.name()},
              {"kernel", match.kernel},
              {"chip", match.chip},
              {"change", match.change},
              {"as_it_is", match.as_it_is},
              {"elements", match.elements()},
              {"different_bits", match.different()},
              {"outputs", json::array()}};
  for (const Agreement& a : match.tensors) {
    json row{{"output", role_of(a.output)},
             {"elements", a.elements},
             {"different_bits", a.different},
             {"other_order", a.other_order}};
    if (a.first >= 0) row["first_difference"] = index_of(a, operands);
    result["outputs"].push_back(row);
  }
  return result;
}

std::optional<MeantKernel> meant_kernel(const std::string& name) {
  if (name.empty()) return std::nullopt;
  const auto [recipe, chip] = kernel_and_chip(name);
  return MeantKernel{&recipe, &chip};
}

}  // namespace

std::optional<json> run_identify(const IdentifyRunOptions& options) {
  const HostFpGuard guard;
  const auto found = find_outputs(options.outputs);
  const bool gradients =
      std::any_of(found.begin(), found.end(), [](const Found& x) { return is_gradient(x.output); });
  ProblemOptions problem_options = options;
  problem_options.backward = gradients ? BackwardChoice::if_given : BackwardChoice::off;
  const ProblemOperands operands = load_operands(problem_options);
  if (gradients && !operands.dout) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: the gradients need dO: expected a tensor 'do' in the input, "
                            "--do FILE or --map do=NAME",
                            operands.q.file));
  }
  Observation seen{.problem = problem_of(problem_options, operands), .dout = {}, .tensors = {}};
  if (operands.dout) seen.dout = operands.dout->codes;
  json result{{"schema", "ulpscope.identify/1"},
              {"tool", {{"name", "ulpscope"}, {"version", version}}},
              {"command", options.command},
              {"inputs", inputs_json(operands)},
              {"observed", json::array()}};
  for (const Found& x : found) {
    seen.tensors.push_back(observed(x, operands));
    result["observed"].push_back(output_json(x, seen.tensors.back()));
  }
  const Identification identified = identify(seen, {.threads = options.threads,
                                                    .ranked = options.ranked,
                                                    .meant = meant_kernel(options.meant),
                                                    .multiprocessors = options.multiprocessors,
                                                    .progress = options.progress,
                                                    .stop = options.stop});
  if (!identified.complete) return std::nullopt;
  result["found"] = identified.found();
  result["kernels"] = identified.kernels();
  result["changes"] = identified.changes();
  result["tried"] = identified.tried;
  result["refused"] = json::array();
  for (const auto& [kernel, chip, why] : identified.refused) {
    result["refused"].push_back({{"kernel", kernel}, {"chip", chip}, {"why", why}});
  }
  result["ranking"] = json::array();
  for (const Match& match : identified.ranking) {
    result["ranking"].push_back(match_json(match, operands));
  }
  return result;
}

namespace {

std::string first_of(const json& match) {
  for (const json& output : match["outputs"]) {
    if (!output.contains("first_difference")) continue;
    return fmt::format("{} {}", output["output"].get<std::string>(),
                       shape_text(output["first_difference"].get<std::vector<int64_t>>()));
  }
  return "";
}

std::string verdict(const json& identification) {
  const auto names = [&](const char* field) {
    return fmt::format("{}",
                       fmt::join(identification[field].get<std::vector<std::string>>(), ", or "));
  };
  const std::string kernels = names("kernels");
  if (!kernels.empty()) return fmt::format("IDENTIFIED: {}, every bit.", kernels);
  const std::string changes = names("changes");
  if (!changes.empty()) return fmt::format("CHANGED: {}, every bit; no kernel as it is.", changes);
  return fmt::format("UNKNOWN: none of {} candidates gives every bit.",
                     identification["tried"].get<int64_t>());
}

// Kernels that do not take the problem: how many, and every reason once.
std::string refused_text(const json& identification) {
  std::map<std::string, std::set<std::string>> by_reason;
  for (const json& refused : identification["refused"]) {
    const auto kernel = refused["kernel"].get<std::string>();
    auto why = refused["why"].get<std::string>();
    const std::string start = fmt::format("kernel {}: ", kernel);
    if (why.starts_with(start)) why.erase(0, start.size());
    by_reason[why].insert(kernel);
  }
  std::string text;
  for (const auto& [why, kernels] : by_reason) {
    text += wrapped(fmt::format("not tried: {} kernel{}: {}", kernels.size(),
                                kernels.size() == 1 ? "" : "s", why),
                    2);
  }
  return text;
}

}  // namespace

std::string identify_text(const json& identification) {
  constexpr size_t most_lines = 12;
  std::string text = wrapped(verdict(identification), 2) + "\n";
  text += fmt::format("{:<64} {:>12} {:>12} {:>7}  {}\n", "candidate", "different", "of", "share",
                      "first difference");
  size_t lines = 0;
  for (const json& match : identification["ranking"]) {
    if (lines++ == most_lines) break;
    const auto different = match["different_bits"].get<int64_t>();
    const auto elements = match["elements"].get<int64_t>();
    const auto first = first_of(match);
    text += fmt::format("{:<64} {:>12} {:>12} {:>6.2f}%{}{}\n", match["name"].get<std::string>(),
                        different, elements,
                        100.0 * static_cast<double>(different) / static_cast<double>(elements),
                        first.empty() ? "" : "  ", first);
    for (const json& output : match["outputs"]) {
      const auto other = output["other_order"].get<int64_t>();
      if (other == 0) continue;
      text += fmt::format("    {} elements of {} by another order of its sum\n", other,
                          output["output"].get<std::string>());
    }
  }
  return text + refused_text(identification);
}

}  // namespace ulpscope
