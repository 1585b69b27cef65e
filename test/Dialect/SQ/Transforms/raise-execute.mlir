// What is raised computes the same bits as what was written: both run, on ties,
// values that saturate, zeros of both signs and a subnormal.
// UNSUPPORTED: sanitizers
// DEFINE: %{lower} = canonicalize,convert-elementwise-to-linalg,convert-tensor-to-linalg,one-shot-bufferize{bufferize-function-boundaries},buffer-deallocation-pipeline,func.func(convert-linalg-to-loops),expand-strided-metadata,lower-affine,convert-scf-to-cf,convert-math-to-llvm,convert-math-to-libm,arith-expand,finalize-memref-to-llvm,convert-func-to-llvm,convert-arith-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts
// DEFINE: %{run} = mlir-runner -e main --entry-point-result=void --shared-libs=%llvm_lib/libmlir_runner_utils.so,%llvm_lib/libmlir_c_runner_utils.so
// RUN: sq-opt %s --pass-pipeline='builtin.module(%{lower})' | %{run} | grep -v Unranked > %t.foreign
// RUN: sq-opt %s --pass-pipeline='builtin.module(sq-raise,convert-sq-to-linalg,%{lower})' | %{run} | grep -v Unranked > %t.raised
// RUN: diff %t.foreign %t.raised
// RUN: FileCheck %s < %t.raised
// RUN: sq-opt %s --sq-raise | FileCheck %s --check-prefix=RAISED

// RAISED-COUNT-2: sq.quantize
// CHECK: {{\[\[}}2, -4, 0, 127, -127, 0],
// CHECK-NEXT: [1, 2, 0, 127, -127, 0]]

func.func private @printMemrefF32(tensor<*xf32>)
func.func private @printMemrefI32(tensor<*xi32>)
func.func @int8(%x: tensor<2x6xf32>) -> (tensor<2x6xi8>, tensor<2x6xf32>) {
  %s = arith.constant dense<[0.1, 0.3]> : tensor<2xf32>
  %e = tensor.empty() : tensor<2x6xf32>
  %b = linalg.broadcast ins(%s : tensor<2xf32>) outs(%e : tensor<2x6xf32>) dimensions = [1]
  %lo = arith.constant dense<-127.0> : tensor<2x6xf32>
  %hi = arith.constant dense<127.0> : tensor<2x6xf32>
  %0 = arith.divf %x, %b : tensor<2x6xf32>
  %1 = arith.minimumf %0, %hi : tensor<2x6xf32>
  %2 = arith.maximumf %1, %lo : tensor<2x6xf32>
  %3 = math.roundeven %2 : tensor<2x6xf32>
  %q = arith.fptosi %3 : tensor<2x6xf32> to tensor<2x6xi8>
  %5 = arith.sitofp %q : tensor<2x6xi8> to tensor<2x6xf32>
  %d = arith.mulf %5, %b : tensor<2x6xf32>
  return %q, %d : tensor<2x6xi8>, tensor<2x6xf32>
}
func.func @uint8(%x: tensor<2x6xf32>) -> (tensor<2x6xi8>, tensor<2x6xf32>) {
  %s = arith.constant dense<0.1> : tensor<2x6xf32>
  %z = arith.constant dense<131> : tensor<2x6xi32>
  %zf = arith.constant dense<131.0> : tensor<2x6xf32>
  %c0 = arith.constant dense<0> : tensor<2x6xi32>
  %c255 = arith.constant dense<255> : tensor<2x6xi32>
  %0 = arith.divf %x, %s : tensor<2x6xf32>
  %1 = math.roundeven %0 : tensor<2x6xf32>
  %2 = arith.fptosi %1 : tensor<2x6xf32> to tensor<2x6xi32>
  %3 = arith.addi %2, %z : tensor<2x6xi32>
  %4 = arith.maxsi %3, %c0 : tensor<2x6xi32>
  %5 = arith.minsi %4, %c255 : tensor<2x6xi32>
  %q = arith.trunci %5 : tensor<2x6xi32> to tensor<2x6xi8>
  %6 = arith.uitofp %q : tensor<2x6xi8> to tensor<2x6xf32>
  %7 = arith.subf %6, %zf : tensor<2x6xf32>
  %d = arith.mulf %7, %s : tensor<2x6xf32>
  return %q, %d : tensor<2x6xi8>, tensor<2x6xf32>
}
func.func @print(%q: tensor<2x6xi8>, %d: tensor<2x6xf32>) {
  %0 = arith.extsi %q : tensor<2x6xi8> to tensor<2x6xi32>
  %1 = tensor.cast %0 : tensor<2x6xi32> to tensor<*xi32>
  call @printMemrefI32(%1) : (tensor<*xi32>) -> ()
  %2 = arith.bitcast %d : tensor<2x6xf32> to tensor<2x6xi32>
  %3 = tensor.cast %2 : tensor<2x6xi32> to tensor<*xi32>
  call @printMemrefI32(%3) : (tensor<*xi32>) -> ()
  return
}
func.func @main() {
  // Ties, saturation on both sides, zeros of both signs, a subnormal.
  %x = arith.constant dense<[[0.25, -0.35, 0.05, 20.0, -20.0, -0.0], [0.45, 0.75, -0.15, 38.2, -38.1, 1.0e-40]]> : tensor<2x6xf32>
  %q, %d = call @int8(%x) : (tensor<2x6xf32>) -> (tensor<2x6xi8>, tensor<2x6xf32>)
  call @print(%q, %d) : (tensor<2x6xi8>, tensor<2x6xf32>) -> ()
  %r, %f = call @uint8(%x) : (tensor<2x6xf32>) -> (tensor<2x6xi8>, tensor<2x6xf32>)
  call @print(%r, %f) : (tensor<2x6xi8>, tensor<2x6xf32>) -> ()
  return
}
