"""Number formats: the catalogue and everything that has a spelling, such as e5m7 or binary8p3se.

>>> from ulpscope import format
>>> e4m3 = format("e4m3fn")
>>> e4m3.bits, e4m3.largest, e4m3.infinity
(8, 448.0, False)
>>> format("bfloat16").name
'bf16'

Source of every row: ``ulpscope formats --json`` and include/ulpscope/format/catalogue.hpp.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from . import _arrays, _core


@dataclass(frozen=True)
class Format:
    """A floating-point format. Values are exact Python floats where binary64 holds them."""

    name: str
    bits: int
    sign: bool
    exponent_bits: int
    trailing_bits: int
    bias: int
    specials: str
    largest: float
    smallest_normal: float
    smallest: float
    infinity: bool
    nan: bool
    aliases: tuple[str, ...] = field(default=(), compare=False)
    source: str = field(default="", compare=False)

    @property
    def dtype(self) -> np.dtype:
        """The dtype of arrays of this format: numpy's own or ml_dtypes', else unsigned integers."""
        return _arrays.dtype_of(self.name, self.bits)

    def __str__(self) -> str:
        return self.name


def _rows() -> dict[str, tuple[tuple[str, ...], str]]:
    return {name: (tuple(aliases.split()), source) for name, aliases, source in _core.catalogue()}


def format(name: str | Format) -> Format:
    """The format of a name, an alias or a spelling.

    Raises UsageError, which lists what there is, for anything else.

    >>> format("e5m7").bias
    15
    """
    if isinstance(name, Format):
        return name
    facts = _core.format(name)
    aliases, source = _rows().get(facts["name"], ((), ""))
    return Format(**facts, aliases=aliases, source=source)


def formats() -> list[Format]:
    """The catalogue, in its order.

    >>> [f.name for f in formats()][:5]
    ['bf16', 'fp16', 'tf32', 'fp32', 'fp64']
    """
    return [format(name) for name in _rows()]


def modes() -> dict[str, str]:
    """Rounding modes and their meaning; ``sr<N>`` (stochastic) and policy tokens come on top.

    >>> modes()["rz"]
    'toward zero (truncation)'
    """
    return dict(_core.modes())
