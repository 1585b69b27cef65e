// RUN: sq-opt %s --sq-attach-target=target=cuda:sm_90a --sq-gpu-outline-pipeline --sq-gpu-to-nvvm-pipeline --gpu-module-to-binary=format=isa | FileCheck %s

// The PTX, as it is in the text of `gpu.binary`: every line ends in \0A. The
// guard comes before the first access.
// CHECK: gpu.binary @kernels
// CHECK-SAME: .version 8.5\0A.target sm_90a
// CHECK-SAME: .visible .entry matmul_kernel(
// CHECK-SAME: .maxntid 128
// CHECK-SAME: mov.u32 {{.*}}, %ctaid.x;
// CHECK-SAME: mov.u32 {{.*}}, %tid.x;
// CHECK-SAME: setp.gt.u32
// CHECK-SAME: bra
// CHECK-SAME: ld.{{(param|global)[^;]*}}
// CHECK-SAME: cvt.f32.f16
// CHECK-SAME: st.global.b32
// CHECK-NOT: __nv_
func.func @matmul(%a: memref<16x19xf32>, %b: memref<33x19xf16>, %c: memref<16x33xf32>) {
  linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%a, %b : memref<16x19xf32>, memref<33x19xf16>) outs(%c : memref<16x33xf32>)
  return
}
