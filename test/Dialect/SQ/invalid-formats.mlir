// RUN: sq-opt %s --split-input-file --verify-diagnostics
// Each rule of sq.quantize, sq.dequantize, sq.pack and sq.unpack, broken.

// SQ-QUANT-1: codes of another type
func.func @code_type(%x: tensor<8x64xf32>) {
  // expected-error@+1 {{expected codes of shape 'tensor<8x64xf32>' with element type 'i4', got 'tensor<8x64xi8>' [SQ-QUANT-1]}}
  %q, %s = sq.quantize %x to int<4, row> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>
  return
}

// -----

// SQ-QUANT-1: codes of another shape
func.func @code_shape(%x: tensor<8x64xf32>) {
  // expected-error@+1 {{[SQ-QUANT-1]}}
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x64xf32> -> tensor<8x32xi8>, tensor<8x1xf32>
  return
}

// -----

// SQ-QUANT-2: scales of another shape
func.func @scale_shape(%x: tensor<8x64xf32>) {
  // expected-error@+1 {{expected a scale of type 'tensor<8x2xf32>' for #sq.int<8, group = 32>, got 'tensor<8x1xf32>' [SQ-QUANT-2]}}
  %q, %s = sq.quantize %x to int<8, group = 32> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>
  return
}

// -----

// SQ-QUANT-2: no zero points
func.func @scale_count(%x: tensor<8x64xf32>) {
  // expected-error@+1 {{expected 2 scale tensors for #sq.int<8, row, asymmetric>, got 1 [SQ-QUANT-2]}}
  %q, %s = sq.quantize %x to int<8, row, asymmetric> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>
  return
}

// -----

// SQ-QUANT-2: scales given and asked for
func.func @static_and_computed(%x: tensor<8x64xf32>, %u: tensor<8x1xf32>) {
  // expected-error@+1 {{expected no scale results beside static scales [SQ-QUANT-2]}}
  %q, %s = sq.quantize %x static(%u : tensor<8x1xf32>) to int<8, row> : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>
  return
}

// -----

// SQ-QUANT-3: no such axis
func.func @quantize_axis(%x: tensor<8x64xf32>) {
  // expected-error@+1 {{expected an axis within rank 2, got -3 [SQ-QUANT-3]}}
  %q, %s = sq.quantize %x to int<8, row> axis = -3 : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>
  return
}

// -----

// SQ-DEQUANT-1: codes of another type
func.func @decoded_type(%q: tensor<8x64xi8>, %s: tensor<8x1xf32>) {
  // expected-error@+1 {{with element type 'f8E4M3FN', got 'tensor<8x64xi8>' [SQ-DEQUANT-1]}}
  %x = sq.dequantize %q, %s from fp8<f8E4M3FN, row> : tensor<8x64xi8>, tensor<8x1xf32> -> tensor<8x64xf32>
  return
}

// -----

// SQ-DEQUANT-2: scales of another type
func.func @decoded_scale(%q: tensor<8x64xi8>, %s: tensor<8x1xf16>) {
  // expected-error@+1 {{expected a scale of type 'tensor<8x1xf32>' for #sq.int<8, row>, got 'tensor<8x1xf16>' [SQ-DEQUANT-2]}}
  %x = sq.dequantize %q, %s from int<8, row> : tensor<8x64xi8>, tensor<8x1xf16> -> tensor<8x64xf32>
  return
}

// -----

// SQ-DEQUANT-3: no such axis
func.func @dequantize_axis(%q: tensor<8x64xi8>, %s: tensor<8x1xf32>) {
  // expected-error@+1 {{expected an axis within rank 2, got 2 [SQ-DEQUANT-3]}}
  %x = sq.dequantize %q, %s from int<8, row> axis = 2 : tensor<8x64xi8>, tensor<8x1xf32> -> tensor<8x64xf32>
  return
}

// -----

// SQ-PACK-1: codes wider than a byte
func.func @wide(%q: tensor<8x16xi16>) {
  // expected-error@+1 {{expected a static matrix of codes of at most 8 bits, got 'tensor<8x16xi16>' [SQ-PACK-1]}}
  %p = sq.pack %q : tensor<8x16xi16> -> tensor<8x32xi8>
  return
}

// -----

// SQ-PACK-2: nobody asked for the bitmap
func.func @bitmap_without_mask(%q: tensor<8x16xi8>) {
  // expected-error@+1 {{expected a bitmap with a mask, and only with it [SQ-PACK-2]}}
  %p, %b = sq.pack %q : tensor<8x16xi8> -> tensor<8x16xi8>, tensor<8x2xi8>
  return
}

// -----

// SQ-PACK-3: a dense row is as long as its codes
func.func @dense_payload(%q: tensor<8x16xi4>) {
  // expected-error@+1 {{expected a payload row of 8 bytes for 16 codes of 4 bits, got 'tensor<8x4xi8>' [SQ-PACK-3]}}
  %p = sq.pack %q : tensor<8x16xi4> -> tensor<8x4xi8>
  return
}

