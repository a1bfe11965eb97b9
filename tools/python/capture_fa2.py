"""Records PyTorch's flash backend (FlashAttention-2) on odd shapes, launches and inputs.

    python3 tools/python/capture_fa2.py OUT [infinite]     # on a machine with an NVIDIA GPU and PyTorch

Without a second argument the cases are `CASES`, with it `INFINITE`: scores of minus infinity. Writes OUT/cases.npz with every tensor of every case as NAME.q, NAME.k, ..., and OUT/cases.json with
the facts. 16-bit tensors are stored as their bits in uint16, lse as float32. Where a launch is
larger than what is stored, the facts name it and the first batch and heads are kept.
"""

import json
import sys

import numpy as np
import torch

torch.manual_seed(20261122)
torch.use_deterministic_algorithms(True)
FLASH = torch.ops.aten._scaled_dot_product_flash_attention


def case(dtype="bfloat16", batch=1, heads=2, kv_heads=None, seq_q=256, seq_k=None, dim=64,
         causal=False, scale=None, keep=None, inputs="normal", change=None):
    return dict(dtype=dtype, batch=batch, heads=heads, kv_heads=kv_heads or heads, seq_q=seq_q,
                seq_k=seq_k or seq_q, head_dim=dim, causal=causal, scale=scale,
                keep=keep or (batch, heads), inputs=inputs, change=change)


def specials(q, k, v):
    """One kind of special value a head."""
    inf, nan = float("inf"), float("nan")
    q[:, 0, 5, 3] = nan
    k[:, 1, 100, 7] = nan
    v[:, 2, 40, 9] = inf
    v[:, 3, 40, 9] = nan
    v[:, 3, 41, 10] = -inf
    v[:, 3, 42, 10] = inf
    q[:, 4, 6, 0] = inf
    k[:, 5, 60, 1] = -inf
    k[:, 5, 61, 1] = inf
    q[:, 6] *= 2.0**70
    k[:, 6] *= 2.0**57
    v[:, 7, -1, :] = inf


def tiny(q, k, v):
    q *= 2.0**-60
    k *= 2.0**-70
    v *= 2.0**-128


def flat(q, k, v):
    q.fill_(0.5)
    k.fill_(0.25)
    q[:, 1] = 0


def large(q, k, v):
    q *= 40
    k *= 40


CASES = {
    "gqa_causal": case(heads=4, kv_heads=2, causal=True),
    "gqa_decode": case(heads=16, kv_heads=4, seq_q=1, seq_k=500, dim=128),
    "gqa_launch": case(batch=8, heads=32, kv_heads=8, seq_q=200, causal=True, keep=(1, 4)),
    "decode": case(heads=2, seq_q=1, seq_k=2000, causal=True),
    "many_parts": case(heads=1, seq_q=3, seq_k=5000, dim=32),
    "d160": case(batch=16, heads=16, seq_q=300, dim=160, keep=(1, 1)),
    "d144_causal": case(batch=16, heads=16, seq_q=300, dim=144, causal=True, keep=(1, 1)),
    "d160_split": case(heads=1, seq_q=200, seq_k=300, dim=160),
    "d192_causal": case(batch=16, heads=16, seq_q=260, dim=192, causal=True, keep=(1, 1)),
    "d256": case(batch=16, heads=16, seq_q=200, dim=256, keep=(1, 1)),
    "d40": case(heads=1, seq_q=333, dim=40),
    "d104_launch": case(batch=16, heads=16, seq_q=400, dim=104, keep=(1, 1)),
    "d72_fp16": case(dtype="float16", heads=1, seq_q=300, dim=72, causal=True),
    "scale": case(heads=1, seq_q=300, scale=0.37, causal=True),
    "scale_launch": case(batch=8, heads=32, seq_q=300, scale=0.37, keep=(1, 1)),
    "causal_300x500": case(heads=1, seq_q=300, seq_k=500, causal=True),
    "causal_500x300": case(heads=1, seq_q=500, seq_k=300, causal=True),
    "causal_500x300_launch": case(batch=8, heads=16, seq_q=500, seq_k=300, causal=True, keep=(1, 1)),
    "specials": case(batch=8, heads=8, seq_q=130, dim=32, keep=(1, 8), inputs="specials", change=specials),
    "specials_causal": case(batch=8, heads=8, seq_q=130, dim=32, causal=True, keep=(1, 8),
                            inputs="specials", change=specials),
    "specials_split": case(heads=8, seq_q=70, seq_k=520, dim=32, inputs="specials",
                           change=specials),
    "tiny": case(batch=16, heads=16, seq_q=200, keep=(1, 1), inputs="tiny", change=tiny),
    "flat": case(batch=16, heads=16, seq_q=200, keep=(1, 2), inputs="flat", change=flat),
    "large": case(batch=16, heads=16, seq_q=300, causal=True, keep=(1, 1), inputs="large",
                  change=large),
    "large_fp16": case(dtype="float16", heads=1, seq_q=300, inputs="large", change=large),
}


