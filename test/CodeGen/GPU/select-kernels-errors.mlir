// RUN: sq-opt %s -split-input-file --sq-select-kernels -verify-diagnostics

module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @unknown(%x: tensor<?x64xf32>, %p: tensor<16x64xi8>, %s: tensor<16x1xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-error @below {{kernel 'gpu.mma' can't compute this op: it is none of 'gpu.mma-s8', 'gpu.mma-fp8', 'gpu.mma-f16', 'gpu.mma-bf16', 'gpu.generic'}}
    %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p, scales(%s) : tensor<16x64xi8>, tensor<16x1xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, kernel = "gpu.mma"} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @layout(%x: tensor<?x64xf32>, %p: tensor<16x64xi8>, %s: tensor<16x1xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-error @below {{kernel 'gpu.mma-bf16' can't compute this op: the weights are packed in rows}}
    %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p, scales(%s) : tensor<16x64xi8>, tensor<16x1xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, kernel = "gpu.mma-bf16"} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @another(%x: tensor<?x64xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-error @below {{kernel 'gpu.mma-s8' can't compute this op: its formats are those of 'gpu.mma-bf16'}}
    %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-s8"} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @generic(%x: tensor<?x64xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-error @below {{kernel 'gpu.generic' can't compute this op: the weights aren't packed in rows}}
    %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.generic"} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// Fragments of fp8, for targets that don't all multiply it.
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @none(%x: tensor<?x128xf8E4M3FN>, %t: tensor<?x1xf32>, %p: tensor<1x2048xi8>, %s: tensor<1x16xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-error @below {{no kernel can compute this op: sm_80 has no mma on fp8}}
    %y = sq.matmul ins(%x, %t : tensor<?x128xf8E4M3FN>, tensor<?x1xf32>) weights(%p, scales(%s) : tensor<1x2048xi8>, tensor<1x16xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.fp8<f8E4M3FN, row>, activationFormat = #sq.fp8<f8E4M3FN, row>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @halves(%x: tensor<?x64xf32>, %p: tensor<1x2048xi8>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-error @below {{no kernel can compute this op: weights of f16 are multiplied by activations of f16 alone}}
    %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p : tensor<1x2048xi8>)
      outs(%o : tensor<?x16xf32>) {format = #sq.half<f16>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @other_halves(%x: tensor<?x64xf16>, %p: tensor<1x2048xi8>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-error @below {{no kernel can compute this op: weights of bf16 are multiplied by activations of bf16 and f32 alone}}
    %y = sq.matmul ins(%x : tensor<?x64xf16>) weights(%p : tensor<1x2048xi8>)
      outs(%o : tensor<?x16xf32>) {format = #sq.half<bf16>, layout = #sq<layout fragments>} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}

// -----

// A decision for the CPU's table.
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80"]>>} {
  func.func @cpu(%x: tensor<?x64xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
    // expected-error @below {{kernel 'cpu.tile-fma' can't compute this op: it is none of 'gpu.mma-s8', }}
    %y = sq.matmul ins(%x : tensor<?x64xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
      outs(%o : tensor<?x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "cpu.tile-fma"} -> tensor<?x16xf32>
    return %y : tensor<?x16xf32>
  }
}
