// RUN: sq-opt %s --sq-lower-linear-to-gpu -split-input-file | FileCheck %s

// A product's kernel computes what is done element by element around it: it is
// added to a bias, goes through relu, is multiplied by a gate and rounded. Only
// the last result is stored.
// CHECK-LABEL: @all
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<8x64xf16>, {{.*}}, %[[BIAS:[a-z0-9]+]]: memref<16xf32>, %[[GATE:[a-z0-9]+]]: memref<8x16xf32>, %[[OUT:[a-z0-9]+]]: memref<8x16xf16>
// CHECK-NOT: linalg.
// CHECK: gpu.launch
// CHECK: nvvm.mma.sync
// CHECK: %[[B:.*]] = memref.load %[[BIAS]][
// CHECK: %[[SUM:.*]] = arith.addf %[[B]],
// CHECK-NOT: llvm.store
// CHECK: %[[G:.*]] = memref.load %[[GATE]][
// CHECK: %[[RELU:.*]] = arith.maximumf %[[SUM]],
// CHECK: %[[PRODUCT:.*]] = arith.mulf %[[RELU]], %[[G]]
// CHECK: %[[HALF:.*]] = arith.truncf %[[PRODUCT]] : f32 to f16
// CHECK: memref.store %[[HALF]], %[[OUT]][
// CHECK-NOT: linalg.
// CHECK: return
#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (n)>
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @all(%x: memref<8x64xf16>, %p: memref<1x1024xi8>, %s: memref<1x16xf32>, %bias: memref<16xf32>, %gate: memref<8x16xf32>, %out: memref<8x16xf16>) {
    %zero = arith.constant 0.0 : f32
    %y = memref.alloc() : memref<8x16xf32>
    linalg.broadcast ins(%bias : memref<16xf32>) outs(%y : memref<8x16xf32>) dimensions = [0]
    sq.matmul ins(%x : memref<8x64xf16>) weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
      outs(%y : memref<8x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-f16"}
    %h = memref.alloc() : memref<8x16xf32>
    linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y, %gate : memref<8x16xf32>, memref<8x16xf32>) outs(%h : memref<8x16xf32>) {
    ^bb0(%a: f32, %g: f32, %o: f32):
      %r = arith.maximumf %a, %zero : f32
      %v = arith.mulf %r, %g : f32
      linalg.yield %v : f32
    }
    memref.dealloc %y : memref<8x16xf32>
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%h : memref<8x16xf32>) outs(%out : memref<8x16xf16>) {
    ^bb0(%a: f32, %o: f16):
      %v = arith.truncf %a : f32 to f16
      linalg.yield %v : f16
    }
    memref.dealloc %h : memref<8x16xf32>
    return
  }
}

// -----

// What others read, too, is stored, and so is what the op makes of it.
// CHECK-LABEL: @read_twice
// CHECK: llvm.store {{.*}} : f32, !llvm.ptr<1>
// CHECK: math.absf
// CHECK: memref.store
// CHECK: linalg.generic
#id = affine_map<(m, n) -> (m, n)>
#transposed = affine_map<(m, n) -> (n, m)>
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @read_twice(%x: memref<16x64xf16>, %p: memref<1x1024xi8>, %s: memref<1x16xf32>, %out: memref<16x16xf32>, %other: memref<16x16xf32>) {
    %y = memref.alloc() : memref<16x16xf32>
    sq.matmul ins(%x : memref<16x64xf16>) weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
      outs(%y : memref<16x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-f16", overwrites}
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<16x16xf32>) outs(%out : memref<16x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      %v = math.absf %a : f32
      linalg.yield %v : f32
    }
    linalg.generic {indexing_maps = [#transposed, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<16x16xf32>) outs(%other : memref<16x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    }
    memref.dealloc %y : memref<16x16xf32>
    return
  }
}

// -----

// Other blocks of threads may not have read what would be written.
// CHECK-LABEL: @input_is_written
// CHECK: gpu.launch
// CHECK: linalg.generic
#id = affine_map<(m, n) -> (m, n)>
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @input_is_written(%x: memref<8x64xf16>, %p: memref<4x1024xi8>, %s: memref<4x16xf32>) {
    %y = memref.alloc() : memref<8x64xf32>
    sq.matmul ins(%x : memref<8x64xf16>) weights(%p, scales(%s) : memref<4x1024xi8>, memref<4x16xf32>)
      outs(%y : memref<8x64xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-f16", overwrites}
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<8x64xf32>) outs(%x : memref<8x64xf16>) {
    ^bb0(%a: f32, %o: f16):
      %v = arith.truncf %a : f32 to f16
      linalg.yield %v : f16
    }
    memref.dealloc %y : memref<8x64xf32>
    return
  }
}

