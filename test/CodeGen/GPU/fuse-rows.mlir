// RUN: sq-opt %s --pass-pipeline='builtin.module(func.func(sq-fuse-rows,canonicalize,cse))' --split-input-file | FileCheck %s

#id = affine_map<(m, k) -> (m, k)>
#row = affine_map<(m, k) -> (m)>

// Codes of activations: a block of 256 threads for each row. All of them have a part
// of the row's maximum, which lanes exchange and warps put into shared memory.
// CHECK-LABEL: func @quantize(
// CHECK-SAME: %[[X:.*]]: memref<?x192xf32>, %[[Q:.*]]: memref<?x192xi8>
// CHECK: %[[M:.*]] = memref.dim %[[X]], %c0
// CHECK: %[[MAX:.*]] = memref.alloc(%[[M]])
// CHECK: gpu.launch blocks({{.*}}) in (%{{[a-z0-9]*}} = %[[M]],
// CHECK-SAME: threads({{.*}}) in (%{{[a-z0-9]*}} = %c256,
// CHECK-SAME: dynamic_shared_memory_size %c32_i32
// CHECK: %[[T:.*]] = gpu.thread_id{{ +}}x
// CHECK: %[[ROW:.*]] = gpu.block_id{{ +}}x
// CHECK: scf.for %{{.*}} = %[[T]] to %c1 step %c256
// CHECK: memref.store %{{.*}}, %[[MAX]][%[[ROW]]]
// CHECK: gpu.barrier
// CHECK: %[[OWN:.*]] = scf.for %[[K:.*]] = %[[T]] to %c192 step %c256
// CHECK: memref.load %[[X]][%[[ROW]], %[[K]]]
// CHECK-COUNT-5: gpu.shuffle{{ +}}xor
// CHECK: memref.store %{{.*}}, %[[PARTS:.*]][%{{.*}}] : memref<8xf32, #gpu.address_space<workgroup>>
// CHECK: gpu.barrier
// CHECK-COUNT-8: memref.load %[[PARTS]]
// CHECK: memref.store %{{.*}}, %[[MAX]][%[[ROW]]]
// CHECK: gpu.barrier
// CHECK: scf.for %[[K:.*]] = %[[T]] to %c192 step %c256
// CHECK: memref.load %[[MAX]][%[[ROW]]]
// CHECK: memref.store %{{.*}}, %[[Q]][%[[ROW]], %[[K]]]
// CHECK-NOT: linalg
func.func @quantize(%x: memref<?x192xf32>, %q: memref<?x192xi8>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %m = memref.dim %x, %c0 : memref<?x192xf32>
  %max = memref.alloc(%m) : memref<?xf32>
  linalg.fill ins(%zero : f32) outs(%max : memref<?xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x192xf32>) outs(%max : memref<?xf32>) {
  ^bb0(%a: f32, %acc: f32):
    %b = math.absf %a : f32
    %n = arith.maximumf %acc, %b : f32
    linalg.yield %n : f32
  }
  linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %max : memref<?x192xf32>, memref<?xf32>) outs(%q : memref<?x192xi8>) {
  ^bb0(%a: f32, %n: f32, %out: i8):
    %d = arith.divf %a, %n : f32
    %i = arith.fptosi %d : f32 to i8
    linalg.yield %i : i8
  }
  memref.dealloc %max : memref<?xf32>
  return
}

// -----

#queries = affine_map<(h, m, j, d) -> (h, m, d)>
#keys = affine_map<(h, m, j, d) -> (h, j, d)>
#scores = affine_map<(h, m, j, d) -> (h, m, j)>
#values = affine_map<(h, m, d, j) -> (h, j, d)>
#weights = affine_map<(h, m, d, j) -> (h, m, j)>
#result = affine_map<(h, m, d, j) -> (h, m, d)>

