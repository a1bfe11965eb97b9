"""The jobs of the command line on arrays or files: same options, same bytes, same messages.

An operand is an array on the CPU (numpy, ml_dtypes, torch, JAX, or unsigned integers with
``format``) or a name, FILE or FILE:TENSOR. Calls release the interpreter's lock, answer Ctrl-C, and
call ``progress(done, all)``, if given, some twenty times a second at most.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from . import _arrays, _core
from .errors import InputError, UsageError

_ARRAYS = "<arrays>"  # the name that stands for the arrays of a call in messages and summaries

# Options of every job on an attention problem, as `ulpscope attention --help` explains them.
PROBLEM_OPTIONS = (
    "format", "layout", "cast", "map", "causal", "window", "scale", "softcap", "descale", "launch",
    "sms", "parts", "backward", "unordered", "threads", "kernel",
)


class Summary(dict):
    """A summary as the command line's ``--json`` prints it; ``json`` is that text, byte for byte."""

    def __init__(self, text: str):
        super().__init__(json.loads(text))
        self.json = text


@dataclass(repr=False)
class Run:
    """What a job computed: ``outputs`` and ``errors`` (signed, in ulps, float32) by name, and the
    ``summary``. Outputs are attributes too: ``run.o``, ``run.lse``, ``run.dq``."""

    summary: Summary
    outputs: dict[str, np.ndarray] = field(default_factory=dict)
    errors: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def json(self) -> str:
        return self.summary.json

    def __getattr__(self, name: str) -> np.ndarray:
        try:
            return self.__dict__["outputs"][name]
        except KeyError:
            raise AttributeError(f"this run has no output {name!r}") from None

    def __repr__(self) -> str:
        outputs = (f"{name} {a.shape} {a.dtype}" for name, a in self.outputs.items())
        return f"<ulpscope.Run: {', '.join(outputs)}>"


class _Call:
    """The keyword arguments of a call, sorted into options and arrays for the compiled module."""

    def __init__(self, name: str, options: Mapping[str, Any]):
        self.name = name
        self.words = {key: value for key, value in options.items() if value is not None}
        self.arrays: list[tuple[str, str, np.ndarray]] = []
        self.shown: list[str] = []

    def operand(self, role: str, value: Any) -> str | None:
        """The name by which the library opens an operand."""
        if value is None:
            return None
        if isinstance(value, (str, os.PathLike)):
            self.shown.append(f"{role}={os.fspath(value)!r}")
            return os.fspath(value)
        seen = _arrays.seen(value, role)
        if seen.format is not None and seen.format not in _arrays.ELEMENTS:
            self.words.setdefault("format", seen.format)
        self.arrays.append((role, seen.element, seen.bits))
        self.shown.append(f"{role}=<array>")
        return f"{_ARRAYS}:{role}"

    def operands(self, key: str, given: Mapping[str, Any]) -> None:
        files = {role: self.operand(role, value) for role, value in given.items()}
        self.words[key] = {role: file for role, file in files.items() if file is not None}

    def command(self) -> str:
        """The call as a reader would write it again; what changes no result is left out."""
        left_out = ("files", "output_files", "input", "outputs", "a", "b", "out", "threads",
                    "mem_limit", "alibi", "compare")
        words = [f"{k}={v!r}" for k, v in self.words.items() if k not in left_out]
        return f"ulpscope.{self.name}({', '.join(self.shown + words)})"

    def run(self, progress: Callable[[int, int], None] | None, command: str | None) -> Any:
        self.words["command"] = self.command() if command is None else command
        return getattr(_core, self.name)(self.words, self.arrays, progress)


def _texts(value: Any, separator: str = "=") -> list[str] | None:
    """A mapping, a text or texts as SITE=FORMAT texts."""
    if value is None:
        return None
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [f"{key}{separator}{item}" for key, item in value.items()]
    return list(value)


def _problem(name: str, input: Any, roles: Mapping[str, Any], options: dict[str, Any]) -> _Call:
    for option in options:
        if option not in _OPTIONS_OF[name]:
            raise TypeError(f"{name}() got an unexpected keyword argument {option!r}; "
                            f"expected {', '.join(_OPTIONS_OF[name])}")
    call = _Call(name, options)
    if "set" in call.words:
        call.words["set"] = _texts(call.words["set"])
    if "offset" in call.words:
        call.words["offset"] = str(call.words["offset"])
    if "alibi" in call.words and call.words["alibi"] != "default":
        call.words["alibi"] = call.operand("alibi", call.words["alibi"])
    if input is not None:
        call.words["input"] = os.fspath(input)
        call.shown.append(repr(os.fspath(input)))
    elif any(roles.get(role) is None for role in "qkv"):
        raise UsageError("expected input, or all of q, k and v")
    call.operands("files", roles)
    return call


def _finish(call: _Call, result: Any) -> Run:
    text, outputs, errors = result
    return Run(Summary(text), _arrays.handed_over(outputs), _arrays.handed_over(errors))


