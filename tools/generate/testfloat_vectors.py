#!/usr/bin/env python3
"""Test vectors in the text format of Berkeley's testfloat_gen, answered by Berkeley SoftFloat.

    testfloat_vectors.py -rnear_even -tininessafter f16_mulAdd        1000 lines on stdout
    testfloat_vectors.py --count 50 --seed 7 -rmax -exact f32_to_i32
    testfloat_vectors.py --freeze data/golden/testfloat               the frozen set

A line is the operands, the result and two digits of flags, all hexadecimal; docs/numerics/
testfloat.md has the format, the names and how answers are to be judged. The answers come from
SoftFloat 3e through the Python package softfloatpy (pip install softfloatpy==1.2.3.post1), never
from ulpscope. That package leaves out rounding to odd; here it is derived from the answer toward
zero: if that was inexact, its lowest bit is set, and nothing else changes (Boldo and Melquiond
2008; SoftFloat does the same inside). Conversions to integers and roundToInt have no -rodd here,
because TestFloat's own answer differs from release to release.

Operands are chosen as TestFloat chooses them, by kind and not by its tables: exponents at the ends
of the range, around 1 and around the precision; significands with few bits, long runs, sums of two
such, or random bits; NaNs of both kinds, infinities and zeros among them.
"""

import argparse
import dataclasses
import random
import re
import sys
from pathlib import Path

import softfloatpy as softfloat


@dataclasses.dataclass(frozen=True)
class Type:
    """An operand or result: how wide it is, and the fields if it is a float."""

    name: str
    width: int
    trailing_bits: int = 0  # 0: an integer

    @property
    def bias(self):
        return (1 << (self.width - 2 - self.trailing_bits)) - 1


TYPES = {
    t.name: t
    for t in (
        Type("ui32", 32), Type("ui64", 64), Type("i32", 32), Type("i64", 64),
        Type("f16", 16, 10), Type("bf16", 16, 7), Type("f32", 32, 23), Type("f64", 64, 52),
    )
}
CLASSES = {
    "ui32": softfloat.UInt32, "ui64": softfloat.UInt64, "i32": softfloat.Int32,
    "i64": softfloat.Int64, "f16": softfloat.Float16, "bf16": softfloat.BFloat16,
    "f32": softfloat.Float32, "f64": softfloat.Float64,
}
ROUNDINGS = {
    "rnear_even": softfloat.RoundingMode.NEAR_EVEN,
    "rnear_maxMag": softfloat.RoundingMode.NEAR_MAX_MAG,
    "rminMag": softfloat.RoundingMode.MIN_MAG,
    "rmin": softfloat.RoundingMode.MIN,
    "rmax": softfloat.RoundingMode.MAX,
    "rodd": softfloat.RoundingMode.MIN_MAG,  # and then `to_odd`
}
TININESS = {
    "tininessafter": softfloat.TininessMode.AFTER_ROUNDING,
    "tininessbefore": softfloat.TininessMode.BEFORE_ROUNDING,
}
OPERANDS = {"mulAdd": 3, "sqrt": 1, "roundToInt": 1}  # the others have two
COMPARISONS = ("eq", "le", "lt", "eq_signaling", "le_quiet", "lt_quiet")
INEXACT = int(softfloat.ExceptionFlag.INEXACT)


@dataclasses.dataclass(frozen=True)
class Function:
    """A function by TestFloat's name: f16_mulAdd, ui64_to_f32, f32_lt_quiet."""

    name: str

    def __post_init__(self):
        if not hasattr(softfloat, self.python_name):
            raise SystemExit(f"testfloat_vectors: SoftFloat has no function {self.name}")

    @property
    def conversion(self):
        return re.fullmatch(r"([a-z]+\d+)_to_([a-z]+\d+)", self.name)

    @property
    def operation(self):
        return self.name.split("_", 1)[1]

    @property
    def operands(self):
        source = TYPES[self.name.split("_", 1)[0]]
        return [source] * (1 if self.conversion else OPERANDS.get(self.operation, 2))

    @property
    def to_integer(self):
        """Rounds to an integer: -exact and -notexact apply."""
        target = self.conversion and TYPES[self.conversion[2]]
        return self.operation == "roundToInt" or bool(target and target.trailing_bits == 0)

    @property
    def rounds(self):
        if self.conversion:
            source, target = (TYPES[name] for name in self.conversion.groups())
            digits = source.trailing_bits or source.width
            return not target.trailing_bits or target.trailing_bits < digits
        return self.operation not in COMPARISONS + ("rem",)

    @property
    def can_underflow(self):
        return self.rounds and not self.to_integer and self.operands[0].trailing_bits > 0

    @property
    def python_name(self):
        return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", self.name).lower()


@dataclasses.dataclass(frozen=True)
class Options:
    rounding: str = "rnear_even"
    tininess: str = "tininessafter"
    exact: bool = False

    def words(self, function):
        """The options that matter to the function, as on testfloat_gen's command line."""
        words = [f"-{self.rounding}"] if function.rounds else []
        if function.can_underflow:
            words.append(f"-{self.tininess}")
        if function.to_integer:
            words.append("-exact" if self.exact else "-notexact")
        return words


