// RUN: sq-opt %s --convert-sq-to-linalg --split-input-file --verify-diagnostics

func.func @matmul_on_memrefs(%x: memref<4x64xf32>, %p: memref<8x64xi8>, %s: memref<8x1xf32>, %y: memref<4x8xf32>) {
  // expected-error @below {{'sq.matmul' op expected tensors, got memrefs; run convert-sq-to-linalg before bufferization}}
  sq.matmul ins(%x : memref<4x64xf32>) weights(%p, scales(%s) : memref<8x64xi8>, memref<8x1xf32>)
    outs(%y : memref<4x8xf32>) {format = #sq.int<8, row>}
  return
}

// -----

func.func @tiles_have_no_reference(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x1024xi8>,
                                   %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected weights in the layout 'rows': only the kernel that 'tiles' were packed for reads them}}
  // expected-error@below {{failed to legalize}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

func.func @widened_beside_floats(%x: tensor<1x64xi8>, %xs: tensor<1x2xf8E8M0FNU>, %p: tensor<8x64xi8>,
                                 %s: tensor<8x1xf32>, %y: tensor<1x8xf32>) -> tensor<1x8xf32> {
  // expected-error@below {{expected activations in 'f4E2M1FN' beside weights in #sq.fp8<f8E4M3FN, row>: widened ones are for integers}}
  // expected-error@below {{failed to legalize}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x2xf8E8M0FNU>)
    weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>) outs(%y : tensor<1x8xf32>)
    {format = #sq.fp8<f8E4M3FN, row>, activationFormat = #sq.mx<f4E2M1FN>} -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

func.func @widened_to_f16(%x: tensor<1x64xf16>, %xs: tensor<1x1xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %y: tensor<1x8xf32>) -> tensor<1x8xf32> {
  // expected-error @below {{'sq.matmul' op expected activations in 'i8', got f16: widened so, kernels for tensor cores alone multiply them}}
  // expected-error @below {{failed to legalize}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xf16>, tensor<1x1xf32>)
    weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%y : tensor<1x8xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>} -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}
