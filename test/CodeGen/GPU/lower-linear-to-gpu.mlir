// RUN: sq-opt %s -split-input-file --sq-lower-linear-to-gpu | FileCheck %s

// Rows of whole blocks of columns are read where they are. Up to 8 and up to 16
// tokens have kernels of their own; the third is for more.
// CHECK-LABEL: @sparse
// CHECK-NOT: memref.alloc
// CHECK: scf.if
// CHECK: gpu.launch
// CHECK: nvvm.mma.sp.sync {{.*}}orderedMetadata{{.*}}k = 64
// CHECK: } else {
// CHECK: scf.if
// CHECK: gpu.launch
// CHECK: } else {
// CHECK: gpu.launch {{.*}} dynamic_shared_memory_size
// CHECK: nvvm.cp.async.shared.global
// CHECK: nvvm.cp.async.commit.group
// CHECK: scf.for
// CHECK: nvvm.cp.async.wait.group 1
// CHECK-NEXT: gpu.barrier
// CHECK: nvvm.ldmatrix
// CHECK: nvvm.mma.sp.sync
// CHECK-NOT: sq.matmul
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @sparse(%x: memref<?x128xi8>, %t: memref<?x1xf32>, %p: memref<1x1024xi8>, %b: memref<1x256xi8>, %s: memref<1x16xf32>, %o: memref<?x16xf32>) {
    sq.matmul ins(%x, %t : memref<?x128xi8>, memref<?x1xf32>)
      weights(%p, bitmap(%b), scales(%s) : memref<1x1024xi8>, memref<1x256xi8>, memref<1x16xf32>)
      outs(%o : memref<?x16xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, pattern = #sq.nm<2:4>, layout = #sq<layout fragments>, kernel = "gpu.mma-s8"}
    return
  }
}

// -----

// f32 in three parts; eight tokens are known, so that there is one kernel.
// CHECK-LABEL: @f32
// CHECK: %[[ROOM:.*]] = memref.alloc(%{{.*}}) : memref<3x?x64xbf16>
// CHECK: gpu.launch
// CHECK-COUNT-3: arith.truncf {{.*}} : f32 to bf16
// CHECK: gpu.launch
// CHECK: nvvm.mma.sync {{.*}}bf16{{.*}}k = 16
// CHECK-NOT: gpu.launch
// CHECK: memref.dealloc %[[ROOM]]
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @f32(%x: memref<8x60xf32>, %p: memref<1x1024xi8>, %s: memref<1x16xf32>, %o: memref<8x16xf32>) {
    sq.matmul ins(%x : memref<8x60xf32>) weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
      outs(%o : memref<8x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-bf16"}
    return
  }
}

// -----

// CHECK-LABEL: @padded
// CHECK: memref.alloc(%{{.*}}) : memref<1x?x128xi8>
// CHECK: llvm.inline_asm "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e5m2.f32 {$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, {$10, $11, $12, $13};"
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_89"]>>} {
  func.func @padded(%x: memref<5x100xf8E5M2>, %t: memref<5x1xf32>, %p: memref<1x2048xi8>, %s: memref<1x16xf32>, %o: memref<5x16xf32>) {
    sq.matmul ins(%x, %t : memref<5x100xf8E5M2>, memref<5x1xf32>) weights(%p, scales(%s) : memref<1x2048xi8>, memref<1x16xf32>)
      outs(%o : memref<5x16xf32>) {format = #sq.fp8<f8E4M3FN, row>, activationFormat = #sq.fp8<f8E5M2, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-fp8"}
    return
  }
}

// -----

// f32 is split once for two products of it.
// CHECK-LABEL: @shared
// CHECK: %[[ROOM:.*]] = memref.alloc(%{{.*}}) : memref<3x?x64xbf16>
// CHECK: gpu.launch
// CHECK-COUNT-3: arith.truncf {{.*}} : f32 to bf16
// CHECK: gpu.launch
// CHECK: nvvm.mma.sync
// CHECK-NOT: arith.truncf
// CHECK: memref.extract_aligned_pointer_as_index %[[ROOM]]
// CHECK: gpu.launch
// CHECK: nvvm.mma.sync
// CHECK: memref.dealloc %[[ROOM]]
// It is split again where it has changed in between.
// CHECK-LABEL: @changed
// CHECK-COUNT-3: arith.truncf {{.*}} : f32 to bf16
// CHECK: memref.dealloc
// CHECK: linalg.fill
// CHECK-COUNT-3: arith.truncf {{.*}} : f32 to bf16
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @shared(%x: memref<8x64xf32>, %p: memref<1x1024xi8>, %s: memref<1x16xf32>, %o: memref<8x16xf32>, %r: memref<8x16xf32>) {
    sq.matmul ins(%x : memref<8x64xf32>) weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
      outs(%o : memref<8x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-bf16"}
    sq.matmul ins(%x : memref<8x64xf32>) weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
      outs(%r : memref<8x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-bf16"}
    return
  }
  func.func @changed(%x: memref<8x64xf32>, %p: memref<1x1024xi8>, %s: memref<1x16xf32>, %o: memref<8x16xf32>, %r: memref<8x16xf32>) {
    %zero = arith.constant 0.0 : f32
    sq.matmul ins(%x : memref<8x64xf32>) weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
      outs(%o : memref<8x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-bf16"}
    linalg.fill ins(%zero : f32) outs(%x : memref<8x64xf32>)
    sq.matmul ins(%x : memref<8x64xf32>) weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
      outs(%r : memref<8x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-bf16"}
    return
  }
}

// -----

// What was there is added to, unless it is overwritten.
// CHECK-LABEL: @adds
// CHECK: gpu.barrier
// CHECK: %[[SCALED:.*]] = arith.mulf
// CHECK: %[[OLD:.*]] = llvm.load
// CHECK: %[[SUM:.*]] = arith.addf %[[OLD]], %[[SCALED]]
// CHECK: llvm.store %[[SUM]]
// CHECK-LABEL: @overwrites
// CHECK: gpu.barrier
// CHECK: %[[SCALED:.*]] = arith.mulf
// CHECK-NOT: llvm.load
// CHECK: llvm.store %[[SCALED]]
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @adds(%x: memref<8x64xf32>, %p: memref<1x1024xi8>, %s: memref<1x16xf32>, %o: memref<8x16xf32>) {
    sq.matmul ins(%x : memref<8x64xf32>) weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
      outs(%o : memref<8x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-bf16"}
    return
  }
  func.func @overwrites(%x: memref<8x64xf32>, %p: memref<1x1024xi8>, %s: memref<1x16xf32>, %o: memref<8x16xf32>) {
    sq.matmul ins(%x : memref<8x64xf32>) weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
      outs(%o : memref<8x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-bf16", overwrites}
    return
  }
}
