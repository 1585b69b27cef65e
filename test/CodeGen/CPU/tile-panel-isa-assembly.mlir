// The loops of cpu.tile-panel that time is spent in, for the instruction sets that
// have no vpdpbusd of 64 bytes: a broadcast of activations, what multiplies, and
// nothing that goes to the stack and back in between. Integers of 8 bits are words
// without VNNI; of pairs of products of 4 bits, two or four are added in 16 bits.

// RUN: rm -rf %t && mkdir %t
// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='isa=avx2 openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=haswell | llc -mtriple=x86_64-linux-gnu -mcpu=haswell \
// RUN:   | grep -v ARITH_FENCE > %t/avx2.s
// RUN: grep -Pzo '(vpbroadcastd\t[^\n]*, %ymm\d+\n(\tvpmaddwd\t%ymm[^\n]*\n\tvpaddd\t%ymm[^\n]*\n){2}\t){3}' %t/avx2.s
// RUN: grep -Pzo '(\tvpmaddubsw\t%ymm[^\n]*\n){2}\tvpaddw\t%ymm[^\n]*\n\tvpmaddwd\t%ymm[^\n]*\n\tvpaddd\t%ymm' %t/avx2.s

// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='isa=avx-vnni openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=alderlake | llc -mtriple=x86_64-linux-gnu -mcpu=alderlake > %t/vnni.s
// RUN: grep -Pzo '(vpbroadcastd\t[^\n]*, %ymm\d+\n(\t{vex}\tvpdpbusd\t%ymm[^\n]*\n){2}\t){4}' %t/vnni.s

// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='isa=avx512 openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=skylake-avx512 | llc -mtriple=x86_64-linux-gnu -mcpu=skylake-avx512 \
// RUN:   | grep -v ARITH_FENCE > %t/avx512.s
// RUN: grep -Pzo '(vpbroadcastd\t[^\n]*, %zmm\d+\n(\tvpmaddwd\t%zmm[^\n]*\n\tvpaddd\t%zmm[^\n]*\n){2}\t){3}' %t/avx512.s
// RUN: grep -Pzo '((\tvpmaddubsw\t%zmm[^\n]*\n){2}\tvpaddw\t%zmm[^\n]*\n){2}\tvpaddw\t%zmm[^\n]*\n\tvpmaddwd\t%zmm' %t/avx512.s

// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='lanes=4 isa=neon-dotprod openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=aarch64-linux-gnu -mcpu=neoverse-n1 | llc -mtriple=aarch64-linux-gnu -mcpu=neoverse-n1 > %t/neon.s
// RUN: grep -Pzo '(\tsdot\tv\d+.4s, v\d+.16b, v\d+.4b\[\d\]\n){4}' %t/neon.s

// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='lanes=4 isa=neon-i8mm openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=aarch64-linux-gnu -mcpu=neoverse-v1 | llc -mtriple=aarch64-linux-gnu -mcpu=neoverse-v1 > %t/i8mm.s
// RUN: grep -Pzo '(\tsmmla\tv\d+.4s, v\d+.16b, v\d+.16b\n){4}' %t/i8mm.s

func.func @int8(%x: memref<24x512xi8>, %xs: memref<24x1xf32>, %p: memref<4x8192xi8>, %s: memref<4x16xf32>,
                %y: memref<24x64xf32>) {
  sq.matmul ins(%x, %xs : memref<24x512xi8>, memref<24x1xf32>)
    weights(%p, scales(%s) : memref<4x8192xi8>, memref<4x16xf32>) outs(%y : memref<24x64xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-panel"}
  return
}

func.func @int4(%x: memref<24x512xi8>, %xs: memref<24x1xf32>, %p: memref<4x4096xi8>, %s: memref<4x16xf32>,
                %y: memref<24x64xf32>) {
  sq.matmul ins(%x, %xs : memref<24x512xi8>, memref<24x1xf32>)
    weights(%p, scales(%s) : memref<4x4096xi8>, memref<4x16xf32>) outs(%y : memref<24x64xf32>)
    {format = #sq.int<4, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-panel"}
  return
}
