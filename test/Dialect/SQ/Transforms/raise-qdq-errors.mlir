// RUN: sq-opt %s --sq-raise --split-input-file --remark-format=emitRemark --remarks-filter=sq-raise --verify-diagnostics | FileCheck %s
// RUN: sq-opt %s --sq-raise=allow-narrow-range --split-input-file | FileCheck %s --check-prefix=NARROW

// What is like a quantizer but isn't one of sq's stays, and says why.

// CHECK-LABEL: @full_range
// CHECK-NOT: sq.
// NARROW-LABEL: @full_range
// NARROW: sq.quantize %arg0 static({{.*}}) to int<8, tensor>
func.func @full_range(%x: tensor<4x8xf32>) -> tensor<4x8xi8> {
  %s = arith.constant dense<0.5> : tensor<4x8xf32>
  %lo = arith.constant dense<-128.0> : tensor<4x8xf32>
  %hi = arith.constant dense<127.0> : tensor<4x8xf32>
  %0 = arith.divf %x, %s : tensor<4x8xf32>
  %1 = math.roundeven %0 : tensor<4x8xf32>
  %2 = arith.maximumf %1, %lo : tensor<4x8xf32>
  %3 = arith.minimumf %2, %hi : tensor<4x8xf32>
  // expected-remark@below {{the range [-128, 127] has the code -128, which int<8> lacks}}
  %4 = arith.fptosi %3 : tensor<4x8xf32> to tensor<4x8xi8>
  return %4 : tensor<4x8xi8>
}

// -----

// CHECK-LABEL: @round_half_away
// CHECK-NOT: sq.
func.func @round_half_away(%x: tensor<4x8xf32>) -> tensor<4x8xi8> {
  %s = arith.constant dense<0.5> : tensor<4x8xf32>
  %lo = arith.constant dense<-127.0> : tensor<4x8xf32>
  %hi = arith.constant dense<127.0> : tensor<4x8xf32>
  %0 = arith.divf %x, %s : tensor<4x8xf32>
  %1 = math.round %0 : tensor<4x8xf32>
  %2 = arith.maximumf %1, %lo : tensor<4x8xf32>
  %3 = arith.minimumf %2, %hi : tensor<4x8xf32>
  // expected-remark@below {{math.round rounds ties away from zero}}
  %4 = arith.fptosi %3 : tensor<4x8xf32> to tensor<4x8xi8>
  return %4 : tensor<4x8xi8>
}

// -----

// As lower-quant-ops writes it.
// CHECK-LABEL: @truncates
// CHECK-NOT: sq.
func.func @truncates(%x: tensor<4x8xf32>) -> tensor<4x8xi8> {
  %s = arith.constant dense<0.5> : tensor<4x8xf32>
  %lo = arith.constant dense<-127> : tensor<4x8xi8>
  %hi = arith.constant dense<127> : tensor<4x8xi8>
  %0 = arith.divf %x, %s : tensor<4x8xf32>
  %1 = arith.fptosi %0 : tensor<4x8xf32> to tensor<4x8xi8>
  %2 = arith.maxsi %1, %lo : tensor<4x8xi8>
  // expected-remark@below {{converting to an integer truncates}}
  %3 = arith.minsi %2, %hi : tensor<4x8xi8>
  return %3 : tensor<4x8xi8>
}

// -----

// CHECK-LABEL: @floor
// CHECK-NOT: sq.
func.func @floor(%x: tensor<4x8xf32>) -> tensor<4x8xi8> {
  %s = arith.constant dense<0.5> : tensor<4x8xf32>
  %0 = arith.divf %x, %s : tensor<4x8xf32>
  %1 = math.floor %0 : tensor<4x8xf32>
  // expected-remark@below {{'math.floor' doesn't round to the nearest}}
  %2 = arith.fptosi %1 : tensor<4x8xf32> to tensor<4x8xi8>
  return %2 : tensor<4x8xi8>
}

// -----

