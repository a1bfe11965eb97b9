"""What the hardware would allow: instructions that the code needs, counted in its machine code,
over the instructions that the core starts, measured in the same run; bytes over those that a copy
moves. docs/performance.md says how they were counted."""

LANES = {"AVX3": 16, "AVX2": 8, "SSE4": 4}  # binary32 numbers in a register

# Vector instructions for four registers of numbers, nearest even.
ROUNDING = {"array_codes_float/bf16_rne": 24, "array_codes_float/e4m3fn_rne": 38,
            "array_codes_double/e4m3fn_rne": 68}
DRAW = 1.1  # more for each number, of a stochastic rounding

# Vector instructions for a step of 16 products in two registers of columns.
FUSED_STEP = 210
STEP_TERMS = 16


class Floors:
    def __init__(self, rates):
        self.rates = rates
        self.target = next(name for name in LANES if f"peak/{name}" in rates)
        self.lanes = LANES[self.target]
        self.peak = rates[f"peak/{self.target}"]["rate"]

    def peak_of(self, target):
        return self.rates[f"peak/{target}"]["rate"]

    def rounding(self, name):
        """Numbers a second, or nothing where the instructions were not counted."""
        count = ROUNDING.get(name)
        return count and self.peak * 4 * self.lanes / count

    def in_memory(self, copy, read, written):
        """Numbers a second from memory, by the bytes that a copy of `read` each moved."""
        return self.rates[copy]["rate"] * 2 * read / (read + written)

    def fused_sum(self, target=None):
        """Multiply-adds a second. SSE4 lacks the instructions that were counted."""
        target = target or self.target
        if target == "SSE4":
            return None
        return self.peak_of(target) * STEP_TERMS * 2 * LANES[target] / FUSED_STEP

    def float_dots(self, target=None):
        target = target or self.target
        return self.peak_of(target) * LANES[target]

    def copied_bytes(self):
        """Bytes a second that a copy in memory reads and writes."""
        copy = self.rates.get("array_copy_float/memory") or self.rates["array_copy_float/cache"]
        return copy["rate"] * 8
