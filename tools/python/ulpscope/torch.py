"""Records what passes through a model's attention: dumps that `ulpscope attention` takes as they are.

    with ulpscope.torch.record("dump", layers=[0, 11], keep=3, on_nonfinite=True) as recorder:
        for batch in batches:
            loss = model(batch).loss
            loss.backward()
            recorder.step(loss)

Every call of torch.nn.functional.scaled_dot_product_attention inside the block is seen, whoever makes
it: Hugging Face models need no change. Calls of a step are numbered from 0 in the order in which they
are made; a model that attends once a layer has its layers' numbers. Of each chosen call are kept q, k,
v, the output o, the log-sum-exp where the flash kernel ran, and, once the backward pass went through it,
do, dq, dk, dv. Gradients of q, k and v are those of this call alone, even where a tensor is used twice.

Files are DIR/step-S/call-C.safetensors with a description in their metadata: layout, causal, scale,
launch, kernel, backend, dtype, device, seed, versions. `ulpscope attention FILE` reads layout, causal,
scale and launch from it. With `heads` only those query heads are kept, with the key heads that they
share; the launch is still that of the whole call, since kernels divide work by it.

Nothing is done outside the block, and inside it nothing but a comparison for calls that are not chosen.
Limits: what torch.compile traces is not seen, calls with dropout or a mask tensor are noted in DIR/calls.json
and not kept, and packages that bring their own kernels (flash_attn, xformers) do not pass here.
"""

from __future__ import annotations

import collections
import json
import math
import os
import shutil
import statistics
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch.overrides import TorchFunctionMode

# PyTorch's number of the kernel that it chose, its name, and the row that models it on a GPU.
BACKENDS = {0: ("math", ""), 1: ("flash", "fa2-torch"), 2: ("efficient", "memeff-torch"),
            3: ("cudnn", "cudnn-9.19")}
FORMATS = {torch.bfloat16: "bf16", torch.float16: "fp16", torch.float32: "fp32"}


class _Call:
    """One call: tensors by name as they become known, and what describes them."""

    def __init__(self, number, facts):
        self.number, self.facts, self.tensors = number, facts, {}

    def keep(self, name, tensor, heads):
        if heads is not None:
            tensor = tensor[:, heads]
        self.tensors[name] = tensor.detach().to("cpu", copy=True).contiguous()

    def is_finite(self):
        return all(bool(torch.isfinite(tensor).all()) for tensor in self.tensors.values())

    def write(self, folder):
        path = folder / f"call-{self.number:03d}.safetensors"
        part = path.with_suffix(".part")
        save_file(self.tensors, part, metadata=self.facts)
        os.replace(part, path)


