#!/usr/bin/env python3
"""Writes the tables of data/golden: what ml_dtypes says of the small formats.

  python3 tools/generate/ml_dtypes_table.py data/golden

ml_dtypes_values.csv   format, code, the code's value as binary32 bits
ml_dtypes_bf16.csv     format, first, code: the bf16 codes from `first` to the next row's are rounded to
                       `code` (to nearest, ties to even); bf16's NaN codes are left out
"""
import sys

import ml_dtypes
import numpy as np

FORMATS = {
    "e4m3": 8, "e3m4": 8, "e4m3fnuz": 8, "e5m2fnuz": 8, "e4m3b11fnuz": 8,
    "e4m3fn": 8, "e5m2": 8, "e2m3fn": 6, "e3m2fn": 6, "e2m1fn": 4,
}


def small_type(name, width):
    return np.dtype(getattr(ml_dtypes, f"float{width}_{name}"))


def values(name, width):
    codes = np.arange(1 << width, dtype=np.uint8)
    bits = codes.view(small_type(name, width)).astype(np.float32).view(np.uint32)
    return [f"{name},{code:#04x},{value:#010x}" for code, value in zip(codes, bits)]


def from_bf16(name, width):
    codes = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16)
    wide = codes.view(ml_dtypes.bfloat16)
    with np.errstate(all="ignore"):
        rounded = wide.astype(small_type(name, width)).view(np.uint8)
    rows, before = [], None
    for first in np.flatnonzero(~np.isnan(wide.astype(np.float32))):
        code = rounded[first]
        if first == 0x8000 or code != before:  # a fresh run for the negative half
            rows.append(f"{name},{codes[first]:#06x},{code:#04x}")
        before = code
    return rows


def write(path, head, rows_of):
    rows = [row for name, width in FORMATS.items() for row in rows_of(name, width)]
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join([head, *rows]) + "\n")


def main(folder):
    write(f"{folder}/ml_dtypes_values.csv", "format,code,binary32", values)
    write(f"{folder}/ml_dtypes_bf16.csv", "format,first,code", from_bf16)


if __name__ == "__main__":
    main(sys.argv[1])
