// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='isa=avx512-vbmi2 openmp=false' | FileCheck %s

// A kernel's buffers on the stack are given back after each block of rows, also
// where the blocks are a plain loop.
// CHECK-LABEL: llvm.func @blocks
// CHECK: %[[STACK:.+]] = llvm.intr.stacksave
// CHECK: llvm.alloca
// CHECK: llvm.intr.stackrestore %[[STACK]]
func.func @blocks(%x: memref<16x4xi8>, %xs: memref<16x1xf32>, %p: memref<63x64xi8>,
                  %s: memref<63x16xf32>, %y: memref<16x1008xf32>) {
  sq.matmul ins(%x, %xs : memref<16x4xi8>, memref<16x1xf32>)
    weights(%p, scales(%s) : memref<63x64xi8>, memref<63x16xf32>) outs(%y : memref<16x1008xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-panel"}
  return
}