def attention(
    input: str | os.PathLike | None = None,
    *,
    q: Any = None,
    k: Any = None,
    v: Any = None,
    do: Any = None,
    bias: Any = None,
    out: str | os.PathLike | None = None,
    progress: Callable[[int, int], None] | None = None,
    command: str | None = None,
    **options: Any,
) -> Run:
    """An attention kernel, bit for bit: O and LSE, and with ``do`` delta, dQ, dK and dV.

    ``input``: a file or folder with q, k, v, or the operands one by one: (seq, dim), (head, seq,
    dim), or four axes with ``layout`` ("bhsd", "bshd", "sbhd"). Options, as those of the command
    line: ``kernel`` ("fa2-torch@h200"), ``causal``, ``window`` (left, right), ``scale``,
    ``softcap``, ``alibi``, ``descale``, ``launch`` (batch, heads), ``set`` ({"output_store":
    "fp32"}), ``log`` ("full", "statistics", "none"), ``tile``, ``stable``, ``offset``, ``seed``,
    ``format``, ``layout``, ``cast``, ``map``, ``backward``, ``unordered``, ``sms``, ``parts``,
    ``threads``, ``mem_limit``. ``out``: a folder for the files that the command line writes.
    ``command``: what summary and report show as the command.

    Returns a Run. Outputs are of the kernel's format in the layout of q (dq), k (dk) and v (dv),
    lse and delta without the last axis, float32; errors (``o_ulp``, ...) are signed, against exact
    attention, in ulps of the exact value. Raises UsageError, InputError, ResourceError.

    >>> import numpy as np, ulpscope
    >>> x = np.full((64, 64), 0x3F80, dtype=np.uint16)      # ones, as bits of bf16
    >>> run = ulpscope.attention(q=x, k=x, v=x, format="bf16", causal=True)
    >>> run.lse.shape, float(run.lse[0])
    ((64,), 8.0)
    >>> run.summary["outputs"][0]["mean_ulp"]
    0.0
    """
    call = _problem("attention", input, {"q": q, "k": k, "v": v, "do": do, "bias": bias}, options)
    if out is not None:
        call.words["out"] = os.fspath(out)
    return _finish(call, call.run(progress, command))


def monitors(input: Any = None, *, q: Any = None, k: Any = None, v: Any = None, do: Any = None,
             bias: Any = None, x: Any = None, progress: Any = None, command: str | None = None,
             **options: Any) -> Summary:
    """What the scores of every head hold in store: ``ulpscope monitors``.

    Operands as of ``attention``; ``x``: the tokens that Q was made of. Options: those of the
    problem, and ``tolerance``, ``sinks``, ``compare_window``. Returns the summary: ``["heads"]``
    has a row of figures a head.
    """
    roles = {"q": q, "k": k, "v": v, "do": do, "bias": bias, "x": x}
    call = _problem("monitors", input, roles, options)
    return Summary(call.run(progress, command))


def _add_outputs(call: _Call, outputs: Any) -> None:
    if isinstance(outputs, (str, os.PathLike)):
        call.words["outputs"] = os.fspath(outputs)
    else:
        call.operands("output_files", outputs)


def attribute(input: Any = None, *, q: Any = None, k: Any = None, v: Any = None, do: Any = None,
              bias: Any = None, observed: Any = None, progress: Any = None,
              command: str | None = None, **options: Any) -> Summary:
    """Which rounding of a kernel causes the error of its outputs: ``ulpscope attribute``.

    Operands and options as of ``attention``, with ``set``. With ``observed`` (a file, or a mapping
    of names o, lse, dq, dk, dv to arrays): which step makes the kernel's outputs what was observed.
    """
    call = _problem("attribute", input, {"q": q, "k": k, "v": v, "do": do, "bias": bias}, options)
    if observed is not None:
        call.words["observed"] = True
        _add_outputs(call, observed)
    return Summary(call.run(progress, command))


def identify(input: Any = None, outputs: Any = None, *, q: Any = None, k: Any = None, v: Any = None,
             do: Any = None, bias: Any = None, progress: Any = None, command: str | None = None,
             **options: Any) -> Summary:
    """Which kernel, chip, tile or rounding made these outputs: ``ulpscope identify``.

    ``outputs``: a file, or a mapping of names (o, lse, dq, dk, dv) to arrays. Operands as of
    ``attention``. ``["found"]`` says whether a candidate gives every bit, ``["ranking"]`` lists
    them, best first.
    """
    if outputs is None:
        raise UsageError("expected outputs: a file, or a mapping of o, lse, dq, dk, dv to arrays")
    call = _problem("identify", input, {"q": q, "k": k, "v": v, "do": do, "bias": bias}, options)
    _add_outputs(call, outputs)
    return Summary(call.run(progress, command))


