//===- FeaturesX86.c - Features of x86-64 CPUs --------------------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM's feature names and where CPUID has them. AMX isn't here: a process must
// ask the kernel for its registers first, and no kernel of ours uses it.
//
//===----------------------------------------------------------------------===//

#include "Common.h"

/// The indices of sq_cpu::words.
enum {
  xcr0_word,
  leaf1_ecx,
  leaf1_edx,
  leaf7_ebx,
  leaf7_ecx,
  leaf7_edx,
  leaf7_1_eax,
  leaf7_1_edx,
  leafD_1_eax,
  extended1_ecx,
  extended1_edx,
};

// XCR0: SSE and AVX state; the same and AVX-512's masks, upper halves and upper
// registers.
enum { ymm_state = 0x6, zmm_state = 0xE6 };

#define BIT(n) (UINT32_C(1) << (n))

static const sq_feature features[] = {
    // The x86-64 baseline, which this code itself needs in order to run.
    {"64bit", extended1_edx, BIT(29), 0},
    {"x87", leaf1_edx, BIT(0), 0},
    {"cx8", leaf1_edx, BIT(8), 0},
    {"cmov", leaf1_edx, BIT(15), 0},
    {"mmx", leaf1_edx, BIT(23), 0},
    {"fxsr", leaf1_edx, BIT(24), 0},
    {"sse", leaf1_edx, BIT(25), 0},
    {"sse2", leaf1_edx, BIT(26), 0},
    {"sse3", leaf1_ecx, BIT(0), 0},
    {"pclmul", leaf1_ecx, BIT(1), 0},
    {"ssse3", leaf1_ecx, BIT(9), 0},
    {"fma", leaf1_ecx, BIT(12), ymm_state},
    {"cx16", leaf1_ecx, BIT(13), 0},
    {"sse4.1", leaf1_ecx, BIT(19), 0},
    {"sse4.2", leaf1_ecx, BIT(20), 0},
    {"crc32", leaf1_ecx, BIT(20), 0},
    {"movbe", leaf1_ecx, BIT(22), 0},
    {"popcnt", leaf1_ecx, BIT(23), 0},
    {"aes", leaf1_ecx, BIT(25), 0},
    {"xsave", leaf1_ecx, BIT(26) | BIT(27), 0},
    {"avx", leaf1_ecx, BIT(28), ymm_state},
    {"f16c", leaf1_ecx, BIT(29), ymm_state},
    {"rdrnd", leaf1_ecx, BIT(30), 0},
    {"fsgsbase", leaf7_ebx, BIT(0), 0},
    {"bmi", leaf7_ebx, BIT(3), 0},
    {"avx2", leaf7_ebx, BIT(5), ymm_state},
    {"bmi2", leaf7_ebx, BIT(8), 0},
    {"invpcid", leaf7_ebx, BIT(10), 0},
    {"avx512f", leaf7_ebx, BIT(16), zmm_state},
    {"evex512", leaf7_ebx, BIT(16), zmm_state},
    {"avx512dq", leaf7_ebx, BIT(17), zmm_state},
    {"rdseed", leaf7_ebx, BIT(18), 0},
    {"adx", leaf7_ebx, BIT(19), 0},
    {"avx512ifma", leaf7_ebx, BIT(21), zmm_state},
    {"clflushopt", leaf7_ebx, BIT(23), 0},
    {"clwb", leaf7_ebx, BIT(24), 0},
    {"avx512cd", leaf7_ebx, BIT(28), zmm_state},
    {"sha", leaf7_ebx, BIT(29), 0},
    {"avx512bw", leaf7_ebx, BIT(30), zmm_state},
    {"avx512vl", leaf7_ebx, BIT(31), zmm_state},
    {"avx512vbmi", leaf7_ecx, BIT(1), zmm_state},
    {"pku", leaf7_ecx, BIT(3), 0},
    {"waitpkg", leaf7_ecx, BIT(5), 0},
    {"avx512vbmi2", leaf7_ecx, BIT(6), zmm_state},
    {"gfni", leaf7_ecx, BIT(8), 0},
    {"vaes", leaf7_ecx, BIT(9), ymm_state},
    {"vpclmulqdq", leaf7_ecx, BIT(10), ymm_state},
    {"avx512vnni", leaf7_ecx, BIT(11), zmm_state},
    {"avx512bitalg", leaf7_ecx, BIT(12), zmm_state},
    {"avx512vpopcntdq", leaf7_ecx, BIT(14), zmm_state},
    {"rdpid", leaf7_ecx, BIT(22), 0},
    {"movdiri", leaf7_ecx, BIT(27), 0},
    {"movdir64b", leaf7_ecx, BIT(28), 0},
    {"fsrm", leaf7_edx, BIT(4), 0},
    {"avx512vp2intersect", leaf7_edx, BIT(8), zmm_state},
    {"serialize", leaf7_edx, BIT(14), 0},
    {"avx512fp16", leaf7_edx, BIT(23), zmm_state},
    {"avxvnni", leaf7_1_eax, BIT(4), ymm_state},
    {"avx512bf16", leaf7_1_eax, BIT(5), zmm_state},
    {"avxifma", leaf7_1_eax, BIT(23), ymm_state},
    {"avxvnniint8", leaf7_1_edx, BIT(4), ymm_state},
    {"avxneconvert", leaf7_1_edx, BIT(5), ymm_state},
    {"avxvnniint16", leaf7_1_edx, BIT(10), ymm_state},
    {"xsaveopt", leafD_1_eax, BIT(0), 0},
    {"xsavec", leafD_1_eax, BIT(1), 0},
    {"xsaves", leafD_1_eax, BIT(3), 0},
    {"sahf", extended1_ecx, BIT(0), 0},
    {"lzcnt", extended1_ecx, BIT(5), 0},
    {"sse4a", extended1_ecx, BIT(6), 0},
    {"prfchw", extended1_ecx, BIT(8), 0},
};

const sq_feature_table sq_x86_features = {features,
                                          sizeof features / sizeof *features};

#ifdef __x86_64__

#include <cpuid.h>

/// XCR0: which register states the operating system saves on a context switch.
static uint32_t read_xcr0(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

sq_cpu sq_host_cpu(const sq_feature_table **table) {
  *table = &sq_x86_features;
  sq_cpu cpu = {{0}};
  uint32_t *words = cpu.words;
  uint32_t eax, ebx, ecx, edx;
  // __get_cpuid* leave the words zero where the CPU has no such leaf.
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
    words[leaf1_ecx] = ecx;
    words[leaf1_edx] = edx;
    // OSXSAVE: without it xgetbv itself is illegal.
    if (ecx & BIT(27))
      words[xcr0_word] = read_xcr0();
  }
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
    words[leaf7_ebx] = ebx;
    words[leaf7_ecx] = ecx;
    words[leaf7_edx] = edx;
    if (eax >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx)) {
      words[leaf7_1_eax] = eax;
      words[leaf7_1_edx] = edx;
    }
  }
  if (__get_cpuid_count(0xD, 1, &eax, &ebx, &ecx, &edx))
    words[leafD_1_eax] = eax;
  if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx)) {
    words[extended1_ecx] = ecx;
    words[extended1_edx] = edx;
  }
  return cpu;
}

#endif // __x86_64__
