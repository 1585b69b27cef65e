// RUN: sq-compile %s --target=znver4 --openmp=false --emit=asm -o - | FileCheck %s

// Activations in small floats are vector code, too: the largest magnitude of each
// group, then the rounded values; no codes are stored, and no loop is on scalars.
// CHECK-LABEL: {{^}}generic_1x64:
// CHECK: vpmaxsd {{.*}}%zmm
// CHECK-LABEL: {{^}}generic_1x64_0:
// CHECK: vpminud {{.*}}%zmm
// CHECK-LABEL: {{^}}generic_1x64x32:
// CHECK: vdivps {{.*}}%zmm
// CHECK: vpternlogd
// CHECK-NEXT: vmulps %zmm{{.*}}
// CHECK-NEXT: vmovups %zmm
// CHECK: retq
func.func @mx(%x: tensor<1x2048xf32>) -> tensor<1x2048xf32> {
  %q, %s = sq.quantize %x to mx<f4E2M1FN> : tensor<1x2048xf32> -> tensor<1x2048xf4E2M1FN>, tensor<1x64xf8E8M0FNU>
  %y = sq.dequantize %q, %s from mx<f4E2M1FN> : tensor<1x2048xf4E2M1FN>, tensor<1x64xf8E8M0FNU> -> tensor<1x2048xf32>
  return %y : tensor<1x2048xf32>
}
