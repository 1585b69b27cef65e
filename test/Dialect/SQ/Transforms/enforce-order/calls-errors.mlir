// RUN: sq-opt %s --sq-enforce-order --verify-diagnostics --split-input-file

// A public function may have callers that nobody sees, but the one that is seen
// passes quantized values.
// expected-note@below {{the values enter here already quantized}}
func.func @public(%w: tensor<8x16xf32>) -> tensor<8x16xi1> {
  // expected-error@below {{the mask is derived from quantized values}}
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}
func.func @calls_public(%x: tensor<8x16xf32>) -> tensor<8x16xi1> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %m = call @public(%d) : (tensor<8x16xf32>) -> tensor<8x16xi1>
  return %m : tensor<8x16xi1>
}

// -----

// What a function elsewhere makes of quantized values is derived from them.
func.func private @elsewhere(tensor<8x16xf32>) -> tensor<8x16xf32>
func.func @calls_elsewhere(%x: tensor<8x16xf32>) -> tensor<8x16xi1> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  // expected-note@below {{the values come from here, and the callee is not a private function with a body}}
  %e = call @elsewhere(%d) : (tensor<8x16xf32>) -> tensor<8x16xf32>
  // expected-error@below {{the mask is derived from quantized values}}
  %m = sq.mask magnitude(%e) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}

// -----

// Called through its address.
// expected-note@below {{the values enter here already quantized}}
func.func private @addressed(%w: tensor<8x16xf32>) -> tensor<8x16xi1> {
  // expected-error@below {{the mask is derived from quantized values}}
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}
func.func @calls_indirectly(%x: tensor<8x16xf32>) -> tensor<8x16xi1> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %f = constant @addressed : (tensor<8x16xf32>) -> tensor<8x16xi1>
  %m = call_indirect %f(%d) : (tensor<8x16xf32>) -> tensor<8x16xi1>
  return %m : tensor<8x16xi1>
}

// -----

// Callers that quantize differently.
// expected-note@below {{how this was quantized can't be repeated where the mask is}}
func.func private @masks(%d: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  // expected-error@below {{the mask is applied to quantized values}}
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
func.func @int8(%x: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %r = call @masks(%d, %m) : (tensor<8x16xf32>, tensor<8x16xi1>) -> tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
func.func @int4(%x: tensor<8x16xf32>, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<4, row> : tensor<8x16xf32> -> tensor<8x16xi4>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<4, row> : tensor<8x16xi4>, tensor<8x1xf32> -> tensor<8x16xf32>
  %r = call @masks(%d, %m) : (tensor<8x16xf32>, tensor<8x16xi1>) -> tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
