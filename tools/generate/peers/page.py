"""Asks every question of cases.py and writes the answers into docs/numerics/peers.md, between the
line `<!-- answers -->` and the end.

  page.py PROGRAM PAGE            writes the page          (tools/peers)
  page.py PROGRAM PAGE --check    compares it, writes nothing; exit code 1 where it differs

A case fails, and nothing is written, where peer and ulpscope agree, and where a case of kind
"wrong" or "double rounding" finds ulpscope further from the exact value than the peer.
"""
import difflib
import functools
import math
import pathlib
import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal, getcontext
from fractions import Fraction
from importlib.metadata import version

import numpy

from arithmetics import (NUMPY, Operand, Question, ask_gfloat, ask_ml_dtypes, ask_program,
                         numpy_array, numpy_type)
from cases import CASES, POLICY, SWEEPS

MARK = "<!-- answers -->\n"
PEERS = {"ml_dtypes": ask_ml_dtypes, "gfloat": ask_gfloat}
getcontext().prec = 60


# ---- Questions -------------------------------------------------------------------------------

def operand(text):
    """"fp64 1 + 2^-8", "e4m3 0x05", "fp32 nan" -> Operand"""
    name, value = text.split(" ", 1)
    if value.startswith("0x"):
        return Operand(name, int(value, 16))
    kind = numpy_type(name)
    if value.endswith(("nan", "inf")):
        number = numpy.array([float(value)], dtype=kind)
    else:
        exact = eval(re.sub(r"([\d.]+)", r"Fraction('\1')", value.replace("^", "**")))
        number = numpy.array([int(exact) if name == "int64" else float(exact)], dtype=kind)
        if Fraction(number[0].item()) != exact:
            raise ValueError(f"'{text}': no number of that format")
    return Operand(name, int(number.view(f"u{kind.itemsize}")[0]))


def question(case):
    return Question(case.operation, case.format, case.rounding,
                    tuple(operand(text) for text in case.operands), case.route)


def ask(program, peer, questions):
    return PEERS.get(peer, functools.partial(ask_program, program, peer))(questions)


# ---- Judging ---------------------------------------------------------------------------------

def alike(a, b):
    """Flags count where both have them; NaNs of different codes are not alike."""
    if a.code is not None and b.code is not None and a.code != b.code:
        return False
    same_value = a.value == b.value or (math.isnan(a.value) and math.isnan(b.value))
    return same_value and (a.flags is None or b.flags is None or a.flags == b.flags)


def same_number(a, b):
    """Without flags; all NaNs are one."""
    if math.isnan(a.value) or math.isnan(b.value):
        return math.isnan(a.value) and math.isnan(b.value)
    return a.value == b.value and (a.code is None or a.code == b.code)


def exact_value(q):
    """What is rounded, to 60 digits where it is irrational."""
    x = [Fraction(numpy_array((o,))[0].item() if o.format in NUMPY else
                  float(numpy_array((o,))[0])) for o in q.operands]
    if q.operation in ("exp", "log"):
        decimal = Decimal(x[0].numerator) / x[0].denominator
        return Fraction(decimal.exp() if q.operation == "exp" else decimal.ln())
    return {"convert": lambda a: a, "add": lambda a, b: a + b, "mul": lambda a, b: a * b,
            "fma": lambda a, b, c: a * b + c}[q.operation](*x)


def check(case, q, theirs, ours):
    def refuse(why):
        gives, ulpscope = shown(theirs, case.format), shown(ours, case.format)
        raise SystemExit(f"peers: {case.peer}, {asked(case)}: it gives {gives}, ulpscope "
                         f"{ulpscope}: {why}")

    if alike(theirs, ours):
        refuse("no difference any more")
    operands = [float(numpy_array((x,))[0]) for x in q.operands]
    is_member = theirs.code is not None or case.peer == "boost"  # which has no codes at all
    are_numbers = all(map(math.isfinite, (theirs.value, ours.value, *operands)))
    if case.kind == POLICY or not operands or not is_member or not are_numbers:
        return
    exact = exact_value(q)
    if abs(Fraction(ours.value) - exact) > abs(Fraction(theirs.value) - exact):
        refuse("ulpscope is further from the exact value")


