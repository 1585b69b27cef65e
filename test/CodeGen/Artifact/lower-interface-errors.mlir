// RUN: sq-opt %s --sq-lower-interface --verify-diagnostics --split-input-file

func.func @parameter_outside() -> tensor<4xf32> {
  // expected-error@below {{parameter 'w' is not in the artifact's weight file: run sq-pack-weights}}
  %w = sq.parameter "w" from "model.safetensors" : tensor<4xf32>
  return %w : tensor<4xf32>
}

// -----

// expected-error@below {{dynamic extent of result0 of 'unbound' is bound by no argument}}
func.func @unbound(%n: tensor<4xf32>) -> tensor<?xf32> {
  %0 = tensor.cast %n : tensor<4xf32> to tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// expected-error@below {{type 'i32' of arg0 of 'scalar' has no place in an artifact's interface}}
func.func @scalar(%n: i32) {
  return
}

// -----

// expected-error@below {{type 'tensor<4xi3>' of arg0 of 'odd_width' has no place in an artifact's interface}}
func.func @odd_width(%n: tensor<4xi3>) {
  return
}

// -----

// expected-error@below {{state 'cache' of 'dynamic_state' has a dynamic extent}}
func.func @dynamic_state(%s: tensor<?xf32> {sq.state = "cache"}) {
  return
}

// -----

func.func @one(%s: tensor<4xf32> {sq.state = "cache"}) {
  return
}
// expected-error@below {{state 'cache' of 'other' has another type than in an earlier function}}
func.func @other(%s: tensor<8xf32> {sq.state = "cache"}) {
  return
}

// -----

// expected-error@below {{sq.pos_arg of 'no_pos' names no scalar argument: "pos"}}
func.func @no_pos(%s: tensor<4xf32>) attributes {sq.pos_arg = "pos", sq.capacity = 8 : i64} {
  return
}

// -----

// expected-error@below {{expected structured control flow in 'blocks', got several blocks}}
func.func @blocks(%s: tensor<4xf32>) {
  cf.br ^bb1
^bb1:
  return
}

// -----

// expected-error@below {{no public function to compile}}
module {
  func.func private @hidden() {
    return
  }
}
