//===- FeaturesAArch64.c - Features of AArch64 CPUs ---------------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM's feature names and Linux's hardware capability bits for them. The
// kernel reports only what it has enabled, so there is no second condition.
//
//===----------------------------------------------------------------------===//

#include "Common.h"

/// The indices of sq_cpu::words; word 0 is unused.
enum { hwcap_low = 1, hwcap2_low };

#define BIT(n) (UINT32_C(1) << (n))

static const sq_feature features[] = {
    {"fp-armv8", hwcap_low, BIT(0), 0},
    {"neon", hwcap_low, BIT(1), 0},
    {"aes", hwcap_low, BIT(3) | BIT(4), 0},
    {"sha2", hwcap_low, BIT(5) | BIT(6), 0},
    {"crc", hwcap_low, BIT(7), 0},
    {"lse", hwcap_low, BIT(8), 0},
    {"fullfp16", hwcap_low, BIT(9) | BIT(10), 0},
    {"rdm", hwcap_low, BIT(12), 0},
    {"jsconv", hwcap_low, BIT(13), 0},
    {"complxnum", hwcap_low, BIT(14), 0},
    {"rcpc", hwcap_low, BIT(15), 0},
    {"sha3", hwcap_low, BIT(17) | BIT(21), 0},
    {"dotprod", hwcap_low, BIT(20), 0},
    {"sve", hwcap_low, BIT(22), 0},
    {"fp16fml", hwcap_low, BIT(23), 0},
    {"sve2", hwcap2_low, BIT(1), 0},
    {"i8mm", hwcap2_low, BIT(13), 0},
    {"bf16", hwcap2_low, BIT(14), 0},
};

const sq_feature_table sq_aarch64_features = {features, sizeof features /
                                                            sizeof *features};

#ifdef __aarch64__

#include <sys/auxv.h>

sq_cpu sq_host_cpu(const sq_feature_table **table) {
  *table = &sq_aarch64_features;
  sq_cpu cpu = {{0}};
  cpu.words[hwcap_low] = (uint32_t)getauxval(AT_HWCAP);
  cpu.words[hwcap2_low] = (uint32_t)getauxval(AT_HWCAP2);
  return cpu;
}

#endif // __aarch64__
