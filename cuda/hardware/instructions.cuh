// The instructions and library calls under test, bits in and bits out, each beside its model.
//
// A row is a struct with a name, `chip` (device only) and `model`; `Instructions` lists them all.
// PTX is written out where an instruction is meant; where a library call is meant the call is,
// as a program compiled without fast-math gets it.
//
// Expected machine code for sm_90a: one MUFU in every row but logf and log2f (none). Included by
// check_special_functions.cu.
#pragma once

#include "ulpscope/hardware/library_functions.hpp"

#include "hardware/all_operands.cuh"

namespace ulpscope::cuda {

struct Ex2Ftz {
  static constexpr const char* name = "ex2.approx.ftz.f32";
  static constexpr int bits = 32;
  __device__ static uint32_t chip(uint32_t x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(__uint_as_float(x)));
    return __float_as_uint(y);
  }
  __device__ static uint32_t model(const MufuTables& tables, uint32_t x) {
    return mufu_ex2(tables, x);
  }
};

struct Ex2 {
  static constexpr const char* name = "ex2.approx.f32";
  static constexpr int bits = 32;
  __device__ static uint32_t chip(uint32_t x) {
    float y;
    asm("ex2.approx.f32 %0, %1;" : "=f"(y) : "f"(__uint_as_float(x)));
    return __float_as_uint(y);
  }
  __device__ static uint32_t model(const MufuTables& tables, uint32_t x) {
    return ex2_approx(tables, x);
  }
};

struct Lg2Ftz {
  static constexpr const char* name = "lg2.approx.ftz.f32";
  static constexpr int bits = 32;
  __device__ static uint32_t chip(uint32_t x) {
    float y;
    asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(__uint_as_float(x)));
    return __float_as_uint(y);
  }
  __device__ static uint32_t model(const MufuTables& tables, uint32_t x) {
    return mufu_lg2(tables, x);
  }
};

struct Lg2 {
  static constexpr const char* name = "lg2.approx.f32";
  static constexpr int bits = 32;
  __device__ static uint32_t chip(uint32_t x) {
    float y;
    asm("lg2.approx.f32 %0, %1;" : "=f"(y) : "f"(__uint_as_float(x)));
    return __float_as_uint(y);
  }
  __device__ static uint32_t model(const MufuTables& tables, uint32_t x) {
    return lg2_approx(tables, x);
  }
};

struct RcpFtz {
  static constexpr const char* name = "rcp.approx.ftz.f32";
  static constexpr int bits = 32;
  __device__ static uint32_t chip(uint32_t x) {
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(__uint_as_float(x)));
    return __float_as_uint(y);
  }
  __device__ static uint32_t model(const MufuTables& tables, uint32_t x) {
    return mufu_rcp(tables, x);
  }
};

struct Rcp {
  static constexpr const char* name = "rcp.approx.f32";
  static constexpr int bits = 32;
  __device__ static uint32_t chip(uint32_t x) {
    float y;
    asm("rcp.approx.f32 %0, %1;" : "=f"(y) : "f"(__uint_as_float(x)));
    return __float_as_uint(y);
  }
  __device__ static uint32_t model(const MufuTables& tables, uint32_t x) {
    return rcp_approx(tables, x);
  }
};

struct Exp2f {
  static constexpr const char* name = "exp2f";
  static constexpr int bits = 32;
  __device__ static uint32_t chip(uint32_t x) { return __float_as_uint(exp2f(__uint_as_float(x))); }
  __device__ static uint32_t model(const MufuTables& tables, uint32_t x) {
    return ex2_approx(tables, x);
  }
};

struct Expf {
  static constexpr const char* name = "expf";
  static constexpr int bits = 32;
  __device__ static uint32_t chip(uint32_t x) { return __float_as_uint(expf(__uint_as_float(x))); }
  __device__ static uint32_t model(const MufuTables& tables, uint32_t x) {
    return library_expf(tables, x);
  }
};

struct Logf {
  static constexpr const char* name = "logf";
  static constexpr int bits = 32;
  __device__ static uint32_t chip(uint32_t x) { return __float_as_uint(logf(__uint_as_float(x))); }
  __device__ static uint32_t model(const MufuTables&, uint32_t x) { return library_logf(x); }
};

struct Log2f {
  static constexpr const char* name = "log2f";
  static constexpr int bits = 32;
  __device__ static uint32_t chip(uint32_t x) { return __float_as_uint(log2f(__uint_as_float(x))); }
  __device__ static uint32_t model(const MufuTables&, uint32_t x) { return library_log2f(x); }
};

struct FastExpf {
  static constexpr const char* name = "__expf";
  static constexpr int bits = 32;
  __device__ static uint32_t chip(uint32_t x) {
    return __float_as_uint(__expf(__uint_as_float(x)));
  }
  __device__ static uint32_t model(const MufuTables& tables, uint32_t x) {
    return fast_expf(tables, x);
  }
};

struct FastLogf {
  static constexpr const char* name = "__logf";
  static constexpr int bits = 32;
  __device__ static uint32_t chip(uint32_t x) {
    return __float_as_uint(__logf(__uint_as_float(x)));
  }
  __device__ static uint32_t model(const MufuTables& tables, uint32_t x) {
    return fast_logf(tables, x);
  }
};

struct Reciprocal {
  static constexpr const char* name = "1.0f / x";
  static constexpr int bits = 32;
  __device__ static uint32_t chip(uint32_t x) { return __float_as_uint(1.0f / __uint_as_float(x)); }
  __device__ static uint32_t model(const MufuTables&, uint32_t x) { return reciprocal(x); }
};

using Instructions = List<Ex2Ftz, Ex2, Lg2Ftz, Lg2, RcpFtz, Rcp, Exp2f, Expf, Logf, Log2f, FastExpf,
                          FastLogf, Reciprocal>;

}  // namespace ulpscope::cuda
