// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='isa=avx512-vbmi2 openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O2 -mtriple=x86_64-linux-gnu -mcpu=icelake-server -S \
// RUN:   | llc -O3 -mtriple=x86_64-linux-gnu -mcpu=icelake-server -o %t.s
// RUN: FileCheck %s < %t.s

// The hot loops of cpu.tile-fma, one row of activations, without spills.

// int4: a shift, a look-up and a multiply-add with memory for 16 weights.
// CHECK-LABEL: {{^}}tile_fma_int4_g64_f16_32x128:
// CHECK-NOT: zmm{{.*}}(%rsp)
// CHECK:      vpsrld $8, %[[W:zmm[0-9]+]], %[[A:zmm[0-9]+]]
// CHECK-NEXT: vperm{{d|ps}} %zmm{{[0-9]+}}, %[[A]], %[[B:zmm[0-9]+]]
// CHECK:      vfmadd{{[0-9]+}}ps {{-?[0-9]*}}(%{{.*}}){1to16}, %zmm{{[0-9]+}}, %[[B]]
func.func @int4(%x: memref<1x128xf32>, %p: memref<2x1024xi8>, %s: memref<2x32xf16>, %y: memref<1x32xf32>) {
  sq.matmul ins(%x : memref<1x128xf32>) weights(%p, scales(%s) : memref<2x1024xi8>, memref<2x32xf16>)
    outs(%y : memref<1x32xf32>)
    {format = #sq.int<4, group = 64, scale = f16>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"}
  return
}

// 2:4 int4: one more shift and look-up, in four activations that are repeated.
// CHECK-LABEL: {{^}}tile_fma_nm2_4_int4_g64_f16_32x128:
// CHECK-NOT: zmm{{.*}}(%rsp)
// CHECK:      vbroadcastf32x4 {{.*}}, %[[X:zmm[0-9]+]]
// CHECK:      vpsrld ${{[0-9]+}}, %{{zmm[0-9]+}}, %[[P:zmm[0-9]+]]
// CHECK-NEXT: vperm{{d|ps}} %{{zmm[0-9]+}}, %[[P]], %{{zmm[0-9]+}}
// CHECK:      vfmadd{{[0-9]+}}ps %zmm
func.func @sparse(%x: memref<1x128xf32>, %p: memref<2x512xi8>, %b: memref<2x256xi8>, %s: memref<2x32xf16>,
                  %y: memref<1x32xf32>) {
  sq.matmul ins(%x : memref<1x128xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<2x512xi8>, memref<2x256xi8>, memref<2x32xf16>)
    outs(%y : memref<1x32xf32>)
    {format = #sq.int<4, group = 64, scale = f16>, pattern = #sq.nm<2:4>, layout = #sq<layout tiles>,
     kernel = "cpu.tile-fma"}
  return
}

// int8: a shift, a shuffle or a mask, and a conversion.
// CHECK-LABEL: {{^}}tile_fma_int8_row_32x128:
// CHECK-NOT: zmm{{.*}}(%rsp)
// CHECK:     vpslld $24, %{{zmm[0-9]+}}, %[[W:zmm[0-9]+]]
// CHECK:     vcvtdq2ps %[[W]]
// CHECK:     vpshufb {{.*}}zmm
// CHECK:     vfmadd{{.*}}){1to16}
// CHECK-NOT: vpsra
// CHECK:     retq
func.func @int8(%x: memref<1x128xf32>, %p: memref<2x2048xi8>, %s: memref<2x16xf32>, %y: memref<1x32xf32>) {
  sq.matmul ins(%x : memref<1x128xf32>) weights(%p, scales(%s) : memref<2x2048xi8>, memref<2x16xf32>)
    outs(%y : memref<1x32xf32>)
    {format = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"}
  return
}

// FP8: a permutation, a shift and a mask for 32 weights, then two conversions.
// CHECK-LABEL: {{^}}tile_fma_fp8_e4m3fn_row_32x128:
// CHECK-NOT: zmm{{.*}}(%rsp)
// CHECK:      vpermb %[[C:zmm[0-9]+]], %{{zmm[0-9]+}}, %[[H:zmm[0-9]+]]
// CHECK:      vpsraw $1
// CHECK:      vpand
// CHECK:      vcvtph2ps
// CHECK:      vfmadd{{.*}}){1to16}
func.func @fp8(%x: memref<1x128xf32>, %p: memref<2x2048xi8>, %s: memref<2x16xf32>, %y: memref<1x32xf32>) {
  sq.matmul ins(%x : memref<1x128xf32>) weights(%p, scales(%s) : memref<2x2048xi8>, memref<2x16xf32>)
    outs(%y : memref<1x32xf32>)
    {format = #sq.fp8<f8E4M3FN, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"}
  return
}
