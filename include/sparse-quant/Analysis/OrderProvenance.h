//===- OrderProvenance.h - Which values are quantized -----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For each value: has it been through a quantizer, and which one? A sparse
// forward dataflow analysis over shape ops, elementwise ops, regions and calls.
// It answers questions and rewrites nothing.
//
// The facts form a powerset lattice, joined by union:
//
//   real     never quantized, as far as the module shows
//   codes    quantized codes, at most moved, cast or shifted by a zero point
//   decoded  dequantized values, at most moved (reshaped, sliced, ...), cast or
//            scaled by a real value
//   derived  computed, element by element or by a reduction, from quantized
//            values: |dequantize(...)|, say, which is a score
//
// A contraction (matmul, convolution) makes new real values: that is where a
// network computes with quantized operands, and its result is no weight. So
// does sq.mask: where its scores are quantized, that is reported there, once.
// A product that is summed over every dimension but those of a batch is a
// reduction like any other; sums of squares are scores.
//
// What has no known callee, and regions whose data flow no interface tells,
// count as computing from all that they read. docs/rationale/order.md says why
// the facts are these, and what is not seen.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_ANALYSIS_ORDERPROVENANCE_H
#define SPARSE_QUANT_ANALYSIS_ORDERPROVENANCE_H

#include "mlir/Analysis/DataFlowFramework.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

namespace mlir::sq {

/// What is known of one value; empty until control flow reaches it.
struct Provenance {
  enum Fact : unsigned { Real = 1, Codes = 2, Decoded = 4, Derived = 8 };
  unsigned facts = 0;
  /// The ops that quantized, in the order in which they were found:
  /// sq.quantize, or the op that decodes where the codes come from outside.
  SmallVector<Operation *, 2> origins;

  /// Quantized on some path.
  bool isQuantized() const { return facts & (Codes | Decoded | Derived); }
  /// Quantized values themselves on some path, not computed from them.
  bool isCarried() const { return facts & (Codes | Decoded); }
  void addOrigin(Operation *op);

  static Provenance join(const Provenance &lhs, const Provenance &rhs);
  bool operator==(const Provenance &rhs) const;
  /// "real", "codes", "real or decoded", ...
  void print(raw_ostream &os) const;
};

/// True for element types that hold codes: integers of 2 to 8 bits and floats
/// of at most 8 bits, but for E8M0, which holds scales.
bool isCodeElementType(Type type);

/// Ops that move elements and compute nothing.
bool isCarrierOp(Operation *op);

/// arith's conversions of one element type to another.
bool isCastOp(Operation *op);

/// Runs the analysis below `root` (a module, for calls to be followed) and
/// holds its answers until the IR changes.
class OrderProvenance {
public:
  explicit OrderProvenance(Operation *root);
  /// Whether the analysis reached its fixpoint.
  bool isValid() const { return valid; }
  /// Of a value that existed when the analysis ran; nothing is known of others.
  const Provenance &get(Value value) const;
  /// Whether control flow can reach `op`, constant conditions considered.
  bool isReachable(Operation *op) const;

private:
  mutable DataFlowSolver solver;
  bool valid = false;
  Provenance unknown;
};

} // namespace mlir::sq

#endif // SPARSE_QUANT_ANALYSIS_ORDERPROVENANCE_H
