//===- KernelTable.cpp - Which kernels exist, and what each can do -*- C++
//-*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/CPU/KernelTable.h"
#include "DecodeInput.h"
#include "TileKernel.h"
#include "TilePanel.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;

/// The decoded block is on the stack of each thread.
static constexpr int64_t kMaxDecodedExtent = 32768;

static std::optional<numerics::Format>
getFormatOrNone(QuantFormatAttrInterface attr) {
  if (!attr)
    return std::nullopt;
  return attr.getFormat();
}

/// What weights in tiles ask of the target and of the activations.
static std::string checkTiles(const numerics::TileLayout &tiles,
                              const numerics::Format *activations,
                              const KernelTarget &target) {
  if (!target.byteDot512)
    return "the target has no 512-bit dot products of bytes (AVX512_VNNI and "
           "AVX512_VBMI)";
  if (tiles.hasBitmap() && !target.byteExpand512)
    return "the pattern keeps a varying number of weights, and the target "
           "can't "
           "expand 512-bit vectors of bytes (AVX512_VBMI2)";
  return checkTileProduct(tiles, activations);
}

static std::string checkTileDot(MatmulOp op, const KernelTarget &target) {
  if (op.getLayout() != Layout::Tiles)
    return "the weights are packed in rows";
  std::optional<numerics::Format> activations =
      getFormatOrNone(op.getActivationFormatAttr());
  return checkTiles(op.getTileLayout(), activations ? &*activations : nullptr,
                    target);
}

static bool hasFewInputs(MatmulOp op) {
  int64_t inputs = cast<ShapedType>(op.getInput().getType()).getDimSize(0);
  return !ShapedType::isDynamic(inputs) && inputs < kMinPanelInputs;
}

static std::string checkTilePanel(MatmulOp op, const KernelTarget &target) {
  if (std::string reason = checkTileDot(op, target); !reason.empty())
    return reason;
  if (hasFewInputs(op))
    return "decoding weights pays from " + std::to_string(kMinPanelInputs) +
           " rows of activations on";
  return checkTilePanel(op.getTileLayout());
}

/// Why the weights of `op`, which are in rows, aren't in tiles.
static std::string whyNotTiles(MatmulOp op, const KernelTarget &target) {
  std::optional<numerics::Format> activations =
      getFormatOrNone(op.getActivationFormatAttr());
  std::string reason = checkTiles(
      op.getTileLayout(), activations ? &*activations : nullptr, target);
  return reason.empty() ? "the weights are packed in rows" : reason;
}

static std::string checkDecodeRows(MatmulOp op, const KernelTarget &target) {
  numerics::Format format = op.getFormat().getFormat();
  unsigned lanes = target.lanes;
  if (op.getLayout() != Layout::Rows)
    return "the weights are packed in tiles";
  if (lanes % 8 != 0)
    return "vectors of " + std::to_string(lanes) +
           " lanes don't fill a byte of the bitmap";
  if (QuantFormatAttrInterface activations = op.getActivationFormatAttr())
    if (std::string reason = checkDecodeInput(activations.getFormat());
        !reason.empty())
      return reason;
  if (format.scope == numerics::GroupScope::Group &&
      format.groupSize % lanes != 0)
    return "a scale group of " + std::to_string(format.groupSize) +
           " is not a multiple of the " + std::to_string(lanes) +
           " lanes of a register";
  if (op.getReductionExtent() > kMaxDecodedExtent)
    return "a row of " + std::to_string(op.getReductionExtent()) +
           " elements does not fit the decode buffer of " +
           std::to_string(kMaxDecodedExtent);
  return "";
}

static std::string checkReference(MatmulOp op, const KernelTarget &) {
  return op.getLayout() == Layout::Rows ? ""
                                        : "the weights are packed in tiles";
}

namespace {
struct KernelRow {
  StringRef name;
  /// "" if the kernel fits.
  std::string (*check)(MatmulOp op, const KernelTarget &target);
};
} // namespace

static const KernelRow kernelTable[] = {
    {kTilePanel, checkTilePanel},
    {kTileDot, checkTileDot},
    {kDecodeRows, checkDecodeRows},
    {kReference, checkReference},
};

KernelChoice mlir::sq::cpu::selectKernel(MatmulOp op,
                                         const KernelTarget &target) {
  std::string reasons;
  for (const KernelRow &row : kernelTable) {
    std::string missing = row.check(op, target);
    if (missing.empty())
      return {row.name, reasons};
    // Of weights in rows, the layout is what keeps the kernels on tiles away,
    // and selectLayout knows why.
    if (op.getLayout() == Layout::Rows) {
      if (row.name == kTilePanel)
        continue;
      if (row.name == kTileDot)
        missing = whyNotTiles(op, target);
    } else if (row.name == kTileDot) {
      return {StringRef(), missing};
    } else if (hasFewInputs(op)) {
      // Not a better kernel, but one for more rows.
      continue;
    }
    reasons +=
        (reasons.empty() ? "not " : "; not ") + row.name.str() + ": " + missing;
  }
  llvm_unreachable("the last row takes all weights in rows");
}

Layout mlir::sq::cpu::selectLayout(const numerics::Format &weights,
                                   const numerics::Pattern *pattern,
                                   const numerics::Format *activations,
                                   int64_t rows, int64_t cols,
                                   const KernelTarget &target) {
  bool fits =
      !numerics::TileLayout::check(weights) &&
      checkTiles(numerics::TileLayout::get(weights, pattern, rows, cols),
                 activations, target)
          .empty();
  return fits ? Layout::Tiles : Layout::Rows;
}

std::string mlir::sq::cpu::checkKernel(StringRef kernel, MatmulOp op,
                                       const KernelTarget &target) {
  std::string names;
  for (const KernelRow &row : kernelTable) {
    if (row.name == kernel)
      return row.check(op, target);
    names += (names.empty() ? "'" : ", '") + row.name.str() + "'";
  }
  return "it is none of " + names;
}
