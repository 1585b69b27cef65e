// RUN: sq-opt %s --sq-enforce-order --sq-verify-order --remark-policy=all --remarks-filter=sq.* -o - 2>&1 | FileCheck %s
// Masks of slices, and of tensors that are put together from quantized and real
// parts. The rest of a slice's tensor is left as it is.

// CHECK-DAG: Function=slice_of_whole_rows | Bound=0, Class=1
// CHECK-DAG: Function=slice_of_whole_groups | Bound=0, Class=1
// CHECK-DAG: Function=slice_cuts_rows | Bound=unknown, Class=2
// CHECK-DAG: Function=slice_cuts_groups | Bound=unknown, Class=2
// CHECK-DAG: Function=rank_reducing_slice | Bound=0, Class=1
// CHECK-DAG: Function=codes_sliced_with_their_scales | Bound=unknown, Class=2
// CHECK-DAG: Function=insert_into_real | Bound=unknown, Class=2
// CHECK-DAG: Function=concat_with_real | Bound=unknown, Class=2
// CHECK-DAG: Function=padded | Bound=unknown, Class=2
// CHECK-DAG: Function=scores_padded | Bound=unknown, Class=3

// CHECK-LABEL: @slice_of_whole_rows
// CHECK: %[[ALL:.+]] = arith.constant dense<true> : tensor<8x16xi1>
// CHECK: %[[I:.+]] = tensor.insert_slice %{{.+}} into %[[ALL]][2, 0] [4, 16] [1, 1]
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %[[I]] {{.*}}: tensor<8x16xf32>
// CHECK: sq.quantize %[[S]]
// CHECK: tensor.extract_slice %{{.+}}[2, 0] [4, 16] [1, 1] : tensor<8x16xf32> to tensor<4x16xf32>
func.func @slice_of_whole_rows(%x: tensor<8x16xf32>) -> tensor<4x16xf32> {
  %p = tensor.extract_slice %x[2, 0] [4, 16] [1, 1] : tensor<8x16xf32> to tensor<4x16xf32>
  %m = sq.mask magnitude(%p) nm<2:4> : tensor<4x16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %dp = tensor.extract_slice %d[2, 0] [4, 16] [1, 1] : tensor<8x16xf32> to tensor<4x16xf32>
  %r = sq.apply_mask %dp, %m : tensor<4x16xf32>
  return %r : tensor<4x16xf32>
}

// CHECK-LABEL: @slice_of_whole_groups
func.func @slice_of_whole_groups(%x: tensor<8x128xf32>) -> tensor<8x64xf32> {
  %p = tensor.extract_slice %x[0, 32] [8, 64] [1, 1] : tensor<8x128xf32> to tensor<8x64xf32>
  %m = sq.mask magnitude(%p) nm<2:4> : tensor<8x64xf32>
  %q, %s = sq.quantize %x to mx<f4E2M1FN> : tensor<8x128xf32> -> tensor<8x128xf4E2M1FN>, tensor<8x4xf8E8M0FNU>
  %d = sq.dequantize %q, %s from mx<f4E2M1FN> : tensor<8x128xf4E2M1FN>, tensor<8x4xf8E8M0FNU> -> tensor<8x128xf32>
  %dp = tensor.extract_slice %d[0, 32] [8, 64] [1, 1] : tensor<8x128xf32> to tensor<8x64xf32>
  %r = sq.apply_mask %dp, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}

// The scale of a row may come from its other half.
// CHECK-LABEL: @slice_cuts_rows
func.func @slice_cuts_rows(%x: tensor<8x16xf32>) -> tensor<8x8xf32> {
  %p = tensor.extract_slice %x[0, 8] [8, 8] [1, 1] : tensor<8x16xf32> to tensor<8x8xf32>
  %m = sq.mask magnitude(%p) nm<2:4> : tensor<8x8xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %dp = tensor.extract_slice %d[0, 8] [8, 8] [1, 1] : tensor<8x16xf32> to tensor<8x8xf32>
  %r = sq.apply_mask %dp, %m : tensor<8x8xf32>
  return %r : tensor<8x8xf32>
}

// CHECK-LABEL: @slice_cuts_groups
func.func @slice_cuts_groups(%x: tensor<8x128xf32>) -> tensor<8x64xf32> {
  %p = tensor.extract_slice %x[0, 16] [8, 64] [1, 1] : tensor<8x128xf32> to tensor<8x64xf32>
  %m = sq.mask magnitude(%p) nm<2:4> : tensor<8x64xf32>
  %q, %s = sq.quantize %x to hbfp<5, group = 64> : tensor<8x128xf32> -> tensor<8x128xi6>, tensor<8x2xf8E8M0FNU>
  %d = sq.dequantize %q, %s from hbfp<5, group = 64> : tensor<8x128xi6>, tensor<8x2xf8E8M0FNU> -> tensor<8x128xf32>
  %dp = tensor.extract_slice %d[0, 16] [8, 64] [1, 1] : tensor<8x128xf32> to tensor<8x64xf32>
  %r = sq.apply_mask %dp, %m : tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}