def answer(function, codes, options):
    """The result and the flags of one call."""
    softfloat.set_rounding_mode(ROUNDINGS[options.rounding])
    softfloat.set_tininess_mode(TININESS[options.tininess])
    softfloat.set_exception_flags(0)
    arguments = [
        CLASSES[t.name].from_bytes(code.to_bytes(t.width // 8, "big"))
        for t, code in zip(function.operands, codes)
    ]
    if function.to_integer:
        arguments += [None, options.exact]
    value = getattr(softfloat, function.python_name)(*arguments)
    flags = int(softfloat.get_exception_flags())
    if isinstance(value, bool):
        return str(int(value)), flags
    code = value.to_bytes()
    if options.rounding == "rodd" and function.rounds and flags & INEXACT:
        code = code[:-1] + bytes([code[-1] | 1])
    return code.hex().upper(), flags


def few_bits(rng, width):
    """One bit, a run from either end, or all but one bit: the patterns that carry and tie."""
    ones = (1 << width) - 1
    run = (1 << rng.randint(0, width)) - 1
    single = 1 << rng.randrange(width)
    return rng.choice([0, single, run, ones - run, ones - single])


def significand(rng, width):
    kind = rng.randrange(4)
    if kind == 0:
        return rng.getrandbits(width)
    pattern = few_bits(rng, width)
    return pattern if kind == 1 else (pattern + few_bits(rng, width)) % (1 << width)


def float_code(rng, t):
    bias, top = t.bias, 2 * t.bias + 1
    digits = t.trailing_bits + 1
    field = rng.choice([
        rng.choice([0, 1, 2, top - 2, top - 1, top]),
        bias + rng.randint(-4, 4),
        bias + rng.choice([-1, 1]) * (digits + rng.randint(-2, 2)),
        rng.randint(0, top),
        bias + rng.choice([15, 16, 31, 32, 63, 64]) - rng.randint(0, 1),  # the ends of the integers
    ])
    field = min(max(field, 0), top)
    return ((rng.getrandbits(1) << (t.width - 1)) | (field << t.trailing_bits)
            | significand(rng, t.trailing_bits))


def integer_code(rng, t):
    """Any width of integer, of either sign."""
    width = rng.randint(1, t.width)
    magnitude = significand(rng, width)
    return (-magnitude if rng.getrandbits(1) else magnitude) % (1 << t.width)


def near_copy(rng, t, code):
    """The same magnitude a few codes away, of either sign: cancellations and equal operands."""
    magnitude = (1 << (t.width - 1)) - 1
    return ((((code & magnitude) + rng.randint(-2, 2)) & magnitude)
            | (rng.getrandbits(1) << (t.width - 1)))


def operand_codes(rng, function):
    codes = []
    for t in function.operands:
        if codes and rng.randrange(6) == 0:
            codes.append(near_copy(rng, t, rng.choice(codes)))
        else:
            codes.append(float_code(rng, t) if t.trailing_bits else integer_code(rng, t))
    return codes


def lines(function, options, count, seed):
    # The seed is a text, so that it does not depend on Python's hash of the run.
    rng = random.Random(f"{seed} {function.name} {' '.join(options.words(function))}")
    for _ in range(count):
        codes = operand_codes(rng, function)
        result, flags = answer(function, codes, options)
        words = [f"{code:0{t.width // 4}X}" for t, code in zip(function.operands, codes)]
        yield " ".join([*words, result, f"{flags:02X}"])


def sections(function):
    """Every set of options that changes an answer."""
    roundings = list(ROUNDINGS) if function.rounds else ["rnear_even"]
    for rounding in roundings:
        if rounding == "rodd" and function.to_integer:
            continue
        for tininess in TININESS if function.can_underflow else ["tininessafter"]:
            for exact in (False, True) if function.to_integer else (False,):
                yield Options(rounding, tininess, exact)


def frozen_functions():
    operations = ("add", "sub", "mul", "mulAdd", "div", "rem", "sqrt", "roundToInt", *COMPARISONS)
    floats, integers = ("f16", "f32", "f64"), ("ui32", "ui64", "i32", "i64")
    names = [f"{f}_{operation}" for f in floats for operation in operations]
    names += [f"{a}_to_{b}" for a in floats for b in floats if a != b]
    names += ["f32_to_bf16", "bf16_to_f32"]
    names += [f"{i}_to_{f}" for i in integers for f in floats]
    names += [f"{f}_to_{i}" for i in integers for f in floats]
    return [Function(name) for name in names]


def freeze(folder, count, seed):
    """One file a function; each section opens with the command that it stands for."""
    folder.mkdir(parents=True, exist_ok=True)
    for function in frozen_functions():
        text = []
        for options in sections(function):
            text.append(" ".join(["testfloat_gen", *options.words(function), function.name]))
            text += lines(function, options, count, seed)
        (folder / f"{function.name}.txt").write_text("\n".join(text) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("function", nargs="?", help="as TestFloat names it, f16_mulAdd")
    parser.add_argument("--freeze", type=Path, metavar="FOLDER", help="write the frozen set")
    parser.add_argument("--count", type=int, help="lines (of a section, with --freeze)")
    parser.add_argument("--seed", type=int, default=1)
    for names, target in ((ROUNDINGS, "rounding"), (TININESS, "tininess")):
        for name in names:
            parser.add_argument(f"-{name}", dest=target, action="store_const", const=name,
                                default=next(iter(names)))
    parser.add_argument("-exact", action="store_true")
    parser.add_argument("-notexact", dest="exact", action="store_false")
    arguments = parser.parse_args()
    if arguments.freeze:
        freeze(arguments.freeze, arguments.count or 30, arguments.seed)
        return
    if not arguments.function:
        parser.error("a function or --freeze is needed")
    function = Function(arguments.function)
    options = Options(arguments.rounding, arguments.tininess, arguments.exact)
    if function.to_integer and options.rounding == "rodd":
        parser.error(f"-rodd {function.name}: TestFloat's answer depends on its release")
    for line in lines(function, options, arguments.count or 1000, arguments.seed):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
