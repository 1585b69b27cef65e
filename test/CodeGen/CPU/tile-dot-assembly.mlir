// The instructions of cpu.tile-dot for each instruction set, here for 2:4 int4:
// look activations up by the positions of the weights, multiply, add up.

// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='isa=avx512-vbmi2 openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=icelake-server | llc -mtriple=x86_64-linux-gnu -mcpu=icelake-server \
// RUN:   | FileCheck %s --check-prefix=VBMI2
// VBMI2-DAG: vpermb {{.*}}%zmm
// VBMI2-DAG: vpdpbusd {{.*}}%zmm

// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='isa=avx512-vnni openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=cascadelake | llc -mtriple=x86_64-linux-gnu -mcpu=cascadelake \
// RUN:   | FileCheck %s --check-prefix=VNNI
// VNNI-DAG: vpshufb {{.*}}%zmm
// VNNI-DAG: vpdpbusd {{.*}}%zmm

// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='isa=avx512 openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=skylake-avx512 | llc -mtriple=x86_64-linux-gnu -mcpu=skylake-avx512 \
// RUN:   | FileCheck %s --check-prefix=AVX512
// AVX512-DAG: vpshufb {{.*}}%ymm
// AVX512-DAG: vpsignb {{.*}}%ymm
// AVX512-DAG: vpmaddubsw {{.*}}%ymm
// AVX512-DAG: vpmaddwd {{.*}}%{{[yz]}}mm

// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='isa=avx-vnni openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=alderlake | llc -mtriple=x86_64-linux-gnu -mcpu=alderlake \
// RUN:   | FileCheck %s --check-prefix=AVXVNNI
// AVXVNNI-DAG: vpshufb {{.*}}%ymm
// AVXVNNI-DAG: {vex} vpdpbusd {{.*}}%ymm

// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='isa=avx2 openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=haswell | llc -mtriple=x86_64-linux-gnu -mcpu=haswell \
// RUN:   | FileCheck %s --check-prefix=AVX2
// AVX2-DAG: vpshufb {{.*}}%ymm
// AVX2-DAG: vpsignb {{.*}}%ymm
// AVX2-DAG: vpmaddubsw {{.*}}%ymm
// AVX2-DAG: vpmaddwd {{.*}}%ymm

// tbl of four registers holds the 64 activations of a window; products are of signed bytes.
// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='lanes=8 isa=neon-dotprod openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=aarch64-linux-gnu -mcpu=neoverse-n1 | llc -mtriple=aarch64-linux-gnu -mcpu=neoverse-n1 \
// RUN:   | FileCheck %s --check-prefix=NEON
// NEON-DAG: tbl v{{[0-9]+}}.16b, { v{{[0-9]+}}.16b, v{{[0-9]+}}.16b, v{{[0-9]+}}.16b, v{{[0-9]+}}.16b }
// NEON-DAG: sdot v{{[0-9]+}}.4s, v{{[0-9]+}}.16b, v{{[0-9]+}}.16b

func.func @sparse_int4(%x: memref<1x64xi8>, %xs: memref<1x1xf32>, %p: memref<1x256xi8>, %b: memref<1x128xi8>,
                       %s: memref<1x16xf16>, %y: memref<1x16xf32>) {
  sq.matmul ins(%x, %xs : memref<1x64xi8>, memref<1x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<1x256xi8>, memref<1x128xi8>, memref<1x16xf16>)
    outs(%y : memref<1x16xf32>)
    {format = #sq.int<4, group = 64, scale = f16>, activationFormat = #sq.int<8, row>,
     pattern = #sq.nm<2:4>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  return
}
