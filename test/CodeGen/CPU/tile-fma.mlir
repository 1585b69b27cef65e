// RUN: sq-opt %s --sq-lower-linear=isa=avx512-vbmi2 --split-input-file | FileCheck %s

// 4-bit codes, of any format: a word is shifted until a code is lowest, and looks
// it up in 16 floats. Each vector of 16 rows is multiplied with one activation.
// CHECK-LABEL: @dense_int4
// One row of activations reads weights from memory, which is asked ahead.
// CHECK: scf.parallel (%[[TILE:.+]]) = (%{{.+}}) to (%c2{{.*}}) step
// CHECK:   memref.prefetch %{{.+}}[%[[TILE]],
// CHECK:   %[[TABLE:.+]] = arith.constant dense<[0.{{.*}}, 7.{{.*}}, -8.{{.*}}, -1.{{[^,]*}}]> : vector<16xf32>
// CHECK:   llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"(%[[TABLE]], %[[WORDS:[^)]+]])
// CHECK:   memref.load %{{.+}} : memref<1x64xf32>
// CHECK:   vector.broadcast {{.*}} : f32 to vector<16xf32>
// CHECK:   vector.fma
// CHECK:   %[[SHIFTED:.+]] = arith.shrui %[[WORDS]], %{{.+}} : vector<16xi32>
// CHECK:   llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"(%{{.+}}, %[[SHIFTED]])
// A scale group: its four sums become one, which goes to the total.
// CHECK:   arith.extf {{.*}} : vector<16xf16> to vector<16xf32>
// CHECK-COUNT-3: arith.addf
// CHECK:   vector.fma
// CHECK-NOT: sq.matmul
func.func @dense_int4(%x: memref<1x64xf32>, %p: memref<2x512xi8>, %s: memref<2x16xf16>, %y: memref<1x32xf32>) {
  sq.matmul ins(%x : memref<1x64xf32>) weights(%p, scales(%s) : memref<2x512xi8>, memref<2x16xf16>)
    outs(%y : memref<1x32xf32>)
    {format = #sq.int<4, group = 64, scale = f16>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"}
  return
}

// -----

// 2:4 int8: the four activations of a group, repeated, and positions that select
// from them. Integers go to the top of a word, for their sign.
// CHECK-LABEL: @sparse_int8
// CHECK: arith.shli {{.*}} : vector<16xi32>
// CHECK: arith.sitofp
// CHECK: %[[GROUP:.+]] = vector.load {{.*}} : memref<1x64xf32>, vector<4xf32>
// CHECK: %[[REPEATED:.+]] = vector.shuffle %[[GROUP]], %[[GROUP]] [0, 1, 2, 3, 0, 1, 2, 3,
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"(%[[REPEATED]],
func.func @sparse_int8(%x: memref<1x64xf32>, %p: memref<1x512xi8>, %b: memref<1x128xi8>, %s: memref<1x16xf32>,
                       %y: memref<1x16xf32>) {
  sq.matmul ins(%x : memref<1x64xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<1x512xi8>, memref<1x128xi8>, memref<1x16xf32>)
    outs(%y : memref<1x16xf32>)
    {format = #sq.int<8, row>, pattern = #sq.nm<2:4>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"}
  return
}

// -----

// E4M3 codes become f16 of two depths at once, 2^-8 of their value; the rest is
// multiplied in at the end. Of 6 columns, none beyond is read.
// CHECK-LABEL: @fp8
// CHECK: vector.shuffle {{.*}} : vector<64xi8>, vector<64xi8>
// CHECK: arith.shrsi {{.*}} : vector<32xi16>
// CHECK: vector.extract_strided_slice {{.*}} : vector<32xf16> to vector<16xf16>
// CHECK: arith.extf {{.*}} : vector<16xf16> to vector<16xf32>
// CHECK-COUNT-6: memref.load %{{.+}} : memref<1x6xf32>
// CHECK-NOT: memref.load %{{.+}} : memref<1x6xf32>
// CHECK: arith.constant 2.560000e+02 : f32
// CHECK: vector.maskedstore
func.func @fp8(%x: memref<1x6xf32>, %p: memref<1x128xi8>, %s: memref<1x16xf32>, %y: memref<1x5xf32>) {
  sq.matmul ins(%x : memref<1x6xf32>) weights(%p, scales(%s) : memref<1x128xi8>, memref<1x16xf32>)
    outs(%y : memref<1x5xf32>)
    {format = #sq.fp8<f8E4M3FN, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"}
  return
}

// -----

// A codebook whose codes a bitmap spreads over bytes: they stay codes until they
// look up floats; a dropped one is code 0.
// CHECK-LABEL: @codebook_bitmap
// CHECK: "llvm.x86.avx512.pmultishift.qb.512"
// CHECK-NOT: "llvm.x86.avx512.permvar.qi.512"
// CHECK: "llvm.x86.avx512.mask.expand
// CHECK: %[[TABLE:.+]] = arith.constant dense<[0.{{[^,]*}}, 0.0795802{{.*}}, 1.{{[^,]*}}, -1.{{[^,]*}}, -0.6961928{{.*}}]> : vector<16xf32>
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"(%[[TABLE]],
func.func @codebook_bitmap(%x: memref<1x64xf32>, %p: memref<1x576xi8>, %b: memref<1x140xi8>, %s: memref<1x16xf32>,
                           %y: memref<1x16xf32>) {
  sq.matmul ins(%x : memref<1x64xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<1x576xi8>, memref<1x140xi8>, memref<1x16xf32>)
    outs(%y : memref<1x16xf32>)
    {format = #sq.nf4<group = 64>, pattern = #sq.unstructured<0.5, row>, layout = #sq<layout tiles>,
     kernel = "cpu.tile-fma"}
  return
}

// -----

// Many rows share what is decoded: eight, four, two, one.
// CHECK-LABEL: @many_rows
// CHECK: scf.parallel
// CHECK:   scf.for {{.*}} step %c8
// CHECK:   scf.for {{.*}} step %c4
// CHECK:   scf.for {{.*}} step %c2
// CHECK:   scf.for {{.*}} step %c1
func.func @many_rows(%x: memref<?x4xf32>, %p: memref<2x64xi8>,
                     %s: memref<2x16xf32>, %y: memref<?x20xf32>) {
  sq.matmul ins(%x : memref<?x4xf32>)
    weights(%p, scales(%s) : memref<2x64xi8>, memref<2x16xf32>) outs(%y : memref<?x20xf32>)
    {format = #sq.fp8<f8E5M2, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-fma"}
  return
}