// CHECK-LABEL: @other_range
// CHECK-NOT: sq.
func.func @other_range(%x: tensor<4x8xf32>) -> tensor<4x8xi8> {
  %s = arith.constant dense<0.5> : tensor<4x8xf32>
  %lo = arith.constant dense<-100.0> : tensor<4x8xf32>
  %hi = arith.constant dense<100.0> : tensor<4x8xf32>
  %0 = arith.divf %x, %s : tensor<4x8xf32>
  %1 = math.roundeven %0 : tensor<4x8xf32>
  %2 = arith.maximumf %1, %lo : tensor<4x8xf32>
  %3 = arith.minimumf %2, %hi : tensor<4x8xf32>
  // expected-remark@below {{the range [-100, 100] is not the range of a format of 8 bits, [-127, 127]}}
  %4 = arith.fptosi %3 : tensor<4x8xf32> to tensor<4x8xi8>
  return %4 : tensor<4x8xi8>
}

// -----

// CHECK-LABEL: @no_clamp
// CHECK-NOT: sq.
func.func @no_clamp(%x: tensor<4x8xf32>) -> tensor<4x8xi8> {
  %s = arith.constant dense<0.5> : tensor<4x8xf32>
  %0 = arith.divf %x, %s : tensor<4x8xf32>
  %1 = math.roundeven %0 : tensor<4x8xf32>
  // expected-remark@below {{the codes are not clamped on both sides}}
  %2 = arith.fptosi %1 : tensor<4x8xf32> to tensor<4x8xi8>
  return %2 : tensor<4x8xi8>
}

// -----

// CHECK-LABEL: @reciprocal
// CHECK-NOT: sq.
func.func @reciprocal(%x: tensor<4x8xf32>) -> tensor<4x8xi8> {
  %s = arith.constant dense<3.0> : tensor<4x8xf32>
  %lo = arith.constant dense<-127.0> : tensor<4x8xf32>
  %hi = arith.constant dense<127.0> : tensor<4x8xf32>
  %0 = arith.mulf %x, %s : tensor<4x8xf32>
  %1 = math.roundeven %0 : tensor<4x8xf32>
  %2 = arith.maximumf %1, %lo : tensor<4x8xf32>
  %3 = arith.minimumf %2, %hi : tensor<4x8xf32>
  // expected-remark@below {{a multiplication by the scale's reciprocal rounds differently}}
  %4 = arith.fptosi %3 : tensor<4x8xf32> to tensor<4x8xi8>
  return %4 : tensor<4x8xi8>
}

// -----

// CHECK-LABEL: @zero_point_before_rounding
// CHECK-NOT: sq.
func.func @zero_point_before_rounding(%x: tensor<4x8xf32>) -> tensor<4x8xi8> {
  %s = arith.constant dense<0.5> : tensor<4x8xf32>
  %z = arith.constant dense<3.0> : tensor<4x8xf32>
  %lo = arith.constant dense<0.0> : tensor<4x8xf32>
  %hi = arith.constant dense<255.0> : tensor<4x8xf32>
  %0 = arith.divf %x, %s : tensor<4x8xf32>
  %1 = arith.addf %0, %z : tensor<4x8xf32>
  %2 = math.roundeven %1 : tensor<4x8xf32>
  %3 = arith.maximumf %2, %lo : tensor<4x8xf32>
  %4 = arith.minimumf %3, %hi : tensor<4x8xf32>
  // expected-remark@below {{the zero point is added before rounding}}
  %5 = arith.fptoui %4 : tensor<4x8xf32> to tensor<4x8xi8>
  return %5 : tensor<4x8xi8>
}

// -----

