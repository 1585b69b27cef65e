// RUN: sq-opt %s --split-input-file --verify-diagnostics

// SQ-MM-9: a pattern that keeps a varying number, without the bytes behind the last code
func.func @no_slack(%x: tensor<1x64xf32>, %p: tensor<1x63xi8>, %b: tensor<1x140xi8>, %s: tensor<1x16xf32>,
                    %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected a payload of one row with 64 to 1088 bytes in tiles with bitmaps, got 'tensor<1x63xi8>' [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<1x63xi8>, tensor<1x140xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<3:4>, layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-9: a payload of a row a tile
func.func @rows_of_payload(%x: tensor<1x64xf32>, %p: tensor<2x512xi8>, %b: tensor<2x140xi8>, %s: tensor<2x16xf32>,
                           %y: tensor<1x32xf32>) -> tensor<1x32xf32> {
  // expected-error@below {{expected a payload of one row with 64 to 2112 bytes in tiles with bitmaps, got 'tensor<2x512xi8>' [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<2x512xi8>, tensor<2x140xi8>, tensor<2x16xf32>)
    outs(%y : tensor<1x32xf32>) {format = #sq.int<8, row>, pattern = #sq.unstructured<0.5, row>, layout = #sq<layout tiles>} -> tensor<1x32xf32>
  return %0 : tensor<1x32xf32>
}

// -----

// SQ-MM-9: a bitmap without starts and offsets
func.func @bitmap(%x: tensor<1x64xf32>, %p: tensor<1x576xi8>, %b: tensor<16x8xi8>, %s: tensor<1x16xf32>,
                  %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected masks and offsets of type 'tensor<1x140xi8>' in tiles, got 'tensor<16x8xi8>' [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<1x576xi8>, tensor<16x8xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, pattern = #sq.unstructured<0.5, row>, layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-9: rows where tiles are
func.func @payload(%x: tensor<1x64xf32>, %p: tensor<16x64xi8>, %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected a payload of type 'tensor<1x1024xi8>' in tiles, got 'tensor<16x64xi8>' [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<16x64xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-9: a bitmap where positions are
func.func @positions(%x: tensor<1x64xf32>, %p: tensor<1x512xi8>, %b: tensor<16x8xi8>, %s: tensor<1x16xf32>,
                     %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected positions of type 'tensor<1x128xi8>' in tiles, got 'tensor<16x8xi8>' [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<1x512xi8>, tensor<16x8xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>, layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-9: scales of rows
func.func @scales(%x: tensor<1x64xf32>, %p: tensor<1x1024xi8>, %s: tensor<16x1xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected scales of type 'tensor<1x16xf32>' in tiles, got 'tensor<16x1xf32>' [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<16x1xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-9: nvfp4 without its tensor scale
func.func @tensor_scale(%x: tensor<1x64xf32>, %p: tensor<1x512xi8>, %s: tensor<1x64xf8E4M3FN>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected 2 tensors of scales, got 1 [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<1x512xi8>, tensor<1x64xf8E4M3FN>)
    outs(%y : tensor<1x16xf32>) {format = #sq.nvfp4, layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-9: a tensor scale of another shape
func.func @shape_of_tensor_scale(%x: tensor<1x64xf32>, %p: tensor<1x512xi8>, %s: tensor<1x64xf8E4M3FN>, %t: tensor<1x2xf32>,
                                 %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{expected a tensor scale of type 'tensor<1x1xf32>', got 'tensor<1x2xf32>' [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s, %t) : tensor<1x512xi8>, tensor<1x64xf8E4M3FN>, tensor<1x2xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.nvfp4, layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// SQ-MM-10: blocks that are not whole tiles
func.func @low_blocks(%x: tensor<2x64xf32>, %p: tensor<1x512xi8>, %b: tensor<1x16xi8>, %s: tensor<1x16xf32>,
                      %y: tensor<2x16xf32>) -> tensor<2x16xf32> {
  // expected-error@below {{expected weights that can be stored as blocks: blocks of 4 rows are not whole tiles of 16 [SQ-MM-10]}}
  %0 = sq.matmul ins(%x : tensor<2x64xf32>) weights(%p, bitmap(%b), scales(%s) : tensor<1x512xi8>, tensor<1x16xi8>, tensor<1x16xf32>)
    outs(%y : tensor<2x16xf32>) {format = #sq.int<8, row>, pattern = #sq.block<4x4, 0.5>, layout = #sq<layout blocks>} -> tensor<2x16xf32>
  return %0 : tensor<2x16xf32>
}

// -----

// SQ-MM-9: indices of fewer vectors than the pattern keeps
func.func @few_indices(%x: tensor<2x64xf32>, %p: tensor<1x512xi8>, %b: tensor<1x14xi8>, %s: tensor<1x16xf32>,
                       %y: tensor<2x16xf32>) -> tensor<2x16xf32> {
  // expected-error@below {{expected indices of type 'tensor<1x16xi8>' in tiles, got 'tensor<1x14xi8>' [SQ-MM-9]}}
  %0 = sq.matmul ins(%x : tensor<2x64xf32>) weights(%p, bitmap(%b), scales(%s) : tensor<1x512xi8>, tensor<1x14xi8>, tensor<1x16xf32>)
    outs(%y : tensor<2x16xf32>) {format = #sq.int<8, row>, pattern = #sq.block<16x4, 0.5>, layout = #sq<layout blocks>} -> tensor<2x16xf32>
  return %0 : tensor<2x16xf32>
}

// -----

// SQ-MM-11: a kernel for many rows of activations where their number is known
func.func @many_of_four(%x: tensor<4x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>, %init: tensor<4x8xf32>) {
  // expected-error@below {{expected manyInputs above zero, and only where a kernel is for a dynamic M, got 2 for 'tensor<4x64xf32>' [SQ-MM-11]}}
  %y = sq.matmul ins(%x : tensor<4x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%init : tensor<4x8xf32>) {format = #sq.int<8, row>, kernel = "cpu.tile-panel", manyInputs = 2 : i64} -> tensor<4x8xf32>
  return
}

// -----

// SQ-MM-9: blocks without their indices, which dense storage has no place for
func.func @blocks_without_indices(%x: tensor<4x64xi8>, %t: tensor<4x1xf32>, %p: tensor<1x256xi8>, %s: tensor<1x16xf32>, %init: tensor<4x16xf32>) {
  // expected-error@below {{expected indices of type 'tensor<1x8xi8>' in tiles, got none [SQ-MM-9]}}
  %y = sq.matmul ins(%x, %t : tensor<4x64xi8>, tensor<4x1xf32>) weights(%p, scales(%s) : tensor<1x256xi8>, tensor<1x16xf32>)
    outs(%init : tensor<4x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, pattern = #sq.block<16x4, 0.75>, layout = #sq<layout blocks>} -> tensor<4x16xf32>
  return
}
