// A name may have any character that the file system takes.
// RUN: rm -rf %t && mkdir -p '%t/90%% sparse'
// RUN: sq-compile %s --target=x86_64-linux-gnu:haswell --quiet -o '%t/90%% sparse/m%%%%.so'
// RUN: ls '%t/90%% sparse' | FileCheck %s
// CHECK: m%%.h
// CHECK-NEXT: m%%.so
// CHECK-NOT: tmp

func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