// One expert of several.
// CHECK-LABEL: @rank_reducing_slice
// CHECK: tensor.insert_slice %{{.+}} into %{{.+}}[1, 0, 0] [1, 8, 16] [1, 1, 1] : tensor<8x16xi1> into tensor<4x8x16xi1>
func.func @rank_reducing_slice(%x: tensor<4x8x16xf32>) -> tensor<8x16xf32> {
  %p = tensor.extract_slice %x[1, 0, 0] [1, 8, 16] [1, 1, 1] : tensor<4x8x16xf32> to tensor<8x16xf32>
  %m = sq.mask magnitude(%p) nm<2:4> : tensor<8x16xf32>
  %q, %s = sq.quantize %x to int<8, row> : tensor<4x8x16xf32> -> tensor<4x8x16xi8>, tensor<4x8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<4x8x16xi8>, tensor<4x8x1xf32> -> tensor<4x8x16xf32>
  %dp = tensor.extract_slice %d[1, 0, 0] [1, 8, 16] [1, 1, 1] : tensor<4x8x16xf32> to tensor<8x16xf32>
  %r = sq.apply_mask %dp, %m : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// Whole rows of codes with their scales: the quantizer is repeated on the slice.
// CHECK-LABEL: @codes_sliced_with_their_scales
// CHECK: %[[P:.+]] = tensor.extract_slice %arg0[2, 0] [4, 16] [1, 1] : tensor<8x16xf32> to tensor<4x16xf32>
// CHECK: %[[S:.+]] = sq.apply_mask %[[P]], %arg1
// CHECK: sq.quantize %[[S]] to int<8, row> : tensor<4x16xf32>
func.func @codes_sliced_with_their_scales(%x: tensor<8x16xf32>, %m: tensor<4x16xi1>) -> tensor<4x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %qp = tensor.extract_slice %q[2, 0] [4, 16] [1, 1] : tensor<8x16xi8> to tensor<4x16xi8>
  %sp = tensor.extract_slice %s[2, 0] [4, 1] [1, 1] : tensor<8x1xf32> to tensor<4x1xf32>
  %d = sq.dequantize %qp, %sp from int<8, row> : tensor<4x16xi8>, tensor<4x1xf32> -> tensor<4x16xf32>
  %r = sq.apply_mask %d, %m : tensor<4x16xf32>
  return %r : tensor<4x16xf32>
}

// The part is masked before it is quantized, the rest where it is.
// CHECK-LABEL: @insert_into_real
// CHECK: %[[PM:.+]] = tensor.extract_slice %arg2[8, 0] [8, 16] [1, 1] : tensor<32x16xi1> to tensor<8x16xi1>
// CHECK: %[[S:.+]] = sq.apply_mask %arg0, %[[PM]]
// CHECK: sq.quantize %[[S]]
// CHECK: %[[REST:.+]] = sq.apply_mask %arg1, %arg2 {{.*}}: tensor<32x16xf32>
// CHECK: tensor.insert_slice %{{.+}} into %[[REST]]
func.func @insert_into_real(%x: tensor<8x16xf32>, %real: tensor<32x16xf32>, %m: tensor<32x16xi1>) -> tensor<32x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %v = tensor.insert_slice %d into %real[8, 0] [8, 16] [1, 1] : tensor<8x16xf32> into tensor<32x16xf32>
  %r = sq.apply_mask %v, %m : tensor<32x16xf32>
  return %r : tensor<32x16xf32>
}

// CHECK-LABEL: @concat_with_real
// CHECK: %[[REAL:.+]] = sq.apply_mask %arg1, %{{.+}} {{.*}}: tensor<4x16xf32>
// CHECK: tensor.concat dim(0) %{{.+}}, %[[REAL]]
func.func @concat_with_real(%x: tensor<8x16xf32>, %real: tensor<4x16xf32>, %m: tensor<12x16xi1>) -> tensor<12x16xf32> {
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %v = tensor.concat dim(0) %d, %real : (tensor<8x16xf32>, tensor<4x16xf32>) -> tensor<12x16xf32>
  %r = sq.apply_mask %v, %m : tensor<12x16xf32>
  return %r : tensor<12x16xf32>
}

// CHECK-LABEL: @padded
// CHECK: %[[PM:.+]] = tensor.extract_slice %arg1[0, 0] [8, 16] [1, 1] : tensor<8x32xi1> to tensor<8x16xi1>
// CHECK: sq.apply_mask %arg0, %[[PM]]
func.func @padded(%x: tensor<8x16xf32>, %m: tensor<8x32xi1>) -> tensor<8x32xf32> {
  %zero = arith.constant 0.0 : f32
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %v = tensor.pad %d low[0, 0] high[0, 16] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<8x16xf32> to tensor<8x32xf32>
  %r = sq.apply_mask %v, %m : tensor<8x32xf32>
  return %r : tensor<8x32xf32>
}

// CHECK-LABEL: @scores_padded
// CHECK: %[[P:.+]] = tensor.pad %arg0
// CHECK: sq.mask magnitude(%[[P]])
func.func @scores_padded(%x: tensor<8x16xf32>) -> tensor<8x32xi1> {
  %zero = arith.constant 0.0 : f32
  %q, %s = sq.quantize %x to int<8, row> : tensor<8x16xf32> -> tensor<8x16xi8>, tensor<8x1xf32>
  %d = sq.dequantize %q, %s from int<8, row> : tensor<8x16xi8>, tensor<8x1xf32> -> tensor<8x16xf32>
  %v = tensor.pad %d low[0, 0] high[0, 16] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<8x16xf32> to tensor<8x32xf32>
  %m = sq.mask magnitude(%v) nm<2:4> : tensor<8x32xf32>
  return %m : tensor<8x32xi1>
}
