//===- KernelTable.cpp - Which kernels GPUs have --------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/GPU/KernelTable.h"
#include "KernelRow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cuda;
using numerics::FragmentLayout;

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
  if (product.activations && !product.weights.isHalf() &&
      !checkCodes(product.weights, *product.activations, targets).empty()) {
    choice.widensInput = true;
    // With powers of two for scales, bf16 holds the values themselves.
    bool areValues = product.activations->hasPowerOfTwoScale();
    product.input = areValues ? DType::BF16 : DType::F16;
    if (areValues)
      product.activations = std::nullopt;
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

/// Where the activations of `op` are codes that are multiplied in 16 bits: why.
static std::string whyWidened(MatmulOp op,
                              ArrayRef<const GPUTarget *> targets) {
  QuantFormatAttrInterface activations = op.getActivationFormatAttr();
  if (auto rounded = op.getInput().getDefiningOp<arith::TruncFOp>())
    if (auto values = rounded.getIn().getDefiningOp<DequantizeOp>())
      activations = values.getFormat();
  Type element = getElementTypeOrSelf(op.getInput().getType());
  if (!activations || (!element.isF16() && !element.isBF16()))
    return "";
  std::string reason =
      checkCodes(op.getFormat().getFormat(), activations.getFormat(), targets);
  return reason.empty() ? ""
                        : (element.isF16() ? "codes are multiplied as f16: "
                                           : "codes are multiplied as bf16: ") +
                              reason;
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
  if (std::string widened = whyWidened(op, targets); !widened.empty())
    reasons.push_back(std::move(widened));
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
  for (const KernelRow &row : getKernelRows())
    names.push_back(row.name.str());
  return names;
}