// Attention: a head and a token are a row. Warps have scores, which are sums along rows of
// keys; sums across rows of values are shared by groups of as many threads as there are
// of them.
// CHECK-LABEL: func @attention
// CHECK: gpu.launch blocks({{.*}}) in (%{{[a-z0-9]*}} = %c48,
// CHECK-SAME: dynamic_shared_memory_size %c1024_i32
// CHECK: %[[T:.*]] = gpu.thread_id{{ +}}x
// CHECK: %[[M:.*]] = arith.remui %{{.*}}, %c6
// CHECK: %[[H:.*]] = arith.divui %{{.*}}, %c6
// CHECK: %[[WARP:.*]] = arith.divui %[[T]], %c32
// CHECK: %[[LANE:.*]] = arith.remui %[[T]], %c32
// CHECK: scf.for %[[J:.*]] = %[[WARP]] to %{{.*}} step %c8
// CHECK: scf.for %{{.*}} = %[[LANE]] to %c64 step %c32
// CHECK-COUNT-5: gpu.shuffle{{ +}}xor
// CHECK: memref.store %{{.*}}, %[[S:.*]][%[[H]], %[[M]], %[[J]]]
// CHECK: gpu.barrier
// CHECK: %[[D:.*]] = arith.remui %[[T]], %c64
// CHECK: %[[GROUP:.*]] = arith.divui %[[T]], %c64
// CHECK: scf.for %[[J:.*]] = %[[GROUP]] to %{{.*}} step %c4
// CHECK: memref.load %[[S]][%[[H]], %[[M]], %[[J]]]
// CHECK: gpu.barrier
// CHECK: arith.cmpi ult, %[[T]], %c64
// CHECK-NOT: linalg
func.func @attention(%q: memref<8x6x64xf32>, %k: memref<8x?x64xf32>, %v: memref<8x?x64xf32>, %y: memref<8x6x64xf32>, %n: index) {
  %s = memref.alloc(%n) : memref<8x6x?xf32>
  linalg.generic {indexing_maps = [#queries, #keys, #scores], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : memref<8x6x64xf32>, memref<8x?x64xf32>) outs(%s : memref<8x6x?xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %r = arith.addf %acc, %p : f32
    linalg.yield %r : f32
  }
  linalg.generic {indexing_maps = [#weights, #values, #result], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%s, %v : memref<8x6x?xf32>, memref<8x?x64xf32>) outs(%y : memref<8x6x64xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %p = arith.mulf %a, %b : f32
    %r = arith.addf %acc, %p : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// What is released in between is released behind the launch, and a constant of the
// module is read inside of it.
// CHECK-LABEL: func @between
// CHECK: %[[T:.*]] = memref.alloc()
// CHECK: %[[U:.*]] = memref.alloc()
// CHECK: gpu.launch
// CHECK: memref.get_global @table
// CHECK: gpu.terminator
// CHECK: memref.dealloc %[[T]]
memref.global "private" constant @table : memref<4x64xf32> = dense<1.0>
func.func @between(%x: memref<4x64xf32>, %y: memref<4x64xf32>) {
  %table = memref.get_global @table : memref<4x64xf32>
  %t = memref.alloc() : memref<4x64xf32>
  linalg.add ins(%x, %table : memref<4x64xf32>, memref<4x64xf32>) outs(%t : memref<4x64xf32>)
  %u = memref.alloc() : memref<4x64xf32>
  linalg.exp ins(%t : memref<4x64xf32>) outs(%u : memref<4x64xf32>)
  memref.dealloc %t : memref<4x64xf32>
  linalg.exp ins(%u : memref<4x64xf32>) outs(%y : memref<4x64xf32>)
  memref.dealloc %u : memref<4x64xf32>
  return
}

// -----

// One op is no run.
// CHECK-LABEL: func @alone
// CHECK-NOT: gpu.launch
// CHECK: linalg.generic
func.func @alone(%x: memref<4x64xf32>, %y: memref<4x64xf32>) {
  linalg.exp ins(%x : memref<4x64xf32>) outs(%y : memref<4x64xf32>)
  return
}

// -----

// Nor are elements of two vectors: nothing is left for threads to share.
// CHECK-LABEL: func @elements
// CHECK-NOT: gpu.launch
func.func @elements(%x: memref<64xf32>, %y: memref<64xf32>, %z: memref<64xf32>) {
  linalg.exp ins(%x : memref<64xf32>) outs(%y : memref<64xf32>)
  linalg.exp ins(%y : memref<64xf32>) outs(%z : memref<64xf32>)
  return
}

// -----

// Nor are scalars.
// CHECK-LABEL: func @scalars
// CHECK-NOT: gpu.launch
func.func @scalars(%x: memref<f32>, %y: memref<f32>, %z: memref<f32>) {
  linalg.exp ins(%x : memref<f32>) outs(%y : memref<f32>)
  linalg.exp ins(%y : memref<f32>) outs(%z : memref<f32>)
  return
}

// -----

// The second op reads other rows.
// CHECK-LABEL: func @other_rows
// CHECK-NOT: gpu.launch
func.func @other_rows(%x: memref<64x64xf32>, %y: memref<64x64xf32>, %z: memref<64x64xf32>) {
  linalg.exp ins(%x : memref<64x64xf32>) outs(%y : memref<64x64xf32>)
  linalg.transpose ins(%y : memref<64x64xf32>) outs(%z : memref<64x64xf32>) permutation = [1, 0]
  return
}

// -----

// The second op writes what another row of the first reads.
// CHECK-LABEL: func @overwritten
// CHECK-NOT: gpu.launch
func.func @overwritten(%x: memref<64x64xf32>, %y: memref<64x64xf32>, %z: memref<64x64xf32>) {
  linalg.transpose ins(%x : memref<64x64xf32>) outs(%y : memref<64x64xf32>) permutation = [1, 0]
  linalg.exp ins(%z : memref<64x64xf32>) outs(%x : memref<64x64xf32>)
  return
}

// -----

// A row of a view may be another row of its source.
// CHECK-LABEL: func @view
// CHECK-NOT: gpu.launch
func.func @view(%x: memref<4x64xf32>, %y: memref<8x64xf32>, %z: memref<4x64xf32>) {
  %v = memref.subview %y[1, 0] [4, 64] [1, 1] : memref<8x64xf32> to memref<4x64xf32, strided<[64, 1], offset: 64>>
  linalg.exp ins(%x : memref<4x64xf32>) outs(%v : memref<4x64xf32, strided<[64, 1], offset: 64>>)
  %w = memref.subview %y[0, 0] [4, 64] [1, 1] : memref<8x64xf32> to memref<4x64xf32, strided<[64, 1]>>
  linalg.exp ins(%w : memref<4x64xf32, strided<[64, 1]>>) outs(%z : memref<4x64xf32>)
  return
}

// -----

// The host reads between the two.
// CHECK-LABEL: func @read_between
// CHECK-NOT: gpu.launch
func.func @read_between(%x: memref<4x64xf32>, %y: memref<4x64xf32>, %z: memref<4x64xf32>) -> f32 {
  %c0 = arith.constant 0 : index
  linalg.exp ins(%x : memref<4x64xf32>) outs(%y : memref<4x64xf32>)
  %first = memref.load %y[%c0, %c0] : memref<4x64xf32>
  linalg.exp ins(%y : memref<4x64xf32>) outs(%z : memref<4x64xf32>)
  return %first : f32
}

// -----

// Rows of another number.
// CHECK-LABEL: func @extents
// CHECK-NOT: gpu.launch
func.func @extents(%x: memref<4x64xf32>, %y: memref<4x64xf32>, %z: memref<5x64xf32>, %w: memref<5x64xf32>) {
  linalg.exp ins(%x : memref<4x64xf32>) outs(%y : memref<4x64xf32>)
  linalg.exp ins(%z : memref<5x64xf32>) outs(%w : memref<5x64xf32>)
  return
}

// -----

// The table that a body looks up is written by the op before it.
// CHECK-LABEL: func @lookup
// CHECK-NOT: gpu.launch
func.func @lookup(%x: memref<4x64xf32>, %t: memref<4x64xf32>, %y: memref<4x64xf32>) {
  %c0 = arith.constant 0 : index
  linalg.exp ins(%x : memref<4x64xf32>) outs(%t : memref<4x64xf32>)
  linalg.generic {indexing_maps = [affine_map<(m, k) -> (m, k)>], iterator_types = ["parallel", "parallel"]} outs(%y : memref<4x64xf32>) {
  ^bb0(%out: f32):
    %k = linalg.index 1 : index
    %a = memref.load %t[%c0, %k] : memref<4x64xf32>
    linalg.yield %a : f32
  }
  return
}

// -----

// A sum of a row without a neutral element would be one thread's.
// CHECK-LABEL: func @sum_of_f16
// CHECK-NOT: gpu.launch
func.func @sum_of_f16(%x: memref<4x64xf16>, %y: memref<4x64xf16>, %s: memref<4xf16>) {
  linalg.exp ins(%x : memref<4x64xf16>) outs(%y : memref<4x64xf16>)
  linalg.reduce { arith.addf } ins(%y : memref<4x64xf16>) outs(%s : memref<4xf16>) dimensions = [1]
  return
}
