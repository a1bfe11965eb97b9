"""Rounding arrays: to any format, in any mode, bit for bit what ``ulpscope round`` says.

>>> import numpy as np, ulpscope
>>> x = np.array([1.0, 500.0, -0.3], dtype=np.float32)
>>> codes = ulpscope.round(x, "e4m3fn", mode="rz:sat", raw=True)
>>> [hex(code) for code in codes]
['0x38', '0x7e', '0xa9']
>>> ulpscope.values(codes, "e4m3fn").tolist()
[1.0, 448.0, -0.28125]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _arrays, _core
from .errors import InputError, UsageError
from .formats import Format, format as format_named


def _format_of(seen: _arrays.Seen, given: str | Format | None, name: str) -> str:
    """The format of an array's elements: its dtype's, or for integers the one that is given."""
    if seen.format is not None:
        if given is not None and format_named(given).name != seen.format:
            raise UsageError(f"{name}: is {seen.format}, format says {format_named(given).name}")
        return seen.format
    if given is None or not seen.dtype.startswith("uint"):
        raise UsageError(f"{name}: is {seen.dtype}, which says nothing of the format: expected "
                         "unsigned integers and format=")
    wanted = format_named(given)
    if wanted.bits > 8 * seen.bits.itemsize:
        raise UsageError(f"{name}: is {seen.dtype}; {wanted.name} has {wanted.bits} bits")
    return wanted.name


def _numbers(x: Any, format: str | Format | None) -> _arrays.Seen:
    """The array; Python's numbers and lists of them as binary64."""
    if isinstance(x, (int, float, list, tuple)) and format is None:
        x = np.asarray(x, dtype=np.float64)
    return _arrays.seen(x, "x")


def round(
    x: Any,
    to: str | Format,
    mode: str = "rne",
    *,
    format: str | Format | None = None,
    seed: int = 0,
    raw: bool = False,
    errors: bool = False,
) -> Any:
    """Round every element of ``x`` to the format ``to``.

    ``x``: numbers of any shape: an array of numpy, ml_dtypes, torch or JAX on the CPU, or unsigned
    integers with ``format``. ``mode``: as on the command line, MODE[:TOKEN]..., where tokens say
    what overflow, NaN and subnormals do (``rne:sat``, ``rz:ftz``, ``sr8``). ``seed``: of stochastic
    modes; element i draws as element i.

    Returns an array of the same shape: numpy's or ml_dtypes' dtype of the format where there is
    one, its codes as unsigned integers otherwise or if ``raw``. With ``errors`` a pair: and the
    signed errors, rounded - exact, in ulps of the result as float64, NaN where nothing was rounded.

    Raises UsageError for names that are not known.

    >>> round(2.40625, "bf16", errors=True, raw=True)
    (array(16410, dtype=uint16), array(0.))
    """
    seen = _numbers(x, format)
    wanted = format_named(to)
    dtype = wanted.dtype
    codes = np.empty(seen.bits.shape, dtype=f"u{dtype.itemsize}")
    ulps = np.empty(seen.bits.shape) if errors else None
    _core.round(seen.bits, _format_of(seen, format, "x"), wanted.name, mode, seed, codes, ulps)
    rounded = codes if raw else codes.view(dtype)
    return (rounded, ulps) if errors else rounded


def values(codes: Any, format: str | Format | None = None) -> np.ndarray:
    """The values of an array's elements as float64, exact for formats that binary64 holds.

    ``codes``: unsigned integers with ``format``, or an array whose dtype names its format.
    Codes beyond the format's width are an InputError.

    >>> values(np.array([0x3F80, 0xC097], dtype=np.uint16), "bf16")
    array([ 1.     , -4.71875])
    """
    seen = _arrays.seen(codes, "codes")
    name = _format_of(seen, format, "codes")
    bits = format_named(name).bits
    if seen.bits.size and int(seen.bits.max()) >> bits != 0:
        raise InputError(f"codes: {int(seen.bits.max()):#x}; {name} has {bits} bits")
    numbers = np.empty(seen.bits.shape)
    _core.values(seen.bits, name, numbers)
    return numbers
