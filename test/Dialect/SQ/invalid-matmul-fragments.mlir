// RUN: sq-opt %s --split-input-file --verify-diagnostics

// SQ-MM-9: two units of 512 bytes are one block of 64 columns in 16 bits
func.func @payload(%x: tensor<1x64xf32>, %p: tensor<1x512xi8>, %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected a payload of type 'tensor<1x1024xi8>' in fragments, got 'tensor<1x512xi8>' [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<1x512xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-9: metadata
func.func @metadata(%x: tensor<1x64xf32>, %p: tensor<1x512xi8>, %b: tensor<1x64xi8>, %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected metadata of type 'tensor<1x128xi8>' in fragments, got 'tensor<1x64xi8>' [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, bitmap(%b), scales(%s) : tensor<1x512xi8>, tensor<1x64xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>, layout = #sq<layout fragments>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-9: scales of 16 rows
func.func @scales(%x: tensor<1x64xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x32xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected scales of type 'tensor<1x16xf32>' in fragments, got 'tensor<1x32xf32>' [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x32xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-9: a pattern that has bitmaps, without the bytes behind the last code
func.func @bitmap_payload(%x: tensor<1x64xf32>, %p: tensor<1x63xi8>, %b: tensor<1x160xi8>, %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected a payload of one row with 64 to 1088 bytes in fragments with bitmaps, got 'tensor<1x63xi8>' [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, bitmap(%b), scales(%s) : tensor<1x63xi8>, tensor<1x160xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:8>, layout = #sq<layout fragments>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-9: two units of 32 lanes, 16 bits each, behind a start and in front of
// three offsets
func.func @bitmap_metadata(%x: tensor<1x64xf32>, %p: tensor<1x512xi8>, %b: tensor<1x128xi8>, %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected metadata of type 'tensor<1x160xi8>' in fragments, got 'tensor<1x128xi8>' [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, bitmap(%b), scales(%s) : tensor<1x512xi8>, tensor<1x128xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:8>, layout = #sq<layout fragments>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-10: what no fragment holds
func.func @format(%x: tensor<1x64xf32>, %p: tensor<1x512xi8>, %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected weights that can be stored as fragments: tensor cores don't multiply codes of nf4.row with f32 [SQ-MM-10]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<1x512xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.nf4<row>, layout = #sq<layout fragments>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

func.func @two_scales(%x: tensor<1x64xf32>, %p: tensor<1x512xi8>, %s: tensor<1x64xf8E4M3FN>, %t: tensor<1x1xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected weights that can be stored as fragments: nvfp4 has scales of scales, which no fragment has [SQ-MM-10]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s, %t) : tensor<1x512xi8>, tensor<1x64xf8E4M3FN>, tensor<1x1xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.nvfp4, layout = #sq<layout fragments>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-10: bitmaps are of codes
func.func @half_bitmap(%x: tensor<1x64xf16>, %p: tensor<1x2048xi8>, %b: tensor<1x128xi8>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected weights that can be stored as fragments: weights of f16 are stored dense or 2:4 [SQ-MM-10]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf16>) weights(%p, bitmap(%b) : tensor<1x2048xi8>, tensor<1x128xi8>)
    outs(%y : tensor<1x16xf32>) {format = #sq.half<f16>, pattern = #sq.nm<4:8>, layout = #sq<layout fragments>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-10: codes are multiplied by codes
func.func @half_codes(%x: tensor<1x64xi8>, %t: tensor<1x1xf32>, %p: tensor<1x2048xi8>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected weights that can be stored as fragments: weights of bf16 aren't multiplied by codes [SQ-MM-10]}}
  %0 = sq.matmul ins(%x, %t : tensor<1x64xi8>, tensor<1x1xf32>) weights(%p : tensor<1x2048xi8>)
    outs(%y : tensor<1x16xf32>) {format = #sq.half<bf16>, activationFormat = #sq.int<8, row>, layout = #sq<layout fragments>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-9: 2:4 halves have a word of metadata for two units
func.func @half_metadata(%x: tensor<1x64xf16>, %p: tensor<1x1024xi8>, %b: tensor<1x256xi8>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected metadata of type 'tensor<1x128xi8>' in fragments, got 'tensor<1x256xi8>' [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf16>) weights(%p, bitmap(%b) : tensor<1x1024xi8>, tensor<1x256xi8>)
    outs(%y : tensor<1x16xf32>) {format = #sq.half<f16>, pattern = #sq.nm<2:4>, layout = #sq<layout fragments>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-9: halves have no scales
func.func @half_scales(%x: tensor<1x64xf16>, %p: tensor<1x2048xi8>, %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected no tensor of scales, got 1 [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf16>) weights(%p, scales(%s) : tensor<1x2048xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.half<f16>, layout = #sq<layout fragments>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-9: one tensor of scales
func.func @scales_twice(%x: tensor<1x64xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected one tensor of scales, got 2 [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s, %s) : tensor<1x1024xi8>, tensor<1x16xf32>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout fragments>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}
