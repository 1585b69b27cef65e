// One module with code for two CPUs: a descriptor for each, and a table of them.

// RUN: rm -rf %t && mkdir %t
// RUN: sq-compile %s --target=multi:x86_64-linux-gnu:x86-64-v3,x86_64-linux-gnu:icelake-server \
// RUN:   --openmp=false --emit=llvm -o %t/m.ll
// RUN: FileCheck %s --input-file=%t/m.ll
// CHECK-DAG: @sq_variants = hidden constant { i32, i32, ptr } { i32 2, i32 2, ptr @sq_variant_list }
// CHECK-DAG: @sq_variant_list = internal constant [2 x ptr] [ptr @sq_artifact.0, ptr @sq_artifact.1]
// CHECK-DAG: @sq_artifact.0 = internal constant
// CHECK-DAG: @sq_artifact.1 = internal constant
// CHECK-DAG: attributes #{{.*}}"target-cpu"="x86-64-v3"
// CHECK-DAG: attributes #{{.*}}"target-cpu"="icelake-server"

// Each function has the registers of its own CPU.
// RUN: sq-compile %s --target=multi:x86_64-linux-gnu:x86-64-v3,x86_64-linux-gnu:icelake-server \
// RUN:   --openmp=false --emit=asm -o %t/m.s
// RUN: FileCheck %s --check-prefix=ASM --input-file=%t/m.s
// ASM-DAG: vpmaddubsw {{.*}}%ymm
// ASM-DAG: vpdpbusd {{.*}}%zmm

func.func @product(%x: tensor<1x64xi8> {sq.name = "x"}, %p: tensor<1x1024xi8> {sq.name = "p"})
    -> (tensor<1x16xf32> {sq.name = "y"}) {
  %xs = arith.constant dense<1.0> : tensor<1x1xf32>
  %s = arith.constant dense<1.0> : tensor<1x16xf32>
  %y = arith.constant dense<0.0> : tensor<1x16xf32>
  %0 = sq.matmul ins(%x, %xs : tensor<1x64xi8>, tensor<1x1xf32>)
    weights(%p, scales(%s) : tensor<1x1024xi8>, tensor<1x16xf32>) outs(%y : tensor<1x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, tensor>, layout = #sq<layout tiles>}
    -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}
