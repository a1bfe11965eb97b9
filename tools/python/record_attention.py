"""Records PyTorch's attention backends, forward and backward: random problems, or a dump.

    python3 tools/python/record_attention.py OUT                 # on a machine with an NVIDIA GPU
    python3 tools/python/record_attention.py OUT --seed 7 --flash 300 --flex 0
    python3 tools/python/record_attention.py OUT --dump layer.npz --causal

Random problems: kernels are flash (dense, windows, grouped heads, packed lengths), memory-efficient,
cuDNN, and compiled flex_attention, six problems a process, since after eight shapes a process falls
back to eager code. The seed is the clock's unless it is given. Inputs are a function of (seed,
tensor, index) in integers (fuzz_fa2.py), so that the emulator makes the same bits without storing
them. Writes OUT/fuzz.json: for every case its facts and the CRC-32 of the bits of O, LSE, dQ, dK and
dV. cuDNN's dQ of full attention over more than two blocks of keys has no fixed order: left out.

A dump: q, k, v and, if it is there, do as uint16 bits or float16, (batch, heads, seq, dim). Writes
OUT/cases.json and OUT/dump.npz with the inputs and every backend's tensors.

`ulpscope replay OUT` computes either again and compares the bits.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time

import numpy as np
import torch
from fuzz_fa2 import LAWS, crc, operand

aten = torch.ops.aten
FLEX_IN_A_PROCESS = 6


def bits(tensor):
    return crc(tensor, torch.int16)


def sized(rng, kernel):
    dim = 8 * rng.choice([4, 5, 8, 8, 8, 9, 12, 13, 16, 16, 20, 24, 32])
    heads = rng.choice([1, 2, 3])
    seq_q = rng.choice([1, 2, 17, 64, 128, 129, rng.randint(1, 400), rng.randint(1, 400)])
    seq_k = rng.choice([seq_q, seq_q, rng.randint(1, 600), rng.randint(1, 400)])
    facts = dict(kernel=kernel, dtype=rng.choice(["bfloat16", "bfloat16", "float16"]),
                 batch=rng.choice([1, 1, 2]), heads=heads, kv_heads=heads, seq_q=seq_q,
                 seq_k=seq_k, head_dim=dim, causal=rng.random() < 0.5,
                 scale=rng.choice([None, None, 0.37, 1.0, 0.015625]),
                 larger=rng.choice([1, 1, 1, 8, 40]), law=rng.choice(sorted(LAWS)))
    if kernel == "flash":
        if rng.random() < 0.4:
            facts["heads"] = heads * rng.choice([2, 4])
        if rng.random() < 0.3:
            facts["window"] = [rng.choice([-1, rng.randint(0, 200)]), rng.randint(0, 100)]
            if rng.random() < 0.3:
                facts["window"] = [rng.randint(0, 200), -1]
            facts["causal"] = False
    if kernel == "cudnn" and seq_q == seq_k == 1:  # not taken
        facts["seq_k"] = 2
    return facts


def sized_flex(rng):
    """Shapes that flex_attention compiles to its main kernel: shorter rows take another."""
    seq = rng.choice([257, 300, 384, 512, rng.randint(130, 600)])
    facts = dict(kernel="flex", dtype=rng.choice(["bfloat16", "float16"]), batch=1,
                 heads=rng.choice([2, 4]), kv_heads=2, seq_q=seq, seq_k=seq,
                 head_dim=rng.choice([64, 128]), causal=rng.random() < 0.5, scale=None, larger=1,
                 law=rng.choice(sorted(LAWS)))
    if rng.random() < 0.3:
        facts.update(causal=False, window=[rng.randint(20, 200), 0])
    return facts


def inputs(seed, facts):
    q_shape = (facts["batch"], facts["heads"], facts["seq_q"], facts["head_dim"])
    k_shape = (facts["batch"], facts["kv_heads"], facts["seq_k"], facts["head_dim"])
    repeat = lambda x: x.repeat(facts["larger"], 1, 1, 1)
    return [repeat(operand(seed, i, shape, facts["dtype"], facts["law"]))
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
    outputs = KERNELS[facts["kernel"]](facts, *inputs(seed, facts))
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


def drawn(arguments):
    """What is asked for: (seed, facts) of every dense problem, and of flex by themselves."""
    rng = random.Random(arguments.seed)
    seeds = iter(rng.sample(range(1, 1 << 21), 100_000))
    dense = [(next(seeds), sized(rng, kernel)) for kernel in ("flash", "efficient", "cudnn")
             for _ in range(getattr(arguments, kernel))]
    flex = [(next(seeds), sized_flex(rng)) for _ in range(arguments.flex)]
    return dense, flex, [next(seeds) for _ in range(arguments.packed)], rng


class Cases:
    """What was recorded, and what a kernel refused."""

    def __init__(self, seed):
        self.seed, self.cases, self.refused = seed, [], []

    def attempt(self, seed, facts, body):
        try:
            self.cases.append(body())
        except Exception as error:  # noqa: BLE001: a kernel may refuse a shape
            self.refused.append(dict(seed=seed, facts=facts, error=str(error).splitlines()[0]))

    def write(self, path):
        write_json(path, dict(_recorded=machine(), drawn_from=self.seed, cases=self.cases,
                              refused=self.refused))


def machine():
    properties = torch.cuda.get_device_properties(0)
    return dict(device=properties.name, torch=torch.__version__, cuda=torch.version.cuda,
                cudnn=torch.backends.cudnn.version(), date=time.strftime("%Y-%m-%d", time.gmtime()))


def write_json(path, value):
    with open(path + ".part", "w") as file:
        json.dump(value, file, indent=0)
    os.replace(path + ".part", path)


def record_random(arguments):
    torch.use_deterministic_algorithms(True)
    dense, flex, packed_seeds, rng = drawn(arguments)
    found = Cases(arguments.seed)
    for seed, facts in dense:
        found.attempt(seed, facts, lambda: record(seed, dict(facts)))
    for seed in packed_seeds:
        found.attempt(seed, {}, lambda: packed(seed, rng))
    for first in range(0, len(flex), FLEX_IN_A_PROCESS):
        part = os.path.join(arguments.out, f"flex-{first}.json")
        wanted = json.dumps(flex[first:first + FLEX_IN_A_PROCESS])
        subprocess.run([sys.executable, __file__, arguments.out, "--flex-part", part],
                       input=wanted, text=True, check=True)
        with open(part) as file:
            more = json.load(file)
        os.remove(part)
        found.cases += more["cases"]
        found.refused += more["refused"]
    found.write(os.path.join(arguments.out, "fuzz.json"))
    print(f"{len(found.cases)} cases, {len(found.refused)} refused, drawn from {arguments.seed}")
    for one in found.refused[:12]:
        print(one)


def record_flex(arguments):
    found = Cases(arguments.seed)
    for seed, facts in json.load(sys.stdin):
        found.attempt(seed, facts, lambda: record(seed, dict(facts)))
    found.write(arguments.flex_part)


def dumped(path, dtype):
    """The tensors of an .npz: bits of 16-bit formats, or float16."""
    arrays = np.load(path)
    tensor = lambda x: torch.from_numpy(x.view(np.int16).copy()).view(dtype).to("cuda")
    return [tensor(arrays[name]) if name in arrays else None for name in ("q", "k", "v", "do")]


def record_dump(arguments):
    torch.use_deterministic_algorithms(True)
    dtype = getattr(torch, arguments.dtype)
    q, k, v, do = dumped(arguments.dump, dtype)
    backward = do is not None
    do = do if backward else torch.zeros_like(q)
    facts = dict(dtype=arguments.dtype, batch=q.shape[0], heads=q.shape[1], kv_heads=k.shape[1],
                 seq_q=q.shape[2], seq_k=k.shape[2], head_dim=q.shape[3], causal=arguments.causal,
                 scale=arguments.scale, launch=[q.shape[0], q.shape[1]], inputs="dump", left_out={})
    stored = lambda x: x.detach().contiguous().view(torch.int16).cpu().numpy().view(np.uint16)
    arrays = dict(q=stored(q), k=stored(k), v=stored(v), **(dict(do=stored(do)) if backward else {}))
    for prefix, kernel in (("fa_", flash), ("eff_", efficient), ("cudnn_", cudnn), ("flex_", flex)):
        torch.use_deterministic_algorithms(kernel is not flex)
        try:
            o, lse, *gradients = kernel(facts, q, k, v, do)
        except Exception as error:  # noqa: BLE001: a kernel may refuse a shape
            facts["left_out"][prefix] = str(error).splitlines()[0]
            continue
        arrays[prefix + "o"] = stored(o)
        arrays[prefix + "lse"] = lse.detach().contiguous().cpu().numpy()
        for name, gradient in zip(("dq", "dk", "dv"), gradients if backward else []):
            arrays[prefix + name] = stored(gradient)
    np.savez_compressed(os.path.join(arguments.out, "dump.npz"), **arrays)
    facts["tensors"] = sorted(arrays)
    write_json(os.path.join(arguments.out, "cases.json"), dict(_recorded=machine(), dump=facts))
    print(f"{len(arrays)} tensors; left out: {facts['left_out'] or 'nothing'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", help="folder to write to")
    parser.add_argument("--seed", type=int, default=time.time_ns() % (1 << 40))
    for kernel, count in dict(flash=150, packed=20, efficient=100, cudnn=100, flex=12).items():
        parser.add_argument(f"--{kernel}", type=int, default=count, metavar="PROBLEMS")
    parser.add_argument("--dump", help=".npz with q, k, v and perhaps do")
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float16"])
    parser.add_argument("--causal", action="store_true")
    parser.add_argument("--scale", type=float)
    parser.add_argument("--flex-part", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    if arguments.flex_part:
        record_flex(arguments)
    elif arguments.dump:
        record_dump(arguments)
    else:
        record_random(arguments)


if __name__ == "__main__":
    main()
