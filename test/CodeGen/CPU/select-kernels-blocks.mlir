// RUN: sq-opt %s --sq-select-kernels='lanes=16 isa=avx512-vbmi2' --remark-format=emitRemark \
// RUN:   --remark-policy=all --remarks-filter=sq-select-kernels --verify-diagnostics | FileCheck %s

// Blocks of whole tiles are skipped, whatever the number of rows of activations.
// CHECK-LABEL: @blocks
func.func @blocks(%x: tensor<?x64xi8>, %xs: tensor<?x1xf32>, %p: tensor<1x256xi8>, %b: tensor<1x8xi8>,
                  %s: tensor<1x16xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK: kernel = "cpu.tile-blocks"
  // expected-remark@below {{kernel=cpu.tile-blocks}}
  %0 = sq.matmul ins(%x, %xs : tensor<?x64xi8>, tensor<?x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<1x256xi8>, tensor<1x8xi8>, tensor<1x16xf32>) outs(%y : tensor<?x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, pattern = #sq.block<16x4, 0.75>,
     layout = #sq<layout blocks>} -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}

// Lower blocks are stored with bitmaps.
// CHECK-LABEL: @low_blocks
func.func @low_blocks(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x576xi8>, %b: tensor<1x140xi8>,
                      %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // CHECK: kernel = "cpu.tile-dot"
  // expected-remark@below {{not cpu.tile-blocks: blocks of 4 rows are not whole tiles of 16}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<1x576xi8>, tensor<1x140xi8>, tensor<1x16xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, pattern = #sq.block<4x4, 0.5>,
     layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// Scales may vary along the columns where a vector's columns share one.
// CHECK-LABEL: @groups
func.func @groups(%x: tensor<?x64xi8>, %xs: tensor<?x1xf32>, %p: tensor<1x512xi8>, %b: tensor<1x16xi8>,
                  %s: tensor<1x32xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK: kernel = "cpu.tile-blocks"
  // expected-remark@below {{kernel=cpu.tile-blocks}}
  %0 = sq.matmul ins(%x, %xs : tensor<?x64xi8>, tensor<?x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<1x512xi8>, tensor<1x16xi8>, tensor<1x32xf32>) outs(%y : tensor<?x16xf32>)
    {format = #sq.int<8, group = 32>, activationFormat = #sq.int<8, row>, pattern = #sq.block<16x4, 0.5>,
     layout = #sq<layout blocks>} -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}

// Otherwise weights are stored with bitmaps, too.
// CHECK-LABEL: @groups_of_columns
func.func @groups_of_columns(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x576xi8>, %b: tensor<1x140xi8>,
                             %s: tensor<1x32xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // CHECK: kernel = "cpu.tile-dot"
  // expected-remark@below {{not cpu.tile-blocks: a vector's columns, of blocks of 1, would belong to several scale groups}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<1x576xi8>, tensor<1x140xi8>, tensor<1x32xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, group = 32>, activationFormat = #sq.int<8, row>, pattern = #sq.block<16x1, 0.5>,
     layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}
