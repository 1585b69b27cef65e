// RUN: sq-opt %s --sq-enforce-order --verify-diagnostics --split-input-file

// Quantized once more in each iteration: after none of them not at all.
func.func @quantized_in_some_iterations(%x: tensor<8x16xf32>, %n: index, %m: tensor<8x16xi1>) -> tensor<8x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-note@below {{how this was quantized can't be repeated where the mask is}}
  %out = scf.for %i = %c0 to %n step %c1 iter_args(%w = %x) -> (tensor<8x16xf32>) {
    // expected-note@below {{quantized here}}
    %q, %s = sq.quantize %w to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
    %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
    scf.yield %d : tensor<8x16xf32>
  }
  // expected-error@below {{the mask is applied to quantized values}}
  %r = sq.apply_mask %out, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// -----

// Put together by threads.
func.func @tiles_of_forall(%x: tensor<8x16xf32>) -> tensor<8x16xi1> {
  %init = tensor.empty() : tensor<8x16xf32>
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  // expected-note@below {{the way back to the unquantized values ends at 'scf.forall'}}
  %out = scf.forall (%i) in (8) shared_outs(%o = %init) -> (tensor<8x16xf32>) {
    %row = tensor.extract_slice %d[%i, 0] [1, 16] [1, 1] : tensor<8x16xf32> to tensor<1x16xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %row into %o[%i, 0] [1, 16] [1, 1] : tensor<1x16xf32> into tensor<8x16xf32>
    }
  }
  // expected-error@below {{the mask is derived from quantized values}}
  %m = sq.mask magnitude(%out) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}

// -----

// Read from inside of a region, element by element.
func.func @gathered_by_a_generic(%x: tensor<8x16xf32>) -> tensor<8x16xi1> {
  %init = tensor.empty() : tensor<8x16xf32>
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  // expected-note@below {{the way back to the unquantized values ends at 'linalg.generic'}}
  %g = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} outs(%init : tensor<8x16xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %e = tensor.extract %d[%i, %j] : tensor<8x16xf32>
    linalg.yield %e : f32
  } -> tensor<8x16xf32>
  // expected-error@below {{the mask is derived from quantized values}}
  %m = sq.mask magnitude(%g) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}

// -----

func.func @generated(%x: tensor<8x16xf32>) -> tensor<8x16xi1> {
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  // expected-note@below {{the way back to the unquantized values ends at 'tensor.generate'}}
  %g = tensor.generate {
  ^bb0(%i: index, %j: index):
    %e = tensor.extract %d[%i, %j] : tensor<8x16xf32>
    tensor.yield %e : f32
  } : tensor<8x16xf32>
  // expected-error@below {{the mask is derived from quantized values}}
  %m = sq.mask magnitude(%g) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}

// -----

// One element at a time.
func.func @through_scalars(%x: tensor<1x2xf32>) -> tensor<1x2xi1> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-note@below {{quantized here}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<1x2xf32> -> tensor<1x2xi8>, tensor<1x1xf32>
  // expected-note@below {{'arith.sitofp' computes on codes, which the real values can't replace}}
  %f = arith.sitofp %q : tensor<1x2xi8> to tensor<1x2xf32>
  %a = tensor.extract %f[%c0, %c0] : tensor<1x2xf32>
  %b = tensor.extract %f[%c0, %c1] : tensor<1x2xf32>
  %t = tensor.from_elements %a, %b : tensor<1x2xf32>
  // expected-error@below {{the mask is derived from quantized values}}
  %m = sq.mask magnitude(%t) nm<1:2> : tensor<1x2xf32>
  return %m : tensor<1x2xi1>
}
