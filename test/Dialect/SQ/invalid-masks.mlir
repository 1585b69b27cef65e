// RUN: sq-opt %s --split-input-file --verify-diagnostics
// Each rule of sq.parameter, sq.mask and sq.apply_mask, broken.

// SQ-PARAM-1: no name
func.func @name() {
  // expected-error@+1 {{expected a nonempty name [SQ-PARAM-1]}}
  %w = sq.parameter "" : tensor<4xf32>
  return
}

// -----

// SQ-PARAM-2: a dynamic extent
func.func @dynamic() {
  // expected-error@+1 {{expected a static shape, got 'tensor<?xf32>' [SQ-PARAM-2]}}
  %w = sq.parameter "w" : tensor<?xf32>
  return
}

// -----

// SQ-PARAM-3: in front of the file
func.func @offset() {
  // expected-error@+1 {{expected a nonnegative offset, got -4 [SQ-PARAM-3]}}
  %w = sq.parameter "w" at -4 : tensor<4xf32>
  return
}

// -----

// SQ-MASK-1: wanda without norms
func.func @no_norms(%w: tensor<8x16xf32>) {
  // expected-error@+1 {{expected norms for the criterion wanda [SQ-MASK-1]}}
  %m = sq.mask wanda(%w) nm<2:4> : tensor<8x16xf32>
  return
}

// -----

// SQ-MASK-1: norms that nobody asks for
func.func @norms(%w: tensor<8x16xf32>, %norms: tensor<16xf32>) {
  // expected-error@+1 {{expected no norms unless the criterion is wanda [SQ-MASK-1]}}
  %m = sq.mask magnitude(%w, %norms) nm<2:4> : tensor<8x16xf32>, tensor<16xf32>
  return
}

// -----

// SQ-MASK-2: norms of another dimension
func.func @norms_of_outputs(%w: tensor<8x16xf32>, %norms: tensor<8xf32>) {
  // expected-error@+1 {{expected one norm per element of axis 1 of 'tensor<8x16xf32>', got 'tensor<8xf32>' [SQ-MASK-2]}}
  %m = sq.mask wanda(%w, %norms) nm<2:4> : tensor<8x16xf32>, tensor<8xf32>
  return
}

// -----

// SQ-MASK-3: no such axis
func.func @axis(%w: tensor<8x16xf32>) {
  // expected-error@+1 {{expected an axis within rank 2, got 2 [SQ-MASK-3]}}
  %m = sq.mask magnitude(%w) nm<2:4> axis = 2 : tensor<8x16xf32>
  return
}

// -----

// SQ-MASK-3: a scalar has no axis
func.func @scalar(%w: tensor<f32>) {
  // expected-error@+1 {{expected an axis within rank 0, got -1 [SQ-MASK-3]}}
  %m = sq.mask magnitude(%w) nm<2:4> : tensor<f32>
  return
}

// -----

// SQ-MASK-4: blocks are parts of matrices
func.func @block(%w: tensor<2x8x16xf32>) {
  // expected-error@+1 {{expected rank 2 for a block pattern, got 'tensor<2x8x16xf32>' [SQ-MASK-4]}}
  %m = sq.mask magnitude(%w) block<4x4, 0.5> : tensor<2x8x16xf32>
  return
}

// -----

// SQ-APPLY-1: a mask of another shape
func.func @mask_shape(%w: tensor<8x16xf32>, %m: tensor<8x8xi1>) {
  // expected-error@+1 {{mask has the input's shape and element type i1 [SQ-APPLY-1]}}
  %s = "sq.apply_mask"(%w, %m) : (tensor<8x16xf32>, tensor<8x8xi1>) -> tensor<8x16xf32>
  return
}

// -----

// SQ-APPLY-2: f8E8M0FNU, a scale, has no zero
func.func @no_zero(%s: tensor<8xf8E8M0FNU>, %m: tensor<8xi1>) {
  // expected-error@+1 {{expected integers, or floats that have a zero, got 'f8E8M0FNU' [SQ-APPLY-2]}}
  %t = sq.apply_mask %s, %m : tensor<8xf8E8M0FNU>
  return
}

// -----

// SQ-APPLY-2: indices aren't codes
func.func @index(%s: tensor<8xindex>, %m: tensor<8xi1>) {
  // expected-error@+1 {{expected integers, or floats that have a zero, got 'index' [SQ-APPLY-2]}}
  %t = sq.apply_mask %s, %m : tensor<8xindex>
  return
}

// -----

func.func @format_for_a_pattern(%w: tensor<8x16xf32>) {
  // expected-error@+1 {{expected another kind of attribute than #sq.int<8, row>}}
  %m = sq.mask magnitude(%w) int<8, row> : tensor<8x16xf32>
  return
}

// -----

func.func @unknown_pattern(%w: tensor<8x16xf32>) {
  // expected-error@+1 {{expected a pattern or format of the sq dialect such as nm<2:4> or int<8, row>}}
  %m = sq.mask magnitude(%w) some<2:4> : tensor<8x16xf32>
  return
}