// -----

// SQ-PACK-3: a row for each row
func.func @payload_rows(%q: tensor<8x16xi4>) {
  // expected-error@+1 {{expected a payload with 8 rows, got 'tensor<4x8xi8>' [SQ-PACK-3]}}
  %p = sq.pack %q : tensor<8x16xi4> -> tensor<4x8xi8>
  return
}

// -----

// SQ-PACK-4: a bit for each column
func.func @bitmap(%q: tensor<8x16xi4>, %m: tensor<8x16xi1>) {
  // expected-error@+1 {{expected a bitmap of 8x2 bytes, got 'tensor<8x1xi8>' [SQ-PACK-4]}}
  %p, %b = sq.pack %q mask(%m) : tensor<8x16xi4>, tensor<8x16xi1> -> tensor<8x4xi8>, tensor<8x1xi8>
  return
}

// -----

// SQ-PACK-5: a mask of another shape
func.func @pack_mask(%q: tensor<8x16xi4>, %m: tensor<8x8xi1>) {
  // expected-error@+1 {{expected a mask of shape 'tensor<8x16xi4>', got 'tensor<8x8xi1>' [SQ-PACK-5]}}
  %p, %b = sq.pack %q mask(%m) : tensor<8x16xi4>, tensor<8x8xi1> -> tensor<8x4xi8>, tensor<8x2xi8>
  return
}

// -----

// SQ-UNPACK-1: the result says how many columns there are
func.func @unpack_dynamic(%p: tensor<8x8xi8>) {
  // expected-error@+1 {{expected a static matrix of codes of at most 8 bits, got 'tensor<8x?xi4>' [SQ-UNPACK-1]}}
  %q = sq.unpack %p : tensor<8x8xi8> -> tensor<8x?xi4>
  return
}

// -----

// SQ-UNPACK-2: a payload of other codes
func.func @unpack_payload(%p: tensor<8x8xi8>) {
  // expected-error@+1 {{expected a payload row of 16 bytes for 16 codes of 8 bits, got 'tensor<8x8xi8>' [SQ-UNPACK-2]}}
  %q = sq.unpack %p : tensor<8x8xi8> -> tensor<8x16xi8>
  return
}

// -----

// SQ-UNPACK-3: a bitmap of another matrix
func.func @unpack_bitmap(%p: tensor<8x8xi8>, %b: tensor<8x4xi8>) {
  // expected-error@+1 {{expected a bitmap of 8x2 bytes, got 'tensor<8x4xi8>' [SQ-UNPACK-3]}}
  %q = sq.unpack %p bitmap(%b) : tensor<8x8xi8>, tensor<8x4xi8> -> tensor<8x16xi8>
  return
}

// -----

// SQ-WIDEN-1: codes of another type
func.func @widened_type(%q: tensor<8x64xi8>) {
  // expected-error@+1 {{with element type 'f4E2M1FN', got 'tensor<8x64xi8>' [SQ-WIDEN-1]}}
  %x = sq.widen %q from mx<f4E2M1FN> : tensor<8x64xi8> -> tensor<8x64xi8>
  return
}

// -----

// SQ-WIDEN-2: halves of an E4M3 code have no common unit that fits a byte
func.func @widened_float(%q: tensor<8x64xf8E4M3FN>) {
  // expected-error@+1 {{expected codes that stand for integers, without a zero point, got #sq.fp8<f8E4M3FN, row> [SQ-WIDEN-2]}}
  %x = sq.widen %q from fp8<f8E4M3FN, row> : tensor<8x64xf8E4M3FN> -> tensor<8x64xi8>
  return
}

// -----

// SQ-WIDEN-2: unsigned codes
func.func @widened_unsigned(%q: tensor<8x64xi4>) {
  // expected-error@+1 {{expected codes that stand for integers, without a zero point, got #sq.int<4, row, asymmetric> [SQ-WIDEN-2]}}
  %x = sq.widen %q from int<4, row, asymmetric> : tensor<8x64xi4> -> tensor<8x64xi8>
  return
}

// -----

// SQ-WIDEN-2: f16 doesn't hold the values of NF4
func.func @widened_codebook(%q: tensor<8x64xi4>) {
  // expected-error@+1 {{expected codes that stand for values that f16 holds, without a zero point, got #sq.nf4<row> [SQ-WIDEN-2]}}
  %x = sq.widen %q from nf4<row> : tensor<8x64xi4> -> tensor<8x64xf16>
  return
}

// -----

// SQ-QUANT-1: f16 and bf16 are rounded to, by arith.truncf
func.func @quantized_half(%x: tensor<8x64xf32>) {
  // expected-error@+1 {{expected a format with codes, got #sq.half<f16>, whose values are stored themselves [SQ-QUANT-1]}}
  %q = sq.quantize %x to half<f16> : tensor<8x64xf32> -> tensor<8x64xf16>
  return
}
