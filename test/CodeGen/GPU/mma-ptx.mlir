// RUN: sq-opt %s --sq-gpu-outline-pipeline --sq-gpu-to-nvvm-pipeline --gpu-module-to-binary=format=isa | FileCheck %s

// The PTX of 2:4 int4 weights with scale groups and int8 activations, many
// tokens. Nibbles become bytes by a mask; weights come 16 bytes a lane.
// CHECK: gpu.binary @kernels
// CHECK-SAME: .extern .shared .align 16 .b8 __dynamic_shmem__0[];
// CHECK-SAME: .visible .entry sparse_kernel(
// CHECK-SAME: cp.async.cg.shared.global [{{[^;]*}}], 16;
// CHECK-SAME: cp.async.commit_group;
// CHECK-SAME: cp.async.wait_group {{[^;]*}}1;
// CHECK-SAME: bar.sync
// CHECK-SAME: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// CHECK-SAME: ld.shared.v4.b32
// CHECK-SAME: and.b32 {{[^;]*}}, -252645136;
// CHECK-SAME: mma.sp::ordered_metadata.sync.aligned.m16n8k64.row.col.s32.s8.s8.s32
// CHECK-SAME: cvt.rn.f32.s32
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @sparse(%x: memref<64x256xi8>, %t: memref<64x1xf32>, %p: memref<8x1024xi8>, %b: memref<8x512xi8>, %s: memref<8x64xf16>, %o: memref<64x128xf32>) {
    sq.matmul ins(%x, %t : memref<64x256xi8>, memref<64x1xf32>)
      weights(%p, bitmap(%b), scales(%s) : memref<8x1024xi8>, memref<8x512xi8>, memref<8x64xf16>)
      outs(%o : memref<64x128xf32>) {format = #sq.int<4, group = 64, scale = f16>, activationFormat = #sq.int<8, row>, pattern = #sq.nm<2:4>, layout = #sq<layout fragments>, kernel = "gpu.mma-s8"}
    return
  }
}
