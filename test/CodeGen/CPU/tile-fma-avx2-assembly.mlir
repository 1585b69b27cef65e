// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='isa=avx2 lanes=8 openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O2 -mtriple=x86_64-linux-gnu -mcpu=haswell -S \
// RUN:   | llc -O3 -mtriple=x86_64-linux-gnu -mcpu=haswell -o %t.s
// RUN: FileCheck %s < %t.s

// cpu.tile-fma where registers are half a tile wide, one row of activations.

// int4 is converted: an instruction less than two look-ups and a blend.
// CHECK-LABEL: {{^}}tile_fma_int4_g64_f16_32x128:
// CHECK:     vpslld
// CHECK:     vpand
// CHECK:     vcvtdq2ps
// CHECK:     vfmadd{{[0-9]+}}ps
// CHECK-NOT: vperm{{d|ps}}
func.func @int4(%x: memref<1x128xf32>, %p: memref<2x1024xi8>, %s: memref<2x32xf16>, %y: memref<1x32xf32>) {
  sq.matmul ins(%x : memref<1x128xf32>) weights(%p, scales(%s) : memref<2x1024xi8>, memref<2x32xf16>)
    outs(%y : memref<1x32xf32>)
    {format = #sq.int<4, group = 64, scale = f16>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"}
  return
}

// A codebook of 16 floats is two registers, and the fourth bit chooses.
// CHECK-LABEL: {{^}}tile_fma_mx_e2m1fn_32x128:
// CHECK:     vperm{{d|ps}}
// CHECK:     vperm{{d|ps}}
// CHECK:     vblendvps
// CHECK:     vfmadd{{[0-9]+}}ps
func.func @codebook(%x: memref<1x128xf32>, %p: memref<2x1024xi8>, %s: memref<2x64xf8E8M0FNU>, %y: memref<1x32xf32>) {
  sq.matmul ins(%x : memref<1x128xf32>) weights(%p, scales(%s) : memref<2x1024xi8>, memref<2x64xf8E8M0FNU>)
    outs(%y : memref<1x32xf32>)
    {format = #sq.mx<f4E2M1FN>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"}
  return
}

// The activations that 2:4 selects from are four: one look-up for eight weights.
// CHECK-LABEL: {{^}}tile_fma_nm2_4_int8_row_16x64:
// CHECK:     vbroadcastf128
// CHECK:     vperm{{d|ps}}
// CHECK-NOT: vblendvps
// CHECK:     vfmadd{{[0-9]+}}ps
// CHECK:     ret
func.func @sparse(%x: memref<1x64xf32>, %p: memref<1x512xi8>, %b: memref<1x128xi8>, %s: memref<1x16xf32>,
                  %y: memref<1x16xf32>) {
  sq.matmul ins(%x : memref<1x64xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<1x512xi8>, memref<1x128xi8>, memref<1x16xf32>)
    outs(%y : memref<1x16xf32>)
    {format = #sq.int<8, row>, pattern = #sq.nm<2:4>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"}
  return
}
