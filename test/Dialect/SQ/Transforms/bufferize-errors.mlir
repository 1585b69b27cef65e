// RUN: sq-opt %s --one-shot-bufferize --split-input-file --verify-diagnostics
// The other ops have no memref form: convert-sq-to-linalg comes first.

func.func @mask(%w: tensor<8x16xf32>) -> tensor<8x16xi1> {
  // expected-error@+1 {{op was not bufferized}}
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<8x16xf32>
  return %m : tensor<8x16xi1>
}

// -----

func.func @parameter() -> tensor<8x16xf32> {
  // expected-error@+1 {{op was not bufferized}}
  %w = sq.parameter "w" : tensor<8x16xf32>
  return %w : tensor<8x16xf32>
}