// -----

// An element that another thread computes isn't at hand.
// CHECK-LABEL: @transposed
// CHECK: gpu.launch
// CHECK: linalg.generic
#id = affine_map<(m, n) -> (m, n)>
#transposed = affine_map<(m, n) -> (n, m)>
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @transposed(%x: memref<16x64xf16>, %p: memref<1x1024xi8>, %s: memref<1x16xf32>, %out: memref<16x16xf32>) {
    %y = memref.alloc() : memref<16x16xf32>
    sq.matmul ins(%x : memref<16x64xf16>) weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
      outs(%y : memref<16x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-f16", overwrites}
    linalg.generic {indexing_maps = [#transposed, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<16x16xf32>) outs(%out : memref<16x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    }
    memref.dealloc %y : memref<16x16xf32>
    return
  }
}

// -----

// Nor is one of the product that the second op behind it reads.
// CHECK-LABEL: @transposed_later
// CHECK: llvm.store {{.*}} : f32, !llvm.ptr<1>
// CHECK: math.absf
// CHECK: memref.store
// CHECK: linalg.generic
// CHECK: arith.mulf
#id = affine_map<(m, n) -> (m, n)>
#transposed = affine_map<(m, n) -> (n, m)>
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @transposed_later(%x: memref<16x64xf16>, %p: memref<1x1024xi8>, %s: memref<1x16xf32>, %out: memref<16x16xf32>) {
    %y = memref.alloc() : memref<16x16xf32>
    sq.matmul ins(%x : memref<16x64xf16>) weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
      outs(%y : memref<16x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-f16", overwrites}
    %h = memref.alloc() : memref<16x16xf32>
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<16x16xf32>) outs(%h : memref<16x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      %v = math.absf %a : f32
      linalg.yield %v : f32
    }
    linalg.generic {indexing_maps = [#id, #transposed, #id], iterator_types = ["parallel", "parallel"]}
      ins(%h, %y : memref<16x16xf32>, memref<16x16xf32>) outs(%out : memref<16x16xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %v = arith.mulf %a, %b : f32
      linalg.yield %v : f32
    }
    memref.dealloc %y : memref<16x16xf32>
    memref.dealloc %h : memref<16x16xf32>
    return
  }
}

// -----

// What is added to may be part of what the op in front reads.
// CHECK-LABEL: @unknown_memory
// CHECK: linalg.generic
// CHECK: gpu.launch
#id = affine_map<(m, n) -> (m, n)>
#transposed = affine_map<(m, n) -> (n, m)>
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
  func.func @unknown_memory(%x: memref<16x64xf16>, %p: memref<1x1024xi8>, %s: memref<1x16xf32>, %a: memref<16x16xf32>, %b: memref<16x16xf32>, %which: i1) {
    %y = arith.select %which, %a, %b : memref<16x16xf32>
    linalg.generic {indexing_maps = [#transposed, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : memref<16x16xf32>) outs(%y : memref<16x16xf32>) {
    ^bb0(%i: f32, %o: f32):
      %v = math.absf %i : f32
      linalg.yield %v : f32
    }
    sq.matmul ins(%x : memref<16x64xf16>) weights(%p, scales(%s) : memref<1x1024xi8>, memref<1x16xf32>)
      outs(%y : memref<16x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>, kernel = "gpu.mma-f16"}
    return
  }
}
