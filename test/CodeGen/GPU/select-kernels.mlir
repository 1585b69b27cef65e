// RUN: sq-opt %s --sq-select-kernels --remark-format=emitRemark \
// RUN:   --remarks-filter=sq-select-kernels --verify-diagnostics --split-input-file | FileCheck %s

// CHECK-LABEL: @sparse
// CHECK: kernel = "gpu.mma-s8"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @sparse(%x: tensor<?x128xi8>, %t: tensor<?x1xf32>, %p: tensor<1x1024xi8>, %b: tensor<1x256xi8>, %s: tensor<1x16xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-remark @below {{[Passed] KernelSelected | Category:sq-select-kernels | Remark="selected ", kernel=gpu.mma-s8}}
    %y = sq.matmul ins(%x, %t : tensor<?x128xi8>, tensor<?x1xf32>)
      weights(%p, bitmap(%b), scales(%s) : tensor<1x1024xi8>, tensor<1x256xi8>, tensor<1x16xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, pattern = #sq.nm<2:4>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// Where dropped weights are stored, a pattern is a fact and no saving.
// CHECK-LABEL: @dense
// CHECK: kernel = "gpu.mma-bf16"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @dense(%x: tensor<?x64xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-remark @below {{dropped weights are multiplied: tensor cores skip 2:4 alone, not unstructured0.5.row", Remark="selected ", kernel=gpu.mma-bf16}}
    %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, pattern = #sq.unstructured<0.5, row>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// Only what is kept is stored and read, and zeros are put in between.
// CHECK-LABEL: @bitmap
// CHECK: kernel = "gpu.mma-bf16"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @bitmap(%x: tensor<?x64xf32>, %p: tensor<1x576xi8>, %b: tensor<1x160xi8>, %s: tensor<1x16xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-remark @below {{dropped weights aren't stored, but multiplied: tensor cores skip 2:4 alone, not unstructured0.5.row", Remark="selected ", kernel=gpu.mma-bf16}}
    %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p, bitmap(%b), scales(%s) : tensor<1x576xi8>, tensor<1x160xi8>, tensor<1x16xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, pattern = #sq.unstructured<0.5, row>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// CHECK-LABEL: @fp8
// CHECK: kernel = "gpu.generic"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80", "sm_90a"]>>} {
  func.func @fp8(%x: tensor<?x64xf8E4M3FN>, %t: tensor<?x1xf32>, %p: tensor<16x64xi8>, %s: tensor<16x1xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-remark @below {{Reason="sm_80 has no mma on fp8", Remark="selected ", kernel=gpu.generic}}
    %y = sq.matmul ins(%x, %t : tensor<?x64xf8E4M3FN>, tensor<?x1xf32>) weights(%p, scales(%s) : tensor<16x64xi8>, tensor<16x1xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.fp8<f8E4M3FN, row>, activationFormat = #sq.fp8<f8E4M3FN, row>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// CHECK-LABEL: @groups
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @groups(%x: tensor<?x64xi8>, %t: tensor<?x2xf8E8M0FNU>, %p: tensor<16x64xi8>, %s: tensor<16x1xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-remark @below {{Reason="activations of mx.int8 have scale groups of 32 columns, and weights of int8.row don't", Remark="selected ", kernel=gpu.generic}}
    %y = sq.matmul ins(%x, %t : tensor<?x64xi8>, tensor<?x2xf8E8M0FNU>) weights(%p, scales(%s) : tensor<16x64xi8>, tensor<16x1xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.mx<i8>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// Packed for CPUs, before it was known that it is a GPU.
// CHECK-LABEL: @rows
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @rows(%x: tensor<?x64xf32>, %p: tensor<16x64xi8>, %s: tensor<16x1xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-remark @below {{Reason="the weights are packed in rows", Remark="selected ", kernel=gpu.generic}}
    %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p, scales(%s) : tensor<16x64xi8>, tensor<16x1xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// CHECK-LABEL: @zero_point
// CHECK: kernel = "gpu.generic"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @zero_point(%x: tensor<?x64xi8>, %t: tensor<?x1xf32>, %z: tensor<?x1xi32>, %p: tensor<16x64xi8>, %s: tensor<16x1xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-remark @below {{Reason="activations of uint8.row have a zero point"}}
    %y = sq.matmul ins(%x, %t, %z : tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi32>) weights(%p, scales(%s) : tensor<16x64xi8>, tensor<16x1xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row, asymmetric>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// CHECK-LABEL: @no_pair
// CHECK: kernel = "gpu.generic"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @no_pair(%x: tensor<?x64xf8E4M3FN>, %t: tensor<?x1xf32>, %p: tensor<16x64xi8>, %s: tensor<16x1xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-remark @below {{Reason="no mma takes weights of int8.row and activations of fp8.e4m3fn.row"}}
    %y = sq.matmul ins(%x, %t : tensor<?x64xf8E4M3FN>, tensor<?x1xf32>) weights(%p, scales(%s) : tensor<16x64xi8>, tensor<16x1xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.fp8<f8E4M3FN, row>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// CHECK-LABEL: @nf4
// CHECK: kernel = "gpu.generic"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @nf4(%x: tensor<?x64xf32>, %p: tensor<16x32xi8>, %s: tensor<16x1xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-remark @below {{Reason="tensor cores don't multiply codes of nf4.row with f32"}}
    %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p, scales(%s) : tensor<16x32xi8>, tensor<16x1xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.nf4<row>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// Both sides have a scale for 32 columns.
// CHECK-LABEL: @mx
// CHECK: kernel = "gpu.mma-s8"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @mx(%x: tensor<?x128xf4E2M1FN>, %t: tensor<?x4xf8E8M0FNU>, %p: tensor<1x1024xi8>, %s: tensor<1x64xf8E8M0FNU>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-remark @below {{Remark="selected ", kernel=gpu.mma-s8}}
    %y = sq.matmul ins(%x, %t : tensor<?x128xf4E2M1FN>, tensor<?x4xf8E8M0FNU>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x64xf8E8M0FNU>)
      outs(%o : tensor<?x16xf32>) {format = #sq.mx<f4E2M1FN>, activationFormat = #sq.mx<f4E2M1FN>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// CHECK-LABEL: @wide
// CHECK: kernel = "gpu.generic"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @wide(%x: tensor<?x131076xi8>, %t: tensor<?x1xf32>, %p: tensor<16x131076xi8>, %s: tensor<16x1xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-remark @below {{Reason="sums of 131076 products may need more than 32 bits"}}
    %y = sq.matmul ins(%x, %t : tensor<?x131076xi8>, tensor<?x1xf32>) weights(%p, scales(%s) : tensor<16x131076xi8>, tensor<16x1xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// Halves are read where they are widened for nothing else: tensor cores multiply
// them.
// CHECK-LABEL: @halves
// CHECK-SAME: (%[[H:[a-z0-9]+]]: tensor<?x64xf16>
// CHECK: sq.matmul ins(%[[H]] : tensor<?x64xf16>)
// CHECK-SAME: kernel = "gpu.mma-f16"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @halves(%h: tensor<?x64xf16>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    %x = arith.extf %h : tensor<?x64xf16> to tensor<?x64xf32>
    // expected-remark @below {{Remark="selected ", kernel=gpu.mma-f16}}
    %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// bf16 weights and f32 activations, which are the sum of three bf16.
// CHECK-LABEL: @half_weights
// CHECK: kernel = "gpu.mma-bf16"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @half_weights(%x: tensor<?x64xf32>, %p: tensor<1x1024xi8>, %b: tensor<1x128xi8>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-remark @below {{Remark="selected ", kernel=gpu.mma-bf16}}
    %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p, bitmap(%b) : tensor<1x1024xi8>, tensor<1x128xi8>)
      outs(%o : tensor<?x16xf32>) {format = #sq.half<bf16>, pattern = #sq.nm<2:4>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// Codes that no mma takes on all of the architectures are multiplied as f16.
// CHECK-LABEL: @widened
// CHECK: kernel = "gpu.mma-f16"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_120a", "sm_90a"]>>} {
  func.func @widened(%x: tensor<?x128xf16>, %t: tensor<?x1xf32>, %p: tensor<1x1024xi8>, %b: tensor<1x256xi8>, %s: tensor<1x16xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-remark @below {{Reason="codes are multiplied as f16: sm_90a has no mma on fp8", Remark="selected ", kernel=gpu.mma-f16}}
    %y = sq.matmul ins(%x, %t : tensor<?x128xf16>, tensor<?x1xf32>) weights(%p, bitmap(%b), scales(%s) : tensor<1x1024xi8>, tensor<1x256xi8>, tensor<1x16xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.fp8<f8E4M3FN, row>, activationFormat = #sq.fp8<f8E4M3FN, row>, pattern = #sq.nm<2:4>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// Codes whose groups aren't the weights' are multiplied as the bf16 that they
// stand for.
// CHECK-LABEL: @values
// CHECK: kernel = "gpu.mma-bf16"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @values(%q: tensor<?x64xi8>, %t: tensor<?x2xf8E8M0FNU>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    %x = sq.dequantize %q, %t from mx<i8> : tensor<?x64xi8>, tensor<?x2xf8E8M0FNU> -> tensor<?x64xf32>
    %h = arith.truncf %x : tensor<?x64xf32> to tensor<?x64xbf16>
    // expected-remark @below {{Reason="codes are multiplied as bf16: activations of mx.int8 have scale groups of 32 columns, and weights of int8.row don't", Remark="selected ", kernel=gpu.mma-bf16}}
    %y = sq.matmul ins(%h : tensor<?x64xbf16>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}
