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

std::string mlir::sq::cpu::describeDecision(const KernelDecision &decision) {
  if (decision.manyInputs.value_or(1) == 1)
    return decision.kernel.str();
  return findKernel(decision.kernel)->kernelForFew.str() + ", " +
         decision.kernel.str() + " from " +
         std::to_string(*decision.manyInputs) + " rows of activations on";
}

namespace {
class CPUKernelTable : public KernelTable {
public:
  explicit CPUKernelTable(const KernelTarget &target) : target(target) {}

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
  bool multipliesHalves() const override { return false; }

private:
  KernelTarget target;
};
} // namespace

std::unique_ptr<KernelTable>
mlir::sq::cpu::createKernelTable(const KernelTarget &target) {
  return std::make_unique<CPUKernelTable>(target);
}

/// What a kernel for many rows of activations is given that is expected to be
/// the faster one for no number of them.
static constexpr int64_t kDefaultManyInputs = 16;

KernelChoice CPUKernelTable::complete(const KernelDecision &decision,
                                      MatmulOp op) const {
  Product product = Product::get(op);
  const KernelRow &row = *findKernel(decision.kernel);
  KernelChoice choice;
  choice.kernel = row.name;
  if (!product.inputs && !row.kernelForFew.empty())
    choice.manyInputs =
        decision.manyInputs
            ? *decision.manyInputs
            : findManyInputs(row, product, target).value_or(kDefaultManyInputs);
  choice.costs = predictCosts(row, choice.manyInputs, product, target);
  return choice;
}

namespace {
/// A row that was looked at; `missing` says why it doesn't fit.
struct Candidate {
  const KernelRow *row;
  std::optional<int64_t> manyInputs;
  SmallVector<KernelCost> costs;
  std::string missing;
};
} // namespace

/// `row` for `product`, were its weights in the row's layout; none if a kernel
/// for few rows of activations is the better one for any number.
static std::optional<Candidate> makeCandidate(const KernelRow &row,
                                              const Product &product,
                                              const KernelTarget &target) {
  Candidate candidate = {&row, std::nullopt, {}, row.check(product, target)};
  if (!product.inputs && !row.kernelForFew.empty()) {
    candidate.manyInputs = findManyInputs(row, product, target);
    if (!candidate.manyInputs)
      return std::nullopt;
  }
  candidate.costs = predictCosts(row, candidate.manyInputs, product, target);
  return candidate;
}

/// Speed doesn't decide on the meaning: sums of integers that are exact come
/// before those that round. The first of the table where two are equal.
static bool isBetter(const Candidate &candidate, const Candidate *than) {
  if (!candidate.missing.empty())
    return false;
  if (!than)
    return true;
  auto isExact = [](const Candidate &candidate) {
    return candidate.row->multipliesBytes();
  };
  if (isExact(candidate) != isExact(*than))
    return isExact(candidate);
  return compareCosts(candidate.costs, than->costs) < 1.0;
}

KernelChoice CPUKernelTable::select(MatmulOp op,
                                    const KernelDecision &preferred) const {
  Product product = Product::get(op);
  bool isFew =
      product.inputs && *product.inputs < preferred.manyInputs.value_or(1);
  if (!preferred.kernel.empty() && !isFew && check(preferred, op).empty())
    return complete(preferred, op);
  SmallVector<Candidate> candidates;
  for (const KernelRow &row : getKernelRows()) {
    if (isBeside(row, op, product))
      continue;
    std::optional<Candidate> candidate = makeCandidate(row, product, target);
    if (!candidate)
      continue;
    // Of weights in rows: what kept them out of tiles.
    if (candidate->missing.empty())
      candidate->missing = checkLayout(row, op);
    candidates.push_back(std::move(*candidate));
  }
  const Candidate *best = nullptr, *next = nullptr;
  for (const Candidate &candidate : candidates)
    if (isBetter(candidate, best))
      best = &candidate;
  for (const Candidate &candidate : candidates)
    if (&candidate != best && isBetter(candidate, next))
      next = &candidate;

  KernelChoice choice;
  // Where a kernel is for many rows of another's products, the other says what
  // keeps them away.
  auto isSaidElsewhere = [&](const KernelRow &row) {
    const KernelRow *few = findKernel(row.kernelForFew);
    return few && (op.getLayout() == Layout::Rows ||
                   !few->check(product, target).empty());
  };
  for (const Candidate &candidate : candidates)
    if (!candidate.missing.empty() && !isSaidElsewhere(*candidate.row) &&
        (!best || compareCosts(candidate.costs, best->costs) <= 1.0))
      choice.whyNotBetter += (choice.whyNotBetter.empty() ? "not " : "; not ") +
                             candidate.row->name.str() + ": " +
                             candidate.missing;
  if (best) {
    choice.kernel = best->row->name;
    choice.manyInputs = best->manyInputs;
    choice.costs = best->costs;
  }
  if (next) {
    choice.next = next->row->name;
    choice.nextCosts = next->costs;
  }
  return choice;
}

