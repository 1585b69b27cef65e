// RUN: sq-opt %s --sq-attach-target=target=cuda:sm_90a --sq-lower-linear-to-gpu --split-input-file | FileCheck %s

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// Up to 16 tokens others lower it; for more, weights in f16 are two matrices of
// bf16, one after the other, in memory for one.
// CHECK-LABEL: func.func @dynamic
// CHECK: scf.if
// CHECK-NEXT: linalg.matmul
// CHECK: } else {
// CHECK: memref.alloc({{.*}}) : memref<3x?x64xbf16>
// CHECK: gpu.launch
// CHECK: memref.alloc() : memref<3x2048xi8>
// CHECK-COUNT-2: nvvm.cp.async.wait.group
// CHECK: memref.dealloc
func.func @dynamic(%a: memref<?x19xf32>, %b: memref<33x19xf16>, %c: memref<?x33xf32>) {
  linalg.matmul indexing_maps = [#x, #w, #y]
      ins(%a, %b : memref<?x19xf32>, memref<33x19xf16>) outs(%c : memref<?x33xf32>)
  return
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// bf16 is multiplied as it is.
// CHECK-LABEL: func.func @many
// CHECK-NOT: linalg.matmul
// CHECK-COUNT-1: nvvm.cp.async.wait.group
// CHECK: nvvm.mma.sync {{.*}}multiplicandAPtxType = #nvvm.mma_type<bf16>
// CHECK-NOT: nvvm.cp.async.wait.group
func.func @many(%a: memref<17x64xf32>, %b: memref<16x64xbf16>, %c: memref<17x16xf32>) {
  linalg.matmul indexing_maps = [#x, #w, #y]
      ins(%a, %b : memref<17x64xf32>, memref<16x64xbf16>) outs(%c : memref<17x16xf32>)
  return
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @few
// CHECK-NEXT: linalg.matmul
func.func @few(%a: memref<16x64xf32>, %b: memref<16x64xf32>, %c: memref<16x16xf32>) {
  linalg.matmul indexing_maps = [#x, #w, #y]
      ins(%a, %b : memref<16x64xf32>, memref<16x64xf32>) outs(%c : memref<16x16xf32>)
  return
}
