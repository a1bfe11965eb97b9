"""ulpscope: which bits an attention kernel produces, where it rounds, and by how much.

>>> import ulpscope
>>> ulpscope.format("bf16").largest
3.3895313892515355e+38

docs/python.md is the guide; every function says what it takes, returns and raises.
"""

from ._core import version as __version__
from .errors import Error, InputError, ResourceError, UsageError
from .formats import Format, format, formats, modes
from .rounding import round, values
from .runs import (
    Run,
    Summary,
    attention,
    attribute,
    compare,
    gemm,
    identify,
    monitors,
    quantize,
    report,
)
from .testing import assert_bits_equal, assert_unbiased

__all__ = [
    "Error",
    "Format",
    "InputError",
    "ResourceError",
    "Run",
    "Summary",
    "UsageError",
    "assert_bits_equal",
    "assert_unbiased",
    "attention",
    "attribute",
    "compare",
    "format",
    "formats",
    "gemm",
    "identify",
    "modes",
    "monitors",
    "quantize",
    "report",
    "round",
    "values",
]
