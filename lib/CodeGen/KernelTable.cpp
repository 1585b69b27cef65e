//===- KernelTable.cpp - What kernels a target has ------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/KernelTable.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mlir::sq;

KernelTable::~KernelTable() = default;

Product Product::get(MatmulOp op) {
  Product product;
  product.weights = op.getFormat().getFormat();
  if (op.getBitmap())
    product.pattern =
        SparsityPatternAttrInterface(op.getPatternAttr()).getPattern();
  Type element = getElementTypeOrSelf(op.getInput().getType());
  if (QuantFormatAttrInterface activations = op.getActivationFormatAttr())
    product.activations = activations.getFormat();
  if (element.isF16())
    product.input = DType::F16;
  else if (element.isBF16())
    product.input = DType::BF16;
  product.areWidened = op.hasWidenedInput();
  product.rows = op.getNumRows();
  product.cols = op.getReductionExtent();
  int64_t inputs = cast<ShapedType>(op.getInput().getType()).getDimSize(0);
  if (!ShapedType::isDynamic(inputs))
    product.inputs = inputs;
  return product;
}

std::string mlir::sq::describeCosts(ArrayRef<KernelCost> costs) {
  std::string text;
  for (const KernelCost &cost : costs) {
    text += text.empty() ? "" : ", ";
    text += llvm::formatv("{0:F1} us for {1}", cost.ns / 1e3, cost.inputs);
    if (&cost == costs.begin())
      text += cost.inputs == 1 ? " row of activations" : " rows of activations";
  }
  return text;
}
