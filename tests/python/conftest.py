"""What the tests share: recordings of an H200, and the command line tool whose bytes count."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
CAPTURES = ROOT / "data" / "captures"
SDPA = CAPTURES / "h200_torch2.11_sdpa" / "bf_d64_n300_small_causal.npz"


@pytest.fixture
def recorded():
    """Q, K, V, dO in bf16 bits (uint16), axes (batch, heads, seq, dim), and a GPU's outputs."""
    with np.load(SDPA) as file:
        return dict(file)


@pytest.fixture
def tool():
    """Runs the command line tool; stdout as text."""
    path = os.environ.get("ULPSCOPE_TOOL")
    if not path:
        pytest.skip("ULPSCOPE_TOOL does not name the command line tool")

    def run(*words, expected=0):
        done = subprocess.run([path, *map(str, words)], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == expected, done.stderr
        return done.stdout if expected in (0, 1) else done.stderr

    return run
