// RUN: sq-opt %s --sq-select-kernels='lanes=16 isa=avx512-vbmi2' --remark-format=emitRemark \
// RUN:   --remarks-filter=sq-select-kernels --verify-diagnostics --split-input-file | FileCheck %s

// CHECK-LABEL: @tiles
func.func @tiles(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>,
                 %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // CHECK: kernel = "cpu.tile-dot"
  // expected-remark@below {{kernel=cpu.tile-dot}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// CHECK-LABEL: @bitmaps
func.func @bitmaps(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x576xi8>, %b: tensor<1x140xi8>,
                   %s: tensor<1x16xf32>, %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // CHECK: kernel = "cpu.tile-dot"
  // expected-remark@below {{kernel=cpu.tile-dot}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<1x576xi8>, tensor<1x140xi8>, tensor<1x16xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, pattern = #sq.unstructured<0.5, row>,
     layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// f32 activations: the floats' kernel, and why not the integers'.
// CHECK-LABEL: @f32_activations
func.func @f32_activations(%x: tensor<1x64xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>,
                           %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // CHECK: kernel = "cpu.tile-fma"
  // expected-remark@below {{not cpu.tile-dot: activations in f32 have no integer kernel}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// Elements that are no integers, times quantized activations.
// CHECK-LABEL: @float_elements
func.func @float_elements(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>,
                          %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // CHECK: kernel = "cpu.tile-fma"
  // expected-remark@below {{not cpu.tile-dot: elements of fp8.e4m3fn.row are not integers in disguise}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.fp8<f8E4M3FN, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// A codebook whose values are no multiples of one number.
// CHECK-LABEL: @codebook
func.func @codebook(%x: tensor<1x64xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x512xi8>, %s: tensor<1x16xf16>,
                    %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // CHECK: kernel = "cpu.tile-fma"
  // expected-remark@below {{not cpu.tile-dot: elements of nf4.g64.f16 are not integers in disguise}}
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, scales(%s) : tensor<1x512xi8>, tensor<1x16xf16>) outs(%y : tensor<1x16xf32>)
    {format = #sq.nf4<group = 64, scale = f16>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>}
    -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// Packed in rows, as by another compiler: the remark names what keeps the kernels
// for tiles away.
func.func @rows(%x: tensor<1x64xf32>, %p: tensor<16x64xi8>, %s: tensor<16x1xf32>,
                           %y: tensor<1x16xf32>) -> tensor<1x16xf32> {
  // expected-remark@below {{not cpu.tile-dot: activations in f32 have no integer kernel; not cpu.tile-fma: the weights are packed in rows}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<16x64xi8>, tensor<16x1xf32>)
    outs(%y : tensor<1x16xf32>) {format = #sq.int<8, row>} -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}

// -----

// Many rows, and a number of them that isn't known.
// CHECK-LABEL: @many_rows
func.func @many_rows(%x: tensor<512x64xi8>, %xs: tensor<512x1xf32>, %p: tensor<1x1024xi8>, %s: tensor<1x16xf32>,
                     %y: tensor<512x16xf32>, %x1: tensor<?x64xi8>, %xs1: tensor<?x1xf32>, %y1: tensor<?x16xf32>)
                     -> (tensor<512x16xf32>, tensor<?x16xf32>) {
  // CHECK: kernel = "cpu.tile-panel"
  // expected-remark@below {{kernel=cpu.tile-panel}}
  %0 = sq.matmul ins(%x, %xs : tensor<512x64xi8>, tensor<512x1xf32>)
    weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>) outs(%y : tensor<512x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<512x16xf32>
  // CHECK: kernel = "cpu.tile-panel", layout = #sq<layout tiles>, manyInputs = {{[0-9]+}} : i64
  // expected-remark@below {{kernel=cpu.tile-panel}}
  %1 = sq.matmul ins(%x1, %xs1 : tensor<?x64xi8>, tensor<?x1xf32>)
    weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>) outs(%y1 : tensor<?x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<?x16xf32>
  return %0, %1 : tensor<512x16xf32>, tensor<?x16xf32>
}

// -----

// A scale changes within the columns of a vector.
func.func @fine_groups(%x: tensor<1x64xf32>, %p: tensor<8x64xi8>, %s: tensor<8x32xf32>,
                       %y: tensor<1x8xf32>) -> tensor<1x8xf32> {
  // expected-remark@below {{not cpu.tile-fma: a scale group of 2 is not a multiple of the 4 columns of a vector}}
  %0 = sq.matmul ins(%x : tensor<1x64xf32>) weights(%p, scales(%s) : tensor<8x64xi8>, tensor<8x32xf32>)
    outs(%y : tensor<1x8xf32>) {format = #sq.int<8, group = 2>} -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

// Every other group of 252 columns of nibbles starts in the middle of a byte.
func.func @groups_between_bytes(%x: tensor<1x252xf32>, %p: tensor<8x126xi8>, %s: tensor<8x1xf32>,
                                %y: tensor<1x8xf32>) -> tensor<1x8xf32> {
  // expected-remark@below {{not cpu.tile-fma: scale groups of 252 start at a byte too rarely to unroll}}
  %0 = sq.matmul ins(%x : tensor<1x252xf32>) weights(%p, scales(%s) : tensor<8x126xi8>, tensor<8x1xf32>)
    outs(%y : tensor<1x8xf32>) {format = #sq.int<4, group = 252>} -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}
