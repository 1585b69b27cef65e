//===- TraceQuantizer.cpp - How a carried value was quantized -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"
#include "sparse-quant/Analysis/OrderClass.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace mlir::sq;

namespace {
/// One answer for all paths that lead to a value; `conflict` when they differ.
class Tracer {
public:
  explicit Tracer(Operation *root) : root(root) {}

  std::optional<Quantizer> trace(Value value) {
    // A value under way is a loop: its other paths decide.
    if (!active.insert(value).second)
      return std::nullopt;
    std::optional<Quantizer> result = traceOnce(value);
    active.erase(value);
    return result;
  }

private:
  std::optional<Quantizer> traceOnce(Value value) {
    if (auto arg = dyn_cast<BlockArgument>(value))
      return traceArgument(arg);
    Operation *op = value.getDefiningOp();
    if (auto dequantize = dyn_cast<DequantizeOp>(op))
      return traceDequantize(dequantize);
    if (auto quantize = dyn_cast<QuantizeOp>(op))
      return value == quantize.getValues()
                 ? std::optional<Quantizer>(
                       {quantize.getFormat(), axisOf(quantize.getAxis(), value),
                        llvm::to_vector(quantize.getStaticScales())})
                 : std::nullopt;
    if (auto cast = dyn_cast<tensor::CastOp>(op))
      return trace(cast.getSource());
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
      return traceSlice(slice);
    if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
      // Result dimension i is input dimension permutation[i].
      std::optional<Quantizer> quantizer = trace(transpose.getInput());
      if (quantizer)
        quantizer->axis =
            llvm::find(transpose.getPermutation(), quantizer->axis) -
            transpose.getPermutation().begin();
      return dropStaticUnlessEqualShape(quantizer);
    }
    if (auto broadcast = dyn_cast<linalg::BroadcastOp>(op)) {
      std::optional<Quantizer> quantizer = trace(broadcast.getInput());
      if (quantizer) {
        SmallVector<int64_t> kept;
        int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
        for (int64_t dim = 0; dim < rank; ++dim)
          if (!llvm::is_contained(broadcast.getDimensions(), dim))
            kept.push_back(dim);
        quantizer->axis = kept[quantizer->axis];
      }
      return dropStaticUnlessEqualShape(quantizer);
    }
    if (auto apply = dyn_cast<ApplyMaskOp>(op))
      return trace(apply.getInput());
    return traceRegionOrCall(op, cast<OpResult>(value).getResultNumber());
  }

  static int64_t axisOf(int64_t axis, Value value) {
    return *normalizeAxis(axis,
                          cast<RankedTensorType>(value.getType()).getRank());
  }

  /// Static scales have the shape of the quantizer's tensor; elsewhere the
  /// quantizer isn't known well enough to be repeated.
  static std::optional<Quantizer>
  dropStaticUnlessEqualShape(std::optional<Quantizer> quantizer) {
    if (quantizer && !quantizer->staticScales.empty())
      return std::nullopt;
    return quantizer;
  }

  std::optional<Quantizer> traceDequantize(DequantizeOp op) {
    Quantizer result{op.getFormat(), axisOf(op.getAxis(), op.getResult()), {}};
    auto quantize = op.getValues().getDefiningOp<QuantizeOp>();
    if (!quantize) {
      // The codes came a long way; they are read with this op's format.
      std::optional<Quantizer> inner = trace(op.getValues());
      if (!inner || !inner->staticScales.empty() ||
          inner->format != result.format)
        return std::nullopt;
      return result;
    }
    if (quantize.getFormat() != op.getFormat() ||
        axisOf(quantize.getAxis(), op.getResult()) != result.axis ||
        !llvm::equal(quantize.getUsedScales(), op.getScales()))
      return std::nullopt;
    llvm::append_range(result.staticScales, quantize.getStaticScales());
    return result;
  }

  std::optional<Quantizer> traceSlice(tensor::ExtractSliceOp op) {
    std::optional<Quantizer> quantizer =
        dropStaticUnlessEqualShape(trace(op.getSource()));
    if (!quantizer || op.getSourceType().getRank() != op.getType().getRank())
      return std::nullopt;
    // Groups of the slice must be groups of the whole.
    int64_t group = quantizer->format.getFormat().groupSize;
    std::optional<int64_t> offset =
        getConstantIntValue(op.getMixedOffsets()[quantizer->axis]);
    if (group &&
        (!offset || *offset % group != 0 ||
         getConstantIntValue(op.getMixedStrides()[quantizer->axis]) != 1))
      return std::nullopt;
    return quantizer;
  }

  /// The common answer of several sources; loops back to themselves don't
  /// count.
  std::optional<Quantizer> traceAll(ArrayRef<Value> sources) {
    std::optional<Quantizer> result;
    for (Value source : sources) {
      if (active.contains(source))
        continue;
      std::optional<Quantizer> one = trace(source);
      if (!one || (result && *result != *one))
        return std::nullopt;
      result = one;
    }
    return result;
  }

  std::optional<Quantizer> traceArgument(BlockArgument arg) {
    Operation *parent = arg.getOwner()->getParentOp();
    if (auto loop = dyn_cast_or_null<scf::ForOp>(parent)) {
      if (arg == loop.getInductionVar())
        return std::nullopt;
      unsigned index = arg.getArgNumber() - 1;
      return traceAll(
          {loop.getInitArgs()[index], loop.getYieldedValues()[index]});
    }
    auto function = dyn_cast_or_null<func::FuncOp>(parent);
    if (!function || !function.isPrivate() || !arg.getOwner()->isEntryBlock())
      return std::nullopt;
    std::optional<SymbolTable::UseRange> uses =
        SymbolTable::getSymbolUses(function, root);
    if (!uses)
      return std::nullopt;
    SmallVector<Value> sources;
    for (SymbolTable::SymbolUse use : *uses) {
      auto call = dyn_cast<func::CallOp>(use.getUser());
      if (!call)
        return std::nullopt;
      sources.push_back(call.getOperand(arg.getArgNumber()));
    }
    return traceAll(sources);
  }

  std::optional<Quantizer> traceRegionOrCall(Operation *op, unsigned index) {
    if (auto branch = dyn_cast<scf::IfOp>(op))
      return traceAll({branch.thenYield().getOperand(index),
                       branch.elseYield().getOperand(index)});
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return traceAll(
          {loop.getInitArgs()[index], loop.getYieldedValues()[index]});
    auto call = dyn_cast<func::CallOp>(op);
    if (!call)
      return std::nullopt;
    auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
        call, call.getCalleeAttr());
    if (!callee || callee.isExternal())
      return std::nullopt;
    SmallVector<Value> sources;
    for (Block &block : callee.getBody())
      if (auto ret = dyn_cast<func::ReturnOp>(block.getTerminator()))
        sources.push_back(ret.getOperand(index));
    return traceAll(sources);
  }

  Operation *root;
  DenseSet<Value> active;
};
} // namespace

std::optional<Quantizer> mlir::sq::traceQuantizer(Value value,
                                                  Operation *root) {
  return Tracer(root).trace(value);
}
