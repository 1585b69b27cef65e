// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='isa=neon-dotprod lanes=4 openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O2 -mtriple=aarch64-linux-gnu -mcpu=neoverse-n1 -S \
// RUN:   | llc -O3 -mtriple=aarch64-linux-gnu -mcpu=neoverse-n1 -o %t.s
// RUN: FileCheck %s < %t.s

// cpu.tile-fma where a tile is four registers, one row of activations.

// int4 is converted, by an instruction that divides by a power of two as well.
// CHECK-LABEL: {{^}}tile_fma_int4_g64_f16_32x128:
// CHECK:     scvtf v{{[0-9]+}}.4s
// CHECK:     fmla v{{[0-9]+}}.4s
// CHECK-NOT: tbl
func.func @int4(%x: memref<1x128xf32>, %p: memref<2x1024xi8>, %s: memref<2x32xf16>, %y: memref<1x32xf32>) {
  sq.matmul ins(%x : memref<1x128xf32>) weights(%p, scales(%s) : memref<2x1024xi8>, memref<2x32xf16>)
    outs(%y : memref<1x32xf32>)
    {format = #sq.int<4, group = 64, scale = f16>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"}
  return
}

// A codebook of 16 floats is four registers of bytes.
// CHECK-LABEL: {{^}}tile_fma_mx_e2m1fn_32x128:
// CHECK:     tbl v{{[0-9]+}}.16b, { v{{[0-9]+}}.16b, v{{[0-9]+}}.16b, v{{[0-9]+}}.16b, v{{[0-9]+}}.16b }
// CHECK:     fmla v{{[0-9]+}}.4s
func.func @codebook(%x: memref<1x128xf32>, %p: memref<2x1024xi8>, %s: memref<2x64xf8E8M0FNU>, %y: memref<1x32xf32>) {
  sq.matmul ins(%x : memref<1x128xf32>) weights(%p, scales(%s) : memref<2x1024xi8>, memref<2x64xf8E8M0FNU>)
    outs(%y : memref<1x32xf32>)
    {format = #sq.mx<f4E2M1FN>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"}
  return
}

// The activations that 2:4 selects from are four, one register.
// CHECK-LABEL: {{^}}tile_fma_nm2_4_int8_row_16x64:
// CHECK:     tbl v{{[0-9]+}}.16b, { v{{[0-9]+}}.16b }
// CHECK:     fmla v{{[0-9]+}}.4s
// CHECK:     ret
func.func @sparse(%x: memref<1x64xf32>, %p: memref<1x512xi8>, %b: memref<1x128xi8>, %s: memref<1x16xf32>,
                  %y: memref<1x16xf32>) {
  sq.matmul ins(%x : memref<1x64xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<1x512xi8>, memref<1x128xi8>, memref<1x16xf32>)
    outs(%y : memref<1x16xf32>)
    {format = #sq.int<8, row>, pattern = #sq.nm<2:4>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"}
  return
}
