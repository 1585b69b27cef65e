//===- WeightPlan.h - What the weight file will hold ------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// sq-pack-weights plans, writes, rewrites: the plan names every entry of the
// file (planWeights), the entries are evaluated into the mapped file one after
// the other (writeWeights), and the IR changes only when the file is complete
// (rewriteWeights).
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_WEIGHTPLAN_H
#define SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_WEIGHTPLAN_H

#include "WeightChain.h"
#include "mlir/IR/Remarks.h"
#include "sparse-quant/Dialect/SQ/Transforms/Linear.h"
#include "sparse-quant/Support/SafetensorsWriter.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::sq {

template <typename T>
using KeyMap = llvm::MapVector<std::string, T, llvm::StringMap<unsigned>>;

struct DenseEntry;

/// One weight as linear layers use it.
struct LayerPlan {
  explicit LayerPlan(Value weight) : chain(weight) {}

  WeightChain chain;
  SmallVector<LinearLayer> uses;
  /// `report.name` is what the names of a packed layer's entries start with.
  LayerReport report;
  bool packed = false;
  /// Packed: what the mask promises, and how the weights lie in the file.
  SparsityPatternAttrInterface pattern;
  Layout layout = Layout::Rows;
  /// Whether the activations' codes are multiplied in 16 bits (LayoutChoice).
  bool widensInput = false;
  /// Sparse: whether dropped weights are stored as zeros all the same.
  bool storedDense = false;
  /// In rows, and with bitmaps: bytes of a payload row.
  int64_t payloadStride = 0;
  /// Not packed: where it is stored.
  const DenseEntry *entry = nullptr;

  std::optional<numerics::Pattern> getPattern() const;
  /// Whether there is a bitmap, or what takes its place.
  bool hasMetadata() const { return chain.isSparse() && !storedDense; }
  numerics::TileLayout getTiles() const;
  bool hasFragments() const { return layout == Layout::Fragments; }
  numerics::FragmentLayout getFragments() const;
  /// Whether only the mask tells how large the payload is.
  bool hasVaryingPayload() const {
    return layout == Layout::Rows ||
           (hasFragments() ? getFragments().hasBitmap()
                           : getTiles().hasBitmap());
  }
  // The shapes of a packed layer's entries; bitmap and positions are what
  // sparse layers have.
  std::array<int64_t, 2> getPayloadShape() const;
  std::array<int64_t, 2> getBitmapShape() const;
  SmallVector<int64_t> getScaleShape() const;
  StringRef getBitmapSuffix() const;
};

/// A tensor that is stored as it is, or evaluated to f32, or to 16 bits that
/// hold its values.
struct DenseEntry {
  Value value;
  std::string name;
  DType dtype = DType::F32;
  /// Whether f32 values are stored in 16 bits.
  bool isHalf() const;
  uint64_t getSize() const;
  /// Set in a study: what to store instead of `value`.
  const LayerPlan *study = nullptr;
  /// Values of equal key that this entry replaces.
  SetVector<Value> values;
};

struct WeightPlan {
  KeyMap<std::unique_ptr<LayerPlan>> layers;
  KeyMap<DenseEntry> dense;
  llvm::StringSet<> names;
  /// Weight operands that get packed or studied values.
  DenseSet<OpOperand *> replaced;
  /// Masks and quantizations of constants whose results others read: they stay.
  DenseSet<Operation *> runtimeOps;

  /// Whether the value of `use` only serves to evaluate others.
  bool isInternal(OpOperand &use, WeightEvaluator &evaluator) const;
};

/// Of the entries of a format's scales, in the order of the op's operands.
inline constexpr StringLiteral kScaleSuffixes[] = {".scale", ".tensor_scale"};

/// The quantization that a linear layer's input goes through, if sq.matmul can
/// take its codes.
QuantizeOp getInputQuantization(const LinearLayer &use);

/// Options of a remark of sq-pack-weights at `op`.
remark::RemarkOpts getPackRemark(Operation *op, StringRef name);

LogicalResult planWeights(ModuleOp module, const PackOptions &options,
                          WeightEvaluator &evaluator, WeightPlan &plan);

/// Fills in what the reports say about the stored bytes and errors.
LogicalResult writeWeights(ModuleOp module, const PackOptions &options,
                           WeightFiles &files, WeightEvaluator &evaluator,
                           WeightPlan &plan, SafetensorsWriter &writer);

void rewriteWeights(ModuleOp module, WeightEvaluator &evaluator,
                    WeightPlan &plan, const SafetensorsWriter &writer);

} // namespace mlir::sq

#endif // SPARSE_QUANT_LIB_DIALECT_SQ_TRANSFORMS_WEIGHTPLAN_H
