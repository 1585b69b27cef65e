// RUN: sq-opt %s --pass-pipeline='builtin.module(func.func(sq-parallelize-rows{min-work=1000 part-work=256}))' \
// RUN:   | FileCheck %s

#rows = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// 64 ops a row, so parts of 4 rows, from 16 rows on; the other branch takes all
// rows as one part.
// CHECK-LABEL: @dynamic(
// CHECK: %[[ROWS:.+]] = memref.dim
// CHECK: %[[LARGE:.+]] = arith.cmpi uge, %[[ROWS]], %c16
// CHECK: scf.if %[[LARGE]]
// CHECK: scf.parallel ({{.+}}) = (%{{.+}}) to (%{{.+}}) step (%c4{{.*}})
// CHECK: memref.subview %arg0
// CHECK: linalg.generic
// CHECK: else
// CHECK: scf.for %{{.+}} = %{{.+}} to %{{.+}} step %[[ROWS]]
// CHECK: memref.subview %arg0
// CHECK: linalg.generic
func.func @dynamic(%x: memref<?x64xf32>, %y: memref<?x64xf32>) {
  linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x64xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// Sums of rows don't cross parts.
// CHECK-LABEL: @known(
// CHECK-NOT: scf.if
// CHECK: scf.parallel
// CHECK: linalg.generic {{.+}} iterator_types = ["parallel", "reduction"]
func.func @known(%x: memref<32x64xf32>, %y: memref<32xf32>) {
  linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<32x64xf32>) outs(%y : memref<32xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// Too little work; a product, which has kernels; inner extents that aren't
// known; rows that depend on each other.
// CHECK-LABEL: @others(
// CHECK-NOT: scf.
func.func @others(%few: memref<8x64xf32>, %a: memref<32x64xf32>, %b: memref<64x64xf32>,
                  %c: memref<32x64xf32>, %d: memref<?x?xf32>, %sum: memref<64xf32>) {
  %cst = arith.constant 0.0 : f32
  linalg.fill ins(%cst : f32) outs(%few : memref<8x64xf32>)
  linalg.matmul ins(%a, %b : memref<32x64xf32>, memref<64x64xf32>) outs(%c : memref<32x64xf32>)
  linalg.fill ins(%cst : f32) outs(%d : memref<?x?xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>],
                  iterator_types = ["reduction", "parallel"]}
      ins(%a : memref<32x64xf32>) outs(%sum : memref<64xf32>) {
  ^bb0(%x: f32, %s: f32):
    %0 = arith.addf %x, %s : f32
    linalg.yield %0 : f32
  }
  return
}
