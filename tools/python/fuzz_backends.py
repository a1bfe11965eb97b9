"""Records checksums of PyTorch's attention backends, forward and backward, over random problems.

    python3 tools/python/fuzz_backends.py OUT     # on a machine with an NVIDIA GPU and PyTorch

Kernels: flash (dense, windows, grouped heads, packed lengths), memory-efficient, cuDNN, and a few
calls of compiled flex_attention. Inputs are a function of (seed, tensor, index) in integers (see
fuzz_fa2.py), so that the emulator's test makes the same bits without storing them. Writes
OUT/fuzz.json: for every case its facts and the CRC-32 of the bits of O, LSE, dQ, dK and dV.
cuDNN's dQ of full attention over more than two blocks of keys has no fixed order: left out.
"""

import json
import random
import sys

import numpy as np
import torch
from fuzz_fa2 import crc, operand

aten = torch.ops.aten


def bits(tensor):
    return crc(tensor, torch.int16)


def sized(rng, kernel):
    dim = 8 * rng.choice([4, 5, 8, 8, 8, 9, 12, 13, 16, 16, 20, 24, 32])
    heads = rng.choice([1, 2, 3])
    seq_q = rng.choice([1, 2, 17, 64, 128, 129, rng.randint(1, 400), rng.randint(1, 400)])
    seq_k = rng.choice([seq_q, seq_q, rng.randint(1, 600), rng.randint(1, 400)])
    causal = rng.random() < 0.5
    facts = dict(kernel=kernel, dtype=rng.choice(["bfloat16", "bfloat16", "float16"]),
                 batch=rng.choice([1, 1, 2]), heads=heads, kv_heads=heads, seq_q=seq_q,
                 seq_k=seq_k, head_dim=dim, causal=causal,
                 scale=rng.choice([None, None, 0.37, 1.0, 0.015625]),
                 larger=rng.choice([1, 1, 1, 8, 40]))
    if kernel == "flash":
        if rng.random() < 0.4:
            facts["heads"] = heads * rng.choice([2, 4])
        if rng.random() < 0.3:
            facts["window"] = [rng.choice([-1, rng.randint(0, 200)]), rng.randint(0, 100)]
            if rng.random() < 0.3:
                facts["window"][1] = -1
                facts["window"][0] = rng.randint(0, 200)
            facts["causal"] = False
    return facts


def tensors(seed, facts):
    q_shape = (facts["batch"], facts["heads"], facts["seq_q"], facts["head_dim"])
    k_shape = (facts["batch"], facts["kv_heads"], facts["seq_k"], facts["head_dim"])
    repeat = lambda x: x.repeat(facts["larger"], 1, 1, 1)
    return [repeat(operand(seed, i, shape, facts["dtype"]))
            for i, shape in enumerate([q_shape, k_shape, k_shape, q_shape])]


def flash(facts, q, k, v, do):
    q, k, v, do = (x.transpose(1, 2).contiguous() for x in (q, k, v, do))
    left, right = facts.get("window", [None, None])
    left = None if left == -1 else left
    right = None if right == -1 else right
    common = dict(scale=facts["scale"], window_size_left=left, window_size_right=right)
    o, lse, rng_state, unused, _ = aten._flash_attention_forward(
        q, k, v, None, None, q.shape[1], k.shape[1], 0.0, facts["causal"], False, **common)
    dq, dk, dv = aten._flash_attention_backward(
        do, q, k, v, o, lse, None, None, q.shape[1], k.shape[1], 0.0, facts["causal"], rng_state,
        unused, **common)
    back = lambda x: x.transpose(1, 2)
    return back(o), lse, back(dq), back(dk), back(dv)


def efficient(facts, q, k, v, do):
    o, lse, seed, offset = aten._scaled_dot_product_efficient_attention(
        q, k, v, None, True, 0.0, facts["causal"], scale=facts["scale"])
    dq, dk, dv, _ = aten._scaled_dot_product_efficient_attention_backward(
        do, q, k, v, None, o, lse, seed, offset, 0.0, [True, True, True, False],
        facts["causal"], scale=facts["scale"])
    return o, lse[..., :q.shape[2]], dq, dk, dv


def cudnn(facts, q, k, v, do):
    o, lse, cum_q, cum_k, max_q, max_k, seed, offset, _ = (
        aten._scaled_dot_product_cudnn_attention(q, k, v, None, True, 0.0, facts["causal"], False,
                                                 scale=facts["scale"]))
    dq, dk, dv = aten._scaled_dot_product_cudnn_attention_backward(
        do, q, k, v, o, lse, seed, offset, None, cum_q, cum_k, max_q, max_k, 0.0,
        facts["causal"], scale=facts["scale"])
    return o, lse.reshape(o.shape[:3]), dq, dk, dv


