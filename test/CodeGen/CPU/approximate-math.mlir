// RUN: sq-opt %s --sq-approximate-math | FileCheck %s

// CHECK-LABEL: @polynomials
// CHECK-NOT: math.{{exp|tanh|erf}}
// CHECK: math.fma
func.func @polynomials(%x: vector<16xf32>, %y: f32) -> (vector<16xf32>, f32, f32) {
  %0 = math.exp %x : vector<16xf32>
  %1 = math.tanh %y : f32
  %2 = math.erf %y : f32
  return %0, %1, %2 : vector<16xf32>, f32, f32
}

// What positions are multiplied into is large: libm reduces it exactly.
// CHECK-LABEL: @calls
// CHECK: math.sin
func.func @calls(%x: f32) -> f32 {
  %0 = math.sin %x : f32
  return %0 : f32
}
