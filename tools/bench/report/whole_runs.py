"""Whole runs of the tool, from file to files: seconds on the clock and the largest memory."""
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import time

# Upper halves of bf16 numbers between 1/8 and 2, both signs; the lower halves may be any byte.
UPPER_HALVES = bytes((byte & 0x80) | (0x3E + (byte & 1)) for byte in range(256))


def write_dump(path, heads, rows, dim):
    """q, k, v of random bf16 numbers, as safetensors."""
    size = 2 * heads * rows * dim
    header = {name: {"dtype": "BF16", "shape": [heads, rows, dim],
                     "data_offsets": [i * size, (i + 1) * size]}
              for i, name in enumerate("qkv")}
    text = json.dumps(header).encode()
    source = random.Random(heads * rows * dim)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _ in range(3 * heads):
            codes = bytearray(source.randbytes(size // heads))
            codes[1::2] = codes[1::2].translate(UPPER_HALVES)
            file.write(codes)


def high_water_mark(pid):
    """The largest memory of a process so far, in bytes; 0 where it cannot be read."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            lines = [line for line in status if line.startswith("VmHWM:")]
    except OSError:
        return 0
    return int(lines[0].split()[1]) * 1024 if lines else 0


class Job:
    """A process that runs; what it took is known when it is done."""

    def __init__(self, command):
        self.start = time.perf_counter()
        # Open MPI refuses root unless told twice.
        root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, env={**os.environ, **root})

    def finish(self):
        # What wait4 says of memory counts this interpreter's too, from which the process was made.
        peak = 0
        while self.process.poll() is None:
            peak = max(peak, high_water_mark(self.process.pid))
            time.sleep(0.01)
        if self.process.returncode != 0:
            said = self.process.stderr.read()
            raise SystemExit(f"bench: {' '.join(self.process.args)}: {said}")
        return {"seconds": time.perf_counter() - self.start, "bytes": peak}


class Tool:
    def __init__(self, path, folder):
        self.path = path
        self.folder = folder

    def start(self, dump, threads, log, *options, out="run", launcher=()):
        # A head launched with many others: its keys are not split.
        return Job([*launcher, self.path, "attention", dump, "--causal", "--launch", "1,1024",
                    "--threads", str(threads), "--log", log,
                    "--out", os.path.join(self.folder, out), *options])

    def best(self, times, *arguments):
        return min((self.start(*arguments).finish() for _ in range(times)),
                   key=lambda run: run["seconds"])


def two_at_once(tool, dump):
    """Two processes of one thread, half the heads each, and what joins them."""
    start = time.perf_counter()
    jobs = [tool.start(dump, 1, "none", "--shard", f"{i}/2", out=f"part{i}") for i in (1, 2)]
    parts = [job.finish() for job in jobs]
    Job([tool.path, "merge",
         *(os.path.join(tool.folder, name) for name in ("merged", "part1", "part2"))]).finish()
    return {"seconds": time.perf_counter() - start, "bytes": sum(part["bytes"] for part in parts)}


def two_ranks(tool, dump, talk):
    """The same by mpirun; nothing where there is none or the tool was built without MPI."""
    if shutil.which("mpirun") is None:
        return None
    try:
        return tool.start(dump, 1, "none", out="ranks", launcher=("mpirun", "-n", "2")).finish()
    except SystemExit as failure:
        talk(f"ranks are left out: {failure}")
        return None


def measured(path, quick, talk):
    cores = os.cpu_count()
    runs = {}
    with tempfile.TemporaryDirectory(prefix="ulpscope-bench-") as folder:
        tool = Tool(path, folder)

        def dump(heads, rows, dim):
            name = pathlib.Path(folder) / f"{heads}x{rows}x{dim}.safetensors"
            if not name.exists():
                write_dump(name, heads, rows, dim)
            return str(name)

        def add(heads, rows, dim, threads, log, times):
            key = f"{heads}x{rows}x{dim}/{log}/{threads}"
            talk(f"ulpscope attention {key}")
            runs[key] = tool.best(times, dump(heads, rows, dim), threads, log)

        for threads in sorted({1, min(2, cores)}):
            add(12, 1024, 64, threads, "none", 3)
            if not quick:
                add(32, 2048, 64, threads, "none", 2)
        if not quick:
            for log in ("statistics", "full"):
                add(12, 1024, 64, min(2, cores), log, 1)
            add(32, 8192, 128, min(2, cores), "none", 1)
            talk("two processes, then ulpscope merge")
            add(32, 4096, 64, 1, "none", 1)
            runs["32x4096x64/none/processes"] = two_at_once(tool, dump(32, 4096, 64))
            talk("two ranks of mpirun")
            if ranks := two_ranks(tool, dump(32, 4096, 64), talk):
                runs["32x4096x64/none/ranks"] = ranks
    return runs
