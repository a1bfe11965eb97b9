// The style sheet of a page: one column of text, tables that scroll when the window is narrow, and
// a print version that keeps rows and figures whole. Light on purpose: reports get printed and
// pasted. Looked at by headless chromium at 1280 and 390 pixels
// (tests/report/browser).
#pragma once

#include <string_view>

namespace ulpscope {

inline constexpr std::string_view page_style = R"css(
:root { color-scheme: light; --ink: #1c2530; --muted: #5d6873; --rule: #dde2e7; --soft: #f5f7f9; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: #fff; color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px 32px 8px; }
footer { max-width: 1240px; margin: 0 auto; padding: 12px 32px 36px; color: var(--muted);
  font-size: 13px; }
h1 { font-size: 15px; font-weight: 600; margin: 0 0 14px; color: var(--muted);
  overflow-wrap: anywhere; }
h1 b { color: var(--ink); }
h2 { font-size: 19px; font-weight: 600; margin: 0 0 12px; padding-top: 22px;
  border-top: 1px solid var(--rule); }
h3 { font-size: 15px; font-weight: 600; margin: 22px 0 8px; }
section { margin: 34px 0 0; }
p { margin: 0 0 10px; max-width: 96ch; overflow-wrap: anywhere; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: 0.88em; }
code { overflow-wrap: anywhere; }
pre { background: var(--soft); border: 1px solid var(--rule); border-radius: 6px; margin: 0 0 10px;
  padding: 14px 16px; white-space: pre-wrap; overflow-wrap: anywhere; user-select: all;
  line-height: 1.55; }
.verdict { border: 1px solid var(--rule); border-left: 7px solid; border-radius: 6px;
  padding: 18px 24px 20px; }
.verdict .status { display: inline-block; font-size: 13px; font-weight: 700; letter-spacing: .06em;
  text-transform: uppercase; margin-bottom: 4px; }
.verdict p { font-size: 22px; line-height: 1.38; font-weight: 500; margin: 0; max-width: 76ch; }
.verdict .cause { font-size: 17px; line-height: 1.45; margin-top: 12px; max-width: 96ch; }
.about { font-size: 13px; color: var(--muted); font-weight: 400; margin: 0 0 6px; }
.verdict ul { margin: 12px 0 0; padding: 0 0 0 20px; max-width: 100ch; }
.verdict li { margin: 0 0 5px; overflow-wrap: anywhere; }
.alarm { border-left-color: #c2410c; background: #fff9f4; }
.alarm .status { color: #b03a08; }
.calm { border-left-color: #2f7d4f; background: #f5fbf7; }
.calm .status { color: #24653f; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 5px 22px; margin: 0 0 18px; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-size: 12.5px; line-height: 1.35;
  font-variant-numeric: tabular-nums; margin: 0 0 12px; min-width: 60%; }
table.wide { min-width: 100%; }
th, td { padding: 6px 8px; text-align: right; vertical-align: top; white-space: nowrap;
  border-bottom: 1px solid var(--rule); }
th.left, td.left { text-align: left; }
thead th { font-weight: 600; color: var(--muted); vertical-align: bottom; font-size: 12px;
  border-bottom: 2px solid #c5ccd3; cursor: default; }
thead th.group { text-align: center; border-bottom: 1px solid var(--rule); color: var(--ink); }
thead th[title] { text-decoration: underline dotted #b4bcc4; text-underline-offset: 3px; }
tbody th { font-weight: 500; position: sticky; left: 0; background: #fff; }
tbody tr.called > * { background: #fff4ea; }
tbody tr:hover > * { background: var(--soft); }
tbody th small { display: block; font-weight: 400; font-size: 11.5px; color: var(--muted);
  width: max-content; max-width: 188px; white-space: normal; overflow-wrap: anywhere; }
th.centre, td.centre { text-align: center; }
.none { color: #66717c; }
.long { display: inline-block; width: max-content; max-width: 330px; white-space: normal;
  overflow-wrap: anywhere; }
.matrix { min-width: 0; } .matrix td { min-width: 72px; border: 1px solid var(--rule); }
.matrix td.self { background: var(--soft); }
.changed { font-weight: 700; color: #b03a08; }
.legend { columns: 3 300px; column-gap: 34px; margin: 14px 0 0; font-size: 12.5px;
  line-height: 1.45; color: var(--muted); }
.legend div { break-inside: avoid; margin: 0 0 6px; }
.legend dt { display: inline; font-weight: 600; color: var(--ink); }
.legend dt::after { content: "\2002"; }
.legend dd { display: inline; margin: 0; }
svg { display: block; max-width: 100%; height: auto; }
td svg { max-width: none; margin: 0 auto; }
.multiples svg { width: 100%; }
figure { margin: 0 0 20px; }
figcaption { font-size: 13px; color: var(--muted); margin-top: 4px; max-width: 100ch;
  overflow-wrap: anywhere; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr));
  gap: 18px 26px; margin-top: 14px; }
.multiples figure { margin: 0; break-inside: avoid; min-width: 0; }
.multiples figcaption { margin: 0 0 3px; display: flex; justify-content: space-between; gap: 10px; }
.multiples figcaption b { color: var(--ink); font-weight: 600; }
.multiples .empty { border: 1px dashed var(--rule); border-radius: 4px; padding: 34px 8px;
  text-align: center; color: var(--muted); font-size: 13px; }
.multiples figcaption span { white-space: nowrap; }
@media screen and (max-width: 800px) {
  main { padding: 18px 16px 4px; } footer { padding: 12px 16px 28px; }
  .verdict { padding: 14px 16px; } .verdict p { font-size: 18px; }
  .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 8px; }
  figure > .scroll > svg { max-width: 860px; }
  tbody th small { display: none; }
}
@media print {
  @page { size: A4 landscape; margin: 12mm; }
  body { font-size: 11px; } main, footer { max-width: none; padding: 0; }
  table { font-size: 8.5px; } thead th { font-size: 8px; } th, td { padding: 3px 4px; }
  td svg { width: 70px; } tbody th small { font-size: 8px; max-width: 170px; }
  tr, figure, .verdict, pre { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; } thead th[title] { text-decoration: none; }
  .verdict p { font-size: 16px; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
)css";

}  // namespace ulpscope
