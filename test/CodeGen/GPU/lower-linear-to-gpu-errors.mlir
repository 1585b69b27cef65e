// RUN: sq-opt %s -split-input-file --sq-lower-linear-to-gpu -verify-diagnostics

module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @undecided(%x: memref<8x64xf32>, %p: memref<1x1024xi8>, %s: memref<1x16xf32>, %o: memref<8x16xf32>) {
    // expected-error @below {{no kernel was selected: run sq-select-kernels}}
    sq.matmul ins(%x : memref<8x64xf32>) weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
      outs(%o : memref<8x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>}
    return
  }
}

// -----

module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @generic(%x: memref<8x64xf32>, %p: memref<16x64xi8>, %s: memref<16x1xf32>, %o: memref<8x16xf32>) {
    // expected-error @below {{kernel 'gpu.generic' can't compute this op: it is convert-sq-to-linalg's, in front of bufferization}}
    sq.matmul ins(%x : memref<8x64xf32>) weights(%p, scales(%s) : memref<16x64xi8>, memref<16x1xf32>)
      outs(%o : memref<8x16xf32>) {format = #sq.int<8, row>, kernel = "gpu.generic"}
    return
  }
}

// -----

// expected-error @below {{the module's target: expected a device "GPU"; run sq-attach-target with 'cuda:...'}}
module {
  func.func @no_target(%x: memref<8x64xf32>, %p: memref<1x1024xi8>, %s: memref<1x16xf32>, %o: memref<8x16xf32>) {
    sq.matmul ins(%x : memref<8x64xf32>) weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
      outs(%o : memref<8x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-bf16"}
    return
  }
}
