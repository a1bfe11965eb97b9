"""Arrays of any library as memory that the compiled module reads, and back; nothing is copied
unless an array has gaps or foreign byte order."""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import Any, NamedTuple

import numpy as np

from . import _core
from .errors import InputError

ml_dtypes: Any = None
with contextlib.suppress(ImportError):
    ml_dtypes = importlib.import_module("ml_dtypes")

# What numpy, ml_dtypes, torch and JAX call a dtype, and the format's name here.
FORMATS = {
    "float16": "fp16",
    "float32": "fp32",
    "float64": "fp64",
    "bfloat16": "bf16",
    "float8_e4m3fn": "e4m3fn",
    "float8_e5m2": "e5m2",
    "float8_e4m3": "e4m3",
    "float8_e3m4": "e3m4",
    "float8_e4m3fnuz": "e4m3fnuz",
    "float8_e5m2fnuz": "e5m2fnuz",
    "float8_e4m3b11fnuz": "e4m3b11fnuz",
    "float8_e8m0fnu": "e8m0fnu",
    "float6_e2m3fn": "e2m3fn",
    "float6_e3m2fn": "e3m2fn",
    "float4_e2m1fn": "e2m1fn",
}
DTYPES = {format: dtype for dtype, format in FORMATS.items()}

# Integers, perhaps the bits of a format: their names in include/ulpscope/tensor/element.hpp.
INTEGERS = {
    **{f"uint{bits}": f"u{bits}" for bits in (8, 16, 32, 64)},
    **{f"int{bits}": f"i{bits}" for bits in (8, 16, 32, 64)},
    "bool": "boolean",
}
# Formats that are elements of files; codes of the others travel as integers.
ELEMENTS = {"bf16", "fp16", "fp32", "fp64", "e4m3fn", "e5m2", "e4m3fnuz", "e5m2fnuz", "e8m0fnu"}

# DLPack's type codes (version 1.1, DLDataTypeCode).
_DLPACK = {0: "int", 1: "uint", 2: "float", 4: "bfloat", 6: "bool"}
_DLPACK_SMALL = {
    7: "float8_e3m4",
    8: "float8_e4m3",
    9: "float8_e4m3b11fnuz",
    10: "float8_e4m3fn",
    11: "float8_e4m3fnuz",
    12: "float8_e5m2",
    13: "float8_e5m2fnuz",
    14: "float8_e8m0fnu",
    15: "float6_e2m3fn",
    16: "float6_e3m2fn",
    17: "float4_e2m1fn",
}


class Seen(NamedTuple):
    """An array as its bits: unsigned integers without gaps, and the name of what they are."""

    bits: np.ndarray
    dtype: str

    @property
    def format(self) -> str | None:
        return FORMATS.get(self.dtype)

    @property
    def element(self) -> str:
        if self.format in ELEMENTS:
            return self.format
        return INTEGERS.get(self.dtype) or f"u{8 * self.bits.itemsize}"


def seen(array: Any, name: str = "array") -> Seen:
    """Any array on the CPU; sequences and numbers as numpy reads them."""
    if not isinstance(array, (np.ndarray, np.generic)) and hasattr(array, "__dlpack__"):
        return _exported(array, name)
    return _of_numpy(np.asarray(array), name)


def _of_numpy(array: np.ndarray, name: str) -> Seen:
    dtype = array.dtype.name
    if dtype not in FORMATS and dtype not in INTEGERS:
        raise InputError(f"{name}: dtype {dtype}; expected floating-point numbers, or integers")
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("="))
    return Seen(_without_gaps(array).view(f"u{array.itemsize}"), dtype)


def _exported(array: Any, name: str) -> Seen:
    if hasattr(array, "detach"):  # torch exports no tensor that asks for gradients
        array = array.detach()
    device = array.__dlpack_device__() if hasattr(array, "__dlpack_device__") else (1, 0)
    if device[0] != 1:
        raise InputError(f"{name}: lies on device {tuple(map(int, device))}; expected the CPU")
    try:
        code, bits, view = _core.viewed(array)
    except (BufferError, RuntimeError, TypeError):
        return _not_exported(array, name)
    dtype = _DLPACK_SMALL.get(code) or f"{_DLPACK.get(code, '?')}{bits}"
    dtype = "bool" if dtype == "bool8" else dtype
    if dtype not in FORMATS and dtype not in INTEGERS:
        raise InputError(f"{name}: DLPack type {code} of {bits} bits; expected numbers")
    return Seen(_without_gaps(view), dtype)


def _not_exported(array: Any, name: str) -> Seen:
    """Types that their library has, but does not hand out: torch's 8-bit formats, for one."""
    dtype = str(array.dtype).removeprefix("torch.")
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor) and array.itemsize == 1:
        return Seen(_without_gaps(array.view(torch.uint8).numpy()), dtype)
    return _of_numpy(np.asarray(array), name)


def _without_gaps(array: np.ndarray) -> np.ndarray:
    return array if array.flags.c_contiguous else array.copy(order="C")


def dtype_of(format: str, bits: int) -> np.dtype:
    """numpy's or ml_dtypes' dtype of a format, else unsigned integers that hold its codes."""
    name = DTYPES.get(format)
    if name in ("float16", "float32", "float64"):
        return np.dtype(name)
    if name is not None and hasattr(ml_dtypes, name):
        return np.dtype(getattr(ml_dtypes, name))
    return np.dtype(f"u{next(size for size in (1, 2, 4, 8) if 8 * size >= bits)}")


_DTYPE_OF_INTEGER = {element: np.dtype(dtype) for dtype, element in INTEGERS.items()}


def handed_over(quadruples: list) -> dict[str, np.ndarray]:
    """Tensors of the compiled module by their names; they keep its memory."""
    arrays = {}
    for name, element, shape, data in quadruples:
        dtype = _DTYPE_OF_INTEGER.get(element)
        if dtype is None:
            dtype = dtype_of(element, _core.format(element)["bits"])
        arrays[name] = data.view(dtype).reshape(shape)
    return arrays