class record(TorchFunctionMode):
    """Parameters:

    folder: where to write; made if it is not there, and must be empty.
    layers: numbers of the calls of a step to keep, or all.
    heads: query heads to keep, or all. Of a group that shares a key head, all or none.
    steps: numbers of the steps to keep, or all.
    keep: only the last `keep` steps are kept, in memory until the block ends or a trigger freezes
        them. 0: every step is written when it ends.
    on_nonfinite: freeze at the first step in which a kept tensor is infinite or NaN.
    on_spike: freeze at the first step whose loss, given to step(), is above this many times the median
        of those before it, or not a number.

    Once frozen, nothing more is kept; `frozen` says why.
    """

    def __init__(self, folder, layers=None, heads=None, steps=None, keep=0, on_nonfinite=False,
                 on_spike=None):
        super().__init__()
        self.folder = Path(folder)
        self.layers = None if layers is None else frozenset(layers)
        self.heads = None if heads is None else sorted(heads)
        self.steps = None if steps is None else frozenset(steps)
        self.on_nonfinite, self.on_spike = on_nonfinite, on_spike
        self.frozen = None
        self._ring = collections.deque(maxlen=keep or None)
        self._writes_at_once = keep == 0
        self._number, self._calls, self._next_call = 0, [], 0
        self._losses, self._left_out = [], []

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        if any(self.folder.iterdir()):
            raise FileExistsError(f"{self.folder}: not empty; a recording is never written over another")
        return super().__enter__()

    def __exit__(self, kind, error, traceback):
        super().__exit__(kind, error, traceback)
        if self._calls:
            self._end_step()
        self._write_ring()
        if self._left_out:
            (self.folder / "calls.json").write_text(json.dumps({"left_out": self._left_out}, indent=1))

    def step(self, loss=None):
        """The end of a step, after its backward pass. Returns whether the recording is frozen."""
        value = None if loss is None else float(loss.detach() if isinstance(loss, torch.Tensor) else loss)
        self._end_step()
        if value is not None and self.frozen is None:
            self._watch(value)
        return self.frozen is not None

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        keywords = keywords or {}
        if function is not F.scaled_dot_product_attention or self.frozen is not None:
            return function(*arguments, **keywords)
        number, self._next_call = self._next_call, self._next_call + 1
        if self.layers is not None and number not in self.layers:
            return function(*arguments, **keywords)
        if self.steps is not None and self._number not in self.steps:
            return function(*arguments, **keywords)
        return self._recorded(number, *arguments, **keywords)

    def _recorded(self, number, query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False,
                  scale=None, enable_gqa=False):
        plain = dict(attn_mask=attn_mask, dropout_p=dropout_p, is_causal=is_causal, scale=scale,
                     enable_gqa=enable_gqa)
        reason = _reason_to_leave_out(query, key, attn_mask, dropout_p)
        if reason:
            self._left_out.append(dict(step=self._number, call=number, reason=reason))
            return F.scaled_dot_product_attention(query, key, value, **plain)
        # Views of their own, so that a gradient is that of this call alone.
        query, key, value = (x.view_as(x) for x in (query, key, value))
        output = F.scaled_dot_product_attention(query, key, value, **plain)
        backend = torch._fused_sdp_choice(query, key, value, **plain)
        call = _Call(number, _facts(query, key, backend, is_causal, scale, self._number, number))
        of_q, of_k = self._chosen_heads(query, key)
        self._keep(call, dict(q=(query, of_q), k=(key, of_k), v=(value, of_k), o=(output, of_q)))
        if query.is_cuda and call.facts["backend"] == "flash":
            with torch.no_grad():
                _, lse, *_ = torch.ops.aten._scaled_dot_product_flash_attention(
                    query, key, value, 0.0, is_causal, scale=scale)
            call.keep("lse", lse, of_q)
        self._calls.append(call)
        return output

    def _keep(self, call, tensors):
        for name, (tensor, heads) in tensors.items():
            call.keep(name, tensor, heads)
            if tensor.requires_grad:
                tensor.register_hook(
                    lambda gradient, name=name, heads=heads: call.keep("d" + name, gradient, heads))

    def _chosen_heads(self, query, key):
        if self.heads is None:
            return None, None
        shared = query.shape[1] // key.shape[1]
        groups = sorted({head // shared for head in self.heads})
        whole = [group * shared + i for group in groups for i in range(shared)]
        if whole != self.heads or whole[-1] >= query.shape[1]:
            raise ValueError(f"heads {self.heads}: expected whole groups of {shared} query heads that "
                             f"share a key head, below {query.shape[1]}; for instance {whole}")
        return whole, groups

    def _end_step(self):
        calls, self._calls, self._next_call = self._calls, [], 0
        number, self._number = self._number, self._number + 1
        if self.frozen is not None or not calls:
            return
        self._ring.append((number, calls))
        if self.on_nonfinite and not all(call.is_finite() for call in calls):
            self._freeze(f"step {number}: a tensor that is not finite")
        elif self._writes_at_once:
            self._write_ring()

    def _watch(self, loss):
        if self.on_spike is not None:
            if not math.isfinite(loss):
                self._freeze(f"step {self._number - 1}: loss {loss}")
            elif self._losses and loss > self.on_spike * statistics.median(self._losses):
                self._freeze(f"step {self._number - 1}: loss {loss:g}, median before it "
                             f"{statistics.median(self._losses):g}")
        self._losses.append(loss)

    def _freeze(self, reason):
        self.frozen = reason
        self._write_ring()

    def _write_ring(self):
        while self._ring:
            number, calls = self._ring.popleft()
            folder = self.folder / f"step-{number:05d}"
            part = folder.with_suffix(".part")
            part.mkdir()
            try:
                for call in calls:
                    call.write(part)
            except BaseException:
                shutil.rmtree(part)
                raise
            os.replace(part, folder)


def _reason_to_leave_out(query, key, mask, dropout):
    if mask is not None:
        return "a mask tensor"
    if dropout > 0:
        return f"dropout {dropout}"
    if query.dim() != 4:
        return f"{query.dim()} dimensions; expected (batch, heads, seq, dim)"
    if query.dtype not in FORMATS:
        return f"dtype {query.dtype}"
    if query.shape[1] % key.shape[1] != 0:
        return f"{query.shape[1]} query heads and {key.shape[1]} key heads"
    return None


def _facts(query, key, backend, causal, scale, step, call):
    name, kernel = BACKENDS.get(backend, (f"number {backend}", ""))
    facts = dict(layout="bhsd", causal="true" if causal else "false",
                 launch=f"{query.shape[0]},{query.shape[1]}", backend=name, dtype=str(query.dtype),
                 device=torch.cuda.get_device_name(query.device) if query.is_cuda else "cpu",
                 torch=torch.__version__, seed=str(torch.initial_seed()), step=str(step),
                 call=str(call))
    if kernel and query.is_cuda:
        facts["kernel"] = kernel
    if scale is not None:
        facts["scale"] = repr(float(scale))
    return facts
