#include "ulpscope/report/svg.hpp"

#include "ulpscope/report/text.hpp"

#include <cassert>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace ulpscope {
namespace {

std::string_view anchor_name(Anchor anchor) {
  switch (anchor) {
    case Anchor::start: return "start";
    case Anchor::middle: return "middle";
    case Anchor::end: return "end";
  }
  return {};
}

std::string stroke_attributes(const Stroke& stroke) {
  const std::string dashes =
      stroke.dashes.empty() ? "" : fmt::format(R"( stroke-dasharray="{}")", stroke.dashes);
  return fmt::format(R"(stroke="{}" stroke-width="{}"{})", stroke.colour, svg_number(stroke.width),
                     dashes);
}

}  // namespace

std::string svg_number(double value) {
  assert(std::isfinite(value) && "a position in a figure is finite");
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

Svg::Svg(const Canvas& canvas)
    : out_(fmt::format(
          R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" )"
          R"(height="{1}" role="img" font-family="system-ui,'Segoe UI','DejaVu Sans',sans-serif">)"
          "\n<title>{2}</title>\n",
          svg_number(canvas.width), svg_number(canvas.height), escape(canvas.title))) {}

void Svg::rect(const Box& box, std::string_view fill) {
  out_ += fmt::format(R"(<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>)"
                      "\n",
                      svg_number(box.x), svg_number(box.y), svg_number(box.width),
                      svg_number(box.height), fill);
}

void Svg::line(Point from, Point to, const Stroke& stroke) {
  out_ += fmt::format(R"(<line x1="{}" y1="{}" x2="{}" y2="{}" {}/>)"
                      "\n",
                      svg_number(from.x), svg_number(from.y), svg_number(to.x), svg_number(to.y),
                      stroke_attributes(stroke));
}

void Svg::circle(Point centre, double radius, std::string_view fill, const Stroke& outline) {
  out_ += fmt::format(R"(<circle cx="{}" cy="{}" r="{}" fill="{}" {}/>)"
                      "\n",
                      svg_number(centre.x), svg_number(centre.y), svg_number(radius), fill,
                      stroke_attributes(outline));
}

void Svg::text(Point at, std::string_view content, const TextStyle& style) {
  out_ += fmt::format(R"(<text x="{}" y="{}" text-anchor="{}" font-size="{}" fill="{}"{}>{}</text>)"
                      "\n",
                      svg_number(at.x), svg_number(at.y), anchor_name(style.anchor),
                      svg_number(style.size), style.colour,
                      style.weight == Weight::bold ? R"( font-weight="600")" : "", escape(content));
}

void Svg::path(std::string_view data, std::string_view fill) {
  out_ += fmt::format(R"(<path d="{}" fill="{}"/>)"
                      "\n",
                      data, fill);
}

void Svg::strokes(std::string_view data, const Stroke& stroke) {
  out_ += fmt::format(R"(<path d="{}" fill="none" {}/>)"
                      "\n",
                      data, stroke_attributes(stroke));
}

std::string Svg::finish() && {
  out_ += "</svg>\n";
  return std::move(out_);
}

}  // namespace ulpscope
