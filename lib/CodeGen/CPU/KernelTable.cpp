//===- KernelTable.cpp - Decide on a kernel and a layout ------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelRow.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;

Product Product::get(MatmulOp op) {
  Product product;
  product.weights = op.getFormat().getFormat();
  if (SparsityPatternAttrInterface pattern = op.getPatternAttr())
    product.pattern = pattern.getPattern();
  if (QuantFormatAttrInterface activations = op.getActivationFormatAttr())
    product.activations = activations.getFormat();
  product.rows = op.getNumRows();
  product.cols = op.getReductionExtent();
  int64_t inputs = cast<ShapedType>(op.getInput().getType()).getDimSize(0);
  if (!ShapedType::isDynamic(inputs))
    product.inputs = inputs;
  return product;
}

static std::string checkLayout(const KernelRow &row, MatmulOp op) {
  if (op.getLayout() == row.layout)
    return "";
  return "the weights are packed in " + stringifyLayout(op.getLayout()).str();
}

/// Whether nothing is to be said of `row` where `op` gets another kernel: its
/// weights are in a layout that is better than that of `row`, or have no
/// blocks that could be skipped.
static bool isBeside(const KernelRow &row, MatmulOp op,
                     const Product &product) {
  if (row.layout == Layout::Blocks)
    return op.getLayout() != Layout::Blocks &&
           !(product.pattern &&
             product.pattern->kind == numerics::PatternKind::Block);
  return op.getLayout() == Layout::Blocks ||
         (op.getLayout() == Layout::Tiles && row.layout == Layout::Rows);
}

KernelChoice mlir::sq::cpu::selectKernel(MatmulOp op,
                                         const KernelTarget &target) {
  Product product = Product::get(op);
  std::string reasons;
  for (const KernelRow &row : getKernelRows()) {
    if (isBeside(row, op, product))
      continue;
    // Of weights in rows: what kept them out of tiles.
    std::string missing = row.check(product, target);
    if (missing.empty())
      missing = checkLayout(row, op);
    if (missing.empty())
      return {row.name, reasons};
    // Not a better kernel, but one for more rows; and what keeps integer
    // products away is said of the next.
    if (row.name == kTilePanel &&
        (op.getLayout() == Layout::Rows || row.hasFewInputs(product) ||
         !findKernel(kTileDot)->check(product, target).empty()))
      continue;
    reasons +=
        (reasons.empty() ? "not " : "; not ") + row.name.str() + ": " + missing;
  }
  return {StringRef(), reasons};
}

Layout mlir::sq::cpu::selectLayout(const Product &product,
                                   const KernelTarget &target) {
  for (const KernelRow &row : getKernelRows())
    if (row.layout != Layout::Rows && row.check(product, target).empty())
      return row.layout;
  return Layout::Rows;
}

std::string mlir::sq::cpu::checkKernel(StringRef kernel, MatmulOp op,
                                       const KernelTarget &target) {
  if (const KernelRow *row = findKernel(kernel)) {
    std::string missing = checkLayout(*row, op);
    return missing.empty() ? row->check(Product::get(op), target) : missing;
  }
  std::string names;
  for (const KernelRow &row : getKernelRows())
    names += (names.empty() ? "'" : ", '") + row.name.str() + "'";
  return "it is none of " + names;
}

std::vector<std::string> mlir::sq::cpu::getGeneratedKernels() {
  std::vector<std::string> names;
  for (const KernelRow &row : getKernelRows())
    if (row.emit)
      names.push_back(row.name.str());
  return names;
}
