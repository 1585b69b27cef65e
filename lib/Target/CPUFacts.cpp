//===- CPUFacts.cpp - The CPUs that we know -------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where the numbers are from:
//
//   caches, cores   the vendor's data sheet of one part of the family, named in
//                   its row
//   MHz             what all cores of that part keep up with vector code: the
//                   data sheet's base frequency, unless a row says otherwise
//   readMBs         80 % of the part's memory channels times their rate
//   coreReadMBs     measured (sq-bench roofline --threads=1) where a row says
//                   so. Elsewhere it is an estimate from the buffers of misses:
//                   10 to 16 lines at about 100 ns are 6 to 10 GB/s, and the
//                   second-level prefetcher about doubles that
//   int8Ops         of instructions that the ISA's ByteISA emits for 64 bytes:
//                     vpdpbusd                 128 ops an instruction at 512
//                                              bits, 64 at 256
//                     sign, abs, vpmaddubsw, vpmaddwd, vpaddd
//                                              the same in five instructions
//                     sdot                     32 ops at 128 bits
//                   with the throughputs of uops.info (Intel, AMD) and of Arm's
//                   software optimization guides (N1, V1, V2)
//   f32Ops          two for each lane of each FMA pipe, same sources
//
// AVX-512 FMAs and dot products: two pipes of 512 bits on Intel's servers and
// on Zen 5, two of 256 bits that join for one on Zen 4.
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Target/CPUFacts.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

using namespace mlir::sq;

namespace {
struct CPURow {
  /// LLVM's names, separated by spaces. Empty in rows for CPUs that aren't
  /// known: the first such row whose vectors aren't wider than the CPU's holds.
  llvm::StringLiteral names;
  unsigned f32Lanes;
  CPUFacts facts;
};
} // namespace

static constexpr int64_t KiB = 1 << 10, MiB = 1 << 20;

static const CPURow cpuRows[] = {
    // EPYC 9555 (64 cores, 12 channels of DDR5-6000). MHz and the core's
    // bandwidth were measured on a virtual machine of the family: 261 Gops of
    // f32 FMAs and 1.06 Tops of vpdpbusd (docs/benchmarks/prefill.md) are 64
    // and 256 a cycle of 4.1 GHz.
    {"znver5",
     16,
     {48 * KiB, 1 * MiB, 4 * MiB, 64, 4100, 36000, 460000, 256, 64}},
    // EPYC 9554 (64 cores, 12 channels of DDR5-4800).
    {"znver4",
     16,
     {32 * KiB, 1 * MiB, 4 * MiB, 64, 3100, 20000, 368000, 128, 32}},
    // Xeon Platinum 8480+ (56 cores, 8 channels of DDR5-4800). Expansion was
    // measured (docs/benchmarks/peers-xeon.md): 512 bits are shuffled by one
    // port.
    {"sapphirerapids emeraldrapids graniterapids graniterapids-d",
     16,
     {48 * KiB, 2 * MiB, 1920 * KiB, 56, 2000, 12000, 245000, 256, 64, 4}},
    // Xeon Platinum 8380 (40 cores, 8 channels of DDR4-3200). The core's
    // bandwidth was measured: 20 GB/s for two.
    {"icelake-server icelake-client tigerlake rocketlake",
     16,
     {48 * KiB, 1280 * KiB, 1536 * KiB, 40, 2300, 10000, 163000, 256, 64}},
    // Xeon Platinum 8280 (28 cores, 6 channels of DDR4-2933).
    {"cascadelake cooperlake",
     16,
     {32 * KiB, 1 * MiB, 1408 * KiB, 28, 2700, 10000, 112000, 256, 64}},
    // Xeon Platinum 8180 (28 cores, 6 channels of DDR4-2666). No vpdpbusd: five
    // instructions on two ports.
    {"skylake-avx512 x86-64-v4",
     16,
     {32 * KiB, 1 * MiB, 1408 * KiB, 28, 2500, 10000, 102000, 51, 64}},
    // Core i9-12900K's P-cores (8, 2 channels of DDR5-4800), vpdpbusd of 256
    // bits on two ports.
    {"alderlake raptorlake arrowlake arrowlake-s lunarlake meteorlake",
     8,
     {48 * KiB, 1280 * KiB, 3 * MiB, 8, 3200, 20000, 61000, 128, 32}},
    // EPYC 7763 (64 cores, 8 channels of DDR4-3200): vpmaddubsw and vpmaddwd on
    // two ports.
    {"znver3 znver2",
     8,
     {32 * KiB, 512 * KiB, 4 * MiB, 64, 2450, 15000, 163000, 40, 32}},
    // Xeon E5-2699 v3 (18 cores, 4 channels of DDR4-2133): vpmaddubsw and
    // vpmaddwd share a port on Haswell, which is taken for all of these.
    {"haswell core-avx2 broadwell skylake x86-64-v3",
     8,
     {32 * KiB, 256 * KiB, 2560 * KiB, 18, 2300, 10000, 54000, 32, 32}},
    // Graviton 2 (64 cores, 8 channels of DDR4-3200): sdot and FMAs on two
    // pipes of 128 bits.
    {"neoverse-n1 cortex-a76 cortex-a77 cortex-a78",
     4,
     {64 * KiB, 1 * MiB, 512 * KiB, 64, 2500, 12000, 163000, 64, 16}},
    // Graviton 3 (64 cores, 8 channels of DDR5-4800): four pipes.
    {"neoverse-v1",
     4,
     {64 * KiB, 1 * MiB, 512 * KiB, 64, 2600, 16000, 245000, 128, 32}},
    // Grace (72 cores, LPDDR5X of 500 GB/s): four pipes.
    {"neoverse-v2",
     4,
     {64 * KiB, 1 * MiB, 1622 * KiB, 72, 3100, 20000, 400000, 128, 32}},
    // CPUs that aren't known: the slowest of those above with such vectors, on
    // few cores.
    {"", 16, {32 * KiB, 1 * MiB, 1 * MiB, 4, 2000, 10000, 40000, 51, 32}},
    {"", 8, {32 * KiB, 256 * KiB, 1 * MiB, 4, 2000, 10000, 30000, 32, 32}},
    {"", 0, {32 * KiB, 256 * KiB, 512 * KiB, 4, 2000, 8000, 20000, 16, 16}},
};

CPUFacts mlir::sq::getCPUFacts(llvm::StringRef cpu, unsigned f32Lanes) {
  auto names = [&](const CPURow &row) {
    llvm::SmallVector<llvm::StringRef> parts;
    row.names.split(parts, ' ');
    return !row.names.empty() && llvm::is_contained(parts, cpu);
  };
  for (const CPURow &row : cpuRows)
    if (names(row))
      return row.facts;
  for (const CPURow &row : cpuRows)
    if (row.names.empty() && row.f32Lanes <= f32Lanes)
      return row.facts;
  return std::prev(std::end(cpuRows))->facts;
}
