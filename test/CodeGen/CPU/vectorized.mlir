// What the machine code of a layer looks like, on targets that are named here.
// The decode of a packed row, and the products, are vector instructions.
// RUN: sq-compile %s --target=x86_64-linux-gnu:icelake-server --openmp=false --emit=asm -o - | FileCheck %s --check-prefixes=CHECK,AVX512
// RUN: sq-compile %s --target=x86_64-linux-gnu:haswell --openmp=false --emit=asm -o - | FileCheck %s --check-prefixes=CHECK,AVX2
// RUN: sq-compile %s --target=x86_64-linux-gnu:icelake-server --openmp=false --emit=asm -o - | FileCheck %s --check-prefix=SERIAL
// RUN: sq-compile %s --target=x86_64-linux-gnu:icelake-server --emit=asm -o - | FileCheck %s --check-prefix=PARALLEL

// Without OpenMP nothing of it is left.
// SERIAL-NOT: __kmpc
// PARALLEL: __kmpc_fork_call

// Integer codes are widened and converted, float codes gathered from a table,
// and a bitmap spreads the kept values by one instruction where there is one.
// CHECK-LABEL: {{^}}decode_rows_nm2_4_int8_row_8x256:
// AVX512: vpmovsxbd {{.*}}%zmm
// AVX512: vcvtdq2ps %zmm
// AVX512: vexpandps {{.*}}%zmm
// AVX512: vfmadd{{[0-9]+}}ps {{.*}}%zmm
// AVX2: vpmovsxbd {{.*}}%ymm
// AVX2: vcvtdq2ps %ymm
// AVX2: vfmadd{{[0-9]+}}ps {{.*}}%ymm
func.func @sparse_int8(%x: tensor<1x256xf32>, %p: tensor<8x128xi8>, %b: tensor<8x32xi8>, %s: tensor<8x1xf32>,
                       %i: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %r = sq.matmul ins(%x : tensor<1x256xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<8x128xi8>, tensor<8x32xi8>, tensor<8x1xf32>)
    outs(%i : tensor<1x8xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>} -> tensor<1x8xf32>
  return %r : tensor<1x8xf32>
}

// CHECK-LABEL: {{^}}decode_rows_mx_e4m3fn_8x256:
// AVX512: vgatherdps {{.*}}%zmm
// AVX512: vfmadd{{[0-9]+}}ps {{.*}}%zmm
// AVX2: vfmadd{{[0-9]+}}ps {{.*}}%ymm
func.func @dense_mxfp8(%x: tensor<1x256xf32>, %p: tensor<8x256xi8>, %s: tensor<8x8xf8E8M0FNU>,
                       %i: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %r = sq.matmul ins(%x : tensor<1x256xf32>)
    weights(%p, scales(%s) : tensor<8x256xi8>, tensor<8x8xf8E8M0FNU>)
    outs(%i : tensor<1x8xf32>) {format = #sq.mx<f8E4M3FN>} -> tensor<1x8xf32>
  return %r : tensor<1x8xf32>
}

// The reference lowering is scalar loops that LLVM vectorizes.
// CHECK-LABEL: {{^}}generic_8x256:
// AVX512: vcvtdq2ps %zmm
// AVX512: vmulps {{.*}}%zmm
// AVX2: vcvtdq2ps %ymm
// AVX2: vmulps {{.*}}%ymm
func.func @dequantize(%q: tensor<8x256xi8>, %s: tensor<8x1xf32>) -> tensor<8x256xf32> {
  %x = sq.dequantize %q, %s from int<8, row> : tensor<8x256xi8>, tensor<8x1xf32> -> tensor<8x256xf32>
  return %x : tensor<8x256xf32>
}

// Eight rows aren't worth threads; these are.
func.func @many_rows(%x: tensor<1x256xf32>, %p: tensor<2048x128xi8>, %b: tensor<2048x32xi8>, %s: tensor<2048x1xf32>,
                     %i: tensor<1x2048xf32>) -> tensor<1x2048xf32> {
  %r = sq.matmul ins(%x : tensor<1x256xf32>)
    weights(%p, bitmap(%b), scales(%s) : tensor<2048x128xi8>, tensor<2048x32xi8>, tensor<2048x1xf32>)
    outs(%i : tensor<1x2048xf32>) {format = #sq.int<8, row>, pattern = #sq.nm<2:4>} -> tensor<1x2048xf32>
  return %r : tensor<1x2048xf32>
}
