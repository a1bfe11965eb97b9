"""Runs the benchmarks and the tool, and keeps the best of each: what disturbs a measurement only
slows it. What is to be compared runs interleaved, so that a slow moment slows all of it."""
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

import peers
import whole_runs


def talk(text):
    print("bench: " + text, file=sys.stderr, flush=True)


def lines_of(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def best(bench, names, repetitions, seconds):
    """Of every benchmark that matches: seconds of one pass, and its rate where it counts one."""
    talk(names)
    chosen = f"--benchmark_filter={names}"
    result = dict.fromkeys(lines_of([bench, "--benchmark_list_tests", chosen]).split())
    found = lines_of([bench, chosen, "--benchmark_format=json",
                      f"--benchmark_repetitions={repetitions}",
                      f"--benchmark_min_time={seconds}",
                      "--benchmark_enable_random_interleaving=true"])
    unit = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
    for row in json.loads(found)["benchmarks"]:
        if row["run_type"] != "iteration":
            continue
        name = row["name"]
        if row.get("error_occurred"):
            raise SystemExit(f"bench: {name}: {row['error_message']}")
        clock = "real_time" if name.endswith("/real_time") else "cpu_time"
        spent = row[clock] * unit[row["time_unit"]]
        if result[name] is None or spent < result[name]["seconds"]:
            rate = row.get("items_per_second", row.get("MAC/s"))
            result[name] = {"seconds": spent, "rate": rate}
    return {name.removesuffix("/real_time"): found for name, found in result.items()}


def machine():
    model = platform.processor() or platform.machine()
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return {"processor": model, "cores": os.cpu_count(), "date": time.strftime("%Y-%m-%d")}


# Names, repetitions, least seconds of each repetition.
QUICK = [
    ("^peak/", 5, 0.01),
    ("^array_(copy|codes)_(float|double)/(cache|bf16_rne|e4m3fn_rne)$", 30, 0.002),
    ("^array_draws_float/bf16_sr16$", 30, 0.002),
    ("^tile/.*/512$", 5, 0.01),
    ("^gemm_", 3, 0.01),
    ("^pass/(forward|backward)/(eigen|silent)/rows:1024/dim:64/heads:1/threads:1", 10, 0.02),
    ("^pass/(forward|backward)/(statistics|full)/rows:1024/dim:64", 1, 0.01),
    ("^pass/forward/silent/rows:(512|2048|4096)/dim:64/", 3, 0.01),
    ("^pass/forward/silent/rows:2048/dim:(128|256)/", 2, 0.01),
    ("^pass/forward/silent/rows:1024/dim:64/heads:[248]/", 3, 0.01),
]
FULL = [
    ("^peak/", 20, 0.01),
    ("^(array|computed|looked).*[^y]$", 60, 0.002),
    ("^(array|computed|looked).*y$", 5, 0.002),
    ("^tile/", 8, 0.02),
    ("^gemm_", 5, 0.02),
    ("^pass/(forward|backward)/(eigen|silent)/rows:1024/dim:(64|128)/heads:1/threads:1", 20, 0.02),
    ("^pass/(forward|backward)/(statistics|full)/rows:1024/", 3, 0.01),
    ("^pass/(forward|backward)/silent/rows:(512|1024|2048)/dim:(64|128|256)/heads:1/", 5, 0.01),
    ("^pass/(forward|backward)/silent/rows:(4096|8192)/", 2, 0.01),
    ("^pass/(forward|backward)/silent/rows:16384/", 1, 0.01),
    ("^pass/(forward|backward)/silent/rows:1024/dim:64/heads:[248]/", 5, 0.01),
]


def everything(build, quick):
    bench = f"{build}/tools/bench/ulpscope_bench"
    rates = {}
    for names, repetitions, seconds in QUICK if quick else FULL:
        for name, found in best(bench, names, repetitions, seconds).items():
            if name not in rates or found["seconds"] < rates[name]["seconds"]:
                rates[name] = found
    return {
        "machine": machine(),
        "mode": "quick" if quick else "full",
        "rates": rates,
        "peers": peers.measured(talk),
        "runs": whole_runs.measured(f"{build}/tools/ulpscope/ulpscope", quick, talk),
    }
