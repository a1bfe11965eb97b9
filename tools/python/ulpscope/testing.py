"""Assertions for tests of kernels: the bits, or at least no one-sided error.

>>> import numpy as np, ulpscope
>>> x = np.linspace(1, 2, 4096, dtype=np.float32).reshape(64, 64)
>>> ulpscope.assert_unbiased(ulpscope.round(x, "bf16", "rne", raw=True), x, format="bf16")
>>> try:
...     ulpscope.assert_unbiased(ulpscope.round(x, "bf16", "rz", raw=True), x, format="bf16")
... except AssertionError as error:
...     print(str(error).splitlines()[0])
biased by value: mean -0.4998 ulp (standard error 0.0363, z -13.8, 4096 elements)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import _arrays
from .rounding import _format_of, values
from .runs import compare

THRESHOLD = 5.0  # |z| from which a bias is called: docs/numerics/statistics.md
FEWEST = 25  # errors that a bias is called over


def assert_bits_equal(actual: Any, desired: Any, *, format: str | None = None) -> None:
    """Fail unless two arrays of one shape and format have the same bits.

    -0 is not +0, and NaNs are equal by their bits. ``format``: of unsigned integers, for the
    message. The message counts the elements that differ and shows the first five.

    >>> import numpy as np
    >>> assert_bits_equal(np.float32(0), np.float32(-0.0))
    Traceback (most recent call last):
    ...
    AssertionError: 1 of 1 elements differ in their bits
      at (): 0x00000000 = 0.0, expected 0x80000000 = -0.0
    """
    a = _arrays.seen(actual, "actual")
    b = _arrays.seen(desired, "desired")
    if a.bits.shape != b.bits.shape:
        raise AssertionError(f"shape {a.bits.shape}, expected {b.bits.shape}")
    if _name(a, format) != _name(b, format):
        raise AssertionError(f"format {_name(a, format)}, expected {_name(b, format)}")
    places = np.argwhere(a.bits != b.bits)
    if len(places) == 0:
        return
    lines = [f"{len(places)} of {a.bits.size} elements differ in their bits"]
    for place in map(tuple, places[:5]):
        lines.append(f"  at {tuple(map(int, place))}: {_element(a, place, format)}, "
                     f"expected {_element(b, place, format)}")
    if len(places) > 5:
        lines.append(f"  and {len(places) - 5} more")
    raise AssertionError("\n".join(lines))


def _name(seen: _arrays.Seen, format: str | None) -> str:
    return seen.format or (format if format and seen.dtype.startswith("uint") else seen.dtype)


def _element(seen: _arrays.Seen, place: tuple, format: str | None) -> str:
    bits = np.asarray(seen.bits[place])
    text = f"0x{int(bits):0{2 * bits.itemsize}x}"
    name = seen.format or format
    return text if name is None else f"{text} = {float(values(bits, name))}"


def assert_unbiased(
    actual: Any,
    reference: Any,
    *,
    format: str | None = None,
    layout: str | None = None,
    threshold: float = THRESHOLD,
) -> None:
    """Fail if the errors of ``actual`` against ``reference`` lean to one side.

    The mean signed error, actual - reference in ulps of actual's format at the reference, is called
    a bias where it lies ``threshold`` standard errors or more from zero, by value (above is
    positive) or by magnitude (away from zero is); the standard error is clustered by row (the axis
    before the last) and by feature (the last). All elements are asked as a whole; those that are
    not finite have no error. Also fails where there are fewer than 25 errors or no standard error,
    as nothing follows from so few.

    Both arrays have one shape; ``format`` says what unsigned integers mean. Source of the rule:
    docs/numerics/statistics.md.
    """
    a = _arrays.seen(actual, "actual")
    b = _arrays.seen(reference, "reference")
    if a.bits.shape != b.bits.shape:
        raise AssertionError(f"shape {a.bits.shape}, expected {b.bits.shape}")
    summary = compare(actual, reference, format=format and _format_of(a, format, "actual"),
                      layout=layout)
    errors = summary["outputs"][0]
    count = errors["count"]
    for away, sign in (("", "value"), ("_away", "magnitude")):
        # What is not finite is text in JSON: "inf", "NaN".
        mean, error, z = (float(errors[key + away + unit]) for key, unit in
                          (("mean", "_ulp"), ("stderr", "_ulp"), ("z", "")))
        if count < FEWEST or math.isnan(z):
            raise AssertionError(f"{count} errors in {a.bits.shape}: too few to tell a bias; "
                                 f"expected at least {FEWEST}, over two rows or features")
        if abs(z) >= threshold:
            raise AssertionError(
                f"biased by {sign}: mean {mean:+.4f} ulp (standard error {error:.4f}, z {z:+.1f}, "
                f"{count} elements)\n{summary['verdict']['text']}")
