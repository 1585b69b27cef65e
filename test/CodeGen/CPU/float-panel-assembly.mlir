// RUN: sq-opt %s --sq-lower-to-llvm-pipeline=openmp=false | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O2 -mtriple=x86_64-linux-gnu -mcpu=icelake-server -S \
// RUN:   | llc -O3 -mtriple=x86_64-linux-gnu -mcpu=icelake-server -o %t.s
// RUN: FileCheck %s < %t.s

// Twelve rows of activations with panels of two blocks of weights: an activation
// is loaded to all lanes once and multiplied twice; no sum leaves its register.
// CHECK-LABEL: {{^}}dense:
// CHECK:      vbroadcastss {{.*}}(%{{.*}}), %[[X:zmm[0-9]+]]
// CHECK:      vfmadd{{[0-9]+}}ps %{{zmm[0-9]+}}, %[[X]]
// CHECK-NOT:  zmm{{.*}}(%rsp)
// CHECK:      {{^[[:space:]]}}j
func.func @dense(%x: memref<24x300xf32>, %w: memref<40x300xf32>, %y: memref<24x40xf32>) {
  linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                                 affine_map<(m, n, k) -> (m, n)>]
    ins(%x, %w : memref<24x300xf32>, memref<40x300xf32>) outs(%y : memref<24x40xf32>)
  return
}