/// What the best kernels on weights in `layout` are expected to take for such
/// numbers of rows; none if there isn't one for each.
static std::optional<SmallVector<KernelCost>>
predictBest(Product product, ArrayRef<std::optional<int64_t>> inputs,
            Layout layout, const KernelTarget &target) {
  SmallVector<KernelCost> total;
  for (std::optional<int64_t> count : inputs) {
    product.inputs = count;
    std::optional<Candidate> best;
    for (const KernelRow &row : getKernelRows()) {
      if (row.layout != layout)
        continue;
      std::optional<Candidate> candidate = makeCandidate(row, product, target);
      if (candidate && isBetter(*candidate, best ? &*best : nullptr))
        best = std::move(candidate);
    }
    if (!best)
      return std::nullopt;
    total.append(best->costs);
  }
  return total;
}

static Layout selectLayout(const Product &product, const KernelTarget &target) {
  for (const KernelRow &row : getKernelRows())
    if (row.layout != Layout::Rows && row.check(product, target).empty())
      return row.layout;
  return Layout::Rows;
}

StorageChoice
CPUKernelTable::selectStorage(const Product &product,
                              ArrayRef<std::optional<int64_t>> inputs) const {
  // Kernels on rows widen what they read.
  if (product.weights.isHalf())
    return {};
  // Predictions closer than this are equal, and the smaller file wins.
  constexpr double margin = 1.02;
  StorageChoice choice;
  choice.layout = selectLayout(product, target);
  choice.denseLayout = Layout::Tiles;
  if (!product.pattern || !product.isDensityKnown)
    return choice;
  Product dense = product;
  dense.pattern = std::nullopt;
  auto sparseCosts = predictBest(product, inputs, choice.layout, target);
  auto denseCosts = predictBest(dense, inputs, Layout::Tiles, target);
  if (!sparseCosts || !denseCosts ||
      compareCosts(*sparseCosts, *denseCosts) <= margin)
    return choice;
  choice.whyStoredDense = "predicted " + describeCosts(*sparseCosts) +
                          " if only kept weights are stored, and " +
                          describeCosts(*denseCosts) + " with zeros";
  return choice;
}

static std::string listKernels() {
  std::string names;
  for (const KernelRow &row : getKernelRows())
    names += (names.empty() ? "'" : ", '") + row.name.str() + "'";
  return names;
}

std::string CPUKernelTable::check(const KernelDecision &decision,
                                  MatmulOp op) const {
  const KernelRow *row = findKernel(decision.kernel);
  if (!row)
    return "it is none of " + listKernels();
  std::string missing = checkLayout(*row, op);
  if (missing.empty())
    missing = row->check(Product::get(op), target);
  if (missing.empty() && decision.manyInputs && row->kernelForFew.empty())
    missing = "manyInputs is " + std::to_string(*decision.manyInputs) +
              ", and it has no kernel beside it for fewer rows of activations";
  return missing;
}

FailureOr<KernelDecision> CPUKernelTable::parse(StringRef text,
                                                std::string &error) const {
  auto [name, number] = text.split(':');
  const KernelRow *row = findKernel(name);
  if (!row) {
    error = "'" + name.str() + "' is none of " + listKernels();
    return failure();
  }
  KernelDecision decision{row->name, std::nullopt};
  if (!text.contains(':'))
    return decision;
  int64_t manyInputs;
  if (row->kernelForFew.empty() || number.getAsInteger(10, manyInputs) ||
      manyInputs < 1) {
    error = row->kernelForFew.empty()
                ? "'" + name.str() + "' takes any number of rows of activations"
                : "'" + number.str() +
                      "' is no number of rows of activations above zero";
    return failure();
  }
  decision.manyInputs = manyInputs;
  return decision;
}

static std::vector<std::string>
getNames(llvm::function_ref<bool(const KernelRow &)> matches) {
  std::vector<std::string> names;
  for (const KernelRow &row : getKernelRows())
    if (matches(row))
      names.push_back(row.name.str());
  return names;
}

std::vector<std::string> mlir::sq::cpu::getOverwritingKernels() {
  return getNames([](const KernelRow &row) { return row.overwrites; });
}

std::vector<std::string> mlir::sq::cpu::getGeneratedKernels() {
  return getNames([](const KernelRow &row) { return bool(row.emit); });
}
