//===- MmaKernel.cpp - Linear layers on tensor cores ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MmaKernel.h"
#include "sparse-quant/Numerics/Quantize.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cuda;
using numerics::FragmentLayout;

std::array<Value, 2> MmaBuilder::loadScales(Value tile, Value group) {
  int64_t bytes = numerics::scaleBytes(layout.format.scaleType);
  int64_t groups = layout.format.numGroups(layout.cols);
  // Groups of columns behind the matrix have no scale, and weights of zero.
  group = min(group, constant(groups - 1));
  Value first = add(mul(group, FragmentLayout::kRows), div(lane(), 4));
  Value pointer = atFar(globalPointer(product.scales), tile,
                        groups * FragmentLayout::kRows * bytes);
  pointer = at(pointer, mul(first, bytes));
  return {loadScale(pointer), loadScale(at(pointer, 8 * bytes))};
}

SmallVector<Value> MmaBuilder::loadTokenScales(Value first, Value group) {
  if (!product.hasScalePerGroup)
    return {};
  int64_t groups = layout.format.numGroups(layout.cols);
  group = min(group, constant(groups - 1));
  Value last = add(product.tokens, constant(int64_t(-1)));
  SmallVector<Value> scales;
  for (int64_t c = 0; c < 2; ++c) {
    Value token = min(add(add(first, mul(rem(lane(), 4), 2)), c), last);
    Value pointer = at(
        atFar(globalPointer(product.activationScales), token, groups), group);
    Value scale = loadE8M0(pointer);
    if (product.activationFactor != 1)
      scale = arith::MulFOp::create(
          b, scale, constant(1.0f / float(product.activationFactor)));
    scales.push_back(scale);
  }
  return scales;
}

Fragment MmaBuilder::takePart(const Fragment &weights, int64_t part) {
  if (layout.partsPerStep() == 1)
    return weights;
  // Registers 0 and 1 hold the first half of the columns.
  Value none = constant(int64_t(0));
  if (part == 0)
    return {weights[0], weights[1], none, none};
  return {none, none, weights[2], weights[3]};
}

Fragment MmaBuilder::addScaled(const Fragment &sum, const Fragment &parts,
                               ArrayRef<Value> scales,
                               ArrayRef<Value> tokenScales) {
  Fragment result;
  for (int64_t c = 0; c < 4; ++c) {
    Value scaled = arith::MulFOp::create(b, toFloat(parts[c]), scales[c / 2]);
    if (!tokenScales.empty())
      scaled = arith::MulFOp::create(b, scaled, tokenScales[c % 2]);
    result.push_back(arith::AddFOp::create(b, sum[c], scaled));
  }
  return result;
}

void MmaBuilder::emitResult(Value acc, Value row, Value token) {
  Value exists = arith::AndIOp::create(b, isLess(row, constant(layout.rows)),
                                       isLess(token, product.tokens));
  emitIf(exists, [&] {
    Value value = acc;
    if (!layout.hasGroups() && !layout.format.isHalf()) {
      int64_t bytes = numerics::scaleBytes(layout.format.scaleType);
      // A tile has its 16 scales in the order of rows.
      Value scale =
          loadScale(at(globalPointer(product.scales), mul(row, bytes)));
      value = arith::MulFOp::create(b, toFloat(acc), scale);
    }
    if (product.activationScales && !product.hasScalePerGroup) {
      Value pointer = globalPointer(product.activationScales);
      if (product.hasScalePerToken)
        pointer = at(pointer, mul(token, 4));
      value = arith::MulFOp::create(b, value, load(f32(), pointer, 4));
    }
    Value wide = arith::ExtUIOp::create(b, b.getI64Type(), token);
    Value stride = arith::ExtUIOp::create(b, b.getI64Type(), product.outStride);
    Value bytes = arith::ConstantOp::create(b, b.getI64IntegerAttr(4));
    Value start =
        arith::MulIOp::create(b, arith::MulIOp::create(b, wide, stride), bytes);
    Value pointer = at(at(globalPointer(product.out), start), mul(row, 4));
    SmallVector<Value> indices;
    if (product.epilogue)
      for (Value index : {token, row})
        indices.push_back(
            arith::IndexCastOp::create(b, b.getIndexType(), index));
    if (product.epilogue && product.epilogue->hasInit())
      value = arith::AddFOp::create(b, product.epilogue->emitInit(b, indices),
                                    value);
    else if (!product.overwrites)
      value = arith::AddFOp::create(b, load(f32(), pointer, 4), value);
    if (!product.epilogue || product.epilogue->storesProduct())
      store(value, pointer, 4);
    if (product.epilogue)
      product.epilogue->emitSteps(b, value, indices);
  });
}