def flex(facts, q, k, v, do):
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    torch._dynamo.reset()
    mask = None
    left, right = facts.get("window", [-1, 0 if facts["causal"] else -1])
    if (left, right) != (-1, -1):
        def visible(b, h, i, j):
            seen = j <= i + right if right >= 0 else j >= 0
            return seen & (i - j <= left) if left >= 0 else seen
        mask = create_block_mask(visible, None, None, q.shape[2], k.shape[2], device="cuda")
    q, k, v = (x.detach().requires_grad_() for x in (q, k, v))
    o, lse = torch.compile(flex_attention)(q, k, v, block_mask=mask, scale=facts["scale"],
                                           enable_gqa=q.shape[1] != k.shape[1], return_lse=True)
    o.backward(do)
    return o.detach(), lse.detach(), q.grad, k.grad, v.grad


KERNELS = dict(flash=flash, efficient=efficient, cudnn=cudnn, flex=flex)


def record(seed, facts):
    outputs = KERNELS[facts["kernel"]](facts, *tensors(seed, facts))
    b = facts["batch"]
    o, lse, dq, dk, dv = (x[:b] for x in outputs)
    larger = facts.pop("larger")
    ordered = facts["kernel"] != "cudnn" or facts["causal"] or facts["seq_k"] <= 256
    return dict(facts, seed=seed, launch=[b * larger, facts["heads"]], o=bits(o),
                lse=crc(lse, torch.int32), dq=bits(dq) if ordered else None, dk=bits(dk),
                dv=bits(dv))


def packed(seed, rng):
    """Packed lengths: every sequence is seeded like a case of its own, with seed + 1000 i."""
    count, heads = rng.choice([2, 3, 4]), rng.choice([1, 2])
    causal, dim = rng.random() < 0.5, 8 * rng.choice([4, 8, 16])
    lengths = [rng.choice([1, 37, 128, rng.randint(1, 400)]) for _ in range(count)]
    row = lambda s, t, n: operand(s, t, (1, heads, n, dim), "bfloat16")[0].transpose(0, 1)
    pack = lambda t: torch.cat([row(seed + 1000 * i, t, n)
                                for i, n in enumerate(lengths)]).contiguous()
    q, k, v, do = (pack(t) for t in range(4))
    cum = torch.tensor(np.cumsum([0] + lengths), dtype=torch.int32, device="cuda")
    longest = max(lengths)
    o, lse, state, unused, _ = aten._flash_attention_forward(
        q, k, v, cum, cum, longest, longest, 0.0, causal, False)
    dq, dk, dv = aten._flash_attention_backward(do, q, k, v, o, lse, cum, cum, longest, longest,
                                                0.0, causal, state, unused)
    return dict(kernel="flash", dtype="bfloat16", heads=heads, head_dim=dim, causal=causal,
                lengths=lengths, seed=seed, o=bits(o), lse=crc(lse, torch.int32), dq=bits(dq),
                dk=bits(dk), dv=bits(dv))


FLEX = [dict(seq_q=300, seq_k=300, head_dim=64, causal=True),
        dict(seq_q=512, seq_k=512, head_dim=128, causal=True),
        dict(seq_q=512, seq_k=512, head_dim=64, causal=False, window=[100, 0]),
        dict(seq_q=200, seq_k=256, head_dim=64, causal=False, dtype="float16"),
        dict(seq_q=384, seq_k=384, head_dim=64, causal=True, heads=4),
        dict(seq_q=257, seq_k=257, head_dim=128, causal=False)]


def main(out):
    torch.use_deterministic_algorithms(True)
    rng = random.Random(20261123)
    plans = [(kernel, sized(rng, kernel)) for kernel, count in
             [("flash", 150), ("efficient", 80), ("cudnn", 80)] for _ in range(count)]
    cases, failed = [], []

    def attempt(seed, facts, body):
        try:
            cases.append(body())
        except Exception as error:  # noqa: BLE001: a kernel may refuse a shape
            failed.append(dict(seed=seed, facts=facts, error=str(error).splitlines()[0]))

    for seed, (_, facts) in enumerate(plans, 1001):
        attempt(seed, facts, lambda: record(seed, dict(facts)))
    for seed in range(2001, 2021):
        attempt(seed, {}, lambda: packed(seed * 10, rng))
    torch.use_deterministic_algorithms(False)
    for seed, shape in enumerate(FLEX, 3001):
        facts = dict(dict(kernel="flex", dtype="bfloat16", batch=1, heads=2, kv_heads=2,
                          scale=None, larger=1), **shape)
        attempt(seed, facts, lambda: record(seed, dict(facts)))
        write(out, cases, failed)
    write(out, cases, failed)
    print(f"{len(cases)} cases, {len(failed)} refused")
    for one in failed[:12]:
        print(one)


def write(out, cases, failed):
    properties = torch.cuda.get_device_properties(0)
    facts = dict(_recorded=dict(device=properties.name, torch=torch.__version__,
                                cuda=torch.version.cuda, cudnn=torch.backends.cudnn.version()),
                 cases=cases, refused=failed)
    with open(f"{out}/fuzz.json", "w") as file:
        json.dump(facts, file, indent=0)


if __name__ == "__main__":
    main(sys.argv[1])
