"""The rows of docs/numerics/peers.md: one question for each place where a peer differs, why, and
how bad it is. The answers are not here: page.py asks for them.

An operand is "FORMAT TEXT" where TEXT is a code (0x7E) or a value (1 + 2^-8 + 2^-40, nan, -inf).
"""
from collections.abc import Iterable
from dataclasses import dataclass

from arithmetics import Operand, numpy_array

TWICE = "double rounding"
WRONG = "wrong"
POLICY = "policy"


@dataclass(frozen=True)
class Case:
    peer: str
    operation: str
    format: str
    operands: tuple
    kind: str
    standard: str
    rounding: str = "rne"
    route: str = ""


@dataclass(frozen=True)
class Sweep:
    """How many of many questions a peer answers otherwise; all NaNs are one."""
    peer: str
    operation: str
    format: str
    operand: str
    operands: str  # what they are, for the page
    codes: Iterable
    route: str = ""


CASES = [
    Case("ml_dtypes", "convert", "bf16", ("fp64 1 + 2^-8 + 2^-40",), TWICE,
         "IEEE 754-2019, 5.4.2: one rounding. The value lies above the middle of 1 and 1 + 2^-7; "
         "binary32, which comes first, is the middle itself"),
    Case("ml_dtypes", "convert", "bf16", ("fp64 1 + 2^-8 + 2^-40",), TWICE,
         "the same from a Python float", route="scalar"),
    Case("ml_dtypes", "convert", "bf16", ("int64 2^32 + 2^24 + 1",), TWICE,
         "5.4.1, convertFromInt: one rounding; above the middle of 2^32 and 2^32 + 2^25"),
    Case("ml_dtypes", "convert", "e4m3fn", ("fp64 1 + 2^-4 + 2^-40",), TWICE,
         "one rounding. The type's own constructor has it right (counted below), so two ways of "
         "one library differ"),
    Case("ml_dtypes", "convert", "e8m0fnu", ("fp64 2^-200",), TWICE,
         "OCP MX 1.0's E8M0 has no zero and no rule for conversions; the smallest number is the "
         "nearest. On the way 2^-200 is a binary32 zero, and zero becomes NaN"),
    Case("ml_dtypes", "mul", "e8m0fnu", ("e8m0fnu 0x00", "e8m0fnu 0x00"), TWICE,
         "2^-127 x 2^-127: as above"),
    Case("ml_dtypes", "convert", "e8m0fnu", ("fp64 3",), POLICY,
         "OCP MX 1.0 leaves the rounding open. A tie of 2 and 4: ml_dtypes goes up always, we "
         "to the even code, as P3109's draft has it for precision 1"),
    Case("ml_dtypes", "convert", "e2m1fn", ("fp32 nan",), POLICY,
         "OCP MX 1.0, FP4: no NaN; what a NaN becomes is left open. ml_dtypes: a zero of the "
         "other sign; we: the largest number, and invalid"),
    Case("ml_dtypes", "sqrt", "e2m1fn", ("e2m1fn 0xA",), POLICY,
         "the root of -1, no number in a format that has no NaN: as above"),

    Case("gfloat", "convert", "e4m3fn", ("fp64 2^-10 - 2^-63",), TWICE,
         "IEEE 754-2019, 4.3.1: below the middle of 0 and 2^-9, so 0. The half is added in "
         "binary64, which rounds the sum up", rounding="rna"),
    Case("gfloat", "convert", "bf16", ("fp64 2^-134 - 2^-187",), TWICE,
         "the same for the smallest number of another format", rounding="rna"),
    Case("gfloat", "convert", "e8m0fnu", ("fp64 2^-128",), WRONG,
         "not a number of the format, whose smallest is 2^-127 (OCP MX 1.0, E8M0); encoded it "
         "is NaN"),
    Case("gfloat", "convert", "e8m0fnu", ("fp64 -1",), WRONG,
         "not a number of the format; encoded it is NaN, as ours"),
    Case("gfloat", "convert", "binary8p3ue", ("fp64 -1",), WRONG,
         "P3109 draft 3.2, Saturate: below the range of an unsigned format is its end, 0. "
         "gfloat's number has no code", rounding="rne:p3109-satfinite"),
    Case("gfloat", "convert", "binary8p3uf", ("fp64 -inf",), WRONG,
         "P3109 draft 3.2, Saturate: the lowest number, 0, not the highest",
         rounding="rne:p3109-satfinite"),
    Case("gfloat", "convert", "binary8p3sf", ("fp64 10^12",), POLICY,
         "P3109 draft 3.2, Saturate: without infinity the highest number in all three modes. "
         "gfloat's `sat=False` means NaN", rounding="rne:p3109-ovfinf"),

    Case("eigen", "convert", "bf16", ("fp64 1 + 2^-8 + 2^-40",), TWICE,
         "IEEE 754-2019, 5.4.2: one rounding"),
    Case("eigen", "convert", "fp16", ("fp64 1 + 2^-11 + 2^-40",), TWICE,
         "one rounding; above the middle of 1 and 1 + 2^-10"),
    Case("eigen", "convert", "bf16", ("int64 2^32 + 2^24 + 1",), TWICE,
         "5.4.1, convertFromInt: one rounding"),
    Case("eigen", "exp", "fp16", ("fp16 0x1F79",), TWICE,
         "9.2: correctly rounded. The result lies 2^-26.4 below the middle of two numbers, and the "
         "middle is binary32's nearest"),
    Case("eigen", "exp", "fp16", ("fp16 0x25CF",), TWICE, "the same; there is no third"),
    Case("eigen", "log", "fp16", ("fp16 0x1D78",), TWICE, "the same; there is no other"),
    Case("eigen", "fma", "bf16", ("bf16 1 + 2^-7", "bf16 1 + 2^-7", "bf16 -1 - 2^-6"), POLICY,
         "5.4.1, fusedMultiplyAdd: one rounding. Eigen's `pmadd`, on which its products are "
         "built, promises none: it rounds the product, too"),
    Case("eigen", "epsilon", "fp16", (), WRONG,
         "C++, [numeric.limits.members]: the distance from 1 to the next number, 2^-10"),
    Case("eigen", "round_error", "bf16", (), WRONG,
         "C++, [numeric.limits.members]: the largest rounding error in ulps, 0.5. The code of "
         "0.5 was taken for a value"),

    Case("boost", "convert", "fp16", ("fp64 1",), WRONG,
         "1 is a number of the format. With binary16's exponents every value is 0"),
    Case("boost", "convert", "tf32", ("fp64 1 + 2^-11 + 2^-12",), WRONG,
         "IEEE 754-2019, 5.4.2: above the middle of 1 and 1 + 2^-10. Boost truncates what comes "
         "from a double"),
    Case("boost", "convert", "tf32", ("int64 4095",), WRONG,
         "a tie of 4094 and 4096, to the even significand; truncated"),
    Case("boost", "convert", "tf32", ("fp64 2^-130",), POLICY,
         "IEEE 754-2019, 3.3: a subnormal number. cpp_bin_float has none, by design"),
    Case("boost", "exp", "tf32", ("fp64 6",), WRONG,
         "9.2: correctly rounded. 3.7 ulps off"),
    Case("boost", "log", "tf32", ("fp64 10",), WRONG, "9.2: correctly rounded"),

    Case("apfloat", "fma", "e4m3", ("e4m3 0x05", "e4m3 0x25", "e4m3 0x81"), WRONG,
         "IEEE 754-2019, 5.4.1: the exact value is 2^-15, a 64th of the smallest number. "
         "Mended after LLVM 19"),
    Case("apfloat", "add", "fp16", ("fp16 0x7BFF", "fp16 0x7BFF"), WRONG,
         "7.4: overflow is signalled whatever is delivered; here the largest finite number",
         rounding="rz"),
    Case("apfloat", "mul", "fp16", ("fp16 0x0400", "fp16 0x3BFF"), WRONG,
         "7.5: the value is tiny before and after rounding without a bound, though the smallest "
         "normal number is delivered", rounding="ru"),
    Case("apfloat", "convert", "e4m3fnuz", ("fp16 0x8000",), WRONG,
         "7.6: -0 and +0 are one value, nothing was inexact"),
    Case("apfloat", "convert", "e2m1fn", ("fp32 100",), POLICY,
         "IEEE 754-2019, 7.4, read for a format without infinity: overflow; OCP MX 1.0 knows no "
         "flags"),
    Case("apfloat", "div", "e4m3fn", ("e4m3fn 0x38", "e4m3fn 0x00"), POLICY,
         "7.3: divide by zero, with infinity as result, which the format lacks: we signal "
         "overflow and inexact as well"),
    Case("apfloat", "div", "e2m1fn", ("e2m1fn 0x2", "e2m1fn 0x0"), POLICY,
         "the same where there is no NaN either. APFloat's object holds an infinity that has no "
         "code"),
    Case("apfloat", "convert", "e2m1fn", ("fp32 nan",), POLICY,
         "OCP MX 1.0, FP4: left open. APFloat's object holds a NaN that has no code"),
    Case("apfloat", "add", "e4m3fn", ("e4m3fn 0xFE", "e4m3fn 0xFE"), POLICY,
         "IEEE 754-2019, 6.3, and OFP8 1.0: the sign of a NaN means nothing"),
]

