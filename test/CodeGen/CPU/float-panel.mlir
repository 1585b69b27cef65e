// RUN: sq-opt %s --sq-lower-linear=isa=avx512-vbmi2 --split-input-file | FileCheck %s

// Rows of activations enough for panels of the weights: 300 columns are one panel
// of 256 and a part of one; 40 outputs are two blocks of 16, and half of one.
// CHECK-LABEL: @dense
// CHECK: scf.parallel (%[[PAIR:.+]]) = (%{{.+}}) to (%c2{{.*}}) step
// CHECK:   memref.alloca() {alignment = 64 : i64} : memref<2x256x16xf32>
// CHECK:   scf.for %[[COL:.+]] = %{{.+}} to %{{.+}} step %c256
// CHECK:     arith.minui
// A panel is filled by transposing 16 rows of weights, 16 columns at a time.
// CHECK:     scf.for {{.*}} step %c16
// CHECK-COUNT-16: vector.load %{{.+}} : memref<40x300xf32>, vector<16xf32>
// CHECK-COUNT-64: vector.shuffle
// CHECK-COUNT-16: vector.store %{{.+}} : memref<2x256x16xf32>, vector<16xf32>
// CHECK:     scf.if
// CHECK-COUNT-16: vector.maskedload
// 12 rows of activations: 24 sums.
// CHECK:     scf.for {{.*}} step %c12
// CHECK:       scf.for {{.*}} step %c4
// CHECK-COUNT-2: vector.load %{{.+}} : memref<2x256x16xf32>, vector<16xf32>
// CHECK:         memref.load %{{.+}} : memref<20x300xf32>
// CHECK:         vector.broadcast
// CHECK-COUNT-24: vector.fma
// CHECK:       vector.maskedstore %{{.+}} : memref<20x40xf32>
func.func @dense(%x: memref<20x300xf32>, %w: memref<40x300xf32>, %y: memref<20x40xf32>) {
  linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                                 affine_map<(m, n, k) -> (m, n)>]
    ins(%x, %w : memref<20x300xf32>, memref<40x300xf32>) outs(%y : memref<20x40xf32>)
  return
}

// -----

// An unknown number of rows: panels from 16 on. Rows of 256 floats would compete
// for the cache, so panels read a copy whose rows are longer.
// CHECK-LABEL: @many_or_few
// CHECK: %[[MANY:.+]] = arith.cmpi uge, %{{.+}}, %c16
// CHECK: scf.if %[[MANY]] {
// CHECK:   memref.alloc(%{{.+}}) {alignment = 64 : i64} : memref<?x272xf32>
// CHECK:   scf.parallel
// CHECK:   memref.alloca() {{.*}} : memref<2x256x16xf32>
// CHECK:   memref.load %{{.+}} : memref<?x272xf32>
// CHECK:   memref.dealloc
// CHECK: } else {
// CHECK:   scf.parallel
// CHECK:     vector.reduction <add>
func.func @many_or_few(%x: memref<?x256xf32>, %w: memref<32x256xf32>, %y: memref<?x32xf32>) {
  linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                                 affine_map<(m, n, k) -> (m, n)>]
    ins(%x, %w : memref<?x256xf32>, memref<32x256xf32>) outs(%y : memref<?x32xf32>)
  return
}

// -----

// Weights in tiles are decoded to the panel, dropped ones as zeros: where the
// position of a kept one is the column's, its value is taken.
// CHECK-LABEL: @sparse_int4
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<2x256x16xf32>
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"
// CHECK: arith.mulf
// CHECK: arith.andi
// CHECK: %[[HERE:.+]] = arith.cmpi eq, {{.*}} : vector<16xi32>
// CHECK: arith.select %[[HERE]]
// CHECK: vector.store %{{.+}} : memref<2x256x16xf32>, vector<16xf32>
// CHECK-COUNT-24: vector.fma
func.func @sparse_int4(%x: memref<16x64xf32>, %p: memref<2x256xi8>, %b: memref<2x128xi8>,
                       %s: memref<2x16xf16>, %y: memref<16x32xf32>) {
  sq.matmul ins(%x : memref<16x64xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<2x256xi8>, memref<2x128xi8>, memref<2x16xf16>)
    outs(%y : memref<16x32xf32>)
    {format = #sq.int<4, group = 64, scale = f16>, pattern = #sq.nm<2:4>, layout = #sq<layout tiles>,
     kernel = "cpu.tile-fma"}
  return
}
