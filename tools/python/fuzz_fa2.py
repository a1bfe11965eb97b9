"""Records checksums of PyTorch's flash backend over many random shapes, launches and scales.

    python3 tools/python/fuzz_fa2.py OUT [CASES]    # on a machine with an NVIDIA GPU and PyTorch

Inputs are a function of (seed, tensor, index) in integers, so that the emulator's test makes the
same bits without storing them (include/ulpscope/run/seeded_operand.hpp is the twin of `operand`). Writes
OUT/fuzz.json: for every case its facts and the CRC-32 of the bits of O and LSE.
"""

import json
import random
import sys
import zlib

import numpy as np
import torch

FLASH = torch.ops.aten._scaled_dot_product_flash_attention


def splitmix(x):
    """Steele, Lea, Flood 2014, on arrays of uint64."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


LAWS = {"wide": (127, 15), "coarse": (64, 1), "repeated": (127, 15)}  # significand bits, binades


def operand_values(seed, tensor, shape, law="wide"):
    """Signed 8-bit significands, exponents falling off like trailing zeros, from 2^0 to 2^-15;
    coarse: 1, 1.5, 2 and 3 alone; repeated: rows 0 to 6 of the wide law again and again."""
    count = int(np.prod(shape))
    trailing, binades = LAWS[law]
    index = np.arange(count, dtype=np.uint64)
    if law == "repeated":
        row = index // np.uint64(shape[-1]) % np.uint64(shape[-2])
        index -= (row - row % np.uint64(7)) * np.uint64(shape[-1])
    word = splitmix(np.uint64((seed * 4 + tensor) << 40) + index)
    significand = (word & np.uint64(trailing)).astype(np.int64) + 128
    sign = 1 - 2 * ((word >> np.uint64(7)) & np.uint64(1)).astype(np.int64)
    last = 1 << binades
    high = ((word >> np.uint64(8)) & np.uint64(last - 1)) | np.uint64(last)
    zeros = np.zeros(count, dtype=np.int64)
    for bit in range(binades):
        zeros += (high & np.uint64((1 << (bit + 1)) - 1)) == 0
    value = (sign * significand).astype(np.float32) * np.exp2(-6.0 - zeros).astype(np.float32)
    return value.reshape(shape)


def operand(seed, tensor, shape, dtype, law="wide"):
    values = torch.from_numpy(operand_values(seed, tensor, shape, law))
    return values.to("cuda").to(getattr(torch, dtype))


def draw(rng):
    dim = 8 * rng.choice([1, 2, 4, 5, 8, 8, 8, 9, 12, 13, 16, 16, 20, 24, 32])
    kv_heads = rng.choice([1, 1, 2, 3])
    seq_q = rng.choice([1, 1, 2, 17, 64, 65, 128, 129, rng.randint(1, 500), rng.randint(1, 500)])
    seq_k = rng.choice([seq_q, seq_q, rng.randint(1, 1200), rng.randint(1, 600)])
    return dict(dtype=rng.choice(["bfloat16", "bfloat16", "float16"]), batch=rng.choice([1, 1, 2]),
                heads=kv_heads * rng.choice([1, 1, 2, 4]), kv_heads=kv_heads, seq_q=seq_q,
                seq_k=seq_k, head_dim=dim, causal=rng.random() < 0.5,
                scale=rng.choice([None, None, 0.37, 1.0, 0.015625, 3.0]),
                larger=rng.choice([1, 1, 1, 8, 40]))


def crc(tensor, dtype):
    return zlib.crc32(tensor.contiguous().view(dtype).cpu().numpy().tobytes())


def record(seed, facts):
    """The stored batch lies in a launch of `larger` times as many batches."""
    batches = facts["batch"] * facts.pop("larger")
    q = operand(seed, 0, (facts["batch"], facts["heads"], facts["seq_q"], facts["head_dim"]),
                facts["dtype"])
    kv = (facts["batch"], facts["kv_heads"], facts["seq_k"], facts["head_dim"])
    k, v = operand(seed, 1, kv, facts["dtype"]), operand(seed, 2, kv, facts["dtype"])
    repeat = lambda x: x.repeat(batches // facts["batch"], 1, 1, 1)
    o, lse = FLASH(repeat(q), repeat(k), repeat(v), 0.0, facts["causal"], False,
                   scale=facts["scale"])[:2]
    b = facts["batch"]
    return dict(facts, seed=seed, launch=[batches, facts["heads"]], o=crc(o[:b], torch.int16),
                lse=crc(lse[:b], torch.int32))


def main(out, cases):
    rng = random.Random(20261122)
    recorded = [record(seed, draw(rng)) for seed in range(1, cases + 1)]
    properties = torch.cuda.get_device_properties(0)
    facts = dict(_recorded=dict(device=properties.name, torch=torch.__version__,
                                cuda=torch.version.cuda), cases=recorded)
    with open(f"{out}/fuzz.json", "w") as file:
        json.dump(facts, file, indent=0)
    print(f"{len(recorded)} cases")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 400)
