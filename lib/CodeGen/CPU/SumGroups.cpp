//===- SumGroups.cpp - What integer products are summed up over -----------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SumGroups.h"

#include <algorithm>

using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::Format;
using numerics::GroupScope;
using numerics::TileLayout;

static int64_t getGroupSize(const Format &format) {
  return format.scope == GroupScope::Group ? format.groupSize : 0;
}

SumGroups SumGroups::get(const TileLayout &layout,
                         const std::optional<Format> &activations) {
  int64_t weights = getGroupSize(layout.format);
  int64_t inputs = activations ? getGroupSize(*activations) : 0;
  SumGroups groups;
  groups.size =
      weights && inputs ? std::min(weights, inputs) : std::max(weights, inputs);
  if (groups.exist()) {
    groups.perWeightScale = weights / groups.size;
    groups.perActivationScale = inputs / groups.size;
  }
  return groups;
}

SumGroups SumGroups::get(const TileLayout &layout, MatmulOp op) {
  std::optional<Format> activations;
  if (QuantFormatAttrInterface format = op.getActivationFormatAttr())
    activations = format.getFormat();
  return get(layout, activations);
}

std::string SumGroups::check(const Format &weights, const Format &activations) {
  int64_t lhs = getGroupSize(weights), rhs = getGroupSize(activations);
  if (!lhs || !rhs || std::max(lhs, rhs) % std::min(lhs, rhs) == 0)
    return "";
  return "scale groups of " + std::to_string(rhs) + " activations and " +
         std::to_string(lhs) + " weights don't fit into each other";
}
