// Expansion by a mask without vpexpandb: the codes of 16 lanes are loaded from where
// popcnt finds them, and shuffled by the number of kept lanes before each.

// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='isa=avx2 openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=haswell | llc -mtriple=x86_64-linux-gnu -mcpu=haswell \
// RUN:   | FileCheck %s --check-prefix=AVX2
// AVX2: vpslldq $1, %ymm
// AVX2: vpslldq $8, %ymm
// AVX2: popcnt
// AVX2: vinserti128 $1, (
// AVX2: vpshufb {{.*}}%ymm
// AVX2-NOT: vpblendvb
// AVX2-NOT: vpinsrb

// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='isa=avx512-vnni openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=cascadelake | llc -mtriple=x86_64-linux-gnu -mcpu=cascadelake \
// RUN:   | FileCheck %s --check-prefix=VNNI
// VNNI: vpslldq $8, %zmm
// VNNI: popcnt
// VNNI: vpshufb {{.*}}%zmm

// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='lanes=4 isa=neon-dotprod openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O3 -mtriple=aarch64-linux-gnu -mcpu=neoverse-n1 | llc -mtriple=aarch64-linux-gnu -mcpu=neoverse-n1 \
// RUN:   | FileCheck %s --check-prefix=NEON
// NEON: ext v{{.*}}.16b, #12
// NEON: tbl v{{[0-9]+}}.16b, { v{{[0-9]+}}.16b }

func.func @bitmap(%x: memref<1x512xi8>, %xs: memref<1x1xf32>, %p: memref<1x4160xi8>, %b: memref<1x1064xi8>,
                  %s: memref<1x16xf32>, %y: memref<1x16xf32>) {
  sq.matmul ins(%x, %xs : memref<1x512xi8>, memref<1x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<1x4160xi8>, memref<1x1064xi8>, memref<1x16xf32>) outs(%y : memref<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, pattern = #sq.unstructured<0.5, row>,
     layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  return
}
