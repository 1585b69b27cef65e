// RUN: sq-opt %s --sq-lower-to-llvm-pipeline='lanes=16 openmp=false' | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O2 -mtriple=x86_64-linux-gnu -mcpu=icelake-server -S \
// RUN:   | llc -O3 -mtriple=x86_64-linux-gnu -mcpu=icelake-server -o %t.s
// RUN: FileCheck %s < %t.s

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// One conversion from memory for 16 weights in f16, and no f32 copy of them.
// CHECK:     vcvtph2ps {{[^%]*}}(%{{.*}}), %zmm[[W:[0-9]+]]
// CHECK:      vfmadd231ps %zmm[[W]],
// CHECK-NOT: call
// CHECK: retq
func.func @f16_weights(%x: memref<1x4096xf32>, %w: memref<8x4096xf16>, %y: memref<1x8xf32>) {
  linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %w : memref<1x4096xf32>, memref<8x4096xf16>)
                outs(%y : memref<1x8xf32>)
  return
}

// A load that spreads and a shift in bf16.
// CHECK:     vpmovzxwd {{[^%]*}}(%{{.*}}), %zmm[[W:[0-9]+]]
// CHECK:      vpslld $16, %zmm[[W]], %zmm[[W]]
// CHECK:      vfmadd231ps %zmm[[W]],
// CHECK-NOT: call
// CHECK: retq
func.func @bf16_weights(%x: memref<1x4096xf32>, %w: memref<8x4096xbf16>, %y: memref<1x8xf32>) {
  linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %w : memref<1x4096xf32>, memref<8x4096xbf16>)
                outs(%y : memref<1x8xf32>)
  return
}