def minus_infinity(q, k, v):
    """Keys whose scores are -infinity: all, the first 130, those from 130 on, one key tile, all but
    one key a tile, and all for a few rows only; a head each."""
    inf = float("inf")
    q[..., 0] = 1
    k[:, 0, :, 0] = -inf
    k[:, 1, :130, 0] = -inf
    k[:, 2, 130:, 0] = -inf
    k[:, 3, 128:256, 0] = -inf
    k[:, 4, :, 0] = -inf
    k[:, 4, ::64, 0] = 1
    q[:, 5, :, 0] = 0.5
    k[:, 5, :, 1] = 1
    q[:, 5, ::3, 1] = -inf


INFINITE = {
    f"{name}{suffix}": dict(facts, causal=causal)
    for suffix, causal in (("", False), ("_causal", True))
    for name, facts in {
        "d64": case(batch=8, heads=6, seq_q=400, keep=(1, 6), inputs="infinite", change=minus_infinity),
        "d128": case(batch=8, heads=6, seq_q=400, dim=128, keep=(1, 6), inputs="infinite",
                     change=minus_infinity),
        "d64_split": case(heads=6, seq_q=70, seq_k=520, inputs="infinite", change=minus_infinity),
        "d64_300x400": case(batch=8, heads=6, seq_q=300, seq_k=400, keep=(1, 6), inputs="infinite",
                            change=minus_infinity),
        "d32_fp16": case(dtype="float16", batch=8, heads=6, seq_q=300, dim=32, keep=(1, 6),
                         inputs="infinite", change=minus_infinity),
    }.items()
}


def bits(tensor):
    return tensor.contiguous().view(torch.uint16).cpu().numpy()


def record(name, facts, arrays):
    dtype = getattr(torch, facts["dtype"])
    shape = lambda heads, seq: (facts["batch"], heads, seq, facts["head_dim"])
    q = torch.randn(shape(facts["heads"], facts["seq_q"]), device="cuda", dtype=torch.float32)
    k = torch.randn(shape(facts["kv_heads"], facts["seq_k"]), device="cuda", dtype=torch.float32)
    v = torch.randn(shape(facts["kv_heads"], facts["seq_k"]), device="cuda", dtype=torch.float32)
    change = facts.pop("change")
    if change is not None:
        change(q, k, v)
    q, k, v = q.to(dtype), k.to(dtype), v.to(dtype)
    run = lambda: FLASH(q, k, v, 0.0, facts["causal"], False, scale=facts["scale"])[:2]
    o, lse = run()
    again = run()
    torch.cuda.synchronize()
    facts["repeatable"] = bool(torch.equal(bits_tensor(o), bits_tensor(again[0])) and
                               torch.equal(lse.view(torch.int32), again[1].view(torch.int32)))
    b, h = facts.pop("keep")
    kv = max(1, h * facts["kv_heads"] // facts["heads"])
    facts["launch"] = [facts["batch"], facts["heads"]]
    facts["batch"], facts["heads"], facts["kv_heads"] = b, h, kv
    arrays[f"{name}.q"] = bits(q[:b, :h])
    arrays[f"{name}.k"] = bits(k[:b, :kv])
    arrays[f"{name}.v"] = bits(v[:b, :kv])
    arrays[f"{name}.fa_o"] = bits(o[:b, :h])
    arrays[f"{name}.fa_lse"] = lse[:b, :h].contiguous().cpu().numpy()
    return facts


def bits_tensor(tensor):
    return tensor.contiguous().view(torch.int16)


def main(out, cases=CASES):
    arrays, facts = {}, {}
    for name, wanted in cases.items():
        try:
            facts[name] = record(name, dict(wanted), arrays)
            print(f"{name}: repeatable {facts[name]['repeatable']}")
        except Exception as error:  # a case that this build refuses is left out, and said so
            print(f"{name}: left out: {error}")
    properties = torch.cuda.get_device_properties(0)
    facts["_recorded"] = dict(device=properties.name, multiprocessors=properties.multi_processor_count,
                              torch=torch.__version__, cuda=torch.version.cuda)
    with open(f"{out}/cases.json", "w") as file:
        json.dump(facts, file, indent=1)
    np.savez_compressed(f"{out}/cases.npz", **arrays)


if __name__ == "__main__":
    main(sys.argv[1], {"infinite": INFINITE}[sys.argv[2]] if len(sys.argv) > 2 else CASES)
