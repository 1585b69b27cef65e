// RUN: sq-opt %s --split-input-file --verify-diagnostics --sq-lower-attention

func.func @on_tensors(%q: tensor<1x2x4x64xf32>, %k: tensor<1x2x64xf32>, %pos: index,
                      %kc: tensor<1x2x8x64x16xf32>, %vc: tensor<1x2x128x64xf32>) {
  // expected-error@+1 {{expected memrefs whose innermost stride is 1, got 'tensor<1x2x4x64xf32>'; run one-shot-bufferize first}}
  %r:3 = sq.attention ins(%q, %k, %k : tensor<1x2x4x64xf32>, tensor<1x2x64xf32>, tensor<1x2x64xf32>)
    at %pos outs(%q : tensor<1x2x4x64xf32>) caches(%kc, %vc : tensor<1x2x8x64x16xf32>, tensor<1x2x128x64xf32>)
    {layer = 0, scale = 0.125 : f32} -> tensor<1x2x4x64xf32>, tensor<1x2x8x64x16xf32>, tensor<1x2x128x64xf32>
  return
}

// -----

func.func @strided(%q: memref<1x2x4x64xf32, strided<[1024, 512, 128, 2]>>, %k: memref<1x2x64xf32>, %pos: index,
                   %y: memref<1x2x4x64xf32>, %kc: memref<1x2x8x64x16xf32>, %vc: memref<1x2x128x64xf32>) {
  // expected-error@+1 {{expected memrefs whose innermost stride is 1, got 'memref<1x2x4x64xf32, strided<[1024, 512, 128, 2]>>'}}
  sq.attention ins(%q, %k, %k : memref<1x2x4x64xf32, strided<[1024, 512, 128, 2]>>, memref<1x2x64xf32>, memref<1x2x64xf32>)
    at %pos outs(%y : memref<1x2x4x64xf32>) caches(%kc, %vc : memref<1x2x8x64x16xf32>, memref<1x2x128x64xf32>)
    {layer = 0, scale = 0.125 : f32}
  return
}
