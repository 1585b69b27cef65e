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

/// Why an instruction on fp8 isn't on all of `targets`; "" if it is.
static std::string checkFP8(ArrayRef<const GPUTarget *> targets) {
  for (const GPUTarget *target : targets)
    if (!target->fp8)
      return target->arch.str() + " has no mma on fp8";
  return "";
}

/// Whether tensor cores of `targets` multiply the activations' codes as f16: no
/// instruction takes both sides' codes.
static bool wantsWidening(const Product &product,
                          ArrayRef<const GPUTarget *> targets) {
  if (!product.activations || product.weights.isHalf())
    return false;
  if (product.weights.integerFactor())
    return !product.activations->integerFactor();
  return !(isFP8(product.weights) && isFP8(*product.activations) &&
           checkFP8(targets).empty());
}

static InputClass getInputClass(const Product &product) {
  // Of codes: widened ones.
  if (product.input == DType::F16)
    return InputClass::F16;
  if (product.activations)
    return InputClass::Codes;
  return InputClass::BF16;
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
  if (getInputClass(product) == InputClass::F16)
    return format.element == numerics::Element::NF4
               ? "activations of " + format.str() + " are no values of f16"
               : "";
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
      FragmentLayout::getMultiplierBytes(getInputClass(product) ==
                                         InputClass::Codes));
}

/// Why tensor cores don't multiply `product`, were it dense; "" if they do.
static std::string checkDense(const Product &product,
                              ArrayRef<const GPUTarget *> targets) {
  std::string missing = checkActivations(product);
  if (!missing.empty())
    return missing;
  if (findRow(product).needsFP8)
    if (std::string missing = checkFP8(targets); !missing.empty())
      return missing;
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
static std::string checkSkipping(const Product &product) {
  if (!FragmentLayout::isSkipped(*product.pattern))
    return "tensor cores skip 2:4 alone, not " + product.pattern->str();
  if (numerics::Error error = checkFragments(product, &*product.pattern))
    return *error;
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

namespace {
/// There is no cost model: formats decide, and what is better is known without.
class GPUKernelTable : public KernelTable {
public:
  explicit GPUKernelTable(ArrayRef<const GPUTarget *> targets)
      : targets(targets) {}

  StorageChoice
  selectStorage(const Product &product,
                ArrayRef<std::optional<int64_t>> inputs) const override;
  KernelChoice select(MatmulOp op,
                      const KernelDecision &preferred) const override;
  std::string check(const KernelDecision &decision, MatmulOp op) const override;
  KernelChoice complete(const KernelDecision &decision,
                        MatmulOp op) const override;
  FailureOr<KernelDecision> parse(StringRef text,
                                  std::string &error) const override;
  bool multipliesHalves() const override { return true; }

private:
  SmallVector<const GPUTarget *> targets;
};
} // namespace

std::unique_ptr<KernelTable>
mlir::sq::cuda::createKernelTable(ArrayRef<const GPUTarget *> targets) {
  return std::make_unique<GPUKernelTable>(targets);
}

StorageChoice
GPUKernelTable::selectStorage(const Product &asked,
                              ArrayRef<std::optional<int64_t>>) const {
  StorageChoice choice;
  Product product = asked;
  if (wantsWidening(product, targets)) {
    product.input = DType::F16;
    choice.widensInput = true;
  }
  choice.whyNotPacked = checkDense(product, targets);
  if (!choice.whyNotPacked.empty()) {
    choice.widensInput = false;
    return choice;
  }
  choice.layout = choice.denseLayout = Layout::Fragments;
  if (!product.pattern)
    return choice;
  choice.whyStoredDense = checkSkipping(product);
  if (!FragmentLayout::isSkipped(*product.pattern) &&
      isSmallWithBitmaps(product))
    choice.whyStoredDense = "";
  return choice;
}

/// What keeps codes from being multiplied as they are.
static std::string whyWidened(const Product &product,
                              ArrayRef<const GPUTarget *> targets) {
  if (isFP8(product.weights) && isFP8(*product.activations))
    return checkFP8(targets);
  return "no mma takes weights of " + product.weights.str() +
         " and activations of " + product.activations->str();
}

KernelChoice GPUKernelTable::select(MatmulOp op,
                                    const KernelDecision &preferred) const {
  if (!preferred.kernel.empty() && check(preferred, op).empty())
    return complete(preferred, op);
  Product product = Product::get(op);
  // A pattern is known where dropped weights are stored, too.
  if (SparsityPatternAttrInterface pattern = op.getPatternAttr())
    product.pattern = pattern.getPattern();
  KernelChoice choice;
  choice.whyNotBetter = checkDense(product, targets);
  if (choice.whyNotBetter.empty() && op.getLayout() != Layout::Fragments)
    choice.whyNotBetter =
        "the weights are packed in " + stringifyLayout(op.getLayout()).str();
  if (!choice.whyNotBetter.empty()) {
    if (op.getLayout() == Layout::Rows)
      choice.kernel = kGeneric;
    return choice;
  }
  choice.kernel = findRow(product).name;
  SmallVector<std::string> reasons;
  if (product.activations && product.input == DType::F16)
    reasons.push_back("codes are multiplied as f16: " +
                      whyWidened(product, targets));
  std::string reason = product.pattern ? checkSkipping(product) : "";
  if (product.pattern && !op.getBitmap())
    reasons.push_back("dropped weights are multiplied: " +
                      (reason.empty() ? "they are stored as zeros" : reason));
  else if (product.pattern && op.getFragmentLayout().hasBitmap())
    reasons.push_back("dropped weights aren't stored, but multiplied: " +
                      reason);
  choice.whyNotBetter = llvm::join(reasons, "; ");
  return choice;
}

static std::string listKernels() {
  std::vector<std::string> kernels = cuda::getGeneratedKernels();
  kernels.push_back(kGeneric.str());
  return "'" + llvm::join(kernels, "', '") + "'";
}

static bool isKernel(StringRef name) {
  return name == kGeneric ||
         llvm::is_contained(cuda::getGeneratedKernels(), name);
}

std::string GPUKernelTable::check(const KernelDecision &decision,
                                  MatmulOp op) const {
  if (!isKernel(decision.kernel))
    return "it is none of " + listKernels();
  if (decision.kernel == kGeneric)
    return op.getLayout() == Layout::Rows ? ""
                                          : "the weights aren't packed in rows";
  KernelChoice choice = select(op, /*preferred=*/{});
  if (choice.kernel == decision.kernel)
    return "";
  return choice.kernel.empty() || choice.kernel == kGeneric
             ? choice.whyNotBetter
             : "its formats are those of '" + choice.kernel.str() + "'";
}

KernelChoice GPUKernelTable::complete(const KernelDecision &decision,
                                      MatmulOp op) const {
  KernelChoice choice = select(op, /*preferred=*/{});
  choice.kernel = decision.kernel;
  return choice;
}

FailureOr<KernelDecision> GPUKernelTable::parse(StringRef text,
                                                std::string &error) const {
  if (isKernel(text))
    return KernelDecision{text, std::nullopt};
  error = "'" + text.str() + "' is none of " + listKernels();
  return failure();
}

std::vector<std::string> mlir::sq::cuda::getGeneratedKernels() {
  std::vector<std::string> names;
  for (const KernelRow &row : kernelRows)
    names.push_back(row.name.str());
  return names;
}
