//===- KernelRows.cpp - What tensor cores multiply with what --------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelRow.h"
#include "sparse-quant/CodeGen/GPU/KernelTable.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cuda;
using numerics::FragmentLayout;

static constexpr KernelRow kernelRows[] = {
    {.name = kMmaS8,
     .input = InputClass::Codes,
     .takesIntegers = true,
     .takesFloats = false,
     .takesHalves = false},
    {.name = kMmaFP8,
     .input = InputClass::Codes,
     .takesIntegers = false,
     .takesFloats = true,
     .takesHalves = false},
    {.name = kMmaF16,
     .input = InputClass::F16,
     .takesIntegers = true,
     .takesFloats = true,
     .takesHalves = true},
    {.name = kMmaBF16,
     .input = InputClass::BF16,
     .takesIntegers = true,
     .takesFloats = true,
     .takesHalves = true},
};

ArrayRef<KernelRow> mlir::sq::cuda::getKernelRows() { return kernelRows; }

static InputClass getInputClass(const Product &product) {
  // Of codes: widened ones.
  if (product.input == DType::F16)
    return InputClass::F16;
  if (product.activations)
    return InputClass::Codes;
  return InputClass::BF16;
}

const KernelRow &mlir::sq::cuda::findRow(const Product &product) {
  bool areIntegers = product.weights.integerFactor().has_value();
  return *llvm::find_if(kernelRows, [&](const KernelRow &row) {
    return row.input == getInputClass(product) &&
           (product.weights.isHalf() ? row.takesHalves
            : areIntegers            ? row.takesIntegers
                                     : row.takesFloats);
  });
}

//===----------------------------------------------------------------------===//
// Activations beside weights
//===----------------------------------------------------------------------===//

static bool isFP8(const numerics::Format &format) {
  return format.element == numerics::Element::E4M3FN ||
         format.element == numerics::Element::E5M2;
}

static std::string refusePair(const numerics::Format &weights,
                              const numerics::Format &activations) {
  return "no mma takes weights of " + weights.str() + " and activations of " +
         activations.str();
}

/// Sums are cut where the weights' scales change, and activations' scales that
/// change, powers of two (SQ-MM-6), change there.
static std::string checkGroups(const numerics::Format &weights,
                               const numerics::Format &activations) {
  if (activations.scope != numerics::GroupScope::Group ||
      (weights.scope == numerics::GroupScope::Group &&
       weights.groupSize == activations.groupSize))
    return "";
  return "activations of " + activations.str() + " have scale groups of " +
         std::to_string(activations.groupSize) + " columns, and weights of " +
         weights.str() + " don't";
}

std::string mlir::sq::cuda::checkCodes(const numerics::Format &weights,
                                       const numerics::Format &activations,
                                       ArrayRef<const GPUTarget *> targets) {
  if (std::string missing = checkGroups(weights, activations); !missing.empty())
    return missing;
  if (weights.integerFactor() && activations.integerFactor())
    return "";
  if (!isFP8(weights) || !isFP8(activations))
    return refusePair(weights, activations);
  for (const GPUTarget *target : targets)
    if (!target->fp8)
      return target->arch.str() + " has no mma on fp8";
  return "";
}

/// Weights in 16 bits are multiplied as they are.
static std::string checkHalves(const Product &product) {
  if (product.activations)
    return refusePair(product.weights, *product.activations);
  bool isF16 = product.weights.element == numerics::Element::F16;
  if (isF16 == (product.input == DType::F16))
    return "";
  return isF16
             ? "weights of f16 are multiplied by activations of f16 alone"
             : "weights of bf16 are multiplied by activations of bf16 and f32 "
               "alone";
}

static std::string checkActivations(const Product &product,
                                    ArrayRef<const GPUTarget *> targets) {
  if (product.weights.isHalf())
    return checkHalves(product);
  if (!product.activations)
    return "";
  const numerics::Format &format = *product.activations;
  if (!format.symmetric)
    return "activations of " + format.str() + " have a zero point";
  if (getInputClass(product) == InputClass::Codes)
    return checkCodes(product.weights, format, targets);
  if (format.element == numerics::Element::NF4)
    return refusePair(product.weights, format);
  return checkGroups(product.weights, format);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

static numerics::Error checkFragments(const Product &product,
                                      const numerics::Pattern *pattern) {
  return FragmentLayout::check(
      product.weights, pattern,
      FragmentLayout::getMultiplierBytes(getInputClass(product) ==
                                         InputClass::Codes));
}

std::string mlir::sq::cuda::checkDense(const Product &product,
                                       ArrayRef<const GPUTarget *> targets) {
  std::string missing = checkActivations(product, targets);
  if (!missing.empty())
    return missing;
  // The sum of all products of codes of 8 bits is to fit into 32.
  constexpr int64_t mostCols = int64_t(1) << 17;
  if (findRow(product).name == kMmaS8 && product.cols > mostCols)
    return "sums of " + std::to_string(product.cols) +
           " products may need more than 32 bits";
  if (numerics::Error error = checkFragments(product, nullptr))
    return *error;
  return "";
}

std::string mlir::sq::cuda::checkSkipping(const Product &product) {
  if (!FragmentLayout::isSkipped(*product.pattern))
    return "tensor cores skip 2:4 alone, not " + product.pattern->str();
  if (numerics::Error error = checkFragments(product, &*product.pattern))
    return *error;
  return "";
}

bool mlir::sq::cuda::isSmallWithBitmaps(const Product &product) {
  if (checkFragments(product, &*product.pattern))
    return false;
  // To have no measurement is to leave a margin.
  constexpr double most = 0.8;
  auto bits = static_cast<double>(
      FragmentLayout::get(product.weights, nullptr, 1, 1, 1).storedBits());
  return bits * product.pattern->density() + 1 <= most * bits;
}
