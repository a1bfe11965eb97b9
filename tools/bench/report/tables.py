"""Tables of ratios, in Markdown, from what was measured. A dash is what was not."""
import math

from floors import DRAW, Floors

MISSING = "-"


def number(x, digits=3):
    return MISSING if x is None else f"{x:.{digits}g}"


def ratio(x, y):
    return None if x is None or not y else x / y


def percent(x):
    return MISSING if x is None else f"{100 * x:.0f} %"


def met(value, goal, enough):
    """The goal, and whether it is met."""
    return f"{goal}: {'met' if enough(value) else 'missed'}" if value is not None else goal


def table(title, columns, rows, text=""):
    head = "| " + " | ".join(columns) + " |\n|---" + "|---:" * (len(columns) - 1) + "|\n"
    body = "".join("| " + " | ".join(row) + " |\n" for row in rows)
    return f"### {title}\n\n{text}{head}{body}\n"


class Figures:
    def __init__(self, figures):
        self.figures = figures
        self.floors = Floors(figures["rates"])

    def rate(self, name):
        found = self.figures["rates"].get(name)
        return found and found["rate"]

    def seconds(self, name):
        found = self.figures["rates"].get(name)
        return found and found["seconds"]

    def names(self, start):
        return [name for name in self.figures["rates"] if name.startswith(start)]

    def run(self, name):
        return self.figures["runs"].get(name)

    def pass_name(self, kind, rows=1024, dim=64, heads=1, threads=1):
        return f"pass/{kind}/rows:{rows}/dim:{dim}/heads:{heads}/threads:{threads}"


def rounding(f):
    ml_dtypes = f.figures["peers"]["ml_dtypes"]
    rows = []
    for name in f.names("array_"):
        width = "double" if "double" in name else "float"
        copy = f"array_copy_{width}/{'memory' if name.endswith('memory') else 'cache'}"
        bits = "binary64" if width == "double" else "binary32"
        label = f"{bits}, {name.split('/')[1].replace('_', ' ')}"
        if "values" in name:
            label += ", and back"
        floor = f.floors.rounding(name)
        if name.endswith("memory") and "copy" not in name:
            read, written = (8 if width == "double" else 4), (1 if "e4m3fn" in name else 2)
            if "values" in name:
                written = read
            floor = f.floors.in_memory(copy, read, written)
        peer = ml_dtypes and width == "float" and ml_dtypes.get(name.split("/")[1].split("_")[0])
        peer = peer if name.endswith("_rne") and "codes" in name else None
        if "copy" in name:
            label = "copy, " + label
        rows.append([label, number(f.rate(name) / 1e9),
                     number(ratio(f.rate(name), f.rate(copy)), 2),
                     MISSING if not peer else f"{f.rate(name) / peer:.1f}",
                     number(floor and floor / 1e9), percent(ratio(f.rate(name), floor))])
    peer = (f"ml_dtypes {ml_dtypes['version']}, 10^5 numbers in one call" if ml_dtypes
            else "ml_dtypes: not installed")
    text = (f"10^9 numbers a second; {peer}. A draw of a stochastic rounding (sr16) adds {DRAW} "
            "vector instructions a number.\n\n")
    return table("Rounding arrays", ["", "10^9/s", "of a copy", "times ml_dtypes",
                                     "floor, 10^9/s", "of the floor"], rows, text)


def single_operations(f):
    names = f.names("computed_") + f.names("looked_up")
    if not names:
        return ""
    rows = [[name.replace("_", " ").replace("/", ", "), number(f.rate(name) / 1e6, 4)]
            for name in names]
    return table("Single operations", ["", "10^6/s"], rows)


