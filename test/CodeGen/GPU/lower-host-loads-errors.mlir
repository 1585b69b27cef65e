// RUN: sq-opt %s --sq-lower-host-loads --verify-diagnostics

func.func @bits(%x: memref<i4>) -> i4 {
  // expected-error@below {{the host can't read an element of type 'i4' from the device}}
  %0 = memref.load %x[] : memref<i4>
  return %0 : i4
}
