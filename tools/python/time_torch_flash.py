"""The speed of PyTorch's flash kernel at the shapes of time_forward, measured in the same way.

    python3 tools/python/time_torch_flash.py LAUNCHES

    bf16  32 x  8192 x 128 causal  median   3.500 ms  (3.480 to 3.600, 50 launches)  628 TFLOP/s

Events around every launch of scaled_dot_product_attention, after a tenth as many that are not timed;
N(0, 1) operands from four sets in turn, so that no launch finds its own in the cache. Operations are
those of the two products, half of them under a causal mask. Needs PyTorch and a GPU; the kernel is
the one whose arithmetic the recipe fa2-torch has.
"""

import sys

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

SHAPES = [
    (32, 4096, 128, True),
    (32, 8192, 128, True),
    (32, 8192, 128, False),
    (64, 8192, 64, True),
    (64, 8192, 64, False),
]
INPUT_SETS = 4


def times_of(heads, rows, dim, causal, dtype, launches):
    """Milliseconds of each launch, sorted."""
    sets = [
        [torch.randn(1, heads, rows, dim, device="cuda", dtype=dtype) for _ in range(3)]
        for _ in range(INPUT_SETS)
    ]
    events = []
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        for i in range(launches // 10 + 1 + launches):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            torch.nn.functional.scaled_dot_product_attention(*sets[i % INPUT_SETS], is_causal=causal)
            end.record()
            events.append((begin, end))
    torch.cuda.synchronize()
    return sorted(begin.elapsed_time(end) for begin, end in events[-launches:])


def main():
    launches = int(sys.argv[1])
    print(f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}, {torch.cuda.get_device_name()}")
    for heads, rows, dim, causal in SHAPES:
        for turn, dtype in enumerate([torch.bfloat16, torch.bfloat16, torch.float16]):
            times = times_of(heads, rows, dim, causal, dtype, launches)
            median = times[len(times) // 2]
            operations = (2 if causal else 4) * heads * rows * rows * dim
            print(
                f"{'fp16' if turn == 2 else 'bf16'} {heads:3} x {rows:5} x {dim:3} "
                f"{'causal' if causal else 'full':6}  median {median:7.3f} ms  "
                f"({times[0]:.3f} to {times[-1]:.3f}, {launches} launches)  "
                f"{operations / median * 1e-9:.0f} TFLOP/s",
                flush=True,
            )


if __name__ == "__main__":
    main()
