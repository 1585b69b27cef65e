//===- TraceQuantizer.cpp - How a carried value was quantized -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Analysis/TraceQuantizer.h"
#include "FlowSources.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace mlir::sq;

using numerics::GroupScope;

/// Scales that span every dimension have no axis to keep track of.
static bool isPerTensor(const Quantizer &quantizer) {
  return quantizer.format.getFormat().scope == GroupScope::Tensor;
}

static int64_t normalAxis(int64_t axis, Value value) {
  return *normalizeAxis(axis,
                        cast<RankedTensorType>(value.getType()).getRank());
}

/// The one dimension of `dims` that isn't 1, or the last one; -1 if several.
static int64_t soleExtent(RankedTensorType type, ArrayRef<int64_t> dims) {
  int64_t sole = dims.back();
  unsigned count = 0;
  for (int64_t dim : dims)
    if (type.getDimSize(dim) != 1) {
      sole = dim;
      ++count;
    }
  return count <= 1 ? sole : -1;
}

/// Whether the groups of `quantizer` lie one after another in dimension `dim`
/// without crossing its edge, so that more dimensions may join or leave.
static bool tiles(const Quantizer &quantizer, RankedTensorType type,
                  int64_t dim) {
  numerics::Format format = quantizer.format.getFormat();
  return format.scope == GroupScope::Group && !type.isDynamicDim(dim) &&
         type.getDimSize(dim) % format.groupSize == 0;
}

namespace {
/// One answer for all paths that lead to a value.
class Tracer {
public:
  explicit Tracer(Operation *root) : root(root) {}

  std::optional<Quantizer> trace(Value value) {
    if (!active.insert(value).second)
      return std::nullopt;
    std::optional<Quantizer> result;
    if (std::optional<SmallVector<Value>> sources =
            getFlowSources(value, root)) {
      result = traceAll(*sources);
    } else {
      result = traceOnce(value);
      // What moves on its way around a loop isn't the same any more.
      onlyLoops = false;
    }
    active.erase(value);
    return result;
  }

private:
  std::optional<Quantizer> traceOnce(Value value) {
    Operation *op = value.getDefiningOp();
    if (auto quantize = dyn_cast_or_null<QuantizeOp>(op)) {
      if (value != quantize.getValues())
        return std::nullopt;
      return Quantizer{quantize.getFormat(),
                       normalAxis(quantize.getAxis(), value),
                       llvm::to_vector(quantize.getStaticScales())};
    }
    if (auto dequantize = dyn_cast_or_null<DequantizeOp>(op))
      return traceDequantize(dequantize);
    if (isa_and_present<ApplyMaskOp>(op))
      return trace(op->getOperand(0));
    if (isa_and_present<tensor::CastOp, tensor::BitcastOp>(op) &&
        isa<RankedTensorType>(op->getOperand(0).getType()))
      return trace(op->getOperand(0));
    if (isa_and_present<tensor::ExtractSliceOp, tensor::ExpandShapeOp,
                        tensor::CollapseShapeOp, linalg::TransposeOp,
                        linalg::BroadcastOp>(op)) {
      std::optional<Quantizer> quantizer = trace(op->getOperand(0));
      // Static scales have the shape of the quantizer's tensor; elsewhere it
      // can't be repeated.
      if (!quantizer || !quantizer->staticScales.empty())
        return std::nullopt;
      std::optional<int64_t> axis = moveAxis(op, *quantizer);
      if (!axis)
        return std::nullopt;
      quantizer->axis = *axis;
      return quantizer;
    }
    return std::nullopt;
  }

  std::optional<Quantizer> traceDequantize(DequantizeOp op) {
    std::optional<Quantizer> quantizer = trace(op.getValues());
    if (!quantizer || quantizer->format != op.getFormat() ||
        quantizer->axis != normalAxis(op.getAxis(), op.getResult()) ||
        !scalesBelongTo(op.getScales(), op.getValues(), root))
      return std::nullopt;
    return quantizer;
  }

