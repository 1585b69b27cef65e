// RUN: sq-opt %s --sq-enforce-order --verify-diagnostics --split-input-file
// Where values can be quantized before the module sees them.

func.func @stored(%m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  // expected-note@below {{the values are stored here already quantized}}
  %q = sq.parameter "q" from "model.safetensors" : tensor<8x16xi8>
  %s = sq.parameter "s" from "model.safetensors" : tensor<8x1xf32>
  // expected-note@below {{decoded here}}
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  // expected-error@below {{the mask is applied to quantized values}}
  %r = sq.apply_mask %d, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// -----

func.func @unpacked(%p: tensor<8x8xi8>, %b: tensor<8x2xi8>, %s: tensor<8x1xf32>) -> tensor<8x16xi1> {
  // expected-note@below {{'sq.unpack' computes on codes, which the real values can't replace}}
  %q = sq.unpack %p bitmap(%b) : tensor<8x8xi8>, tensor<8x2xi8> -> tensor<8x16xi8>
  // expected-note@below {{decoded here}}
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  // expected-error@below {{the mask is derived from quantized values}}
  %m = sq.mask magnitude(%d) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}

// -----

// expected-note@below {{the values enter here already quantized}}
func.func @codes(%q: tensor<8x16xi8>, %m: tensor<8x16xi1>) -> tensor<8x16xi8> {
  // expected-error@below {{the mask is applied to quantized values}}
  %r = sq.apply_mask %q, %m : tensor<8x16xi8>
  return %r : tensor<8x16xi8>
}

// -----

// Unstructured control flow isn't rebuilt.
func.func @branches(%x: tensor<8x16xf32>, %c: i1, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  cf.cond_br %c, ^a(%d : tensor<8x16xf32>), ^a(%x : tensor<8x16xf32>)
// expected-note@below {{the way back to the unquantized values ends at an argument of 'func.func'}}
^a(%v: tensor<8x16xf32>):
  // expected-error@below {{the mask is applied to quantized values}}
  %r = sq.apply_mask %v, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// -----

// A transpose in the form of a generic: no inverse is looked for.
func.func @generic_transpose(%x: tensor<8x16xf32>, %m: tensor<16x8xi1>) -> tensor<16x8xf32> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %init = tensor.empty() : tensor<16x8xf32>
  // expected-note@below {{how this was quantized can't be repeated where the mask is}}
  %t = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%d : tensor<8x16xf32>) outs(%init : tensor<16x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<16x8xf32>
  // expected-error@below {{the mask is applied to quantized values}}
  %r = sq.apply_mask %t, %m : tensor<16x8xf32>
  return %r : tensor<16x8xf32>
}
