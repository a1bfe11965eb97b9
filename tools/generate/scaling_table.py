#!/usr/bin/env python3
"""Writes data/golden/scaling.csv: block scaling as numpy and ml_dtypes compute it.

  python3 tools/generate/scaling_table.py data/golden

scheme, rule, what, then codes in hexadecimal: `input` (binary32), `tensor` (binary32, NVFP4 only),
`scales`, `codes` and `values` (binary32). Rules as torchao's to_mx computes them (0.14), NVFP4 as
Transformer Engine's reference quantiser does, codebooks as bitsandbytes: integers on the bits of
binary32 and numpy's binary32 arithmetic, none of it ulpscope's.
"""
import sys

import ml_dtypes
import numpy as np

F = np.float32
ELEMENTS = {  # type, trailing bits, exponent of the largest, largest
    "mxfp8_e4m3": (ml_dtypes.float8_e4m3fn, 3, 8, 448.0),
    "mxfp8_e5m2": (ml_dtypes.float8_e5m2, 2, 15, 57344.0),
    "mxfp6_e2m3": (ml_dtypes.float6_e2m3fn, 3, 2, 7.5),
    "mxfp6_e3m2": (ml_dtypes.float6_e3m2fn, 2, 4, 28.0),
    "mxfp4": (ml_dtypes.float4_e2m1fn, 1, 2, 6.0),
}
NF4 = [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
       -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
       0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
       0.7229568362236023, 1.0]
FP4 = [0.0, 5.208333333e-03, 0.66666667, 1.0, 0.33333333, 0.5, 0.16666667, 0.25]
FP4_STEPS = [(0.8333333, 3), (0.583333, 2), (0.4166667, 5), (0.29166667, 4), (0.20833333, 7),
             (0.0859375, 6), (0.00260417, 1)]


def inputs():
    random = np.random.default_rng(3)
    plain = random.standard_normal(128)
    wide = random.standard_normal(128) * 2.0 ** random.integers(-30, 30, 128)
    ends = random.standard_normal(128) * 2.0 ** np.repeat([-140.0, -126.0, 118.0, 0.0], 32)
    grid = np.round(random.standard_normal(128) * 8) / 4  # zeros and ties
    ends[96:] = 0
    return np.concatenate([plain, wide, ends, grid]).astype(F)


def to_type(y, kind, largest):
    return np.clip(y, F(-largest), F(largest)).astype(kind)


def to_e8m0(rule, top, trailing, emax, largest):
    bits = top.view(np.int32)
    if rule == "rceil":
        down = (top / F(largest)).view(np.int32)
        field, rest = down >> 23, down & 0x7FFFFF
        return field + np.where(field == 0, rest > 0x400000, rest != 0)
    if rule == "even":
        bits = bits + (1 << (23 - trailing - 1))
    power = (bits >> 23) - 127
    if rule == "ceil":
        power = power + ((bits & 0x7FFFFF) > 0)
    return np.clip(power - emax, -127, 127) + 127


def mx(x, name, rule):
    kind, trailing, emax, largest = ELEMENTS[name]
    blocks = x.reshape(-1, 32)
    scales = to_e8m0(rule, np.abs(blocks).max(1), trailing, emax, largest)
    # In binary64 the division by the scale is exact, as is its product with an element.
    factor = 2.0 ** (scales[:, None] - 127.0)
    wide = np.clip(blocks.astype(np.float64) / factor, -largest, largest)
    codes = wide.astype(kind)
    with np.errstate(over="ignore"):
        values = (codes.astype(np.float64) * factor).astype(F)
    return {"scales": scales, "codes": codes.view(np.uint8), "values": values.view(np.uint32)}


def nvfp4(x):
    most = np.finfo(F).max
    blocks = x.reshape(-1, 16)
    encode = min(F(448 * 6) / np.abs(x).max(), most)
    tensor = F(1) / encode
    wanted = np.abs(blocks).max(1) / F(6) * encode
    scales = to_type(wanted, ml_dtypes.float8_e4m3fn, 448)
    both = scales.astype(F) * tensor
    with np.errstate(divide="ignore", over="ignore"):
        reciprocal = np.minimum(F(1) / both, most)
        codes = to_type(blocks * reciprocal[:, None], ml_dtypes.float4_e2m1fn, 6)
    values = codes.astype(F) * both[:, None]
    return {"tensor": np.array([tensor]).view(np.uint32), "scales": scales.view(np.uint8),
            "codes": codes.view(np.uint8), "values": values.view(np.uint32)}


def absmax(x, size):
    blocks = x.reshape(-1, size)
    scales = np.abs(blocks).max(1) / F(448)
    codes = to_type(blocks / scales[:, None], ml_dtypes.float8_e4m3fn, 448)
    values = codes.astype(F) * scales[:, None]
    return {"scales": scales.view(np.uint32), "codes": codes.view(np.uint8),
            "values": values.view(np.uint32)}


def nf4_code(y):
    levels = np.array(NF4, F)
    middles = (levels[1:] + levels[:-1]) / F(2)
    return (y[..., None] > middles).sum(-1)


def fp4_code(y):
    code = np.zeros(y.shape, np.int64)
    for threshold, above in reversed(FP4_STEPS):
        code = np.where(np.abs(y) > F(threshold), above, code)
    return code + np.where(y < 0, 8, 0)


def codebook(x, code_of, levels):
    blocks = x.reshape(-1, 64)
    scales = np.abs(blocks).max(1)
    with np.errstate(divide="ignore"):
        reciprocal = np.minimum(F(1) / scales, np.finfo(F).max)
    codes = code_of(blocks * reciprocal[:, None])
    values = np.array(levels, F)[codes] * scales[:, None]
    return {"scales": scales.view(np.uint32), "codes": codes, "values": values.view(np.uint32)}


def rows():
    x = inputs()
    yield "all", "", "input", x.view(np.uint32)
    results = [(name, rule, mx(x, name, rule)) for name in ELEMENTS
               for rule in ("floor", "ceil", "rceil", "even")]
    moderate = np.where(np.abs(x) < F(1e30), x, F(0))
    yield "moderate", "", "input", moderate.view(np.uint32)
    results += [
        ("nvfp4", "absmax", nvfp4(moderate)),
        ("absmax-tensor", "absmax", absmax(moderate, moderate.size)),
        ("nf4", "absmax", codebook(x, nf4_code, NF4)),
        ("fp4", "absmax", codebook(x, fp4_code, FP4 + [-v for v in FP4])),
    ]
    for name, rule, found in results:
        for what, codes in found.items():
            yield name, rule, what, np.asarray(codes).ravel()


def main(folder):
    with open(f"{folder}/scaling.csv", "w", encoding="ascii") as file:
        file.write("scheme,rule,what,codes\n")
        for name, rule, what, codes in rows():
            file.write(f"{name},{rule},{what},{' '.join(f'{int(c):x}' for c in codes)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
