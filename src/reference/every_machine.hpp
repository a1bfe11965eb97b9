// Marks a loop that is compiled for several instruction sets, of which the program takes the best
// that the machine has. The operations are IEEE 754's and in the same order on all of them; a
// product and a sum stay two roundings, since the reference is compiled with -ffp-contract=off.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ULPSCOPE_FOR_EVERY_MACHINE [[gnu::target_clones("avx512f", "avx2", "default")]]
#else
#define ULPSCOPE_FOR_EVERY_MACHINE
#endif
