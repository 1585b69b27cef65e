// Temporaries are the runtime's, of which LLVM knows that they overlap nothing,
// with threads and without.
// RUN: sq-compile %s --target=x86_64-linux-gnu:icelake-server --emit=llvm -o - | FileCheck %s
// RUN: sq-compile %s --target=x86_64-linux-gnu:icelake-server --emit=llvm --openmp=false -o - | FileCheck %s

// CHECK-NOT: @malloc
// CHECK-DAG: declare noalias ptr @sq_allocate(i64 allocalign, i64) {{.*}}#[[ALLOCATE:[0-9]+]]
// CHECK-DAG: declare void @sq_release(ptr allocptr) {{.*}}#[[RELEASE:[0-9]+]]
// CHECK-DAG: attributes #[[ALLOCATE]] = { {{.*}}allockind("alloc,uninitialized,aligned") allocsize(1) "alloc-family"="sq_allocate"
// CHECK-DAG: attributes #[[RELEASE]] = { {{.*}}allockind("free") "alloc-family"="sq_allocate"
// CHECK-NOT: @malloc

func.func @twice(%x: tensor<?x512xf32> {sq.dims = ["T"]}, %w: tensor<512x512xf32>)
    -> (tensor<?x512xf32> {sq.dims = ["T"]}) attributes {sq.symbol_max = {T = 256}} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x512xf32>
  %empty = tensor.empty(%t) : tensor<?x512xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x512xf32>) -> tensor<?x512xf32>
  %0 = linalg.matmul
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<?x512xf32>, tensor<512x512xf32>)
      outs(%init : tensor<?x512xf32>) -> tensor<?x512xf32>
  %1 = linalg.matmul
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%0, %w : tensor<?x512xf32>, tensor<512x512xf32>)
      outs(%init : tensor<?x512xf32>) -> tensor<?x512xf32>
  return %1 : tensor<?x512xf32>
}
