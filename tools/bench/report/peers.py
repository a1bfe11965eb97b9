"""Other people's roundings and attention, where this Python has them; nothing where it has not."""
import time


def best_seconds(work, repetitions, seconds=0.3):
    work()
    found = float("inf")
    end = time.perf_counter() + seconds
    for turn in range(repetitions):
        start = time.perf_counter()
        work()
        found = min(found, time.perf_counter() - start)
        if turn >= 2 and time.perf_counter() > end:
            break
    return found


def ml_dtypes_rates(talk):
    """Numbers a second: 10^5 normal binary32 numbers, so that calls cost little."""
    try:
        import ml_dtypes
        import numpy
    except ImportError:
        return None
    talk(f"ml_dtypes {ml_dtypes.__version__}")
    numbers = numpy.random.default_rng(4).standard_normal(100_000).astype(numpy.float32)
    rates = {"version": ml_dtypes.__version__}
    for name, kind in (("bf16", ml_dtypes.bfloat16), ("e4m3fn", ml_dtypes.float8_e4m3fn)):
        rates[name] = numbers.size / best_seconds(lambda kind=kind: numbers.astype(kind), 200)
    return rates


def torch_seconds(talk):
    """Causal attention in binary32 on one thread, one head of 1,024 rows."""
    try:
        import torch
    except ImportError:
        return None
    talk(f"PyTorch {torch.__version__}")
    torch.set_num_threads(1)
    seconds = {"version": torch.__version__}
    for dim in (64, 128):
        q, k, v = (torch.randn(1, 1, 1024, dim, requires_grad=True) for _ in range(3))
        gradient = torch.randn(1, 1, 1024, dim)

        def attention(q=q, k=k, v=v):
            return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)

        def gradients(o=attention(), inputs=(q, k, v), gradient=gradient):
            return torch.autograd.grad(o, inputs, gradient, retain_graph=True)

        with torch.no_grad():
            seconds[f"forward/{dim}"] = best_seconds(attention, 50)
        seconds[f"backward/{dim}"] = best_seconds(gradients, 50)
    return seconds


def measured(talk):
    return {"ml_dtypes": ml_dtypes_rates(talk), "torch": torch_seconds(talk)}
