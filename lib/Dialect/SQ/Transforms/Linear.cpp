//===- Linear.cpp - What counts as a linear layer -------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Dialect/SQ/Transforms/Linear.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::sq;

/// The loops that index a rank-2 operand; nullopt for other maps.
static std::optional<std::array<unsigned, 2>> getLoops(AffineMap map) {
  if (map.getNumResults() != 2 || !map.isProjectedPermutation())
    return std::nullopt;
  return std::array<unsigned, 2>{map.getDimPosition(0), map.getDimPosition(1)};
}

/// A contraction of two f32 matrices into a third; the weight's loops are
/// (n, k), or (k, n) where `transposed`.
static std::optional<LinearLayer> matchContraction(Operation *op,
                                                   bool transposed) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || !linalgOp.hasPureTensorSemantics() ||
      linalgOp.getNumLoops() != 3 || linalgOp.getNumDpsInputs() != 2 ||
      linalgOp.getNumDpsInits() != 1 ||
      !linalg::isaContractionOpInterface(linalgOp))
    return std::nullopt;
  for (Value operand : op->getOperands())
    if (!getElementTypeOrSelf(operand).isF32())
      return std::nullopt;
  SmallVector<AffineMap> maps = linalgOp.getIndexingMapsArray();
  auto input = getLoops(maps[0]), weight = getLoops(maps[1]),
       init = getLoops(maps[2]);
  if (!input || !weight || !init)
    return std::nullopt;
  if (transposed)
    std::swap((*weight)[0], (*weight)[1]);
  // (m, k), (n, k), (m, n).
  if ((*input)[0] != (*init)[0] || (*weight)[0] != (*init)[1] ||
      (*input)[1] != (*weight)[1])
    return std::nullopt;
  OpOperand *weightOperand = linalgOp.getDpsInputOperand(1);
  if (!cast<ShapedType>(weightOperand->get().getType()).hasStaticShape())
    return std::nullopt;
  return LinearLayer{op, linalgOp.getDpsInputOperand(0), weightOperand,
                     linalgOp.getDpsInitOperand(0)};
}

int64_t LinearLayer::getRows() const {
  return cast<ShapedType>(weight->get().getType()).getDimSize(0);
}
int64_t LinearLayer::getColumns() const {
  return cast<ShapedType>(weight->get().getType()).getDimSize(1);
}

std::optional<LinearLayer> mlir::sq::matchLinear(Operation *op) {
  return matchContraction(op, /*transposed=*/false);
}

ParameterOp mlir::sq::matchTransposedLinear(Operation *op) {
  std::optional<LinearLayer> layer = matchContraction(op, /*transposed=*/true);
  return layer ? layer->weight->get().getDefiningOp<ParameterOp>() : nullptr;
}

StringRef mlir::sq::getLayerName(StringRef parameter) {
  parameter.consume_back(".weight");
  return parameter;
}

std::string mlir::sq::getParameterKey(ParameterOp parameter) {
  std::string key;
  llvm::raw_string_ostream stream(key);
  // Quoted, so that no name can imitate a separator.
  stream << '"';
  llvm::printEscapedString(parameter.getName(), stream);
  stream << "\" from \"";
  llvm::printEscapedString(parameter.getSource().value_or(""), stream);
  stream << '"';
  if (parameter.getOffset())
    stream << " at " << *parameter.getOffset();
  stream << " : " << parameter.getType();
  return key;
}
