// RUN: sq-opt %s --split-input-file --verify-diagnostics
// Each rule of sq.matmul, broken.

// SQ-MM-1: N differs
func.func @n(%x: tensor<4x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<4x16xf32>) {
  // expected-error@+1 {{expected [M, K], N rows of weights and [M, N] with static N and K, got 'tensor<4x64xf32>', 'tensor<8x64xi8>' and 'tensor<4x16xf32>' [SQ-MM-1]}}
  %y = sq.matmul ins(%x : tensor<4x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x16xf32>) {format = #sq.int<8, row>} -> tensor<4x16xf32>
  return
}

// -----

// SQ-MM-1: K is dynamic
func.func @k(%x: tensor<4x?xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) {
  // expected-error@+1 {{[SQ-MM-1]}}
  %y = sq.matmul ins(%x : tensor<4x?xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>} -> tensor<4x8xf32>
  return
}

// -----

// SQ-MM-1: the product is f32
func.func @init(%x: tensor<4x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf16>) {
  // expected-error@+1 {{expected an f32 init and an i8 payload, got 'tensor<4x8xf16>' and 'tensor<8x64xi8>' [SQ-MM-1]}}
  %y = sq.matmul ins(%x : tensor<4x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf16>) {format = #sq.int<8, row>} -> tensor<4x8xf16>
  return
}

// -----

// SQ-MM-2: the payload holds fewer codes than the matrix
func.func @payload(%x: tensor<4x64xf32>, %p: tensor<8x32xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) {
  // expected-error@+1 {{expected a payload row of 64 bytes for 64 codes of 8 bits, got 'tensor<8x32xi8>' [SQ-MM-2]}}
  %y = sq.matmul ins(%x : tensor<4x64xf32>) weights(%p, scales(%s) : tensor<8x32xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>} -> tensor<4x8xf32>
  return
}

// -----

// SQ-MM-2: the bitmap is of another matrix
func.func @bitmap(%x: tensor<4x64xf32>, %p: tensor<8x32xi8>, %b: tensor<8x4xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) {
  // expected-error@+1 {{expected a bitmap of 8x8 bytes, got 'tensor<8x4xi8>' [SQ-MM-2]}}
  %y = sq.matmul ins(%x : tensor<4x64xf32>) weights(%p, bitmap(%b), scales(%s) : tensor<8x32xi8>, tensor<8x4xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>} -> tensor<4x8xf32>
  return
}

// -----

// SQ-MM-3: scales of another scope
func.func @scales(%x: tensor<4x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) {
  // expected-error@+1 {{expected a scale of type 'tensor<8x2xf32>' for #sq.int<8, group = 32>, got 'tensor<8x1xf32>' [SQ-MM-3]}}
  %y = sq.matmul ins(%x : tensor<4x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, group = 32>} -> tensor<4x8xf32>
  return
}

// -----

// SQ-MM-4: a bitmap that no pattern made
func.func @pattern(%x: tensor<4x64xf32>, %p: tensor<8x32xi8>, %b: tensor<8x8xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) {
  // expected-error@+1 {{expected a pattern with a bitmap [SQ-MM-4]}}
  %y = sq.matmul ins(%x : tensor<4x64xf32>) weights(%p, bitmap(%b), scales(%s) : tensor<8x32xi8>, tensor<8x8xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>} -> tensor<4x8xf32>
  return
}

// -----

// SQ-MM-5: codes without their format
func.func @input(%x: tensor<4x64xi8>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) {
  // expected-error@+1 {{expected an f32, f16 or bf16 input without scales, got 'tensor<4x64xi8>' [SQ-MM-5]}}
  %y = sq.matmul ins(%x : tensor<4x64xi8>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>} -> tensor<4x8xf32>
  return
}

// -----

// SQ-MM-5: rounding to 16 bits needs no format
func.func @half_format(%x: tensor<4x64xf16>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) {
  // expected-error@+1 {{expected activations with codes, got #sq.half<f16>; an input of f16 or bf16 needs no format [SQ-MM-5]}}
  %y = sq.matmul ins(%x : tensor<4x64xf16>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>, activationFormat = #sq.half<f16>} -> tensor<4x8xf32>
  return
}

// -----

// SQ-MM-10: in rows, halves are a dense linalg.matmul's
func.func @half_rows(%x: tensor<4x64xf16>, %p: tensor<8x128xi8>, %init: tensor<4x8xf32>) {
  // expected-error@+1 {{expected weights of #sq.half<f16> in the layout 'fragments' [SQ-MM-10]}}
  %y = sq.matmul ins(%x : tensor<4x64xf16>) weights(%p : tensor<8x128xi8>)
    outs(%init : tensor<4x8xf32>) {format = #sq.half<f16>} -> tensor<4x8xf32>
  return
}

// -----

// SQ-MM-5: a format without its codes
func.func @input_codes(%x: tensor<4x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) {
  // expected-error@+1 {{expected input codes of type 'i8', got 'tensor<4x64xf32>' [SQ-MM-5]}}
  %y = sq.matmul ins(%x : tensor<4x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>} -> tensor<4x8xf32>
  return
}

// -----

// SQ-MM-5: bytes of codes that aren't integers as they are
func.func @widened_unsigned(%x: tensor<4x64xi8>, %t: tensor<4x1xf32>, %z: tensor<4x1xi32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) {
  // expected-error@+1 {{expected input codes of type 'i4', got 'tensor<4x64xi8>' [SQ-MM-5]}}
  %y = sq.matmul ins(%x, %t, %z : tensor<4x64xi8>, tensor<4x1xf32>, tensor<4x1xi32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<4, row, asymmetric>} -> tensor<4x8xf32>
  return
}

// -----

// SQ-MM-5: codes without their scales
func.func @input_scales(%x: tensor<4x64xi8>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) {
  // expected-error@+1 {{expected 1 scale tensors for #sq.int<8, row>, got 0 [SQ-MM-5]}}
  %y = sq.matmul ins(%x : tensor<4x64xi8>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>} -> tensor<4x8xf32>
  return
}

// -----

// SQ-MM-6: real scales that vary along K
func.func @activation_groups(%x: tensor<4x64xi8>, %t: tensor<4x2xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) {
  // expected-error@+1 {{expected activation scales that do not vary along K, got #sq.int<8, group = 32> [SQ-MM-6]}}
  %y = sq.matmul ins(%x, %t : tensor<4x64xi8>, tensor<4x2xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>, activationFormat = #sq.int<8, group = 32>} -> tensor<4x8xf32>
  return
}

// -----

// SQ-MM-7: weights with zero points
func.func @asymmetric(%x: tensor<4x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %z: tensor<8x1xi32>, %init: tensor<4x8xf32>) {
  // expected-error@+1 {{expected symmetric weights, got #sq.int<8, row, asymmetric> [SQ-MM-7]}}
  %y = sq.matmul ins(%x : tensor<4x64xf32>) weights(%p, scales(%s, %z) : tensor<8x64xi8>, tensor<8x1xf32>, tensor<8x1xi32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row, asymmetric>} -> tensor<4x8xf32>
  return
}

// -----

// SQ-MM-8: half bufferized
func.func @mixed(%x: memref<4x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) {
  // expected-error@+1 {{expected tensors and a result, or memrefs and none [SQ-MM-8]}}
  %y = sq.matmul ins(%x : memref<4x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>} -> tensor<4x8xf32>
  return
}
