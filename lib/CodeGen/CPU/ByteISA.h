//===- ByteISA.h - Instructions for vectors of bytes, by target -*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the vector dialect has no op for. Generators think in vectors of 64
// bytes (vector<64xi8>) and the sums of their lanes (vector<16xi32>), the unit
// of the layout `tiles`, whatever a register holds: here a vector is split into
// registers where an instruction needs it, and LLVM splits all generic ops.
//
// A new instruction is a new virtual function, with what it computes in the
// comment, and an implementation for each architecture.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_CPU_BYTEISA_H
#define SPARSE_QUANT_LIB_CODEGEN_CPU_BYTEISA_H

#include "PanelForm.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/Target/VectorISA.h"

namespace mlir::sq::cpu {

class ByteISA {
public:
  virtual ~ByteISA() = default;

  /// The instructions of `isa`; null for None.
  static const ByteISA *get(VectorISA isa);

  /// Vectors of 64 bytes that fit the register file.
  virtual int64_t numVectors() const = 0;

  //===--------------------------------------------------------------------===//
  // Dot products
  //===--------------------------------------------------------------------===//

  /// Whether `prepareActivations` adds 128, because bytes on the left are
  /// unsigned. Then sum x * w = sum dotBytes(prepared x, w) - sum dotBytes(128,
  /// w).
  virtual bool biasesActivations() const = 0;

  /// Signed activations in the form that `dotBytes` takes on the left. Exact
  /// for the codes that quantization emits, which are at least -127 (NUM-F3);
  /// without a bias, -128 may become -127.
  virtual Value prepareActivations(ImplicitLocOpBuilder &b, Value x) const = 0;

  /// sums[i] += the four products of bytes 4i..4i+3 of prepared activations
  /// and signed weights, exactly. With a bias, it may be the weights that are
  /// prepared instead and on the left: sum x * w = sum dotBytes(prepared w, x)
  /// - sum 128 * x.
  virtual Value dotBytes(ImplicitLocOpBuilder &b, Value sums, Value activations,
                         Value weights) const = 0;

  //===--------------------------------------------------------------------===//
  // Dot products of panels
  //===--------------------------------------------------------------------===//

  /// How a panel of weights, none of which is larger in magnitude than
  /// `largest`, is multiplied. With scale groups each sum has a total in f32
  /// beside it.
  virtual PanelForm getPanelForm(int64_t largest, bool hasGroups) const = 0;

  /// `form.words` vectors of 64 bytes from 64 signed activations or weights. As
  /// `prepareActivations` says, biased activations have 128 added.
  SmallVector<Value> makePanelActivations(ImplicitLocOpBuilder &b,
                                          const PanelForm &form, Value x) const;
  SmallVector<Value> makePanelWeights(ImplicitLocOpBuilder &b,
                                      const PanelForm &form,
                                      Value weights) const;

  /// Adds to each lane of `sums` the products of its word in `form.steps`
  /// vectors of activations and of weights, exactly.
  virtual Value dotPanel(ImplicitLocOpBuilder &b, const PanelForm &form,
                         Value sums, ArrayRef<Value> activations,
                         ArrayRef<Value> weights) const;

  //===--------------------------------------------------------------------===//
  // Table look-up
  //===--------------------------------------------------------------------===//

  /// Bytes that one instruction looks up in: 16 or 64.
  virtual int64_t tableBytes() const = 0;

  /// The byte that each index counts to in the concatenation of `tables`.
  /// Each table is a vector<64xi8>: 64 bytes, or 16 bytes four times, as
  /// `tableBytes` says. Indices lie within.
  Value lookUp(ImplicitLocOpBuilder &b, ArrayRef<Value> tables,
               Value indices) const;

  /// Loads a table for `lookUp` from memref[row, col...].
  Value loadTable(ImplicitLocOpBuilder &b, Value memref, Value row,
                  Value col) const;

  /// Within each 16 bytes, table[indices[i]], and 0 where an index is -1; other
  /// indices are below 16.
  virtual Value shuffleBytes(ImplicitLocOpBuilder &b, Value table,
                             Value indices) const = 0;

  //===--------------------------------------------------------------------===//
  // Floats
  //===--------------------------------------------------------------------===//

  /// Vectors of 16 floats that the register file has place for.
  virtual int64_t numFloatVectors() const = 0;

  /// Whether there is `lookUpFloats`.
  virtual bool looksUpFloats() const = 0;

  /// table[indices[i]] for each of 16 lanes; of an index (vector<16xi32>) the
  /// low four bits count, so that nothing above them has to be masked away.
  /// Where the table is `period` floats repeated, 16 or a divisor of it, fewer
  /// bits have to.
  virtual Value lookUpFloats(ImplicitLocOpBuilder &b, Value table,
                             Value indices, int64_t period) const = 0;

  //===--------------------------------------------------------------------===//
  // Expansion by a mask
  //===--------------------------------------------------------------------===//

  /// Whether there are `expandBytes` and `shiftOutBytes`.
  virtual bool expandsBytes() const = 0;

  /// The first bytes go, in order, to where `mask` (vector<64xi1>) is set, and
  /// zeros elsewhere. Several times slower on Zen 5 with a memory operand: see
  /// `keepInRegister`.
  virtual Value expandBytes(ImplicitLocOpBuilder &b, Value bytes,
                            Value mask) const = 0;

  /// Byte j of each quadword becomes the eight bits of `quadwords` from bit
  /// offsets[j] on, counted around.
  virtual Value shiftOutBytes(ImplicitLocOpBuilder &b, Value quadwords,
                              Value offsets) const = 0;

protected:
  /// The low bits of an index count in a table of `tableBytes`.
  virtual Value lookUpOne(ImplicitLocOpBuilder &b, Value table,
                          Value indices) const = 0;
};

/// X86ByteISA.cpp and NEONByteISA.cpp; null for an ISA of another architecture.
const ByteISA *getX86ByteISA(VectorISA isa);
const ByteISA *getNEONByteISA(VectorISA isa);

/// vector<64xi8> with `value` in every lane.
Value splatBytes(ImplicitLocOpBuilder &b, int8_t value);

/// A call of the LLVM intrinsic `name`.
Value callIntrinsic(ImplicitLocOpBuilder &b, StringRef name, Type type,
                    ValueRange operands);

/// `bytes`, a vector of integers, without LLVM seeing where they come from: a
/// load doesn't become an operand of what uses it, nor a sum part of another.
/// LLVM has such a fence for floats; it is no instruction, and keeps all bits.
Value keepInRegister(ImplicitLocOpBuilder &b, Value bytes);

/// Applies `body` to each register of `operands`, vectors of 64 bytes in all,
/// and puts the results together. `registerBytes` divides 64.
Value mapRegisters(ImplicitLocOpBuilder &b, int64_t registerBytes,
                   ArrayRef<Value> operands,
                   function_ref<Value(ArrayRef<Value> registers)> body);

} // namespace mlir::sq::cpu

#endif // SPARSE_QUANT_LIB_CODEGEN_CPU_BYTEISA_H
