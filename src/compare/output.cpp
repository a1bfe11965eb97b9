#include "ulpscope/compare/output.hpp"

namespace ulpscope {

std::string_view output_name(Output output) {
  switch (output) {
    case Output::o: return "o";
    case Output::lse: return "lse";
    case Output::dq: return "dq";
    case Output::dk: return "dk";
    case Output::dv: return "dv";
  }
  return "";
}

Site store_site(Output output) {
  switch (output) {
    case Output::o: return Site::output_store;
    case Output::lse: return Site::lse;
    case Output::dq: return Site::dq_store;
    case Output::dk: return Site::dk_store;
    case Output::dv: return Site::dv_store;
  }
  return Site::output_store;
}

OutputSizes sizes_of(Output output, const Problem& p) {
  switch (output) {
    case Output::o:
    case Output::dq: return {p.batch * p.heads, p.rows, p.dim};
    case Output::lse: return {p.batch * p.heads, p.rows, 1};
    case Output::dk:
    case Output::dv: return {p.batch * p.kv_heads, p.keys, p.dim};
  }
  return {0, 0, 0};
}

}  // namespace ulpscope
