// RUN: sq-opt %s --sq-gpu-outline-pipeline --sq-gpu-to-nvvm-pipeline --gpu-module-to-binary=format=isa -split-input-file | FileCheck %s

// f16 by f16, 2:4, many tokens: weights go from shared memory to the instruction
// as they are, activations are read where they lie.
// CHECK: gpu.binary @kernels
// CHECK-SAME: .visible .entry weights_kernel(
// CHECK-SAME: cp.async.cg.shared.global
// CHECK-SAME: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK-SAME: ld.shared.v4.b32
// CHECK-SAME: mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32{{[^;]*}}\090;
// CHECK-SAME: mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32{{[^;]*}}\091;
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @weights(%x: memref<64x256xf16>, %p: memref<8x4096xi8>, %b: memref<8x512xi8>, %o: memref<64x128xf32>) {
    sq.matmul ins(%x : memref<64x256xf16>) weights(%p, bitmap(%b) : memref<8x4096xi8>, memref<8x512xi8>)
      outs(%o : memref<64x128xf32>) {format = #sq.half<f16>, pattern = #sq.nm<2:4>, layout = #sq<layout fragments>, kernel = "gpu.mma-f16"}
    return
  }
}

// -----

// One token: nibbles become f16 as the last bits of 1024 and 8 more, which are
// taken off again.
// CHECK: gpu.binary @kernels
// CHECK-SAME: .visible .entry nibbles_kernel(
// CHECK-SAME: ld.global.v4.b32
// CHECK-SAME: and.b32 {{[^;]*}}, 983055;
// CHECK-SAME: xor.b32 {{[^;]*}}, 1678271496;
// CHECK-SAME: add.rn.f16x2
// CHECK-SAME: mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @nibbles(%x: memref<1x256xf16>, %p: memref<8x1024xi8>, %b: memref<8x512xi8>, %s: memref<8x64xf16>, %o: memref<1x128xf32>) {
    sq.matmul ins(%x : memref<1x256xf16>) weights(%p, bitmap(%b), scales(%s) : memref<8x1024xi8>, memref<8x512xi8>, memref<8x64xf16>)
      outs(%o : memref<1x128xf32>) {format = #sq.int<4, group = 64, scale = f16>, pattern = #sq.nm<2:4>, layout = #sq<layout fragments>, kernel = "gpu.mma-f16"}
    return
  }
}
