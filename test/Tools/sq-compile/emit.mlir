// Each --emit stops where it says; the target stands here, not the host's.
// RUN: sq-compile %s --target=x86_64-linux-gnu:icelake-server --emit=mlir-sq -o - | FileCheck %s --check-prefix=SQ
// RUN: sq-compile %s --target=x86_64-linux-gnu:icelake-server --emit=mlir-linalg -o - | FileCheck %s --check-prefix=LINALG
// RUN: sq-compile %s --target=x86_64-linux-gnu:icelake-server --emit=llvm -o - | FileCheck %s --check-prefix=LLVM
// RUN: sq-compile %s --target=x86_64-linux-gnu:icelake-server --emit=asm -o - | FileCheck %s --check-prefix=ASM
// RUN: sq-compile %s --target=x86_64-linux-gnu:haswell --emit=asm -o - | FileCheck %s --check-prefix=AVX2
// RUN: sq-compile %s --target=aarch64-linux-gnu:cortex-a76 --emit=asm -o - | FileCheck %s --check-prefix=NEON

// SQ: sq.matmul {{.*}} kernel = "cpu.decode-rows"
// LINALG: linalg.fill
// LLVM-DAG: @sq_artifact = hidden {{.*}}constant
// LLVM-DAG: avx512vnni
// ASM: vexpandps {{.*}}zmm
// ASM: vfmadd231ps {{.*}}zmm
// AVX2-NOT: zmm
// AVX2: vfmadd231ps {{.*}}ymm
// NEON: fmla v{{[0-9]+}}.4s

module @packed {
  func.func @f(%x: tensor<1x64xf32>, %p: tensor<8x32xi8>, %b: tensor<8x8xi8>, %s: tensor<8x1xf32>)
      -> tensor<1x8xf32> {
    %z = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<1x8xf32>
    %i = linalg.fill ins(%z : f32) outs(%e : tensor<1x8xf32>) -> tensor<1x8xf32>
    %r = sq.matmul ins(%x : tensor<1x64xf32>)
      weights(%p, bitmap(%b), scales(%s) : tensor<8x32xi8>, tensor<8x8xi8>, tensor<8x1xf32>)
      outs(%i : tensor<1x8xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>} -> tensor<1x8xf32>
    return %r : tensor<1x8xf32>
  }
}
