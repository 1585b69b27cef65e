// RUN: sq-opt %s --convert-sq-to-linalg=keep-kernels=cpu.decode-rows | FileCheck %s

// CHECK-LABEL: @two_kernels
func.func @two_kernels(%x: tensor<1x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>,
                       %y: tensor<1x8xf32>) -> (tensor<1x8xf32>, tensor<1x8xf32>) {
  // CHECK: sq.matmul {{.*}}kernel = "cpu.decode-rows"
  // CHECK-NOT: sq.matmul
  // CHECK: linalg.matmul
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%y : tensor<1x8xf32>) {format = #sq.int<8, row>, kernel = "cpu.decode-rows"} -> tensor<1x8xf32>
  %1 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%y : tensor<1x8xf32>) {format = #sq.int<8, row>, kernel = "cpu.reference"} -> tensor<1x8xf32>
  return %0, %1 : tensor<1x8xf32>, tensor<1x8xf32>
}
