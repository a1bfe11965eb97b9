// Holds binary32 add, multiply, FMA, maximum, division, square root and the atomic addition
// against the chip on random operands.
//
// Triples are any codes, or neighbours in exponent, or a product and nearly minus that product
// (deep cancellation), or subnormals and specials. NaN results are compared by bits. Division and
// square root are here for Soft's sake: kernels of this library do not divide.
#include "ulpscope/base/error.hpp"
#include "ulpscope/hardware/scalar.hpp"

#include <cstdio>

#include "hardware/checks.hpp"
#include "support/device_buffer.hpp"
#include "support/list.hpp"
#include "support/scatter.cuh"

namespace ulpscope::cuda {
namespace {

struct Triple {
  uint32_t x, y, z;
};

__device__ float as_float(uint32_t bits) { return __uint_as_float(bits); }
__device__ uint32_t as_bits(float x) { return __float_as_uint(x); }

struct Add {
  static constexpr const char* name = "add.rn.f32";
  __device__ static uint32_t chip(Triple t, float*) {
    return as_bits(__fadd_rn(as_float(t.x), as_float(t.y)));
  }
  __device__ static uint32_t model(Triple t) { return fadd(t.x, t.y); }
};

struct Multiply {
  static constexpr const char* name = "mul.rn.f32";
  __device__ static uint32_t chip(Triple t, float*) {
    return as_bits(__fmul_rn(as_float(t.x), as_float(t.y)));
  }
  __device__ static uint32_t model(Triple t) { return fmul(t.x, t.y); }
};

struct Fma {
  static constexpr const char* name = "fma.rn.f32";
  __device__ static uint32_t chip(Triple t, float*) {
    return as_bits(__fmaf_rn(as_float(t.x), as_float(t.y), as_float(t.z)));
  }
  __device__ static uint32_t model(Triple t) { return ffma(t.x, t.y, t.z); }
};

struct FmaZero {
  static constexpr const char* name = "fma.rz.f32";
  __device__ static uint32_t chip(Triple t, float*) {
    return as_bits(__fmaf_rz(as_float(t.x), as_float(t.y), as_float(t.z)));
  }
  __device__ static uint32_t model(Triple t) { return ffma<toward_zero>(t.x, t.y, t.z); }
};

struct FmaDown {
  static constexpr const char* name = "fma.rm.f32";
  __device__ static uint32_t chip(Triple t, float*) {
    return as_bits(__fmaf_rd(as_float(t.x), as_float(t.y), as_float(t.z)));
  }
  __device__ static uint32_t model(Triple t) { return ffma<downward>(t.x, t.y, t.z); }
};

struct FmaUp {
  static constexpr const char* name = "fma.rp.f32";
  __device__ static uint32_t chip(Triple t, float*) {
    return as_bits(__fmaf_ru(as_float(t.x), as_float(t.y), as_float(t.z)));
  }
  __device__ static uint32_t model(Triple t) { return ffma<upward>(t.x, t.y, t.z); }
};

struct Maximum {
  static constexpr const char* name = "fmaxf";
  __device__ static uint32_t chip(Triple t, float*) {
    return as_bits(fmaxf(as_float(t.x), as_float(t.y)));
  }
  __device__ static uint32_t model(Triple t) { return fmaximum(t.x, t.y); }
};

struct Divide {
  static constexpr const char* name = "div.rn.f32";
  __device__ static uint32_t chip(Triple t, float*) {
    return as_bits(__fdiv_rn(as_float(t.x), as_float(t.y)));
  }
  __device__ static uint32_t model(Triple t) {
    return detail::gpu_bits(detail::soft32(t.x) / detail::soft32(t.y));
  }
};

struct SquareRoot {
  static constexpr const char* name = "sqrt.rn.f32";
  __device__ static uint32_t chip(Triple t, float*) { return as_bits(__fsqrt_rn(as_float(t.x))); }
  __device__ static uint32_t model(Triple t) { return detail::gpu_bits(sqrt(detail::soft32(t.x))); }
};

// RED, what atomicAdd compiles to where its result is not used. The thread owns its cell; store
// and load go to L2, where the addition is made.
struct RedAdd {
  static constexpr const char* name = "red.global.add.f32";
  __device__ static uint32_t chip(Triple t, float* cell) {
    __stcg(cell, as_float(t.x));
    __threadfence();
    asm volatile("red.global.add.f32 [%0], %1;" ::"l"(__cvta_generic_to_global(cell)),
                 "f"(as_float(t.y))
                 : "memory");
    __threadfence();
    return as_bits(__ldcg(cell));
  }
  __device__ static uint32_t model(Triple t) { return red_add(t.x, t.y); }
};

__device__ Triple operands(Count index) {
  constexpr uint32_t sign = 0x8000'0000u;
  constexpr uint32_t fraction = 0x007F'FFFFu;
  constexpr uint32_t specials[] = {0,           1,           0x007F'FFFF, 0x0080'0000,
                                   0x3F80'0000, 0x7F7F'FFFF, 0x7F80'0000, 0x7FC0'1234};
  const uint64_t r = scatter(2 * index);
  const uint64_t s = scatter(2 * index + 1);
  const auto x = static_cast<uint32_t>(r);
  const auto y = static_cast<uint32_t>(r >> 32);
  const auto z = static_cast<uint32_t>(s);
  const auto choice = static_cast<uint32_t>(s >> 32);
  // A code whose exponent field is a's, moved by -32 .. 31, kept inside the finite ones.
  const auto near = [&](uint32_t a, uint32_t b, uint32_t move) {
    const int field = static_cast<int>(a >> 23 & 0xFF) + static_cast<int>(move % 64) - 32;
    const int inside = field < 0 ? 0 : field > 254 ? 254 : field;
    return (b & (sign | fraction)) | (static_cast<uint32_t>(inside) << 23);
  };
  switch (choice % 5) {
    case 0: return {x, y, z};
    case 1: return {x, near(x, y, choice >> 8), near(x, z, choice >> 16)};
    case 2: {  // x near 1, so that the product stays finite; z nearly cancels it
      const uint32_t one_like = near(0x3F80'0000u, x, choice >> 8);
      const uint32_t minus = as_bits(-__fmul_rn(as_float(one_like), as_float(y)));
      return {one_like, y, minus ^ (z & (z >> 8) & (z >> 16) & 0xFF)};
    }
    case 3: return {x & (sign | fraction), near(x, y, choice >> 8), z & (sign | fraction)};
    default:
      return {specials[x % 8] | (x & sign), (y & 1) != 0 ? y : specials[y / 2 % 8] | (y & sign),
              specials[z % 8] | (z & sign)};
  }
}

struct Tally {
  Count operands;
  Count differences;
  Count first;  // the smallest index that differs
};

constexpr uint32_t blocks = 132 * 8;
constexpr uint32_t threads = 256;

template <class Row>
__global__ void sweep(Count count, float* cells, Tally* tally) {
  const Count me = Count{blockIdx.x} * blockDim.x + threadIdx.x;
  Tally mine{0, 0, ~Count{0}};
  for (Count i = me; i < count; i += Count{gridDim.x} * blockDim.x) {
    const Triple t = operands(i);
    mine.operands += 1;
    if (Row::chip(t, cells + me) == Row::model(t)) continue;
    mine.differences += 1;
    if (i < mine.first) mine.first = i;
  }
  atomicAdd(&tally->operands, mine.operands);
  atomicAdd(&tally->differences, mine.differences);
  atomicMin(&tally->first, mine.first);
}

struct Explained {
  Triple operands;
  uint32_t chip;
  uint32_t model;
};

template <class Row>
__global__ void explain(Count index, float* cells, Explained* explained) {
  const Triple t = operands(index);
  *explained = {t, Row::chip(t, cells), Row::model(t)};
}

template <class Row>
gpu::ModelCheck checked_triples(Count count) {
  DeviceBuffer<float> cells(size_t{blocks} * threads);
  DeviceBuffer<Tally> tally(std::vector<Tally>{{0, 0, ~Count{0}}});
  sweep<Row><<<blocks, threads>>>(count, cells.data(), tally.data());
  checked_launch(Row::name);
  const Tally found = tally.to_host().front();
  if (found.operands != count) {
    throw Error(ErrorKind::resource, std::string(Row::name) + ": operands were left out");
  }
  gpu::ModelCheck check{.model = Row::name, .tried = count, .differences = found.differences};
  if (found.differences == 0) return check;
  DeviceBuffer<Explained> explained(1);
  explain<Row><<<1, 1>>>(found.first, cells.data(), explained.data());
  checked_launch("explain");
  const Explained e = explained.to_host().front();
  char text[128];
  std::snprintf(text, sizeof text, "x=%08x y=%08x z=%08x chip=%08x model=%08x", e.operands.x,
                e.operands.y, e.operands.z, e.chip, e.model);
  check.first = text;
  return check;
}

template <class... Row>
void check_all(Count count, const Report& report) {
  (report(checked_triples<Row>(count)), ...);
}

}  // namespace

void check_arithmetic(uint64_t triples, const Report& report) {
  check_all<Add, Multiply, Fma, FmaZero, FmaDown, FmaUp, Maximum, Divide, SquareRoot, RedAdd>(
      triples, report);
}

}  // namespace ulpscope::cuda