def gemm(a: Any, b: Any, *, kernel: str = "cublas-bf16@h200", format: str | None = None,
         scale_a: float | None = None, scale_b: float | None = None, split_k: int | None = None,
         out_format: str | None = None, chips: Sequence[str] | None = None, compare: Any = None,
         threads: int | None = None, out: str | os.PathLike | None = None, progress: Any = None,
         command: str | None = None) -> Run:
    """D = A.B^T as a library's kernel computes it: ``ulpscope gemm``.

    ``a``: (M, K), ``b``: (N, K), of the kernel's input format. Returns a Run with ``d`` (M, N),
    ``d_CHIP`` for each of ``chips``, and the errors ``d_ulp``.

    >>> import numpy as np, ulpscope
    >>> x = np.full((2, 64), 0x3F80, dtype=np.uint16)
    >>> ulpscope.values(ulpscope.gemm(x, x, format="bf16").d, "bf16")
    array([[64., 64.],
           [64., 64.]])
    """
    call = _Call("gemm", {
        "kernel": kernel, "format": format, "scale_a": scale_a, "scale_b": scale_b,
        "split_k": split_k, "out_format": out_format, "chips": chips, "threads": threads,
        "out": None if out is None else os.fspath(out)})
    call.words.update({"a": call.operand("a", a), "b": call.operand("b", b)})
    if compare is not None:
        call.words["compare"] = call.operand("compare", compare)
    return _finish(call, call.run(progress, command))


def compare(a: Any, b: Any, *, format: str | None = None, layout: str | None = None,
            row_tile: int | None = None, fit: bool = False, out: str | os.PathLike | None = None,
            command: str | None = None) -> Summary:
    """Two tensors: bits, ulps, signed bias of ``a`` against ``b``, and where: ``ulpscope compare``.

    Arrays or names, of one shape. ``["verdict"]["status"]`` is "equal" or "different".

    >>> import numpy as np, ulpscope
    >>> x = np.ones((4, 8), dtype=np.float32)
    >>> ulpscope.compare(x, x)["verdict"]["status"]
    'equal'
    """
    call = _Call("compare", {"format": format, "layout": layout, "row_tile": row_tile,
                             "fit": fit or None, "out": None if out is None else os.fspath(out)})
    call.words.update({"a": call.operand("a", a), "b": call.operand("b", b)})
    return Summary(call.run(None, command))


def quantize(x: Any, scheme: str, *, format: str | None = None, to: str | None = None,
             block: int | None = None, scale_rule: str | None = None, mode: str | None = None,
             out: str | os.PathLike | None = None, command: str | None = None) -> Run:
    """A tensor in a small format with scales: ``ulpscope quantise``.

    ``scheme``: mxfp4, nvfp4, absmax-group, coat, ...; blocks lie along the last axis. Returns a Run
    with ``codes``, ``scales``, ``values`` (float32: what the codes stand for) and what else the
    scheme stores.

    >>> import numpy as np, ulpscope
    >>> run = ulpscope.quantize(np.array([[1.0, 3.0, -6.0, 0.4]], dtype=np.float32), "mxfp4")
    >>> run.values
    array([[ 1. ,  3. , -6. ,  0.5]], dtype=float32)
    """
    call = _Call("quantize", {"scheme": scheme, "format": format, "to": to, "block": block,
                              "scale_rule": scale_rule, "mode": mode,
                              "out": None if out is None else os.fspath(out)})
    call.words["input"] = call.operand("x", x)
    return _finish(call, call.run(None, command))


def report(run: Run | Summary | str | os.PathLike, path: str | os.PathLike | None = None) -> str:
    """A run as text, and as a page: ``ulpscope report``.

    ``run``: a Run, a Summary, or the folder of a run, whose report.html is then drawn anew.
    ``path``: where the page goes instead. Returns the text of at most 120 columns.
    """
    if isinstance(run, (str, os.PathLike)):
        folder = os.fspath(run)
        name = os.path.join(folder, "summary.json")
        try:
            with open(name, encoding="utf-8") as file:
                text = file.read()
        except OSError:
            raise InputError(f"{name}: cannot be read; expected the folder of a run") from None
        path = os.path.join(folder, "report.html") if path is None else path
    else:
        text = run.json
    if path is not None:
        _write(os.fspath(path), _core.report_html(text))
    return _core.report_text(text)


def _write(path: str, text: str) -> None:
    """A file that appears whole or not at all."""
    aside = f"{path}.{os.getpid()}.tmp"
    with open(aside, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(aside, path)


_OPTIONS_OF = {
    "attention": PROBLEM_OPTIONS + ("alibi", "set", "log", "tile", "delta_layout", "stable",
                                    "offset", "seed", "mem_limit"),
    "monitors": PROBLEM_OPTIONS + ("alibi", "tolerance", "sinks", "compare_window"),
    "attribute": PROBLEM_OPTIONS + ("alibi", "set"),
    "identify": PROBLEM_OPTIONS + ("alibi", "ranked", "output_map"),
}
