// RUN: sq-opt %s --split-input-file --sq-select-kernels='lanes=16 isa=avx512-vbmi2' --verify-diagnostics

// Nothing multiplies f32 activations with weights in blocks.
func.func @f32(%x: tensor<1x64xf32>, %p: tensor<1x256xi8>, %b: tensor<1x8xi8>, %s: tensor<1x16xf32>,
               %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{no kernel can compute this op: not cpu.tile-blocks: activations in f32 have no integer kernel}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, bitmap(%b), scales(%s) : tensor<1x256xi8>, tensor<1x8xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, pattern = #sq.block<16x4, 0.75>, layout = #sq<layout blocks>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

func.func @other_kernel(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x256xi8>, %b: tensor<1x8xi8>,
                        %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{kernel 'cpu.tile-dot' can't compute this op: the weights are packed in blocks}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<1x256xi8>, tensor<1x8xi8>, tensor<1x16xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, pattern = #sq.block<16x4, 0.75>,
     layout = #sq<layout blocks>, kernel = "cpu.tile-dot"} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

func.func @groups_of_six(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x512xi8>, %b: tensor<1x16xi8>,
                         %s: tensor<1x176xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{not cpu.tile-blocks: scale groups of 6 columns are not whole vectors of 4}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<1x512xi8>, tensor<1x16xi8>, tensor<1x176xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, group = 6>, activationFormat = #sq.int<8, row>, pattern = #sq.block<16x4, 0.5>,
     layout = #sq<layout blocks>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

func.func @groups_of_activations(%x: tensor<1x64xi8>, %xs: tensor<1x2xf8E8M0FNU>, %p: tensor<1x256xi8>, %b: tensor<1x8xi8>,
                                 %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-error@below {{no kernel can compute this op: not cpu.tile-blocks: scales of activations change along K, in mx.int8}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x2xf8E8M0FNU>)
    weights(%p, bitmap(%b), scales(%s) : tensor<1x256xi8>, tensor<1x8xi8>, tensor<1x16xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.mx<i8>, pattern = #sq.block<16x4, 0.75>,
     layout = #sq<layout blocks>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}
