//===- KernelTable.cpp - Which kernels GPUs have --------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/GPU/KernelTable.h"
#include "Multiplier.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cuda;
using numerics::FragmentLayout;

namespace {
/// A kernel for tensor cores: what its multiplicands stand for, and the
/// architectures that have its instructions.
struct KernelRow {
  StringLiteral name;
  bool takesF32;
  bool takesIntegers, takesFloats;
  bool needsFP8;
};
} // namespace

static constexpr KernelRow kernelRows[] = {
    {.name = kMmaS8,
     .takesF32 = false,
     .takesIntegers = true,
     .takesFloats = false,
     .needsFP8 = false},
    {.name = kMmaFP8,
     .takesF32 = false,
     .takesIntegers = false,
     .takesFloats = true,
     .needsFP8 = true},
    {.name = kMmaBF16,
     .takesF32 = true,
     .takesIntegers = true,
     .takesFloats = true,
     .needsFP8 = false},
};

static bool isFP8(const numerics::Format &format) {
  return format.element == numerics::Element::E4M3FN ||
         format.element == numerics::Element::E5M2;
}

static std::string checkActivations(const Product &product) {
  if (!product.activations)
    return "";
  const numerics::Format &format = *product.activations;
  if (format.scope == numerics::GroupScope::Group) {
    // Powers of two (SQ-MM-6). Sums are cut where the weights' scales change.
    const numerics::Format &weights = product.weights;
    if (weights.scope != numerics::GroupScope::Group ||
        weights.groupSize != format.groupSize)
      return "activations of " + format.str() + " have scale groups of " +
             std::to_string(format.groupSize) + " columns, and weights of " +
             weights.str() + " don't";
  }
  if (!format.symmetric)
    return "activations of " + format.str() + " have a zero point";
  bool areIntegers = product.weights.integerFactor().has_value();
  if (areIntegers ? !format.integerFactor() : !isFP8(format))
    return "weights of " + product.weights.str() + " and activations of " +
           format.str() + " are no pair that tensor cores multiply";
  return "";
}

static const KernelRow &findRow(const Product &product) {
  bool areIntegers = product.weights.integerFactor().has_value();
  return *llvm::find_if(kernelRows, [&](const KernelRow &row) {
    return row.takesF32 == !product.activations &&
           (areIntegers ? row.takesIntegers : row.takesFloats);
  });
}

static numerics::Error checkFragments(const Product &product,
                                      const numerics::Pattern *pattern) {
  return FragmentLayout::check(
      product.weights, pattern,
      FragmentLayout::getMultiplierBytes(product.activations.has_value()));
}

/// Why tensor cores don't multiply `product`, were it dense; "" if they do.
static std::string check(const Product &product,
                         ArrayRef<const GPUTarget *> targets) {
  std::string missing = checkActivations(product);
  if (!missing.empty())
    return missing;
  if (findRow(product).needsFP8)
    for (const GPUTarget *target : targets)
      if (!target->fp8)
        return target->arch.str() + " doesn't multiply fp8";
  // The sum of all products of codes of 8 bits is to fit into 32.
  constexpr int64_t mostCols = int64_t(1) << 17;
  if (product.cols > mostCols)
    return "sums of " + std::to_string(product.cols) +
           " products may need more than 32 bits";
  if (numerics::Error error = checkFragments(product, nullptr))
    return *error;
  return "";
}

/// Why dropped weights of a product that tensor cores compute are multiplied;
/// "" if they are skipped.
static std::string checkSkipping(const Product &product,
                                 ArrayRef<const GPUTarget *> targets) {
  if (!FragmentLayout::isSkipped(*product.pattern))
    return "tensor cores skip 2:4 alone, not " + product.pattern->str();
  if (numerics::Error error = checkFragments(product, &*product.pattern))
    return *error;
  if (findRow(product).needsFP8)
    for (const GPUTarget *target : targets)
      if (!target->nativeFP8)
        return "fp8 mma.sp is no instruction of " + target->arch.str() +
               ": ptxas emulates it, and spills";
  return "";
}

/// Whether what is kept and bitmaps are enough fewer bytes than dense weights
/// to be worth putting zeros in between.
static bool isSmallWithBitmaps(const Product &product) {
  // To have no measurement is to leave a margin.
  constexpr double most = 0.8;
  auto bits = static_cast<double>(
      FragmentLayout::get(product.weights, nullptr, 1, 1, 1).storedBits());
  return bits * product.pattern->density() + 1 <= most * bits;
}

StorageChoice
mlir::sq::cuda::selectStorage(const Product &product,
                              ArrayRef<const GPUTarget *> targets) {
  if (!check(product, targets).empty())
    return {};
  StorageChoice choice;
  choice.layout = Layout::Fragments;
  if (!product.pattern)
    return choice;
  choice.whyStoredDense = checkSkipping(product, targets);
  if (!FragmentLayout::isSkipped(*product.pattern) &&
      isSmallWithBitmaps(product))
    choice.whyStoredDense = "";
  return choice;
}

static Product getProduct(MatmulOp op) {
  Product product;
  product.weights = op.getFormat().getFormat();
  if (SparsityPatternAttrInterface pattern = op.getPatternAttr())
    product.pattern = pattern.getPattern();
  if (QuantFormatAttrInterface activations = op.getActivationFormatAttr())
    product.activations = activations.getFormat();
  product.cols = op.getReductionExtent();
  return product;
}

KernelChoice mlir::sq::cuda::selectKernel(MatmulOp op,
                                          ArrayRef<const GPUTarget *> targets) {
  Product product = getProduct(op);
  std::string missing = check(product, targets);
  if (missing.empty() && op.getLayout() != Layout::Fragments)
    missing =
        "the weights are packed in " + stringifyLayout(op.getLayout()).str();
  if (!missing.empty())
    return {kGeneric, missing};
  KernelChoice choice = {findRow(product).name, ""};
  if (!product.pattern)
    return choice;
  std::string reason = checkSkipping(product, targets);
  if (!op.getBitmap())
    choice.missed = "dropped weights are multiplied: " +
                    (reason.empty() ? "they are stored as zeros" : reason);
  else if (op.getFragmentLayout().hasBitmap())
    choice.missed = "dropped weights aren't stored, but multiplied: " + reason;
  return choice;
}

std::string mlir::sq::cuda::checkKernel(MatmulOp op,
                                        ArrayRef<const GPUTarget *> targets) {
  StringRef kernel = *op.getKernel();
  std::vector<std::string> kernels = getGeneratedKernels();
  kernels.push_back(kGeneric.str());
  if (!llvm::is_contained(kernels, kernel))
    return "it is none of '" + llvm::join(kernels, "', '") + "'";
  if (kernel == kGeneric)
    return op.getLayout() == Layout::Rows ? ""
                                          : "the weights aren't packed in rows";
  KernelChoice choice = selectKernel(op, targets);
  if (choice.kernel == kernel)
    return "";
  return choice.kernel == kGeneric
             ? choice.missed
             : "its formats are those of '" + choice.kernel.str() + "'";
}

std::vector<std::string> mlir::sq::cuda::getGeneratedKernels() {
  std::vector<std::string> names;
  for (const KernelRow &row : kernelRows)
    names.push_back(row.name.str());
  return names;
}
