// RUN: sq-opt %s --sq-tile-for-gpu --split-input-file --verify-diagnostics
// RUN: not sq-opt %s --sq-tile-for-gpu=threads=2048 --split-input-file 2>&1 | FileCheck %s

// CHECK: error: a block has 1 to 1024 threads, not 2048

func.func @tensors(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@below {{expected memrefs: bufferize before sq-tile-for-gpu}}
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%y : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @stack(%y: memref<4xf32>) {
  // expected-error@below {{memory on the stack is the host's, where no kernel can use it: allocate it}}
  %x = memref.alloca() : memref<4xf32>
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}

// -----

func.func @result(%y: memref<4xi32>) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  // expected-error@below {{a loop that stores and has results can't run on the device}}
  %n = scf.for %i = %c0 to %c4 step %c1 iter_args(%sum = %zero) -> i32 {
    memref.store %sum, %y[%i] : memref<4xi32>
    %next = arith.addi %sum, %one : i32
    scf.yield %next : i32
  }
  return %n : i32
}
