// RUN: sq-opt %s --split-input-file --verify-diagnostics
// Each rule of sq.attention, broken.

// SQ-ATT-1: outs of another shape
func.func @f(%q: tensor<1x2x3x6xf32>, %k: tensor<1x2x6xf32>, %v: tensor<1x2x6xf32>, %pos: index, %init: tensor<1x2x3x8xf32>, %kc: tensor<4x2x8x6x16xf32>, %vc: tensor<4x2x128x6xf32>) {
  // expected-error@+1 {{expected an f32 query and outs of one shape [T, H, G, D] with static H, G and D, got 'tensor<1x2x3x6xf32>' and 'tensor<1x2x3x8xf32>' [SQ-ATT-1]}}
  %r:3 = sq.attention ins(%q, %k, %v : tensor<1x2x3x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>)
    at %pos outs(%init : tensor<1x2x3x8xf32>) caches(%kc, %vc : tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf32>)
    {layer = 0, scale = 0.5 : f32} -> tensor<1x2x3x8xf32>, tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf32>
  return
}

// -----

// SQ-ATT-1: the number of heads is dynamic
func.func @f(%q: tensor<1x?x3x6xf32>, %k: tensor<1x2x6xf32>, %v: tensor<1x2x6xf32>, %pos: index, %init: tensor<1x?x3x6xf32>, %kc: tensor<4x2x8x6x16xf32>, %vc: tensor<4x2x128x6xf32>) {
  // expected-error@+1 {{[SQ-ATT-1]}}
  %r:3 = sq.attention ins(%q, %k, %v : tensor<1x?x3x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>)
    at %pos outs(%init : tensor<1x?x3x6xf32>) caches(%kc, %vc : tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf32>)
    {layer = 0, scale = 0.5 : f32} -> tensor<1x?x3x6xf32>, tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf32>
  return
}

// -----

// SQ-ATT-2: no type of caches
func.func @f(%q: tensor<1x2x3x6xf32>, %k: tensor<1x2x6xbf16>, %v: tensor<1x2x6xbf16>, %pos: index, %init: tensor<1x2x3x6xf32>, %kc: tensor<4x2x8x6x16xf32>, %vc: tensor<4x2x128x6xf32>) {
  // expected-error@+1 {{expected keys in f32, f16 or i8, got 'tensor<1x2x6xbf16>' [SQ-ATT-2]}}
  %r:3 = sq.attention ins(%q, %k, %v : tensor<1x2x3x6xf32>, tensor<1x2x6xbf16>, tensor<1x2x6xbf16>)
    at %pos outs(%init : tensor<1x2x3x6xf32>) caches(%kc, %vc : tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf32>)
    {layer = 0, scale = 0.5 : f32} -> tensor<1x2x3x6xf32>, tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf32>
  return
}

// -----

// SQ-ATT-2: values of another type than keys
func.func @f(%q: tensor<1x2x3x6xf32>, %k: tensor<1x2x6xf32>, %v: tensor<1x2x6xf16>, %pos: index, %init: tensor<1x2x3x6xf32>, %kc: tensor<4x2x8x6x16xf32>, %vc: tensor<4x2x128x6xf32>) {
  // expected-error@+1 {{expected values of type 'tensor<1x2x6xf32>', got 'tensor<1x2x6xf16>' [SQ-ATT-2]}}
  %r:3 = sq.attention ins(%q, %k, %v : tensor<1x2x3x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf16>)
    at %pos outs(%init : tensor<1x2x3x6xf32>) caches(%kc, %vc : tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf32>)
    {layer = 0, scale = 0.5 : f32} -> tensor<1x2x3x6xf32>, tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf32>
  return
}

// -----

// SQ-ATT-2: keys for another number of heads
func.func @f(%q: tensor<1x2x3x6xf32>, %k: tensor<1x4x6xf32>, %v: tensor<1x4x6xf32>, %pos: index, %init: tensor<1x2x3x6xf32>, %kc: tensor<4x2x8x6x16xf32>, %vc: tensor<4x2x128x6xf32>) {
  // expected-error@+1 {{expected keys of type 'tensor<1x2x6xf32>', got 'tensor<1x4x6xf32>' [SQ-ATT-2]}}
  %r:3 = sq.attention ins(%q, %k, %v : tensor<1x2x3x6xf32>, tensor<1x4x6xf32>, tensor<1x4x6xf32>)
    at %pos outs(%init : tensor<1x2x3x6xf32>) caches(%kc, %vc : tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf32>)
    {layer = 0, scale = 0.5 : f32} -> tensor<1x2x3x6xf32>, tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf32>
  return
}

// -----

