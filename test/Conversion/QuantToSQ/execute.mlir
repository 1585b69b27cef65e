// Our path and the stock lower-quant-ops, run on the same constants. Decoding is
// the same. Encoding isn't where the quotient isn't an integer: 5.5, -5.5 and 7.5
// are rounded to even here and truncated there. (Beyond the range the stock path
// is undefined, so nothing here is.)
// UNSUPPORTED: sanitizers
// DEFINE: %{lower} = canonicalize,convert-elementwise-to-linalg,convert-tensor-to-linalg,one-shot-bufferize{bufferize-function-boundaries},buffer-deallocation-pipeline,func.func(convert-linalg-to-loops),expand-strided-metadata,lower-affine,convert-scf-to-cf,convert-math-to-llvm,convert-math-to-libm,arith-expand,finalize-memref-to-llvm,convert-func-to-llvm,convert-arith-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts
// DEFINE: %{run} = mlir-runner -e main --entry-point-result=void --shared-libs=%llvm_lib/libmlir_runner_utils.so,%llvm_lib/libmlir_c_runner_utils.so
// RUN: sq-opt %s --pass-pipeline='builtin.module(convert-quant-to-sq,convert-sq-to-linalg,%{lower})' | %{run} | FileCheck %s --check-prefixes=OURS,BOTH
// RUN: sq-opt %s --pass-pipeline='builtin.module(func.func(lower-quant-ops),%{lower})' | %{run} | FileCheck %s --check-prefixes=STOCK,BOTH

// OURS: {{\[\[}}6, -6, 2, -30],
// OURS-NEXT: [8, 10, 126, -126]]
// STOCK: {{\[\[}}5, -5, 2, -30],
// STOCK-NEXT: [7, 10, 126, -126]]
// BOTH: {{\[\[}}-38.1, 0, -0.3, -15.3],
// BOTH-NEXT: [175, 1.4, 107.8, -2.1]]
// BOTH: {{\[\[}}0.1, -12.8, 25.4, 15.4],
// BOTH-NEXT: [-0.9, 1.5, -69.3, 0]]

!layer = !quant.uniform<i8<-127:127>:f32, 0.1>
!axis = !quant.uniform<u8:f32:0, {0.3:128, 0.7:3}>
!sub = !quant.uniform<i8:f32:{0:1, 1:2}, {{0.1, 0.2}, {0.3, 0.7}}>
func.func private @printMemrefF32(tensor<*xf32>)
func.func private @printMemrefI32(tensor<*xi32>)
func.func @main() {
  %x = arith.constant dense<[[0.55, -0.55, 0.25, -3.0], [0.75, 1.05, 12.6, -12.65]]> : tensor<2x4xf32>
  %codes = arith.constant dense<[[1, -128, 127, 77], [-3, 5, -99, 0]]> : tensor<2x4xi8>
  %0 = quant.qcast %x : tensor<2x4xf32> to tensor<2x4x!layer>
  %1 = quant.scast %0 : tensor<2x4x!layer> to tensor<2x4xi8>
  %2 = arith.extsi %1 : tensor<2x4xi8> to tensor<2x4xi32>
  %3 = tensor.cast %2 : tensor<2x4xi32> to tensor<*xi32>
  call @printMemrefI32(%3) : (tensor<*xi32>) -> ()
  %4 = quant.scast %codes : tensor<2x4xi8> to tensor<2x4x!axis>
  %5 = quant.dcast %4 : tensor<2x4x!axis> to tensor<2x4xf32>
  %6 = tensor.cast %5 : tensor<2x4xf32> to tensor<*xf32>
  call @printMemrefF32(%6) : (tensor<*xf32>) -> ()
  %7 = quant.scast %codes : tensor<2x4xi8> to tensor<2x4x!sub>
  %8 = quant.dcast %7 : tensor<2x4x!sub> to tensor<2x4xf32>
  %9 = tensor.cast %8 : tensor<2x4xf32> to tensor<*xf32>
  call @printMemrefF32(%9) : (tensor<*xf32>) -> ()
  return
}
