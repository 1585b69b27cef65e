//===- KernelTable.cpp - Which kernels GPUs have --------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/GPU/KernelTable.h"
#include "Multiplier.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cuda;
using numerics::FragmentLayout;

namespace {
/// What a lane holds of activations when it multiplies.
enum class InputClass { Codes, BF16, F16 };

/// A kernel for tensor cores: what its multiplicands stand for, and the
/// architectures that have its instructions.
struct KernelRow {
  StringLiteral name;
  InputClass input;
  /// Of weights: integers, in disguise or not, floats of 8 and 6 bits, and what
  /// a half of the kernel's type is.
  bool takesIntegers, takesFloats, takesHalves;
  bool needsFP8;
};
} // namespace

static constexpr KernelRow kernelRows[] = {
    {.name = kMmaS8,
     .input = InputClass::Codes,
     .takesIntegers = true,
     .takesFloats = false,
     .takesHalves = false,
     .needsFP8 = false},
    {.name = kMmaFP8,
     .input = InputClass::Codes,
     .takesIntegers = false,
     .takesFloats = true,
     .takesHalves = false,
     .needsFP8 = true},
    {.name = kMmaF16,
     .input = InputClass::F16,
     .takesIntegers = true,
     .takesFloats = true,
     .takesHalves = true,
     .needsFP8 = false},
    {.name = kMmaBF16,
     .input = InputClass::BF16,
     .takesIntegers = true,
     .takesFloats = true,
     .takesHalves = true,
     .needsFP8 = false},
};

static bool isFP8(const numerics::Format &format) {
  return format.element == numerics::Element::E4M3FN ||
         format.element == numerics::Element::E5M2;
}

static InputClass getInputClass(const Product &product) {
  if (product.activations)
    return InputClass::Codes;
  return product.input == DType::F16 ? InputClass::F16 : InputClass::BF16;
}

/// Weights in 16 bits are multiplied as they are.
static std::string checkHalves(const Product &product) {
  if (product.activations)
    return "weights of " + product.weights.str() + " and activations of " +
           product.activations->str() +
           " are no pair that tensor cores multiply";
  bool isF16 = product.weights.element == numerics::Element::F16;
  if (isF16 == (product.input == DType::F16))
    return "";
  return isF16
             ? "weights of f16 are multiplied by activations of f16 alone"
             : "weights of bf16 are multiplied by activations of bf16 and f32 "
               "alone";
}

static std::string checkActivations(const Product &product) {
  if (product.weights.isHalf())
    return checkHalves(product);
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
    return row.input == getInputClass(product) &&
           (product.weights.isHalf() ? row.takesHalves
            : areIntegers            ? row.takesIntegers
                                     : row.takesFloats);
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
  if (checkFragments(product, &*product.pattern))
    return false;
  // To have no measurement is to leave a margin.
  constexpr double most = 0.8;
  auto bits = static_cast<double>(
      FragmentLayout::get(product.weights, nullptr, 1, 1, 1).storedBits());
  return bits * product.pattern->density() + 1 <= most * bits;
}

StorageChoice
mlir::sq::cuda::selectStorage(const Product &product,
                              ArrayRef<const GPUTarget *> targets) {
  StorageChoice choice;
  choice.whyNotPacked = check(product, targets);
  if (!choice.whyNotPacked.empty())
    return choice;
  choice.layout = Layout::Fragments;
  if (!product.pattern)
    return choice;
  choice.whyStoredDense = checkSkipping(product, targets);
  if (!FragmentLayout::isSkipped(*product.pattern) &&
      isSmallWithBitmaps(product))
    choice.whyStoredDense = "";
  return choice;
}

/// Of activations without a format.
static DType getInputType(MatmulOp op) {
  Type type = getElementTypeOrSelf(op.getInput().getType());
  return type.isF16() ? DType::F16 : type.isBF16() ? DType::BF16 : DType::F32;
}

static Product getProduct(MatmulOp op) {
  Product product;
  product.weights = op.getFormat().getFormat();
  if (SparsityPatternAttrInterface pattern = op.getPatternAttr())
    product.pattern = pattern.getPattern();
  if (QuantFormatAttrInterface activations = op.getActivationFormatAttr())
    product.activations = activations.getFormat();
  else
    product.input = getInputType(op);
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