// SQ-ATT-3: no whole blocks of positions
func.func @f(%q: tensor<1x2x3x6xf32>, %k: tensor<1x2x6xf32>, %v: tensor<1x2x6xf32>, %pos: index, %init: tensor<1x2x3x6xf32>, %kc: tensor<4x2x8x6x16xf32>, %vc: tensor<4x2x100x6xf32>) {
  // expected-error@+1 {{expected a value cache [L, H, C, D] with C a multiple of 128, got 'tensor<4x2x100x6xf32>' [SQ-ATT-3]}}
  %r:3 = sq.attention ins(%q, %k, %v : tensor<1x2x3x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>)
    at %pos outs(%init : tensor<1x2x3x6xf32>) caches(%kc, %vc : tensor<4x2x8x6x16xf32>, tensor<4x2x100x6xf32>)
    {layer = 0, scale = 0.5 : f32} -> tensor<1x2x3x6xf32>, tensor<4x2x8x6x16xf32>, tensor<4x2x100x6xf32>
  return
}

// -----

// SQ-ATT-3: a key cache for fewer positions
func.func @f(%q: tensor<1x2x3x6xf32>, %k: tensor<1x2x6xf32>, %v: tensor<1x2x6xf32>, %pos: index, %init: tensor<1x2x3x6xf32>, %kc: tensor<4x2x4x6x16xf32>, %vc: tensor<4x2x128x6xf32>) {
  // expected-error@+1 {{expected a key cache of type 'tensor<4x2x8x6x16xf32>', got 'tensor<4x2x4x6x16xf32>' [SQ-ATT-3]}}
  %r:3 = sq.attention ins(%q, %k, %v : tensor<1x2x3x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>)
    at %pos outs(%init : tensor<1x2x3x6xf32>) caches(%kc, %vc : tensor<4x2x4x6x16xf32>, tensor<4x2x128x6xf32>)
    {layer = 0, scale = 0.5 : f32} -> tensor<1x2x3x6xf32>, tensor<4x2x4x6x16xf32>, tensor<4x2x128x6xf32>
  return
}

// -----

// SQ-ATT-3: a value cache of another type than the values
func.func @f(%q: tensor<1x2x3x6xf32>, %k: tensor<1x2x6xf32>, %v: tensor<1x2x6xf32>, %pos: index, %init: tensor<1x2x3x6xf32>, %kc: tensor<4x2x8x6x16xf32>, %vc: tensor<4x2x128x6xf16>) {
  // expected-error@+1 {{expected a value cache of type 'tensor<4x2x128x6xf32>', got 'tensor<4x2x128x6xf16>' [SQ-ATT-3]}}
  %r:3 = sq.attention ins(%q, %k, %v : tensor<1x2x3x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>)
    at %pos outs(%init : tensor<1x2x3x6xf32>) caches(%kc, %vc : tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf16>)
    {layer = 0, scale = 0.5 : f32} -> tensor<1x2x3x6xf32>, tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf16>
  return
}

// -----

// SQ-ATT-4: codes without scales
func.func @f(%q: tensor<1x2x3x6xf32>, %k: tensor<1x2x6xi8>, %v: tensor<1x2x6xi8>, %pos: index, %init: tensor<1x2x3x6xf32>, %kc: tensor<4x2x8x6x16xi8>, %vc: tensor<4x2x128x6xi8>) {
  // expected-error@+1 {{expected 2 tensors of scales and 4 caches with keys in 'i8', got 0 and 2 [SQ-ATT-4]}}
  %r:3 = sq.attention ins(%q, %k, %v : tensor<1x2x3x6xf32>, tensor<1x2x6xi8>, tensor<1x2x6xi8>)
    at %pos outs(%init : tensor<1x2x3x6xf32>) caches(%kc, %vc : tensor<4x2x8x6x16xi8>, tensor<4x2x128x6xi8>)
    {layer = 0, scale = 0.5 : f32} -> tensor<1x2x3x6xf32>, tensor<4x2x8x6x16xi8>, tensor<4x2x128x6xi8>
  return
}

// -----

// SQ-ATT-4: scales of another shape
func.func @f(%q: tensor<1x2x3x6xf32>, %k: tensor<1x2x6xi8>, %v: tensor<1x2x6xi8>, %s: tensor<1x1x1xf32>, %t: tensor<1x1x1xf32>, %pos: index, %init: tensor<1x2x3x6xf32>, %kc: tensor<4x2x8x6x16xi8>, %vc: tensor<4x2x128x6xi8>, %sc: tensor<4x2x128xf32>, %tc: tensor<4x2x128xf32>) {
  // expected-error@+1 {{expected scales of type 'tensor<1x2x1xf32>', got 'tensor<1x1x1xf32>' [SQ-ATT-4]}}
  %r:5 = sq.attention ins(%q, %k, %v, %s, %t : tensor<1x2x3x6xf32>, tensor<1x2x6xi8>, tensor<1x2x6xi8>, tensor<1x1x1xf32>, tensor<1x1x1xf32>)
    at %pos outs(%init : tensor<1x2x3x6xf32>) caches(%kc, %vc, %sc, %tc : tensor<4x2x8x6x16xi8>, tensor<4x2x128x6xi8>, tensor<4x2x128xf32>, tensor<4x2x128xf32>)
    {layer = 0, scale = 0.5 : f32} -> tensor<1x2x3x6xf32>, tensor<4x2x8x6x16xi8>, tensor<4x2x128x6xi8>, tensor<4x2x128xf32>, tensor<4x2x128xf32>
  return
}

