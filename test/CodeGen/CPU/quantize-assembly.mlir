// RUN: sq-compile %s --target=znver4 --openmp=false --emit=asm -o - | FileCheck %s

// Who asks twice for the same codes gets them once; both passes over a token are
// vector code: the largest magnitude, then the codes.
// CHECK-LABEL: {{^}}generic_1:
// CHECK: vpmaxsd {{.*}}%zmm
// CHECK-LABEL: {{^}}generic_1x2048:
// CHECK: vdivps {{.*}}%zmm
// CHECK: vpmovdb %zmm{{[0-9]+}}
// CHECK-NOT: vpmovdb
func.func @twice(%x: tensor<1x2048xf32>) -> (tensor<1x2048xi8>, tensor<1x2048xi8>, tensor<1x1xf32>) {
  %0:2 = sq.quantize %x to int<8, row> : tensor<1x2048xf32> -> tensor<1x2048xi8>, tensor<1x1xf32>
  %1:2 = sq.quantize %x to int<8, row> : tensor<1x2048xf32> -> tensor<1x2048xi8>, tensor<1x1xf32>
  return %0#0, %1#0, %1#1 : tensor<1x2048xi8>, tensor<1x2048xi8>, tensor<1x1xf32>
}
