"""Reports as a reader sees them: loaded by headless Chromium, 1280 and 390 px wide, without network.

    browser_test.py ULPSCOPE DATA OUT

Makes reports of recorded inputs with the program ULPSCOPE, measures each in the browser (measure.js
lists the rules: nothing wider than the window, every figure drawn, whole, legible and distinct in
grey) and leaves a screenshot of each under OUT. Then it plants faults into a copy and expects a
complaint about every one of them.

Exit code 0: all is well; 1: a complaint; 77: no chromium here, nothing was looked at.
Standard library only.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

WIDTHS = (1280, 390)
HEIGHT = 9000  # of the screenshots, from the top
HERE = Path(__file__).parent
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"\s+content="([^"]*)">')
EXPECTED_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

REPORTS = {
    "resonance": ["h200_paper_code/resonance.npz", "--layout", "bhsd", "--causal",
                  "--kernel", "paper-eager", "--launch", "2,9", "--no-backward", "--explain"],
    "sink": ["h200_torch2.11_sdpa/bf_d64_n1024_sink.npz", "--layout", "bhsd", "--causal",
             "--explain"],
}

# And of `attribute`: every tensor that has a build-up.
ATTRIBUTED = {
    "attributed": ["h200_torch2.11_sdpa/bf_d64_n300_small_causal.npz", "--layout", "bhsd",
                   "--causal"],
}

# Where something is biased, or a build-up was asked for.
EXPLAINED = {"resonance", "attributed"}
# Pages whose marks stand in lines of their own, so that no two have to be told apart by lightness.
WITHOUT_PAIRS = {"attributed"}

# What is planted into a page, and the rule that must be found broken by it.
FAULTS = {
    "overflow": '<div style="width:1500px;height:4px">x</div>',
    "contrast": '<p style="color:#ccc">pale</p>',
    "small": '<p style="font-size:7px">tiny</p>',
    "cut": '<svg width="90" height="40" viewBox="0 0 90 40"><title>c</title>'
           '<rect x="80" y="0" width="50" height="9" fill="#000"/></svg>',
    "empty": '<svg width="90" height="40" viewBox="0 0 90 40"><title>e</title></svg>',
    "collision": '<svg width="90" height="40" viewBox="0 0 90 40"><title>t</title>'
                 '<rect width="9" height="9" fill="#000"/><text x="5" y="30" font-size="11">'
                 'one</text><text x="8" y="30" font-size="11">two</text></svg>',
    "grey": '<svg width="90" height="40" viewBox="0 0 90 40"><title>g</title>'
            '<rect width="40" height="20" fill="#dd3434"/>'
            '<rect x="40" width="40" height="20" fill="#1e8a1e"/></svg>',
}


def find_chromium():
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        found = shutil.which(name)
        if found:
            return found
    return None


def browse(chromium, page, width, screenshot, profile):
    """The document after its script ran, and a screenshot of it."""
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
               "--disable-background-networking", "--disable-extensions", "--no-first-run",
               "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9",
               f"--user-data-dir={profile}", f"--window-size={width},{HEIGHT}", "--dump-dom",
               *([f"--screenshot={screenshot}"] if screenshot else []), page.as_uri()]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300,
                          check=False)
    found = re.search(r'<script type="application/json" id="measured">(.*?)</script>',
                      done.stdout.decode(), re.DOTALL)
    if not found:
        sys.exit(f"{page}: no measurements; chromium says: {done.stderr.decode()[-2000:]}")
    return json.loads(found.group(1))


def measurable(html, width, planted=""):
    """A page that shows a copy of a report in a frame of that width (a window is never narrower
    than 500 px). The copy may run our script, and has `planted` at its end."""
    script = (HERE / "measure.js").read_text()
    copy = POLICY.sub("", html).replace("</main>", planted + "</main>").replace(
        "</body>", f"<script>{script}</script></body>")
    return (f'<!DOCTYPE html><meta charset="utf-8"><body style="margin:0"><iframe width="{width}" '
            f'height="{HEIGHT}" style="border:0;display:block" srcdoc="{escape(copy)}"></iframe>')


def make_report(ulpscope, data, subcommand, arguments, folder):
    command = [ulpscope, subcommand, str(data / "captures" / arguments[0]), "--format", "bf16",
               *arguments[1:], "--out", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr.decode()}")
    return (folder / "report.html").read_text()


def static_complaints(html):
    complaints = []
    policy = POLICY.search(html)
    if not policy or policy.group(1) != EXPECTED_POLICY:
        complaints.append("policy: the page does not forbid scripts and addresses")
    if "<script" in html:
        complaints.append("policy: the page has a script")
    if len(html) >= 2_000_000:
        complaints.append(f"size: the page has {len(html)} bytes")
    return complaints


def look_at(chromium, name, html, out, work):
    complaints = static_complaints(html)
    page = work / f"{name}.html"
    for width in WIDTHS:
        page.write_text(measurable(html, width))
        result = browse(chromium, page, width, out / f"{name}-{width}.png", work / "profile")
        seen = result["seen"]
        print(f"{name} at {width} px: {seen['figures']} figures, {seen['tables']} tables, "
              f"{seen['texts']} texts, {seen['pairs']} pairs of marks, {len(html):,} bytes")
        if seen["width"] != width:
            complaints.append(f"width: asked for {width} px, got {seen['width']}")
        for what in ("figures", "tables", "texts", "pairs"):
            if seen[what] == 0 and not (what == "pairs" and name in WITHOUT_PAIRS):
                complaints.append(f"nothing: no {what} were seen at {width} px")
        complaints += [f"{width} px: {c}" for c in result["complaints"]]
    return complaints


def missed_faults(chromium, html, work):
    page = work / "faults.html"
    missed = []
    for width in WIDTHS:
        page.write_text(measurable(html, width, "".join(FAULTS.values())))
        found = {c.split(":")[0] for c in
                 browse(chromium, page, width, None, work / "profile")["complaints"]}
        missed += [f"{width} px: the planted fault was not found: {rule}"
                   for rule in FAULTS if rule not in found]
    return missed


def main():
    ulpscope, data, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    chromium = find_chromium()
    if not chromium:
        print("skipped: chromium is not installed (tools/setup --tests does it)")
        return 77
    out.mkdir(parents=True, exist_ok=True)
    complaints = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, arguments in {**REPORTS, **ATTRIBUTED}.items():
            subcommand = "attention" if name in REPORTS else "attribute"
            html = make_report(ulpscope, data, subcommand, arguments, work / name)
            drawn = "Which step brings the error in" in html
            if drawn != (name in EXPLAINED):
                complaints.append(f"{name}: the build-up is {'there' if drawn else 'missing'}")
            complaints += [f"{name}: {c}" for c in look_at(chromium, name, html, out, work)]
        complaints += missed_faults(chromium, html, work)
    for complaint in complaints:
        print(complaint)
    print(f"{len(complaints)} complaints; screenshots in {out}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
