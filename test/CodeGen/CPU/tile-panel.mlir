// RUN: sq-opt %s --sq-lower-linear=isa=avx512-vbmi2 --canonicalize --split-input-file | FileCheck %s

// 40 rows of activations by four tiles: blocks of three tiles and one. Activations
// are interleaved, four columns of each row of a block of eight at a time. A panel is
// decoded once (with the sums of 128 * w), then eight rows at a time are multiplied:
// 24 sums stay in registers. The first 16 rows ask for the next panel meanwhile.
// CHECK-LABEL: @dense_int8
// CHECK: %[[X:.+]] = memref.alloc() {alignment = 64 : i64} : memref<5x512xi8>
// CHECK: scf.parallel (%[[EIGHT:.+]]) = {{.*}} to (%c5)
// CHECK:   vector.maskedload
// CHECK:   arith.xori
// CHECK:   vector.shuffle {{.*}}[0, 16, 1, 17,
// CHECK-COUNT-8: vector.store {{.*}}, %[[X]][%[[EIGHT]], {{.*}} : memref<5x512xi8>, vector<64xi8>
// CHECK: scf.parallel (%[[BLOCK:.+]]) = {{.*}} to (%c2)
// CHECK:   %[[PANEL:.+]] = memref.alloca() {alignment = 64 : i64} : memref<16x192xi8>
// CHECK:   scf.if
// CHECK:       %[[W:.+]] = vector.load %{{.+}} : memref<4x320xi8>, vector<64xi8>
// CHECK:       vector.store %[[W]], %[[PANEL]]
// CHECK:       llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%{{.+}}, %{{.+}}, %[[W]])
// CHECK:       scf.for {{.*}} = %{{.+}} to %c16 step %c8
// CHECK:         arith.subi {{.*}} : vector<16xi32>
// CHECK:         %{{.+}}:24 = scf.for {{.*}} step %c4 iter_args
// CHECK-COUNT-6:   memref.prefetch %{{.+}}, read, locality<2>, data : memref<4x320xi8>
// CHECK-COUNT-3:   vector.load %[[PANEL]]
// CHECK:           vector.load %[[X]]{{.*}} : memref<5x512xi8>, vector<4xi8>
// CHECK:           vector.broadcast %{{.+}} : i32 to vector<16xi32>
// CHECK-COUNT-24:  vpdpbusd
// CHECK:         arith.mulf
// CHECK:         vector.fma
// CHECK:   } else {
// CHECK:         %{{.+}}:8 = scf.for
// CHECK: memref.dealloc
// CHECK-NOT: sq.matmul
func.func @dense_int8(%x: memref<40x20xi8>, %xs: memref<40x1xf32>, %p: memref<4x320xi8>,
                      %s: memref<4x16xf32>, %y: memref<40x64xf32>) {
  sq.matmul ins(%x, %xs : memref<40x20xi8>, memref<40x1xf32>)
    weights(%p, scales(%s) : memref<4x320xi8>, memref<4x16xf32>) outs(%y : memref<40x64xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-panel"}
  return
}

// -----

// 2:4 int4 with a scale for each 64 columns. A position's bit among the columns of
// its vector (vpermb), the sum of these bits (vpdpbusd), and how that set of columns
// is filled (vpermd): so vpshufb spreads the kept weights. Sums are in i32 within a
// group, in f32 across; there are twelve of each.
// CHECK-LABEL: @sparse_int4
// CHECK:   %[[PANEL:.+]] = memref.alloca() {alignment = 64 : i64} : memref<32x64xi8>
// CHECK:   arith.extf {{.*}} : vector<16xf16> to vector<16xf32>
// CHECK:   %[[KEPT:.+]] = arith.andi {{.*}} : vector<64xi8>
// CHECK:   %[[I:.+]] = arith.ori {{.*}} : vector<64xi8>
// CHECK:   %[[BITS:.+]] = llvm.call_intrinsic "llvm.x86.avx512.permvar.qi.512"(%{{.+}}, %[[I]])
// CHECK:   %[[SET:.+]] = llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%{{.+}}, %[[BITS]], %{{.+}})
// CHECK:   llvm.call_intrinsic "llvm.x86.avx512.permvar.si.512"(%{{.+}}, %[[SET]])
// CHECK:   %[[W:.+]] = llvm.call_intrinsic "llvm.x86.avx512.pshuf.b.512"(%[[KEPT]], %{{.+}})
// CHECK:   vector.store %[[W]], %[[PANEL]]
// CHECK:   scf.for {{.*}} step %c4
// CHECK:     scf.for {{.*}} to %c2 step %c1 iter_args
// CHECK:       scf.for {{.*}} step %c4 iter_args
// CHECK:       arith.sitofp
// CHECK:       vector.fma
func.func @sparse_int4(%x: memref<16x128xi8>, %xs: memref<16x1xf32>, %p: memref<1x512xi8>, %b: memref<1x256xi8>,
                       %s: memref<1x32xf16>, %y: memref<16x16xf32>) {
  sq.matmul ins(%x, %xs : memref<16x128xi8>, memref<16x1xf32>)
    weights(%p, bitmap(%b), scales(%s) : memref<1x512xi8>, memref<1x256xi8>, memref<1x32xf16>)
    outs(%y : memref<16x16xf32>)
    {format = #sq.int<4, group = 64, scale = f16>, activationFormat = #sq.int<8, row>,
     pattern = #sq.nm<2:4>, layout = #sq<layout tiles>, kernel = "cpu.tile-panel"}
  return
}

// -----

// A number of rows that is known when the code runs: fewer than 48 go
// the way of cpu.tile-dot. The last rows of a block are guarded.
// CHECK-LABEL: @any_rows
// CHECK: %[[M:.+]] = memref.dim
// CHECK: %[[FEW:.+]] = arith.cmpi ult, %[[M]], %c48
// CHECK: scf.if %[[FEW]]
// CHECK:   scf.parallel
// CHECK: } else {
// CHECK:   arith.ceildivui
// CHECK:   scf.parallel
// CHECK:     %{{.+}}:16 = scf.for
// CHECK:     scf.if
// CHECK:     %{{.+}}:16 = scf.for
// CHECK:     scf.if
// CHECK:       vector.maskedstore
// CHECK:     %{{.+}}:8 = scf.for
func.func @any_rows(%x: memref<?x64xi8>, %xs: memref<?x1xf32>, %p: memref<2x1024xi8>,
                    %s: memref<2x16xf32>, %y: memref<?x20xf32>) {
  sq.matmul ins(%x, %xs : memref<?x64xi8>, memref<?x1xf32>)
    weights(%p, scales(%s) : memref<2x1024xi8>, memref<2x16xf32>) outs(%y : memref<?x20xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-panel",
     manyInputs = 48 : i64}
  return
}

// -----

// Weights of 8192 columns don't fit: two panels, and sums that wait in between.
// CHECK-LABEL: @two_panels
// CHECK:   memref.alloca() {alignment = 64 : i64} : memref<1024x64xi8>
// CHECK:   %[[PARTIAL:.+]] = memref.alloca() {alignment = 64 : i64} : memref<512x16xi32>
// CHECK:   scf.for %[[PANEL:.+]] = %c0 to %c2
// CHECK:     %[[FIRST:.+]] = arith.cmpi eq, %[[PANEL]], %c0
// CHECK:     scf.if %[[FIRST]]
// CHECK:     } else {
// CHECK:       vector.load %[[PARTIAL]]
// CHECK:     %[[LAST:.+]] = arith.cmpi eq, %[[PANEL]], %c1
// CHECK:     scf.if %[[LAST]]
// CHECK:       vector.fma
// CHECK:     } else {
// CHECK:       vector.store %{{.+}}, %[[PARTIAL]]
func.func @two_panels(%x: memref<16x8192xi8>, %xs: memref<16x1xf32>, %p: memref<1x131072xi8>,
                      %s: memref<1x16xf32>, %y: memref<16x16xf32>) {
  sq.matmul ins(%x, %xs : memref<16x8192xi8>, memref<16x1xf32>)
    weights(%p, scales(%s) : memref<1x131072xi8>, memref<1x16xf32>) outs(%y : memref<16x16xf32>)
    {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-panel"}
  return
}

// -----

// Scales that are powers of two: sums start at the bits of 3 * 2^22 * scale and are
// read as floats, so no unit that multiplies is taken. Where a scale of the panel
// is so large that this is no float, or NaN, sums are converted.
// CHECK-LABEL: @powers_of_two
// CHECK-DAG: %[[ANCHOR:.+]] = arith.constant dense<0x4B400000> : vector<16xf32>
// CHECK-DAG: %[[INFINITY:.+]] = arith.constant 2139095040 : i32
// CHECK: scf.parallel
// CHECK:   arith.mulf %{{.+}}, %[[ANCHOR]] : vector<16xf32>
// CHECK:   %[[LARGEST:.+]] = vector.reduction <maxsi>, %{{.+}} : vector<16xi32> into i32
// CHECK:   %[[IS_FINITE:.+]] = arith.cmpi slt, %[[LARGEST]], %[[INFINITY]] : i32
// CHECK:   scf.if %[[IS_FINITE]]
// CHECK:     %[[START:.+]] = vector.bitcast %{{.+}} : vector<16xf32> to vector<16xi32>
// CHECK:     arith.subi %[[START]], %{{.+}} : vector<16xi32>
// CHECK:     vpdpbusd
// CHECK-NOT: arith.sitofp
// CHECK:     %[[SUM:.+]] = arith.subf %{{.+}}, %{{.+}} : vector<16xf32>
// CHECK:     arith.addf {{.*}}%[[SUM]]{{.*}} : vector<16xf32>
// CHECK:   } else {
// CHECK:     vpdpbusd
// CHECK:     arith.sitofp
// CHECK:     vector.fma
func.func @powers_of_two(%x: memref<16x32xi8>, %xs: memref<16x1xf32>, %p: memref<1x512xi8>,
                         %s: memref<1x16xf8E8M0FNU>, %y: memref<16x16xf32>) {
  sq.matmul ins(%x, %xs : memref<16x32xi8>, memref<16x1xf32>)
    weights(%p, scales(%s) : memref<1x512xi8>, memref<1x16xf8E8M0FNU>) outs(%y : memref<16x16xf32>)
    {format = #sq.mx<i8>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>, kernel = "cpu.tile-panel"}
  return
}
