"""Writes the seeds of the fuzz targets: small sound files, and a few of each reader's corners.

    python3 tools/generate/fuzz_corpus.py        # into tests/fuzz/corpus, from anywhere

Standard library only: the files are put together byte by byte as their formats say, not by the
libraries that are under test. Same seeds every time.
"""

import io
import json
import struct
import zipfile
from pathlib import Path

CORPUS = Path(__file__).resolve().parents[2] / "tests" / "fuzz" / "corpus"


def npy(descr, shape, data, order="False", version=1):
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"
    length = "<H" if version == 1 else "<I"
    header += " " * (-(8 + struct.calcsize(length) + len(header) + 1) % 64) + "\n"
    return (b"\x93NUMPY" + bytes([version, 0]) + struct.pack(length, len(header)) +
            header.encode() + data)


def npz(members, compression):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", compression) as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name), data, compression)
    return archive.getvalue()


def safetensors(tensors, metadata=None):
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def statistics(name):
    edges = ["-Infinity", -2, -1, 0, 1, 2, "Infinity"]
    return {"name": name, "format": "bf16", "mode": "rne", "count": 10, "skipped": 1,
            "mean_ulp": -0.25, "stderr_ulp": 0.0125, "z": -20.0, "ties": 2, "max_abs_ulp": 1.5,
            "histogram": {"edges": edges, "counts": [0, 1, 3, 4, 0, 0], "zero": 1}}


def summary(kind, **fields):
    return json.dumps({"schema": "ulpscope.summary/1", "kind": kind,
                       "tool": {"name": "ulpscope", "version": "0.1.0"},
                       "command": "ulpscope " + kind, **fields}).encode()


def attention_summary():
    output = {**statistics("o"), "shape": [1, 1, 5, 2],
              "heatmap": {"row_tile": 5, "rows": 1, "columns": 2, "mean_ulp": [[-0.5, "NaN"]]},
              "worst": [{"index": [0, 0, 3, 1], "bits": "0xbf12", "value": -0.57,
                         "reference": -0.58, "error_ulp": 1.5}]}
    return summary(
        "attention", verdict={"status": "biased", "text": "o is too small."},
        kernel={"name": "fa2-torch", "chip": "h200"},
        problem={"batch": 1, "heads": 1, "seq_q": 5, "seq_k": 5, "head_dim": 2, "window": [1, 2]},
        reference={"name": "exact", "judged_rows": 5}, sites=[statistics("output_store")],
        outputs=[output], casts=[{"site": "row_sum", "format": "fp32", "overridden": True}],
        formats=[{"name": "bf16", "exponent_bits": 8, "trailing_bits": 7, "bias": 127}],
        inputs=[{"tensor": "q", "file": "q.npy", "format": "bf16", "xxh3_128": "00",
                 "shape": [5, 2]}])


def compare_summary():
    buckets = {"0": 88, "1": 9, "2": 1, "3-10": 1, "11-100": 0, ">100": 0}
    return summary(
        "compare", verdict={"status": "different", "text": "12 elements differ."},
        comparison={"a": "a.npy", "b": "b.npy", "elements": 100, "different_bits": 12,
                    "different_values": 11, "max_ulp": "Infinity", "ulp_buckets": buckets})


def core(operation, mode, overflow, formats, codes):
    """One byte a format here: a row of the catalogue; 0x40 means that of the result."""
    case = bytes([operation, mode, overflow, formats[0]])
    for row, code in zip(formats[1:], codes):
        case += bytes([row]) + struct.pack("<Q", code)
    return case


BF16_PAIR = bytes.fromhex("803f c04f")
MATRIX = npy("'<f4'", "(2, 3)", struct.pack("<6f", *range(6)))
SEEDS = {
    "npy": {
        "matrix": MATRIX,
        "columns_big_endian": npy("'>i2'", "(2, 2)", bytes(range(8)), "True"),
        "version_2": npy("'<V2'", "(2,)", BF16_PAIR, version=2),
        "version_3_scalar": npy("'<f8'", "()", bytes(8), version=3),
        "empty": npy("'|u1'", "(0, 7)", b""),
        "object": npy("'|O'", "(1,)", b"\x80\x04N."),
        "record": npy("[('x', '<f4'), ('y', '<i2')]", "(1,)", bytes(6)),
    },
    "npz": {
        "stored": npz({"q.npy": MATRIX, "k.npy": MATRIX}, zipfile.ZIP_STORED),
        "deflated": npz({"q.npy": MATRIX, "notes.txt": b"no tensor"}, zipfile.ZIP_DEFLATED),
        "constant": npz({"z.npy": npy("'|u1'", "(4000,)", bytes(4000))}, zipfile.ZIP_DEFLATED),
        "torch": npz({"model/data.pkl": b"\x80\x02."}, zipfile.ZIP_STORED),
    },
    "safetensors": {
        "metadata": safetensors({"o": ("BF16", [2], BF16_PAIR)}, {"kernel": "fa2-torch"}),
        "three": safetensors({"a": ("F32", [1, 2], bytes(8)), "b": ("F8_E4M3", [3], b"\x01\x7e\xff"),
                              "empty": ("I64", [0, 4], b"")}),
        "scalar": safetensors({"lse": ("F64", [], bytes(8))}),
        "unknown_dtype": safetensors({"c": ("C64", [1], bytes(8)), "d": ("U8", [1], b"\x05")}),
        "none": safetensors({}),
    },
    "summary": {"attention": attention_summary(), "compare": compare_summary()},
    "names": {name.replace(":", "_"): name.encode() for name in
              ("bf16", "float8_e4m3fn", "binary8p3se", "e5m2b20", "e8m0fnu", "e4m3fn+inf+zero=positive",
               "rne", "rz:sat:daz:ftz", "sr8b:cuda-satfinite")},
    "core": {
        "add_bf16": core(0, 0, 0, [0, 0x40, 0x40], [0x3F80, 0x3B80]),
        "subtract_fp32": core(1, 5, 0, [3, 0x40, 0x40], [0x3F800001, 0x3F800000]),
        "multiply_e4m3fn_saturating": core(2, 0, 1, [5, 0x40, 0x40], [0x7E, 0x38]),
        "divide_fp64": core(3, 4, 0, [4, 0x40, 0x40], [0x3FF0000000000000, 0x4008000000000000]),
        "fma_to_fp16": core(4, 2, 0, [1, 3, 3, 3], [0x3F800001, 0x3F7FFFFF, 0xBF800000]),
        "square_root_e5m2": core(5, 7, 0, [6, 0x40], [0x03]),
        "convert_fp64_to_bf16": core(6, 1, 0, [0, 4], [0x3810000000000001]),
    },
}

if __name__ == "__main__":
    for target, seeds in SEEDS.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in seeds.items():
            (folder / name).write_bytes(content)