// CHECK-LABEL: @signed_zero_point
// CHECK-NOT: sq.
func.func @signed_zero_point(%q: tensor<4x8xi8>) -> tensor<4x8xf32> {
  %s = arith.constant dense<0.5> : tensor<4x8xf32>
  %z = arith.constant dense<3.0> : tensor<4x8xf32>
  %0 = arith.sitofp %q : tensor<4x8xi8> to tensor<4x8xf32>
  %1 = arith.subf %0, %z : tensor<4x8xf32>
  // expected-remark@below {{the zero point 3 of signed codes}}
  %2 = arith.mulf %1, %s : tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// -----

// CHECK-LABEL: @wrapping_zero_point
// CHECK-NOT: sq.
func.func @wrapping_zero_point(%q: tensor<4x8xi8>) -> tensor<4x8xf32> {
  %s = arith.constant dense<0.5> : tensor<4x8xf32>
  %z = arith.constant dense<3> : tensor<4x8xi8>
  %0 = arith.subi %q, %z : tensor<4x8xi8>
  %1 = arith.sitofp %0 : tensor<4x8xi8> to tensor<4x8xf32>
  // expected-remark@below {{subtracted in the codes' own type, which wraps around}}
  %2 = arith.mulf %1, %s : tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// -----

// CHECK-LABEL: @two_scales
// CHECK-NOT: sq.
func.func @two_scales(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %s = arith.constant dense<0.5> : tensor<4x8xf32>
  %t = arith.constant dense<0.25> : tensor<4x8xf32>
  %lo = arith.constant dense<-127.0> : tensor<4x8xf32>
  %hi = arith.constant dense<127.0> : tensor<4x8xf32>
  %0 = arith.divf %x, %s : tensor<4x8xf32>
  %1 = math.roundeven %0 : tensor<4x8xf32>
  %2 = arith.maximumf %1, %lo : tensor<4x8xf32>
  %3 = arith.minimumf %2, %hi : tensor<4x8xf32>
  // expected-remark@below {{divided by one scale and multiplied by another}}
  %4 = arith.mulf %3, %t : tensor<4x8xf32>
  return %4 : tensor<4x8xf32>
}

// -----

// Divided by the scale of the row, multiplied by that of the column.
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#col = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: @other_axis
// CHECK-NOT: sq.
func.func @other_axis(%x: tensor<8x8xf32>, %s: tensor<8xf32>) -> tensor<8x8xf32> {
  %lo = arith.constant -127.0 : f32
  %hi = arith.constant 127.0 : f32
  %e = tensor.empty() : tensor<8x8xf32>
  // expected-remark@below {{divided by one scale and multiplied by another}}
  %d = linalg.generic {indexing_maps = [#id, #row, #col, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s, %s : tensor<8x8xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
    %0 = arith.divf %a, %b : f32
    %1 = math.roundeven %0 : f32
    %2 = arith.maximumf %1, %lo : f32
    %3 = arith.minimumf %2, %hi : f32
    %4 = arith.mulf %3, %c : f32
    linalg.yield %4 : f32
  } -> tensor<8x8xf32>
  return %d : tensor<8x8xf32>
}

// -----

// A scale of its own for each element is no quantizer.
// CHECK-LABEL: @scale_per_element
// CHECK-NOT: sq.
func.func @scale_per_element(%q: tensor<4x8xi8>, %s: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = arith.sitofp %q : tensor<4x8xi8> to tensor<4x8xf32>
  // expected-remark@below {{each element has a scale of its own}}
  %1 = arith.mulf %0, %s : tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

// CHECK-LABEL: @negative_scale
// CHECK-NOT: sq.
func.func @negative_scale(%q: tensor<4x8xi8>) -> tensor<4x8xf32> {
  %s = arith.constant dense<-0.5> : tensor<4x8xf32>
  %0 = arith.sitofp %q : tensor<4x8xi8> to tensor<4x8xf32>
  // expected-remark@below {{a scale is not a positive finite f32}}
  %1 = arith.mulf %0, %s : tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#swap = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-LABEL: @transposed_codes
// CHECK-NOT: sq.
func.func @transposed_codes(%q: tensor<8x8xi8>) -> tensor<8x8xf32> {
  %s = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<8x8xf32>
  // expected-remark@below {{the codes aren't read element by element in their own order}}
  %d = linalg.generic {indexing_maps = [#swap, #id], iterator_types = ["parallel", "parallel"]}
      ins(%q : tensor<8x8xi8>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%a: i8, %o: f32):
    %0 = arith.sitofp %a : i8 to f32
    %1 = arith.mulf %0, %s : f32
    linalg.yield %1 : f32
  } -> tensor<8x8xf32>
  return %d : tensor<8x8xf32>
}

// -----

// Unrelated arithmetic is left in peace, without a word.
// CHECK-LABEL: @unrelated
// CHECK-NOT: sq.
func.func @unrelated(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> (tensor<4x8xi8>, tensor<4x8xf32>) {
  %0 = arith.mulf %x, %y : tensor<4x8xf32>
  %1 = arith.fptosi %0 : tensor<4x8xf32> to tensor<4x8xi8>
  %2 = math.roundeven %x : tensor<4x8xf32>
  %3 = arith.mulf %2, %y : tensor<4x8xf32>
  return %1, %3 : tensor<4x8xi8>, tensor<4x8xf32>
}