def fused_sums(f):
    rows = []
    lengths = sorted({int(name.rsplit("/", 1)[1]) for name in f.names("tile/")})
    for name in dict.fromkeys(name.rsplit("/", 1)[0] for name in f.names("tile/")):
        parts = name.split("/")
        target = parts[-1] if parts[-1] in ("AVX3", "AVX2", "SSE4") else f.floors.target
        longest = f.rate(f"{name}/{lengths[-1]}")
        dots = f.rate(f"tile/float_dots/{target}/{lengths[-1]}")
        floor = None
        if parts[1] == "columns" and "carries" not in name:
            floor = f.floors.fused_sum(target)
        elif parts[1] == "float_dots":
            floor = f.floors.float_dots(target)
        goal = ""
        if name == f"tile/columns/bf16/{f.floors.target}":
            least = {"AVX3": 3, "AVX2": 1.5}.get(target)
            if least:
                goal = met(longest, f"at least {least}", lambda x: x >= least * 1e9)
            goal += met(dots / longest, "; dots at most 6 times as fast", lambda x: x <= 6)
        rows.append(["/".join(parts[1:])]
                    + [number(ratio(f.rate(f"{name}/{k}"), 1e9)) for k in lengths]
                    + [number(ratio(dots, longest), 3), number(floor and floor / 1e9),
                       percent(ratio(longest, floor)), goal])
    text = ("A tile of 64 rows by 64 columns, K products each, in 10^9 multiply-adds a second; "
            "`columns` is ours, `float_dots` plain binary32 dot products of the same numbers on "
            "the same instruction set, `lanes` a scalar loop without allocation, `like_hawkeye` "
            "and `like_mma_sim` loops after those simulators' descriptions, checked to give the "
            f"same bits. Ratios are those of K = {lengths[-1]}.\n\n")
    return table("Fused sums", [""] + [f"K = {k}" for k in lengths]
                 + ["dots are faster by", "floor", "of the floor", "goal"], rows, text)


def products(f):
    rows = [[name.removeprefix("gemm_").replace("/", ", k = ", 2).replace("k = cublas", "cublas"),
             number(f.rate(name) / 1e9)] for name in f.names("gemm_")]
    return table("Matrix products", ["64 x 512 x k, one thread", "10^9 MAC/s"], rows)


def whole_passes(f):
    torch = f.figures["peers"]["torch"]
    rows = []
    for direction, goal in (("forward", 1.8), ("backward", 1.5)):
        for dim in (64, 128):
            name = lambda kind: f.pass_name(f"{direction}/{kind}", dim=dim)
            silent = f.seconds(name("silent"))
            if silent is None:
                continue
            macs = f.rate(name("silent")) * silent
            floor = macs / f.floors.fused_sum() if f.floors.fused_sum() else None
            tensors = 4 if direction == "forward" else 8
            moved = 1e6 * tensors * 2 * 1024 * dim / f.floors.copied_bytes()
            limits = {"silent": met(f.rate(name("silent")), f"{goal} x 10^9/s",
                                    lambda x: x >= goal * 1e9),
                      "statistics": "1.5 times silent", "full": "2 times silent"}
            for kind in ("eigen", "torch", "silent", "statistics", "full"):
                spent = f.seconds(name(kind))
                if kind == "torch":
                    spent = torch and torch[f"{direction}/{dim}"]
                times = ratio(spent, silent)
                own_floor = macs / f.floors.float_dots() if kind in ("eigen", "torch") else floor
                limit = limits.get(kind, "")
                if kind in ("statistics", "full"):
                    limit = met(times, limit, lambda x: x <= (1.5 if kind == "statistics" else 2))
                rows.append([f"{direction}, D = {dim}, {kind}",
                             "not installed" if kind == "torch" and not torch
                             else number(ratio(spent, 1e-3)),
                             number(ratio(macs / 1e9, spent)), number(times),
                             number(ratio(spent, f.seconds(name("eigen")))),
                             f"{number(ratio(own_floor, 1e-3))} ({moved:.0f} us)",
                             number(ratio(spent, own_floor)), limit])
    text = ("One causal head of 1,024 rows, one thread; multiply-adds are those of the visible "
            "pairs. Eigen and PyTorch compute in binary32. The floor is the arithmetic of the "
            "products alone, in parentheses the inputs and outputs moved once.\n\n")
    return table("Whole passes", ["", "ms", "10^9 MAC/s", "of silent", "of Eigen", "floor, ms",
                                  "times the floor", "goal"], rows, text)


