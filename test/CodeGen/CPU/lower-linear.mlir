// RUN: sq-opt %s --sq-lower-linear=lanes=16 --split-input-file | FileCheck %s
// RUN: sq-opt %s --sq-lower-linear=lanes=8 --split-input-file | FileCheck %s --check-prefix=AVX2

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// One row of activations: four weight rows a block, two vectors a step.
// CHECK-LABEL: @decode_f32
// AVX2-LABEL: @decode_f32
func.func @decode_f32(%x: memref<1x72xf32>, %w: memref<32x72xf32>, %y: memref<1x32xf32>) {
  // CHECK: scf.parallel (%[[N:.+]]) = (%{{.+}}) to (%c32{{.*}}) step (%c4{{.*}})
  // CHECK:   scf.for {{.*}} to %c64{{.*}} step %c32
  // CHECK-COUNT-8: vector.fma {{.*}} : vector<16xf32>
  // CHECK:   vector.constant_mask [8] : vector<16xi1>
  // CHECK:   vector.maskedload
  // CHECK:   vector.reduction <add>
  // CHECK-NOT: linalg.matmul
  // AVX2: vector.fma {{.*}} : vector<8xf32>
  linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %w : memref<1x72xf32>, memref<32x72xf32>)
                outs(%y : memref<1x32xf32>)
  return
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// Weights of 16 bits are widened as they are loaded, the tail too.
// CHECK-LABEL: @half_weights
// AVX2-LABEL: @half_weights
func.func @half_weights(%x: memref<1x72xf32>, %w: memref<32x72xbf16>, %y: memref<1x32xf32>) {
  // CHECK: %[[W:.+]] = vector.load {{.*}} : memref<32x72xbf16>, vector<16xbf16>
  // CHECK: %[[F:.+]] = arith.extf %[[W]] : vector<16xbf16> to vector<16xf32>
  // CHECK: vector.fma %{{.+}}, %[[F]],
  // CHECK: %[[T:.+]] = vector.maskedload {{.*}} : memref<32x72xbf16>, {{.*}} into vector<16xbf16>
  // CHECK: arith.extf %[[T]]
  // CHECK-NOT: linalg.matmul
  // AVX2: arith.extf {{.*}} : vector<8xbf16> to vector<8xf32>
  linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %w : memref<1x72xf32>, memref<32x72xbf16>)
                outs(%y : memref<1x32xf32>)
  return
}

// -----

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>

// Many rows: blocks of four by four, then single rows; N = 6 is cut in twos.
// CHECK-LABEL: @prefill_f32
func.func @prefill_f32(%x: memref<?x64xf32>, %w: memref<6x64xf32>, %y: memref<?x6xf32>) {
  // CHECK: scf.parallel {{.*}} step (%c2{{.*}})
  // CHECK:   scf.for {{.*}} step %c4
  // CHECK:     scf.for {{.*}} step %c16
  // CHECK-COUNT-8: vector.fma
  linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %w : memref<?x64xf32>, memref<6x64xf32>)
                outs(%y : memref<?x6xf32>)
  return
}

// -----

// Weights [K, N] are no linear layer of ours: the op stays.
// CHECK-LABEL: @other_layout_stays
func.func @other_layout_stays(%x: memref<4x64xf32>, %w: memref<64x32xf32>, %y: memref<4x32xf32>) {
  // CHECK: linalg.matmul
  linalg.matmul ins(%x, %w : memref<4x64xf32>, memref<64x32xf32>) outs(%y : memref<4x32xf32>)
  return
}

// -----

// 2:4 int8: kept codes to f32, then spread by the bitmap's bits.
// CHECK-LABEL: @sparse_int8
func.func @sparse_int8(%x: memref<1x64xf32>, %p: memref<8x32xi8>, %b: memref<8x8xi8>,
                       %s: memref<8x1xf32>, %y: memref<1x8xf32>) {
  // CHECK: scf.parallel
  // CHECK:   memref.alloca_scope
  // CHECK:     arith.sitofp {{.*}} : vector<16xi32> to vector<16xf32>
  // CHECK:     vector.bitcast {{.*}} : vector<2xi8> to vector<16xi1>
  // CHECK:     math.ctpop {{.*}} : i16
  // CHECK:     vector.expandload
  // CHECK:     vector.fma
  sq.matmul ins(%x : memref<1x64xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<8x32xi8>, memref<8x8xi8>, memref<8x1xf32>)
    outs(%y : memref<1x8xf32>) {format = #sq.int<8, row>, kernel = "cpu.decode-rows", pattern = #sq.nm<2:4>}
  return
}

// -----

// Float codes are looked up: the table holds all values of a code.
// CHECK: memref.global "private" constant @{{.*}}e2m1fn{{.*}} : memref<16xf32> = dense<[0.000000e+00, 5.000000e-01, 1.000000e+00, 1.500000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 6.000000e+00
// CHECK-LABEL: @dense_mxfp4
func.func @dense_mxfp4(%x: memref<1x64xf32>, %p: memref<8x32xi8>, %s: memref<8x2xf8E8M0FNU>,
                       %y: memref<1x8xf32>) {
  // CHECK: vector.gather
  // CHECK: arith.bitcast {{.*}} : f8E8M0FNU to i8
  sq.matmul ins(%x : memref<1x64xf32>)
    weights(%p, scales(%s) : memref<8x32xi8>, memref<8x2xf8E8M0FNU>)
    outs(%y : memref<1x8xf32>) {format = #sq.mx<f4E2M1FN>, kernel = "cpu.decode-rows"}
  return
}

// -----

// Another kernel's op is not ours.
// CHECK-LABEL: @reference_stays
func.func @reference_stays(%x: memref<1x64xf32>, %p: memref<8x64xi8>, %s: memref<8x1xf32>,
                           %y: memref<1x8xf32>) {
  // CHECK: sq.matmul
  sq.matmul ins(%x : memref<1x64xf32>)
    weights(%p, scales(%s) : memref<8x64xi8>, memref<8x1xf32>)
    outs(%y : memref<1x8xf32>) {format = #sq.int<8, row>, kernel = "cpu.reference"}
  return
}