# ---- The page --------------------------------------------------------------------------------

CODE_DIGITS = {"bf16": 4, "fp16": 4, "tf32": 5}


def number(value):
    fraction, exponent = math.frexp(value)
    if abs(fraction) == 0.5 and abs(exponent) > 12:
        return f"{'-' if value < 0 else ''}2^{exponent - 1}"
    return repr(value).removesuffix(".0")


def shown(answer, format):
    text = number(answer.value)
    if answer.code is not None:
        text += f" (0x{answer.code:0{CODE_DIGITS.get(format, 2)}X})"
    return text + ("" if answer.flags is None else f"; {answer.flags}")


def asked(case):
    rounding = "" if case.rounding == "rne" else f", `{case.rounding}`"
    if not case.operands:
        return f"{case.format}: `{case.operation}`"
    values = [text.split(" ", 1) for text in case.operands]
    if case.operation == "convert":
        source = "Python float" if case.route == "scalar" else values[0][0]
        return f"{source} `{values[0][1]}` to {case.format}{rounding}"
    return f"{case.format}: `{case.operation}({', '.join(v for _, v in values)})`{rounding}"


def section(program, peer, title):
    rows = [f"### {title}", "", "| asked | it gives | ulpscope gives | kind | the standard |",
            "| --- | --- | --- | --- | --- |"]
    for case in (c for c in CASES if c.peer == peer):
        q = question(case)
        [theirs], [ours] = ask(program, peer, [q]), ask(program, "ulpscope", [q])
        check(case, q, theirs, ours)
        if theirs.flags is None:
            ours = replace(ours, flags=None)
        cells = [asked(case), shown(theirs, case.format), shown(ours, case.format), case.kind,
                 case.standard]
        rows.append(f"| {' | '.join(cells)} |")
    return rows + [""]


def sweep_row(program, sweep):
    questions = [Question(sweep.operation, sweep.format, "rne", (Operand(sweep.operand, code),),
                          sweep.route) for code in sweep.codes]
    pairs = zip(ask(program, sweep.peer, questions), ask(program, "ulpscope", questions))
    differ = sum(not same_number(theirs, ours) for theirs, ours in pairs)
    operand = "Python float" if sweep.route == "scalar" else sweep.operand
    return (f"| {sweep.peer} | {sweep.operation}, {operand} to {sweep.format} | "
            f"{sweep.operands} | {len(questions):,} | {differ:,} |")


def answers(program):
    libraries = subprocess.run([program], input="versions\n", text=True, check=True,
                               stdout=subprocess.PIPE).stdout.strip().split(", ")
    titles = {"ml_dtypes": f"ml_dtypes {version('ml_dtypes')}, numpy {version('numpy')}",
              "gfloat": f"gfloat {version('gfloat')}", "eigen": libraries[0],
              "boost": f"{libraries[1]}, cpp_bin_float of 11 bits",
              "apfloat": f"{libraries[2]}, APFloat"}
    rows = ["## Differences", ""]
    for peer, title in titles.items():
        rows += section(program, peer, title)
    rows += ["## How many of how many", "", "| peer | operation | operands | asked | differ |",
             "| --- | --- | --- | --- | --- |"]
    return "\n".join(rows + [sweep_row(program, sweep) for sweep in SWEEPS]) + "\n"


def main(program, path, *options):
    page = pathlib.Path(path)
    before = page.read_text(encoding="utf-8")
    after = before[:before.index(MARK) + len(MARK)] + "\n" + answers(program)
    if "--check" not in options:
        page.write_text(after, encoding="utf-8")
    elif before != after:
        sys.stdout.writelines(difflib.unified_diff(
            before.splitlines(True), after.splitlines(True), path, "this run"))
        raise SystemExit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