POSITIVE = {"bf16": range(0x0001, 0x7F80), "e4m3fn": range(0x01, 0x7F)}
ALL = range(1 << 16)


def above_middles(format):
    """As binary64: every middle of two positive neighbours, times 1 + 2^-40."""
    values = numpy_array([Operand(format, code) for code in POSITIVE[format]]).astype(float)
    middles = (values[:-1] + values[1:]) / 2
    return (middles * (1 + 2.0**-40)).view("u8").tolist()


def functions(peer, format):
    return [Sweep(peer, function, format, format, "all", ALL)
            for function in ("sqrt", "exp", "log", "log2", "tanh")]


SWEEPS = [
    Sweep("ml_dtypes", "convert", "bf16", "fp64", "above middles", above_middles("bf16")),
    Sweep("ml_dtypes", "convert", "e4m3fn", "fp64", "above middles", above_middles("e4m3fn")),
    Sweep("ml_dtypes", "convert", "e4m3fn", "fp64", "above middles", above_middles("e4m3fn"),
          route="scalar"),
    *functions("ml_dtypes", "bf16"),
    Sweep("ml_dtypes", "convert", "e4m3fn", "bf16", "all", ALL),
    Sweep("gfloat", "convert", "e4m3fn", "bf16", "all", ALL),
    *functions("eigen", "bf16"),
    *functions("eigen", "fp16"),
    Sweep("boost", "exp", "tf32", "fp16", "of [1, 2)", range(0x3C00, 0x4000)),
    Sweep("boost", "log", "tf32", "fp16", "of [2, 4)", range(0x4000, 0x4400)),
    Sweep("boost", "sqrt", "tf32", "fp16", "of [1, 4)", range(0x3C00, 0x4400)),
    Sweep("apfloat", "convert", "e4m3fn", "bf16", "all", ALL),
]