  /// Where the groups' axis is after `op`; std::nullopt where the groups are
  /// others.
  static std::optional<int64_t> moveAxis(Operation *op,
                                         const Quantizer &quantizer) {
    int64_t axis = quantizer.axis;
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
      // Result dimension i is input dimension permutation[i].
      return llvm::find(transpose.getPermutation(), axis) -
             transpose.getPermutation().begin();
    if (auto broadcast = dyn_cast<linalg::BroadcastOp>(op)) {
      SmallVector<int64_t> kept;
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (!llvm::is_contained(broadcast.getDimensions(), dim))
          kept.push_back(dim);
      return kept[axis];
    }
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
      return sliceAxis(slice, quantizer);
    if (type.getRank() != 0 && isPerTensor(quantizer))
      return type.getRank() - 1;
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
      ReassociationIndices dims = expand.getReassociationIndices()[axis];
      int64_t sole = soleExtent(type, dims);
      if (sole >= 0)
        return sole;
      if (tiles(quantizer, type, dims.back()))
        return dims.back();
      return std::nullopt;
    }
    auto collapse = cast<tensor::CollapseShapeOp>(op);
    for (auto [index, dims] :
         llvm::enumerate(collapse.getReassociationIndices()))
      if (llvm::is_contained(dims, axis)) {
        if (soleExtent(collapse.getSrcType(), dims) == axis ||
            (axis == dims.back() &&
             tiles(quantizer, collapse.getSrcType(), axis)))
          return index;
      }
    return std::nullopt;
  }

  /// Groups of the slice must be groups of the whole.
  static std::optional<int64_t> sliceAxis(tensor::ExtractSliceOp op,
                                          const Quantizer &quantizer) {
    RankedTensorType source = op.getSourceType();
    int64_t axis = quantizer.axis;
    llvm::SmallBitVector dropped = op.getDroppedDims();
    numerics::Format format = quantizer.format.getFormat();
    if (dropped.test(axis))
      return std::nullopt;
    if (isPerTensor(quantizer) || format.hasTensorScale()) {
      if (!source.hasStaticShape() || op.getType() != source)
        return std::nullopt;
    } else {
      std::optional<int64_t> offset =
          getConstantIntValue(op.getMixedOffsets()[axis]);
      std::optional<int64_t> size =
          getConstantIntValue(op.getMixedSizes()[axis]);
      int64_t extent = source.getDimSize(axis);
      if (!offset || !size || ShapedType::isDynamic(extent) ||
          getConstantIntValue(op.getMixedStrides()[axis]) != 1)
        return std::nullopt;
      int64_t group = format.effectiveGroup(extent);
      if (*offset % group != 0 ||
          (*size % group != 0 && *offset + *size != extent))
        return std::nullopt;
    }
    for (int64_t dim = 0, end = quantizer.axis; dim < end; ++dim)
      axis -= dropped.test(dim);
    return axis;
  }

  /// The common answer of several sources. Those that only lead around a loop
  /// say nothing: the others decide.
  std::optional<Quantizer> traceAll(ArrayRef<Value> sources) {
    std::optional<Quantizer> result;
    for (Value source : sources) {
      if (active.contains(source))
        continue;
      onlyLoops = false;
      std::optional<Quantizer> one = trace(source);
      if (!one && onlyLoops)
        continue;
      if (!one || (result && *result != *one)) {
        onlyLoops = false;
        return std::nullopt;
      }
      result = one;
    }
    onlyLoops = !result;
    return result;
  }

  Operation *root;
  DenseSet<Value> active;
  /// Of the last answer: it is none because it was waiting for itself.
  bool onlyLoops = false;
};
} // namespace

std::optional<Quantizer> mlir::sq::traceQuantizer(Value value,
                                                  Operation *root) {
  return Tracer(root).trace(value);
}
