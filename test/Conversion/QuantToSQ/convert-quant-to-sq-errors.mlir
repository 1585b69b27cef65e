// RUN: sq-opt %s --convert-quant-to-sq --split-input-file --verify-diagnostics

func.func @full_range(%x: tensor<4xf32>) -> tensor<4x!quant.uniform<i8:f32, 0.5>> {
  // expected-error@below {{can't be expressed in sq: the range [-128, 127] has the code -128, which int<8> lacks; clamp to [-127, 127]}}
  %q = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  return %q : tensor<4x!quant.uniform<i8:f32, 0.5>>
}

// -----

func.func @other_range(%x: tensor<4xf32>) -> tensor<4x!quant.uniform<i8<-8:7>:f32, 0.5>> {
  // expected-error@below {{the range [-8, 7] is not the range of a format of 8 bits}}
  %q = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i8<-8:7>:f32, 0.5>>
  return %q : tensor<4x!quant.uniform<i8<-8:7>:f32, 0.5>>
}

// -----

func.func @signed_zero_point(%q: tensor<4x!quant.uniform<i8:f32, 0.5:3>>) -> tensor<4xf32> {
  // expected-error@below {{the zero point 3 of signed codes}}
  %d = quant.dcast %q : tensor<4x!quant.uniform<i8:f32, 0.5:3>> to tensor<4xf32>
  return %d : tensor<4xf32>
}

// -----

func.func @expressed(%q: tensor<4x!quant.uniform<i8:f16, 0.5>>) -> tensor<4xf16> {
  // expected-error@below {{the expressed type isn't f32}}
  %d = quant.dcast %q : tensor<4x!quant.uniform<i8:f16, 0.5>> to tensor<4xf16>
  return %d : tensor<4xf16>
}

// -----

func.func @wide(%q: tensor<4x!quant.uniform<i16:f32, 0.5>>) -> tensor<4xf32> {
  // expected-error@below {{codes of 16 bits: sq has integer formats of 2 to 8 bits}}
  %d = quant.dcast %q : tensor<4x!quant.uniform<i16:f32, 0.5>> to tensor<4xf32>
  return %d : tensor<4xf32>
}

// -----

func.func @scalar(%q: !quant.uniform<i8:f32, 0.5>) -> f32 {
  // expected-error@below {{not a ranked tensor}}
  %d = quant.dcast %q : !quant.uniform<i8:f32, 0.5> to f32
  return %d : f32
}

// -----

!q = !quant.uniform<u8:f32:{0:1, 1:4}, {{1.0, 2.0}, {3.0, 4.0}}>
func.func @unsigned_groups(%q: tensor<2x8x!q>) -> tensor<2x8xf32> {
  // expected-error@below {{unsigned codes with a scale for each group}}
  %d = quant.dcast %q : tensor<2x8x!q> to tensor<2x8xf32>
  return %d : tensor<2x8xf32>
}

// -----

!q = !quant.uniform<i8:f32:0, {1.0, 2.0}>
func.func @scale_per_element(%q: tensor<2x!q>) -> tensor<2xf32> {
  // expected-error@below {{each element has a scale of its own}}
  %d = quant.dcast %q : tensor<2x!q> to tensor<2xf32>
  return %d : tensor<2xf32>
}

// -----

!q = !quant.uniform<i8:f32, 0.5>
func.func @computes(%a: tensor<2x!q>) -> tensor<2x!q> {
  // expected-error@below {{computes on quantized values}}
  %r = tosa.identity %a : (tensor<2x!q>) -> tensor<2x!q>
  return %r : tensor<2x!q>
}
