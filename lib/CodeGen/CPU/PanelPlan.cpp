//===- PanelPlan.cpp - How panels of weights are cut ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PanelPlan.h"
#include "ByteISA.h"
#include "TileReader.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir::sq::cpu;
using mlir::sq::numerics::TileLayout;

/// Bytes of decoded weights: a share of the second-level cache. Weights stream
/// from there at a fraction of its speed; a panel that fits the first level
/// takes more time for partial sums than it saves.
static constexpr int64_t kPanelBytes = 256 << 10;
/// Vectors that a decoding loop's body decodes.
static constexpr int64_t kDecodeUnroll = 16;

bool PanelPlan::hasAnchors(const TileLayout &layout, const SumGroups &groups) {
  constexpr int64_t largestProduct = 128 * 128;
  return groups.perWeightScale && !groups.perActivationScale &&
         layout.format.hasPowerOfTwoScale() &&
         groups.size * largestProduct < int64_t(1) << 22;
}

/// The largest magnitude of an element, times integerFactor.
static int64_t getLargestWeight(const TileLayout &layout) {
  float largest = 0;
  for (unsigned code = 0; code < 1u << layout.format.bits; ++code)
    largest =
        std::max(largest, std::abs(mlir::sq::numerics::decodeElement(
                              layout.format, static_cast<uint8_t>(code))));
  return static_cast<int64_t>(largest * *layout.format.integerFactor());
}

PanelForm PanelPlan::getForm(const TileLayout &layout, const SumGroups &groups,
                             const ByteISA &isa) {
  PanelForm form = isa.getPanelForm(getLargestWeight(layout), groups.exist());
  // What a reader returns is larger by a power of two.
  if (form.kind == PanelForm::Kind::Pairs)
    form.shift = llvm::Log2_32(TileReader::getWeightFactor(layout));
  return form;
}

PanelPlan PanelPlan::get(const TileLayout &layout, const SumGroups &sums,
                         const ByteISA &isa) {
  constexpr int64_t depth = TileLayout::kDepth;
  PanelPlan plan;
  plan.form = getForm(layout, sums, isa);
  int64_t maxVectors =
      kPanelBytes / plan.form.tiles / (plan.form.words * TileLayout::kVector);
  int64_t unit = layout.unitCols() / depth;
  plan.vectors = layout.paddedCols() / depth;
  if (!sums.exist()) {
    plan.run = unit * std::max<int64_t>(1, kDecodeUnroll / unit);
    int64_t step = std::lcm(plan.run, kProductUnroll);
    plan.numPanels = llvm::divideCeil(plan.vectors, maxVectors);
    plan.panel =
        llvm::alignTo(llvm::divideCeil(plan.vectors, plan.numPanels), step);
    plan.numPanels = llvm::divideCeil(plan.vectors, plan.panel);
    plan.group = plan.panel;
    return plan;
  }
  plan.group = sums.size / depth;
  int64_t groups = sums.count(layout.cols);
  plan.vectors = std::min(plan.vectors, groups * plan.group);
  // A run is a part of a group or whole groups.
  plan.run = std::lcm(unit, plan.group);
  if (plan.group % unit == 0)
    for (plan.run = unit;
         plan.run * 2 <= kDecodeUnroll && plan.group % (plan.run * 2) == 0;)
      plan.run *= 2;
  int64_t step = std::lcm(plan.group, plan.run);
  int64_t steps = llvm::divideCeil(groups * plan.group, step);
  int64_t maxSteps = std::max<int64_t>(1, maxVectors / step);
  plan.numPanels = llvm::divideCeil(steps, maxSteps);
  plan.panel = llvm::divideCeil(steps, plan.numPanels) * step;
  plan.numPanels = llvm::divideCeil(groups * plan.group, plan.panel);
  return plan;
}
