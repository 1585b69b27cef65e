// RUN: sq-opt %s --sq-lower-linear=isa=avx512-vbmi2 --split-input-file | FileCheck %s

// One row of activations, dense int8 with a scale a row. A sum starts at
// -128 * sum x, which is the same for all rows of weights; these become unsigned
// bytes by adding 128 and are multiplied with four activations each. Exact sums,
// four of them in turn, then one multiplication by the scales.
// CHECK-LABEL: @dense_int8
// CHECK: %[[X:.+]] = memref.alloc() {alignment = 64 : i64} : memref<1x64xi8>
// CHECK: %[[BIAS:.+]] = memref.alloc() {alignment = 64 : i64} : memref<1x1xi32>
// CHECK: %[[SUM:.+]] = vector.reduction <add>, %{{.+}} : vector<16xi32> into i32
// CHECK: %[[NEGATED:.+]] = arith.subi %{{.+}}, %[[SUM]] : i32
// CHECK: memref.store %[[NEGATED]], %[[BIAS]]
// CHECK: scf.parallel (%[[TILE:.+]]) = (%{{.+}}) to (%c2{{.*}}) step
// CHECK:   %[[INITIAL:.+]] = memref.load %[[BIAS]]
// CHECK:   %[[FIRST:.+]] = vector.broadcast %[[INITIAL]] : i32 to vector<16xi32>
// CHECK:   scf.for {{.*}} iter_args(%[[A:.+]] = %[[FIRST]], %[[B:.+]] = %{{.+}}, %{{.+}} = %{{.+}}, %{{.+}} = %{{.+}})
// CHECK:     %[[W:.+]] = vector.load %{{.*}}[%[[TILE]], %{{.+}}] : memref<2x1024xi8>, vector<64xi8>
// CHECK:     %[[UNSIGNED:.+]] = arith.xori %[[W]], %{{.+}} : vector<64xi8>
// CHECK:     vector.load %[[X]]{{.*}} : memref<1x64xi8>, vector<4xi8>
// CHECK:     vector.broadcast %{{.+}} : i32 to vector<16xi32>
// CHECK:     llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%[[A]], %[[UNSIGNED]], %{{.+}})
// CHECK:     llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%[[B]],
// CHECK-COUNT-3: arith.addi {{.*}} : vector<16xi32>
// CHECK:   arith.sitofp
// CHECK:   arith.mulf
// CHECK: memref.dealloc %[[X]]
// CHECK: memref.dealloc %[[BIAS]]
// CHECK-NOT: sq.matmul
func.func @dense_int8(%x: memref<1x64xi8>, %xs: memref<1x1xf32>, %p: memref<2x1024xi8>,
                      %s: memref<2x16xf32>, %y: memref<1x32xf32>) {
  sq.matmul ins(%x, %xs : memref<1x64xi8>, memref<1x1xf32>)
    weights(%p, scales(%s) : memref<2x1024xi8>, memref<2x16xf32>) outs(%y : memref<1x32xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  return
}

// -----

// 2:4 int4: nibbles to the high half of a byte, which has their sign; positions
// select activations from a register of 64.
// CHECK-LABEL: @sparse_int4
// CHECK: scf.parallel
// CHECK:   arith.shli {{.*}} : vector<32xi16>
// CHECK:   %[[W:.+]] = arith.andi {{.*}} : vector<64xi8>
// CHECK:   %[[I:.+]] = arith.ori {{.*}} : vector<64xi8>
// CHECK:   %[[WINDOW:.+]] = vector.load {{.*}} : memref<1x64xi8>, vector<64xi8>
// CHECK:   %[[X:.+]] = llvm.call_intrinsic "llvm.x86.avx512.permvar.qi.512"(%[[WINDOW]], %[[I]])
// CHECK:   llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%{{.+}}, %[[X]], %[[W]])
// A scale group: its sum goes to f32.
// CHECK:   arith.extf {{.*}} : vector<16xf16> to vector<16xf32>
// CHECK:   vector.fma
func.func @sparse_int4(%x: memref<1x64xi8>, %xs: memref<1x1xf32>, %p: memref<1x256xi8>, %b: memref<1x128xi8>,
                       %s: memref<1x16xf16>, %y: memref<1x16xf32>) {
  sq.matmul ins(%x, %xs : memref<1x64xi8>, memref<1x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<1x256xi8>, memref<1x128xi8>, memref<1x16xf16>)
    outs(%y : memref<1x16xf32>)
    {format = #sq.int<4, group = 64, scale = f16>, activationFormat = #sq.int<8, row>,
     pattern = #sq.nm<2:4>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  return
}

// -----

// MXFP4: a table turns nibbles into twice their value; E8M0 scales are
// exponents of floats.
// CHECK-LABEL: @mxfp4
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.pshuf.b.512"
// CHECK: arith.shli {{.*}} : vector<16xi32>
func.func @mxfp4(%x: memref<1x32xi8>, %xs: memref<1x1xf32>, %p: memref<1x256xi8>,
                 %s: memref<1x16xf8E8M0FNU>, %y: memref<1x16xf32>) {
  sq.matmul ins(%x, %xs : memref<1x32xi8>, memref<1x1xf32>)
    weights(%p, scales(%s) : memref<1x256xi8>, memref<1x16xf8E8M0FNU>) outs(%y : memref<1x16xf32>)
    {format = #sq.mx<f4E2M1FN>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  return
}

// -----

// Many rows: eight share each vector of weights, the rest four, two and one. Five
// to seven take eight, too, since reading weights again costs more; rows beyond
// the last get its activations, and are dropped. 20 rows of weights are a tile
// and a part of one.
// CHECK-LABEL: @many_rows
// CHECK: scf.parallel
// CHECK:   scf.for %[[ROW:.+]] = %{{.+}} to %{{.+}} step %c8
// CHECK:     arith.minui %[[ROW]], %[[LAST:.+]] : index
// CHECK-COUNT-8: vpdpbusd
// CHECK-NOT: vpdpbusd
// CHECK:     %[[IS_ROW:.+]] = arith.cmpi ule, %[[ROW]], %[[LAST]] : index
// CHECK:     scf.if %[[IS_ROW]]
// CHECK:       vector.maskedstore
// CHECK:   scf.for {{.*}} step %c4
// CHECK-COUNT-4: vpdpbusd
// CHECK-NOT: vpdpbusd
// CHECK:   scf.for {{.*}} step %c2
// CHECK-COUNT-2: vpdpbusd
// CHECK-NOT: vpdpbusd
// CHECK:   scf.for {{.*}} step %c1
// CHECK-COUNT-1: vpdpbusd
// CHECK-NOT: vpdpbusd
func.func @many_rows(%x: memref<?x4xi8>, %xs: memref<?x1xf32>, %p: memref<2x64xi8>,
                     %s: memref<2x16xf32>, %y: memref<?x20xf32>) {
  sq.matmul ins(%x, %xs : memref<?x4xi8>, memref<?x1xf32>)
    weights(%p, scales(%s) : memref<2x64xi8>, memref<2x16xf32>) outs(%y : memref<?x20xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  return
}

// -----

// Half of the int8 weights, no two vectors alike: the codes that a vector keeps
// are expanded by its mask, and the next ones start where those end.
// CHECK-LABEL: @unstructured_int8
// CHECK: scf.parallel (%[[TILE:.+]]) = (%{{.+}}) to (%c2{{.*}}) step
// CHECK:   vector.load %arg3[%[[TILE]], %{{.+}}] : memref<2x140xi8>, vector<8xi8>
// CHECK:   %[[START:.+]] = arith.index_castui {{.*}} : i64 to index
// CHECK:   scf.for
// CHECK:     vector.load %arg3[%[[TILE]], %{{.+}}] : memref<2x140xi8>, vector<4xi8>
// CHECK:     %[[CURSOR:.+]] = arith.addi %[[START]], %{{.+}} : index
// CHECK:     %[[BITS:.+]] = vector.extract {{.*}} : i64 from vector<1xi64>
// CHECK:     %[[MASK:.+]] = vector.bitcast {{.*}} : vector<1xi64> to vector<64xi1>
// CHECK:     %[[KEPT:.+]] = vector.load %arg2[%{{.+}}, %[[CURSOR]]] : memref<1x1088xi8>, vector<64xi8>
// A load of its own, which LLVM doesn't make an operand of the expansion.
// CHECK:     vector.bitcast %[[KEPT]] : vector<64xi8> to vector<16xf32>
// CHECK:     llvm.call_intrinsic "llvm.arithmetic.fence.v16f32"
// CHECK:     %[[REGISTER:.+]] = vector.bitcast {{.*}} : vector<16xf32> to vector<64xi8>
// CHECK:     %[[W:.+]] = llvm.call_intrinsic "llvm.x86.avx512.mask.expand.v64i8"(%[[REGISTER]], %{{.+}}, %[[MASK]])
// CHECK:     math.ctpop %[[BITS]] : i64
// CHECK:     %[[NEXT:.+]] = arith.addi %[[CURSOR]], %{{.+}} : index
// CHECK:     %[[UNSIGNED:.+]] = arith.xori %[[W]], %{{.+}} : vector<64xi8>
// CHECK:     llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%{{.+}}, %[[UNSIGNED]], %{{.+}})
// CHECK:     vector.load %arg2[%{{.+}}, %[[NEXT]]]
func.func @unstructured_int8(%x: memref<1x64xi8>, %xs: memref<1x1xf32>, %p: memref<1x1088xi8>, %b: memref<2x140xi8>,
                             %s: memref<2x16xf32>, %y: memref<1x32xf32>) {
  sq.matmul ins(%x, %xs : memref<1x64xi8>, memref<1x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<1x1088xi8>, memref<2x140xi8>, memref<2x16xf32>)
    outs(%y : memref<1x32xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, pattern = #sq.unstructured<0.5, row>,
     layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  return
}

// -----

// Nibbles: a byte each before they are expanded, and half as many bytes, rounded
// up, to the next vector's.
// CHECK-LABEL: @blocks_int4
// CHECK: %[[FOUR:.+]] = arith.extui {{.*}} : vector<8xi32> to vector<8xi64>
// CHECK: %[[KEPT:.+]] = llvm.call_intrinsic "llvm.x86.avx512.pmultishift.qb.512"
// CHECK: %[[CODES:.+]] = llvm.call_intrinsic "llvm.x86.avx512.mask.expand.v64i8"(%[[KEPT]]
// CHECK: arith.andi %[[CODES]], %{{.+}} : vector<64xi8>
// CHECK: %[[COUNT:.+]] = math.ctpop
// CHECK: arith.addi
// CHECK: arith.shrui {{.*}} : index
func.func @blocks_int4(%x: memref<1x64xi8>, %xs: memref<1x1xf32>, %p: memref<1x320xi8>, %b: memref<1x140xi8>,
                       %s: memref<1x16xf16>, %y: memref<1x16xf32>) {
  sq.matmul ins(%x, %xs : memref<1x64xi8>, memref<1x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<1x320xi8>, memref<1x140xi8>, memref<1x16xf16>)
    outs(%y : memref<1x16xf32>)
    {format = #sq.int<4, group = 64, scale = f16>, activationFormat = #sq.int<8, row>,
     pattern = #sq.block<4x1, 0.5>, layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  return
}

// -----

// Several rows of activations: a loop over four vectors, which carries the sums,
// two of each row, and where the codes of the next vector start.
// CHECK-LABEL: @rows_of_unstructured_int8
// CHECK: scf.parallel
// CHECK:   scf.for %{{.+}} = %c0{{.*}} to %c16{{.*}} step %c4{{.*}} iter_args({{.*}}, %[[CURSOR:[a-z0-9]+]] = %{{[0-9]+}}) ->
// CHECK:     vector.load %arg2[%{{.+}}, %[[CURSOR]]] : memref<1x1088xi8>, vector<64xi8>
// CHECK-COUNT-12: vpdpbusd
// CHECK-NOT: vpdpbusd
// CHECK:     scf.yield
func.func @rows_of_unstructured_int8(%x: memref<3x64xi8>, %xs: memref<3x1xf32>, %p: memref<1x1088xi8>,
                                     %b: memref<2x140xi8>, %s: memref<2x16xf32>, %y: memref<3x32xf32>) {
  sq.matmul ins(%x, %xs : memref<3x64xi8>, memref<3x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<1x1088xi8>, memref<2x140xi8>, memref<2x16xf32>)
    outs(%y : memref<3x32xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, pattern = #sq.unstructured<0.5, row>,
     layout = #sq<layout tiles>, kernel = "cpu.tile-dot"}
  return
}
