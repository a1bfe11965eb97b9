"""Who is asked: ml_dtypes and gfloat here, the C++ libraries through the program ulpscope_peers.

A Question is an operation, the format and rounding of its result (rounding as in round/names.hpp)
and operands, which are codes of numbers in formats of their own:

  Question("convert", "bf16", "rne", (Operand("fp64", 0x3FF0100000001000),))

An Answer has the code, the value and the flags, None where a peer has no such thing. The same
question to two arithmetics is what a row of docs/numerics/peers.md compares.
"""
import subprocess
from dataclasses import dataclass

import gfloat
import gfloat.formats
import ml_dtypes
import numpy


@dataclass(frozen=True)
class Operand:
    format: str  # a name of the catalogue, or int64
    code: int


@dataclass(frozen=True)
class Question:
    operation: str
    format: str
    rounding: str
    operands: tuple
    route: str = ""  # which of a peer's ways; see ask_ml_dtypes


@dataclass(frozen=True)
class Answer:
    code: int | None
    value: float
    flags: str | None = None


# ---- C++ -------------------------------------------------------------------------------------

def ask_program(program, peer, questions):
    """Eigen, Boost, APFloat and ulpscope itself."""
    lines = [" ".join([peer, q.operation, f"{q.format}:{q.rounding}",
                       *(f"{x.format}:{x.code:#x}" for x in q.operands)]) for q in questions]
    replies = subprocess.run([program], input="\n".join(lines) + "\n", text=True, check=True,
                             stdout=subprocess.PIPE).stdout.splitlines()
    answers = []
    for reply in replies:
        code, value, flags = reply.split(" ", 2)
        answers.append(Answer(None if code == "-" else int(code, 16), float.fromhex(value),
                              None if flags == "-" else flags))
    return answers


# ---- ml_dtypes -------------------------------------------------------------------------------

ML_DTYPES = {"bf16": "bfloat16", "e5m2": "float8_e5m2", "e4m3": "float8_e4m3",
             "e3m4": "float8_e3m4", "e4m3fn": "float8_e4m3fn", "e4m3fnuz": "float8_e4m3fnuz",
             "e5m2fnuz": "float8_e5m2fnuz", "e4m3b11fnuz": "float8_e4m3b11fnuz",
             "e2m3fn": "float6_e2m3fn", "e3m2fn": "float6_e3m2fn", "e2m1fn": "float4_e2m1fn",
             "e8m0fnu": "float8_e8m0fnu"}
NUMPY = {"fp16": "float16", "fp32": "float32", "fp64": "float64", "int64": "int64"}


def numpy_type(name):
    return numpy.dtype(NUMPY[name] if name in NUMPY else getattr(ml_dtypes, ML_DTYPES[name]))


def numpy_array(operands):
    kind = numpy_type(operands[0].format)
    words = numpy.array([x.code for x in operands], dtype=f"u{kind.itemsize}")
    return words.view(kind)


def ask_ml_dtypes(questions):
    """All questions are of one kind. Conversions by astype, or with route "scalar" by the type's
    constructor, float64 and int64 then being Python's float and int."""
    q = questions[0]
    to = numpy_type(q.format)
    operands = [numpy_array(column) for column in zip(*(q.operands for q in questions))]
    functions = {"add": numpy.add, "mul": numpy.multiply, "div": numpy.divide,
                 "sqrt": numpy.sqrt, "exp": numpy.exp, "log": numpy.log,
                 "log2": numpy.log2, "tanh": numpy.tanh}
    with numpy.errstate(all="ignore"):
        if q.operation != "convert":
            results = functions[q.operation](*operands)
        elif q.route == "scalar":
            results = numpy.array([to.type(x) for x in operands[0].tolist()], dtype=to)
        else:
            results = operands[0].astype(to)
        values = results.astype(numpy.float64)
    codes = results.view(f"u{to.itemsize}")
    return [Answer(int(code), float(value)) for code, value in zip(codes, values)]


# ---- gfloat ----------------------------------------------------------------------------------

GFLOAT = {"bf16": "bfloat16", "fp16": "binary16", "e4m3fn": "ocp_e4m3", "e5m2": "ocp_e5m2",
          "e2m3fn": "ocp_e2m3", "e3m2fn": "ocp_e3m2", "e2m1fn": "ocp_e2m1",
          "e8m0fnu": "ocp_e8m0"}
GFLOAT_MODES = {"rne": gfloat.RoundMode.TiesToEven, "rna": gfloat.RoundMode.TiesToAway,
                "rz": gfloat.RoundMode.TowardZero, "ru": gfloat.RoundMode.TowardPositive,
                "rd": gfloat.RoundMode.TowardNegative}


def gfloat_format(name):
    if name in GFLOAT:
        return getattr(gfloat.formats, f"format_info_{GFLOAT[name]}")
    width, precision = name.removeprefix("binary")[:-2].split("p")  # binary8p3se
    types = gfloat.types
    return gfloat.formats.format_info_p3109(
        int(width), int(precision),
        types.Signedness.Signed if name[-2] == "s" else types.Signedness.Unsigned,
        types.Domain.Extended if name[-1] == "e" else types.Domain.Finite)


def gfloat_code(to, value):
    """None where the value is no number of the format: encode_float raises or gives NaN."""
    try:
        code = gfloat.encode_float(to, value)
    except ValueError:
        return None
    decoded = gfloat.decode_float(to, code).fval
    return code if decoded == value or (decoded != decoded and value != value) else None


def ask_gfloat(questions):
    """round_float, then encode_float; `sat` if the rounding's policy is one that saturates."""
    answers = []
    for q in questions:
        to = gfloat_format(q.format)
        mode, _, policy = q.rounding.partition(":")
        value = gfloat.round_float(to, float(numpy_array(q.operands)[0]), GFLOAT_MODES[mode],
                                   sat="sat" in policy)
        answers.append(Answer(gfloat_code(to, value), value))
    return answers
