// RUN: sq-opt %s --sq-outline-kernels --split-input-file | FileCheck %s
// RUN: sq-opt %s --sq-outline-kernels --split-input-file --remark-policy=all \
// RUN:   --remarks-filter=sq-outline-kernels -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Three layers of one shape, one of another: two kernels.
// CHECK-LABEL: @layers
// REMARK: calls=3, function=tile_dot_int8_row_16x64
// REMARK: calls=1, function=tile_dot_int8_row_32x64
func.func @layers(%x: memref<1x64xi8>, %xs: memref<1x1xf32>, %a: memref<1x1024xi8>, %b: memref<1x1024xi8>,
                  %c: memref<2x1024xi8>, %s: memref<1x16xf32>, %t: memref<2x16xf32>,
                  %y: memref<1x16xf32>, %z: memref<1x32xf32>) {
  // CHECK-NEXT: call @[[K:tile_dot_int8_row_16x64]](%arg0, %arg1, %arg2, %arg5, %arg7)
  sq.matmul ins(%x, %xs : memref<1x64xi8>, memref<1x1xf32>) weights(%a, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
    outs(%y : memref<1x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  // CHECK-NEXT: call @[[K]](%arg0, %arg1, %arg3, %arg5, %arg7)
  sq.matmul ins(%x, %xs : memref<1x64xi8>, memref<1x1xf32>) weights(%b, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
    outs(%y : memref<1x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  // CHECK-NEXT: call @[[K]](%arg0, %arg1, %arg2, %arg5, %arg7)
  sq.matmul ins(%x, %xs : memref<1x64xi8>, memref<1x1xf32>) weights(%a, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
    outs(%y : memref<1x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  // CHECK-NEXT: call @tile_dot_int8_row_32x64
  sq.matmul ins(%x, %xs : memref<1x64xi8>, memref<1x1xf32>) weights(%c, scales(%t) : memref<2x1024xi8>, memref<2x16xf32>)
    outs(%z : memref<1x32xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  // CHECK-NEXT: return
  return
}
// LLVM doesn't inline them: not into each layer, and because what is said to be
// distinct may be parts of one allocation, which it would see.
// CHECK: func.func private @tile_dot_int8_row_16x64({{.*}}) attributes {llvm.linkage = #llvm.linkage<internal>, passthrough = ["noinline"]}
// CHECK: func.func private @tile_dot_int8_row_32x64({{.*}}) attributes {llvm.linkage = #llvm.linkage<internal>, passthrough = ["noinline"]}

// -----

// One token and several are two functions, and so are two kernels of one layer.
// CHECK-LABEL: @tokens
func.func @tokens(%x: memref<1x64xf32>, %xs: memref<?x64xf32>, %p: memref<16x64xi8>, %s: memref<16x1xf32>,
                  %y: memref<1x16xf32>, %ys: memref<?x16xf32>) {
  // CHECK-NEXT: call @decode_rows_int8_row_16x64(
  sq.matmul ins(%x : memref<1x64xf32>) weights(%p, scales(%s) : memref<16x64xi8>, memref<16x1xf32>)
    outs(%y : memref<1x16xf32>) {format = #sq.int<8, row>, kernel = "cpu.decode-rows"}
  // CHECK-NEXT: call @decode_rows_int8_row_16x64_0(
  sq.matmul ins(%xs : memref<?x64xf32>) weights(%p, scales(%s) : memref<16x64xi8>, memref<16x1xf32>)
    outs(%ys : memref<?x16xf32>) {format = #sq.int<8, row>, kernel = "cpu.decode-rows"}
  return
}

// -----

// Slices of a cache differ in their constant offset, which becomes an argument;
// constants and globals go into the function.
// CHECK-LABEL: @slices
memref.global "private" constant @gains : memref<8xf32> = dense<1.0>
func.func @slices(%cache: memref<4x8xf32>, %y: memref<8xf32>) {
  %gains = memref.get_global @gains : memref<8xf32>
  %two = arith.constant 2.0 : f32
  %0 = memref.subview %cache[0, 0] [1, 8] [1, 1] : memref<4x8xf32> to memref<8xf32, strided<[1]>>
  %1 = memref.subview %cache[3, 0] [1, 8] [1, 1] : memref<4x8xf32> to memref<8xf32, strided<[1], offset: 24>>
  // CHECK: memref.cast {{.*}} to memref<8xf32, strided<[1], offset: ?>>
  // CHECK: call @[[F:generic_8]](
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
    ins(%0, %gains : memref<8xf32, strided<[1]>>, memref<8xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%a: f32, %g: f32, %o: f32):
    %p = arith.mulf %a, %g : f32
    %q = arith.mulf %p, %two : f32
    linalg.yield %q : f32
  }
  // CHECK: memref.cast {{.*}} to memref<8xf32, strided<[1], offset: ?>>
  // CHECK: call @[[F]](
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
    ins(%1, %gains : memref<8xf32, strided<[1], offset: 24>>, memref<8xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%a: f32, %g: f32, %o: f32):
    %p = arith.mulf %a, %g : f32
    %q = arith.mulf %p, %two : f32
    linalg.yield %q : f32
  }
  return
}
// CHECK: func.func private @generic_8(%[[SLICE:.+]]: memref<8xf32, strided<[1], offset: ?>>, %[[OUT:.+]]: memref<8xf32>)
// CHECK-DAG: arith.constant 2.0
// CHECK-DAG: %[[GAINS:.+]] = memref.get_global @gains
// CHECK: %[[APART:.+]]:2 = memref.distinct_objects %[[SLICE]], %[[OUT]]
// CHECK: linalg.generic {{.*}} ins(%[[APART]]#0, %[[GAINS]] {{.*}} outs(%[[APART]]#1

// -----

// What may overlap isn't said to be apart: an update in place, views of one
// buffer, and two arguments that are only read.
// CHECK-LABEL: @in_place
func.func @in_place(%x: memref<8xf32>, %b: memref<8xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
    ins(%x, %b : memref<8xf32>, memref<8xf32>) outs(%x : memref<8xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %p = arith.mulf %a, %c : f32
    linalg.yield %p : f32
  }
  // CHECK: call @generic_8(%arg0, %arg1)
  return
}
// CHECK: func.func private @generic_8(%[[X:.+]]: memref<8xf32>, %[[B:.+]]: memref<8xf32>)
// CHECK: %[[D:.+]]:2 = memref.distinct_objects %[[X]], %[[B]]
// CHECK: linalg.generic {{.*}} ins(%[[D]]#0, %[[D]]#1 {{.*}} outs(%[[D]]#0

// -----

// CHECK-LABEL: @two_inputs
func.func @two_inputs(%a: memref<8xf32>, %b: memref<8xf32>, %buffer: memref<16xf32>) {
  %low = memref.subview %buffer[0] [8] [1] : memref<16xf32> to memref<8xf32, strided<[1]>>
  %high = memref.subview %buffer[4] [8] [1] : memref<16xf32> to memref<8xf32, strided<[1], offset: 4>>
  // CHECK: call @sub_8
  linalg.sub ins(%a, %b : memref<8xf32>, memref<8xf32>) outs(%low : memref<8xf32, strided<[1]>>)
  // CHECK: call @exp_8
  linalg.exp ins(%low : memref<8xf32, strided<[1]>>) outs(%high : memref<8xf32, strided<[1], offset: 4>>)
  return
}
// CHECK: func.func private @sub_8(%[[A:.+]]: memref<8xf32>, %[[B:.+]]: memref<8xf32>, %[[O:.+]]: memref<8xf32, strided<[1], offset: ?>>)
// CHECK-NEXT: %[[D:.+]]:2 = memref.distinct_objects %[[A]], %[[O]]
// CHECK-NEXT: %[[E:.+]]:2 = memref.distinct_objects %[[B]], %[[D]]#1
// CHECK-NEXT: linalg.sub ins(%[[D]]#0, %[[E]]#0 {{.*}} outs(%[[E]]#1
// CHECK: func.func private @exp_8(
// CHECK-NOT: distinct_objects
// CHECK: linalg.exp

// -----

// A private function may get overlapping arguments from who calls it.
// CHECK-LABEL: func.func private @helper
func.func private @helper(%a: memref<8xf32>, %b: memref<8xf32>) {
  // CHECK: call @exp_8
  linalg.exp ins(%a : memref<8xf32>) outs(%b : memref<8xf32>)
  return
}
// CHECK: func.func private @exp_8
// CHECK-NOT: distinct_objects
// CHECK: linalg.exp

// -----

// Tensors are for the bufferized form to outline.
// CHECK-LABEL: @tensors_stay
func.func @tensors_stay(%a: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<8xf32> {
  // CHECK: linalg.exp
  %0 = linalg.exp ins(%a : tensor<8xf32>) outs(%b : tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