// -----

// SQ-ATT-4: a cache of scales for fewer positions
func.func @f(%q: tensor<1x2x3x6xf32>, %k: tensor<1x2x6xi8>, %v: tensor<1x2x6xi8>, %s: tensor<1x2x1xf32>, %t: tensor<1x2x1xf32>, %pos: index, %init: tensor<1x2x3x6xf32>, %kc: tensor<4x2x8x6x16xi8>, %vc: tensor<4x2x128x6xi8>, %sc: tensor<4x2x64xf32>, %tc: tensor<4x2x64xf32>) {
  // expected-error@+1 {{expected a cache of scales of type 'tensor<4x2x128xf32>', got 'tensor<4x2x64xf32>' [SQ-ATT-4]}}
  %r:5 = sq.attention ins(%q, %k, %v, %s, %t : tensor<1x2x3x6xf32>, tensor<1x2x6xi8>, tensor<1x2x6xi8>, tensor<1x2x1xf32>, tensor<1x2x1xf32>)
    at %pos outs(%init : tensor<1x2x3x6xf32>) caches(%kc, %vc, %sc, %tc : tensor<4x2x8x6x16xi8>, tensor<4x2x128x6xi8>, tensor<4x2x64xf32>, tensor<4x2x64xf32>)
    {layer = 0, scale = 0.5 : f32} -> tensor<1x2x3x6xf32>, tensor<4x2x8x6x16xi8>, tensor<4x2x128x6xi8>, tensor<4x2x64xf32>, tensor<4x2x64xf32>
  return
}

// -----

// SQ-ATT-5: no such layer
func.func @f(%q: tensor<1x2x3x6xf32>, %k: tensor<1x2x6xf32>, %v: tensor<1x2x6xf32>, %pos: index, %init: tensor<1x2x3x6xf32>, %kc: tensor<4x2x8x6x16xf32>, %vc: tensor<4x2x128x6xf32>) {
  // expected-error@+1 {{expected a layer of the 4 that the caches have, got 4 [SQ-ATT-5]}}
  %r:3 = sq.attention ins(%q, %k, %v : tensor<1x2x3x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>)
    at %pos outs(%init : tensor<1x2x3x6xf32>) caches(%kc, %vc : tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf32>)
    {layer = 4, scale = 0.5 : f32} -> tensor<1x2x3x6xf32>, tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf32>
  return
}

// -----

// SQ-ATT-6: tensors without results
func.func @f(%q: tensor<1x2x3x6xf32>, %k: tensor<1x2x6xf32>, %v: tensor<1x2x6xf32>, %pos: index, %init: tensor<1x2x3x6xf32>, %kc: tensor<4x2x8x6x16xf32>, %vc: tensor<4x2x128x6xf32>) {
  // expected-error@+1 {{expected tensors and a result for outs and each cache, or memrefs and none [SQ-ATT-6]}}
  sq.attention ins(%q, %k, %v : tensor<1x2x3x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>)
    at %pos outs(%init : tensor<1x2x3x6xf32>) caches(%kc, %vc : tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf32>)
    {layer = 0, scale = 0.5 : f32}
  return
}

// -----

// SQ-ATT-6: tensors and a memref
func.func @f(%q: tensor<1x2x3x6xf32>, %k: tensor<1x2x6xf32>, %v: tensor<1x2x6xf32>, %pos: index, %init: memref<1x2x3x6xf32>, %kc: tensor<4x2x8x6x16xf32>, %vc: tensor<4x2x128x6xf32>) {
  // expected-error@+1 {{[SQ-ATT-6]}}
  sq.attention ins(%q, %k, %v : tensor<1x2x3x6xf32>, tensor<1x2x6xf32>, tensor<1x2x6xf32>)
    at %pos outs(%init : memref<1x2x3x6xf32>) caches(%kc, %vc : tensor<4x2x8x6x16xf32>, tensor<4x2x128x6xf32>)
    {layer = 0, scale = 0.5 : f32}
  return
}
