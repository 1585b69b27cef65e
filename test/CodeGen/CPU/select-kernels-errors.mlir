// RUN: sq-opt %s --sq-select-kernels=lanes=16 --verify-diagnostics --split-input-file

func.func @illegal_decision(%x: tensor<1x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x3xf32>,
                            %y: tensor<1x8xf32>) -> tensor<1x8xf32> {
  // expected-error@below {{kernel 'cpu.decode-rows' can't compute this op: a scale group of 24 is not a multiple of the 16 lanes of a register}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x3xf32>)
    outs(%y : tensor<1x8xf32>) {format = #sq.int<8, group = 24>, kernel = "cpu.decode-rows"} -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

func.func @unknown_kernel(%x: tensor<1x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x1xf32>,
                          %y: tensor<1x8xf32>) -> tensor<1x8xf32> {
  // expected-error@below {{kernel 'cpu.fast' can't compute this op: it is none of 'cpu.tile-blocks', 'cpu.tile-panel', 'cpu.tile-dot', 'cpu.tile-fma', 'cpu.decode-rows', 'cpu.reference'}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x1xf32>)
    outs(%y : tensor<1x8xf32>) {format = #sq.int<8, row>, kernel = "cpu.fast"} -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

func.func @row_too_long(%x: tensor<1x65536xf32>, %p: tensor<8x65536xi8>, %s: tensor<8x1xf32>,
                        %y: tensor<1x8xf32>) -> tensor<1x8xf32> {
  // expected-error@below {{a row of 65536 elements does not fit the decode buffer of 32768}}
  %0 = sq.matmul ins(%x : tensor<1x65536xf32>) weights(%p, scales(%s) : tensor<8x65536xi8>, tensor<8x1xf32>)
    outs(%y : tensor<1x8xf32>) {format = #sq.int<8, row>, kernel = "cpu.decode-rows"} -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}
