// RUN: sq-opt %s --sq-count-parallel-regions --remark-policy=all \
// RUN:   "--remarks-filter=sq.*" --verify-diagnostics | FileCheck %s

func.func private @kernel() {
  omp.parallel {
    omp.terminator
  }
  return
}

// CHECK: func.func @none() attributes {sq.parallel_regions = 0 : i32}
func.func @none() {
  return
}

// One of its own, and that of a callee for each of 3 x 4 iterations; a region
// inside of another starts no threads.
// CHECK: func.func @loops() attributes {sq.parallel_regions = 13 : i32}
func.func @loops() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c7 = arith.constant 7 : index
  %c2 = arith.constant 2 : index
  omp.parallel {
    omp.parallel {
      omp.terminator
    }
    omp.terminator
  }
  scf.for %i = %c0 to %c3 step %c1 {
    scf.for %j = %c0 to %c7 step %c2 {
      func.call @kernel() : () -> ()
    }
  }
  return
}

// CHECK: func.func @branches(%{{.+}}: i1) attributes {sq.parallel_regions = 2 : i32}
func.func @branches(%some: i1) {
  scf.if %some {
    func.call @kernel() : () -> ()
    func.call @kernel() : () -> ()
  } else {
    func.call @kernel() : () -> ()
  }
  return
}

// CHECK: func.func @dynamic(%{{.+}}: index) {
// expected-remark @below {{how often 'dynamic' starts threads depends on its inputs}}
func.func @dynamic(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    func.call @kernel() : () -> ()
  }
  return
}
