//===- CountParallelRegions.cpp - How often a call starts threads ---------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Remarks.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_COUNTPARALLELREGIONS
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

/// What the attribute holds.
static constexpr uint64_t kMaxParallelRegions =
    std::numeric_limits<int32_t>::max();

namespace {

class RegionCounter {
public:
  explicit RegionCounter(ModuleOp module) : symbols(module) {}

  /// The most that one call starts; nullopt if that isn't known.
  std::optional<uint64_t> countCall(func::FuncOp func);

private:
  std::optional<uint64_t> countRegion(Region &region);
  std::optional<uint64_t> countOp(Operation &op);
  std::optional<uint64_t> countLoop(LoopLikeOpInterface loop);

  SymbolTable symbols;
  DenseMap<Operation *, std::optional<uint64_t>> known;
};

} // namespace

std::optional<uint64_t> RegionCounter::countLoop(LoopLikeOpInterface loop) {
  uint64_t total = 0;
  for (Region *region : loop.getLoopRegions()) {
    std::optional<uint64_t> count = countRegion(*region);
    if (!count)
      return std::nullopt;
    total += *count;
  }
  if (total == 0)
    return 0;
  auto lower = loop.getLoopLowerBounds(), upper = loop.getLoopUpperBounds(),
       steps = loop.getLoopSteps();
  if (!lower || !upper || !steps)
    return std::nullopt;
  for (auto [from, to, by] : llvm::zip_equal(*lower, *upper, *steps)) {
    std::optional<llvm::APInt> trips = constantTripCount(
        from, to, by, /*isSigned=*/true, scf::computeUbMinusLb);
    if (!trips)
      return std::nullopt;
    total = llvm::SaturatingMultiply<uint64_t>(total, trips->getZExtValue());
  }
  return total;
}

std::optional<uint64_t> RegionCounter::countOp(Operation &op) {
  // Parallel regions within have one thread: libomp's default is one active
  // level.
  if (isa<omp::ParallelOp>(op))
    return 1;
  if (auto call = dyn_cast<func::CallOp>(op)) {
    auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
    return callee ? countCall(callee) : 0;
  }
  if (auto loop = dyn_cast<LoopLikeOpInterface>(op))
    return countLoop(loop);
  // Of branches, the one with the most; of other ops' regions, each once.
  uint64_t total = 0;
  for (Region &region : op.getRegions()) {
    std::optional<uint64_t> count = countRegion(region);
    if (!count)
      return std::nullopt;
    total = isa<RegionBranchOpInterface>(op) ? std::max(total, *count)
                                             : total + *count;
  }
  return total;
}

std::optional<uint64_t> RegionCounter::countRegion(Region &region) {
  uint64_t total = 0;
  for (Operation &op : region.getOps()) {
    std::optional<uint64_t> count = countOp(op);
    if (!count)
      return std::nullopt;
    total = llvm::SaturatingAdd(total, *count);
  }
  return total;
}

std::optional<uint64_t> RegionCounter::countCall(func::FuncOp func) {
  // A function that calls itself has no known count.
  auto [entry, isNew] = known.try_emplace(func, std::nullopt);
  if (!isNew)
    return entry->second;
  std::optional<uint64_t> count = countRegion(func.getBody());
  return known[func] = count;
}

namespace {
struct CountParallelRegions
    : sq::impl::CountParallelRegionsBase<CountParallelRegions> {
  void runOnOperation() override {
    RegionCounter counter(getOperation());
    Builder b(&getContext());
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      if (func.isExternal() || func.isPrivate())
        continue;
      std::optional<uint64_t> count = counter.countCall(func);
      if (count && *count <= kMaxParallelRegions)
        func->setAttr(kParallelRegionsAttr, b.getI32IntegerAttr(*count));
      else
        remark::missed(func.getLoc(),
                       remark::RemarkOpts::name("ParallelRegionsUnknown")
                           .category("sq-count-parallel-regions"))
            << remark::reason(
                   "how often '{0}' starts threads depends on its inputs",
                   func.getName());
    }
  }
};
} // namespace
