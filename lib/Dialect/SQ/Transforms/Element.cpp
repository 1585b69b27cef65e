//===- Element.cpp - How an element of a tensor is computed ---------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Element.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::sq;

bool mlir::sq::isElementwiseLinalg(Operation *op) {
  auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(op);
  return linalgOp && linalgOp.hasPureTensorSemantics() &&
         op->getNumResults() == 1 &&
         linalgOp.getNumLoops() == linalgOp.getNumParallelLoops() &&
         linalgOp.getIndexingMapsArray().back().isPermutation() &&
         !linalgOp.hasIndexSemantics();
}

Element Element::of(Value tensor) {
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  return {tensor, AffineMap::getMultiDimIdentityMap(rank, tensor.getContext())};
}

/// One step of resolve(): what `element` is, unless an op computes it.
static std::optional<Element> stepInto(const Element &element) {
  if (auto arg = dyn_cast<BlockArgument>(element.value)) {
    Operation *parent = arg.getOwner()->getParentOp();
    if (!isElementwiseLinalg(parent))
      return std::nullopt;
    auto op = cast<linalg::LinalgOp>(parent);
    OpOperand *operand = op.getMatchingOpOperand(arg);
    if (op.isDpsInit(operand))
      return std::nullopt;
    return Element{operand->get(),
                   op.getMatchingIndexingMap(operand).compose(element.map)};
  }
  Operation *def = element.value.getDefiningOp();
  if (auto splat = dyn_cast_or_null<tensor::SplatOp>(def))
    return Element{splat.getInput(), AffineMap::get(element.map.getNumDims(), 0,
                                                    def->getContext())};
  if (!isElementwiseLinalg(def))
    return std::nullopt;
  auto op = cast<linalg::LinalgOp>(def);
  AffineMap loops = inversePermutation(op.getIndexingMapsArray().back());
  return Element{op.getBlock()->getTerminator()->getOperand(0),
                 loops.compose(element.map)};
}

Element Element::resolve() const {
  Element element = *this;
  while (std::optional<Element> next = stepInto(element))
    element = *next;
  return element;
}

Operation *Element::getOp() const {
  Operation *op = resolve().value.getDefiningOp();
  if (!op || !OpTrait::hasElementwiseMappableTraits(op) ||
      !isa<arith::ArithDialect, math::MathDialect>(op->getDialect()))
    return nullptr;
  return op;
}

Element Element::getOperand(unsigned index) const {
  Element at = resolve();
  Value operand = at.value.getDefiningOp()->getOperand(index);
  // A scalar condition of an op on tensors is read at no index.
  bool scalar = isa<RankedTensorType>(at.value.getType()) &&
                !isa<RankedTensorType>(operand.getType());
  return {operand,
          scalar ? AffineMap::get(map.getNumDims(), 0, operand.getContext())
                 : at.map};
}

std::optional<Element> Element::asTensor() const {
  if (isa<RankedTensorType>(value.getType()))
    return *this;
  if (!isa<BlockArgument>(value))
    return std::nullopt;
  std::optional<Element> operand = stepInto(*this);
  if (operand && isa<RankedTensorType>(operand->value.getType()))
    return operand;
  return std::nullopt;
}

std::optional<Element> Element::asSourceTensor() const {
  std::optional<Element> tensor = asTensor(), next = *this;
  while ((next = stepInto(*next)))
    if (isa<RankedTensorType>(next->value.getType()))
      tensor = next;
  return tensor;
}

Value Element::asUniformScalar() const {
  Value scalar = resolve().value;
  if (isa<RankedTensorType>(scalar.getType()) ||
      isElementwiseLinalg(scalar.getParentRegion()->getParentOp()))
    return nullptr;
  return scalar;
}

static Attribute getConstantAttr(Value value) {
  Attribute attr;
  matchPattern(value, m_Constant(&attr));
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(attr);
      dense && dense.isSplat())
    return dense.getSplatValue<Attribute>();
  return attr;
}

std::optional<APFloat> Element::getFloat() const {
  if (auto attr = dyn_cast_or_null<FloatAttr>(getConstantAttr(resolve().value)))
    return attr.getValue();
  return std::nullopt;
}

std::optional<APInt> Element::getInteger() const {
  if (auto attr =
          dyn_cast_or_null<IntegerAttr>(getConstantAttr(resolve().value)))
    return attr.getValue();
  return std::nullopt;
}

std::optional<std::pair<DenseElementsAttr, AffineMap>>
Element::getDense() const {
  Element source = resolve();
  if (auto attr =
          dyn_cast_or_null<DenseElementsAttr>(getConstantAttr(source.value)))
    return std::make_pair(attr, source.map);
  return std::nullopt;
}

Type Element::getElementType() const {
  return getElementTypeOrSelf(value.getType());
}

bool Element::operator==(const Element &other) const {
  Element a = resolve(), b = other.resolve();
  if (a.value == b.value && a.map == b.map)
    return true;
  Attribute first = getConstantAttr(a.value), second = getConstantAttr(b.value);
  // Equal splats are equal at any index.
  return first && first == second &&
         (a.map == b.map || !isa<DenseElementsAttr>(first));
}
