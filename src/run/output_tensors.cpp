#include "ulpscope/run/output_tensors.hpp"

#include "ulpscope/format/catalogue.hpp"

namespace ulpscope {

Element element_for(const Format& format) {
  if (const auto element = element_from_name(format_name(format))) return *element;
  return width(format) <= 8 ? Element::u8 : width(format) <= 16 ? Element::u16 : Element::u32;
}

}  // namespace ulpscope