def exponent(points):
    """Slope of the straight line through the logarithms."""
    xs = [math.log(x) for x, _ in points]
    ys = [math.log(y) for _, y in points]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x) ** 2 for a in xs)


def scaling(f):
    rows = []
    cases = [("N", "rows", (512, 1024, 2048, 4096, 8192, 16384), {}, 2.05),
             ("D", "dim", (64, 128, 256), {"rows": 2048}, 1.05),
             ("heads", "heads", (1, 2, 4, 8), {}, 1.05)]
    for direction in ("forward", "backward"):
        for label, key, values, fixed, largest in cases:
            points = [(x, f.seconds(f.pass_name(f"{direction}/silent", **{**fixed, key: x})))
                      for x in values]
            points = [(x, seconds) for x, seconds in points if seconds]
            if len(points) < 2:
                continue
            power = exponent(points)
            spread = ", ".join(f"{x}: {number(1e3 * seconds)}" for x, seconds in points)
            rows.append([f"{direction}, {label}", spread, f"{power:.2f}",
                         met(power, f"at most {largest:.2f}", lambda p: p <= largest)])
    text = ("Milliseconds of silent passes where one size varies (otherwise N = 1,024, with D "
            "2,048, D = 64, one head, one thread), and the exponent that fits them. A causal pass "
            "computes whole tiles, so that small N cost relatively more.\n\n")
    return table("Growth", ["", "ms", "exponent", "goal"], rows, text)


def clock(seconds):
    return f"{seconds:.2f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def runs(f):
    rows = []
    cores = f.figures["machine"]["cores"]
    for name, run in f.figures["runs"].items():
        size, log, workers = name.split("/")
        heads, n, dim = (int(x) for x in size.split("x"))
        macs = heads * n * (n + 1) * dim
        alone = f.run(f"{size}/{log}/1")
        labels = {"processes": "two processes and merge", "ranks": "two ranks of mpirun"}
        used = 2 if workers in labels else int(workers)
        floor = macs / f.floors.fused_sum() / used if f.floors.fused_sum() else None
        moved = 4 * 2 * heads * n * dim / f.floors.copied_bytes()
        goals = []
        if size == "12x1024x64" and log == "none" and workers == "2":
            goals.append(met(run["seconds"], "1 s", lambda s: s < 1))
        if size == "32x8192x128":
            goals.append(met(run["seconds"], "5 min", lambda s: s < 300))
            goals.append(met(run["bytes"], "1 GB", lambda b: b < 1e9))
        faster = ratio(alone and alone["seconds"], run["seconds"]) if used > 1 else None
        if size in ("32x2048x64", "32x4096x64") and faster and cores >= 2:
            least = 1.85 if workers in labels else 1.9
            goals.append(met(faster, f"{least} times", lambda x: x >= least))
        label = labels.get(workers, f"{workers} thread{'s' if used > 1 else ''}")
        rows.append([f"{heads} heads x {n} x {dim}, --log {log}, {label}", clock(run["seconds"]),
                     number(faster), f"{run['bytes'] / 1e6:.0f} MB",
                     f"{number(floor)} s ({number(moved)} s)", number(ratio(run["seconds"], floor)),
                     "; ".join(goals)])
    text = ("`ulpscope attention`, causal, forward, bf16, from a safetensors file to a folder; the "
            "largest memory of the process (of two: their sum; of mpirun, its own). Floors as above, for "
            "all threads."
            "\n\n")
    return table("Whole runs of the tool", ["", "time", "faster than alone", "memory", "floor",
                                            "times the floor", "goal"], rows, text)


def markdown(figures):
    f = Figures(figures)
    machine = figures["machine"]
    head = (f"{machine['processor']}, {machine['cores']} cores, {machine['date']}, "
            f"`tools/bench/run{' --quick' if figures['mode'] == 'quick' else ''}`. Of its vector "
            f"instructions ({f.floors.target}) a core starts {f.floors.peak / 1e9:.1f} a "
            "nanosecond.\n\n")
    parts = [rounding, single_operations, fused_sums, products, whole_passes, scaling, runs]
    return head + "".join(part(f) for part in parts).rstrip("\n") + "\n"
