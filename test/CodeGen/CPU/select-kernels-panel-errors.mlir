// RUN: sq-opt %s --sq-select-kernels='lanes=16 isa=avx512-vbmi2' --verify-diagnostics --split-input-file

// Scales change within the columns that a step of the product loop takes.
func.func @short_groups(%x: tensor<16x64xi8>, %xs: tensor<16x1xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x128xf32>,
                        %y: tensor<16x16xf32>) -> tensor<16x16xf32> {
  // expected-error@below {{kernel 'cpu.tile-panel' can't compute this op: a scale group of 8 is not a multiple of 16 columns}}
  %0 = sq.matmul ins(%x, %xs : tensor<16x64xi8>, tensor<16x1xf32>)
    weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x128xf32>) outs(%y : tensor<16x16xf32>)
    {format = #sq.int<8, group = 8>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>,
     kernel = "cpu.tile-panel"} -> tensor<16x16xf32>
  return %0 : tensor<16x16xf32>
}

// -----

// Scales and units of columns that meet far out.
func.func @scales_across_units(%x: tensor<16x640xi8>, %xs: tensor<16x1xf32>, %p: tensor<1x5120xi8>,
                               %b: tensor<1x1280xi8>, %s: tensor<1x128xf32>, %y: tensor<16x16xf32>)
                               -> tensor<16x16xf32> {
  // expected-error@below {{scale groups of 80 and units of 64 columns only meet after 320}}
  %0 = sq.matmul ins(%x, %xs : tensor<16x640xi8>, tensor<16x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<1x5120xi8>, tensor<1x1280xi8>, tensor<1x128xf32>)
    outs(%y : tensor<16x16xf32>)
    {format = #sq.int<8, group = 80>, activationFormat = #sq.int<8, row>, pattern = #sq.nm<2:4>,
     layout = #sq<layout tiles>, kernel = "cpu.tile-panel"} -> tensor<16x16xf32>
  return %0 : tensor<16x16xf32>
}

// -----

// A kernel that takes any number of rows needs no other one for few.
func.func @no_kernel_for_few(%x: tensor<?x64xi8>, %xs: tensor<?x1xf32>, %p: tensor<1x1024xi8>,
                             %s: tensor<1x16xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-error@below {{manyInputs is 48, and it has no kernel beside it for fewer rows of activations}}
  %0 = sq.matmul ins(%x, %xs : tensor<?x64xi8>, tensor<?x1xf32>)
    weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>) outs(%y : tensor<?x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>,
     kernel = "cpu.tile-dot", manyInputs = 48 : i64} -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}
