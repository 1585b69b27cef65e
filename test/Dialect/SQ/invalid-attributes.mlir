// RUN: sq-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics
// Each rule of the attributes, broken once for each way to break it.

// SQ-NM-1: more kept than there are
// expected-error@+1 {{expected 1 <= n <= m <= 64, got 5:4 [SQ-NM-1]}}
"test.attr"() {a = #sq.nm<5:4>} : () -> ()

// -----

// SQ-NM-1: none kept
// expected-error@+1 {{[SQ-NM-1]}}
"test.attr"() {a = #sq.nm<0:4>} : () -> ()

// -----

// SQ-NM-1: groups of more than 64
// expected-error@+1 {{[SQ-NM-1]}}
"test.attr"() {a = #sq.nm<2:65>} : () -> ()

// -----

// SQ-UNSTRUCTURED-1: a fraction above 1
// expected-error@+1 {{[SQ-UNSTRUCTURED-1]}}
"test.attr"() {a = #sq.unstructured<1.5, row>} : () -> ()

// -----

// SQ-UNSTRUCTURED-1: a negative fraction
// expected-error@+1 {{[SQ-UNSTRUCTURED-1]}}
"test.attr"() {a = #sq.unstructured<-0.5, row>} : () -> ()

// -----

// SQ-UNSTRUCTURED-2: no groups
// expected-error@+1 {{expected scope 'row' or 'tensor' [SQ-UNSTRUCTURED-2]}}
"test.attr"() {a = #sq.unstructured<0.5, group>} : () -> ()

// -----

// SQ-BLOCK-1: an empty block
// expected-error@+1 {{[SQ-BLOCK-1]}}
"test.attr"() {a = #sq.block<0x4, 0.5>} : () -> ()

// -----

// SQ-BLOCK-2: a fraction above 1
// expected-error@+1 {{[SQ-BLOCK-2]}}
"test.attr"() {a = #sq.block<4x4, 2.0>} : () -> ()

// -----

// SQ-INT-1: too many bits
// expected-error@+1 {{expected 2 to 8 bits, got 9 [SQ-INT-1]}}
"test.attr"() {a = #sq.int<9, row>} : () -> ()

// -----

// SQ-INT-1: too few bits
// expected-error@+1 {{expected 2 to 8 bits, got 1 [SQ-INT-1]}}
"test.attr"() {a = #sq.int<1, row>} : () -> ()

// -----

// SQ-INT-2: an empty group
// expected-error@+1 {{expected a positive group size, got 0 [SQ-INT-2]}}
"test.attr"() {a = #sq.int<8, group = 0>} : () -> ()

// -----

// SQ-INT-3: an unknown scale type
// expected-error@+1 {{expected scale type f32 or f16, got 'bf16' [SQ-INT-3]}}
"test.attr"() {a = #sq.int<8, row, scale = bf16>} : () -> ()

// -----

// SQ-INT-4: zero points per group
// expected-error@+1 {{expected an asymmetric format to have an f32 scale per tensor or row [SQ-INT-4]}}
"test.attr"() {a = #sq.int<8, group = 32, asymmetric>} : () -> ()

// -----

// SQ-INT-4: zero points beside f16 scales
// expected-error@+1 {{expected an asymmetric format to have an f32 scale per tensor or row [SQ-INT-4]}}
"test.attr"() {a = #sq.int<8, row, scale = f16, asymmetric>} : () -> ()

// -----

// SQ-FP8-1: no OCP FP8 type
// expected-error@+1 {{expected element type f8E4M3FN or f8E5M2, got 'f8E4M3' [SQ-FP8-1]}}
"test.attr"() {a = #sq.fp8<f8E4M3, row>} : () -> ()

// -----

// SQ-FP8-2: scales per group
// expected-error@+1 {{expected fp8 to have an f32 scale per tensor or row [SQ-FP8-2]}}
"test.attr"() {a = #sq.fp8<f8E4M3FN, group = 32>} : () -> ()

// -----

// SQ-MX-1: no OCP MX type
// expected-error@+1 {{expected element type f8E4M3FN, f8E5M2, f6E2M3FN, f6E3M2FN, f4E2M1FN or i8, got 'i4' [SQ-MX-1]}}
"test.attr"() {a = #sq.mx<i4>} : () -> ()

// -----

// SQ-MX-1: codes are signless
// expected-error@+1 {{got 'ui8' [SQ-MX-1]}}
"test.attr"() {a = #sq.mx<ui8>} : () -> ()

// -----

// SQ-HBFP-1: too few magnitude bits
// expected-error@+1 {{expected hbfp to have 2 to 7 magnitude bits, got 1 [SQ-HBFP-1]}}
"test.attr"() {a = #sq.hbfp<1, group = 64>} : () -> ()

// -----

// SQ-HBFP-1: too many magnitude bits
// expected-error@+1 {{[SQ-HBFP-1]}}
"test.attr"() {a = #sq.hbfp<8, group = 64>} : () -> ()

// -----

// SQ-HBFP-2: an empty group
// expected-error@+1 {{expected a positive group size, got 0 [SQ-HBFP-2]}}
"test.attr"() {a = #sq.hbfp<7, group = 0>} : () -> ()

// -----

// SQ-HBFP-2: no group
// expected-error@+1 {{expected hbfp to have an e8m0 scale per group [SQ-HBFP-2]}}
"test.attr"() {a = #sq.hbfp<7, row>} : () -> ()

// -----

// SQ-NF4-1: an empty group
// expected-error@+1 {{expected a positive group size, got 0 [SQ-NF4-1]}}
"test.attr"() {a = #sq.nf4<group = 0>} : () -> ()

// -----

// SQ-NF4-2: a scale of eight bits
// expected-error@+1 {{expected scale type f32 or f16, got 'f8E8M0FNU' [SQ-NF4-2]}}
"test.attr"() {a = #sq.nf4<group = 64, scale = f8E8M0FNU>} : () -> ()

// -----

// expected-error@+1 {{expected 'scale'}}
"test.attr"() {a = #sq.nf4<group = 64, >} : () -> ()

// -----

// SQ-HALF-1: not of 16 bits
// expected-error@+1 {{expected element type f16 or bf16, got 'f32' [SQ-HALF-1]}}
"test.attr"() {a = #sq.half<f32>} : () -> ()
