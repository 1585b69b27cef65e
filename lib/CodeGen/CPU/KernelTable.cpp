//===- KernelTable.cpp - Which kernels exist, and what each can do -*- C++
//-*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/CPU/KernelTable.h"
#include "ByteISA.h"
#include "DecodeInput.h"
#include "TileFma.h"
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

static constexpr char kNoBytes[] =
    "the target has no vectors of bytes that kernels know (AVX2, FMA and F16C "
    "are the least)";
static constexpr char kNoByteExpand[] =
    "the pattern keeps a varying number of weights, and the target can't "
    "expand vectors of bytes (AVX512_VBMI2)";

/// Why a kernel on tiles doesn't compute products with such weights and
/// activations; "" if it does.
using TileCheck = std::string (*)(const numerics::TileLayout &layout,
                                  const numerics::Format *activations,
                                  const KernelTarget &target);

static std::string checkTileDot(const numerics::TileLayout &layout,
                                const numerics::Format *activations,
                                const KernelTarget &target) {
  const ByteISA *isa = ByteISA::get(target.isa);
  if (!isa)
    return kNoBytes;
  if (layout.hasBitmap() && !isa->expandsBytes())
    return kNoByteExpand;
  return checkTileProduct(layout, activations);
}

static std::string checkTileFma(const numerics::TileLayout &layout,
                                const numerics::Format *activations,
                                const KernelTarget &target) {
  if (target.lanes < numerics::TileLayout::kRows)
    return "the target has no vectors of 16 floats";
  const ByteISA *isa = ByteISA::get(target.isa);
  if (!isa)
    return kNoBytes;
  if (layout.hasBitmap() && !isa->expandsBytes())
    return kNoByteExpand;
  return checkTileFma(layout, activations);
}

static std::string checkTilePanel(const numerics::TileLayout &layout,
                                  const numerics::Format *activations,
                                  const KernelTarget &target) {
  if (std::string reason = checkTileDot(layout, activations, target);
      !reason.empty())
    return reason;
  if (target.isa != VectorISA::AVX512VBMI2)
    return "panels need AVX512_VNNI, AVX512_VBMI and AVX512_VBMI2";
  return checkTilePanel(layout);
}

static bool hasFewInputs(MatmulOp op) {
  int64_t inputs = cast<ShapedType>(op.getInput().getType()).getDimSize(0);
  return !ShapedType::isDynamic(inputs) && inputs < kMinPanelInputs;
}

/// The same of `op`, and of the tiles that its weights might have been in if
/// they are in rows.
static std::string checkTiles(MatmulOp op, const KernelTarget &target,
                              TileCheck check) {
  if (numerics::Error error =
          numerics::TileLayout::check(op.getFormat().getFormat()))
    return *error;
  std::optional<numerics::Format> activations =
      getFormatOrNone(op.getActivationFormatAttr());
  return check(op.getTileLayout(), activations ? &*activations : nullptr,
               target);
}

static std::string checkDecodeRows(MatmulOp op, const KernelTarget &target) {
  numerics::Format format = op.getFormat().getFormat();
  unsigned lanes = target.lanes;
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

static std::string checkReference(MatmulOp, const KernelTarget &) { return ""; }

namespace {
/// A kernel reads one layout, so it has one of the two checks.
struct KernelRow {
  StringRef name;
  TileCheck checkTiles;
  std::string (*checkRows)(MatmulOp op, const KernelTarget &target);

  Layout getLayout() const { return checkTiles ? Layout::Tiles : Layout::Rows; }

  /// "" if the kernel would fit were the weights in its layout.
  std::string checkContents(MatmulOp op, const KernelTarget &target) const {
    if (!checkTiles)
      return checkRows(op, target);
    std::string missing = ::checkTiles(op, target, checkTiles);
    if (missing.empty() && name == kTilePanel && hasFewInputs(op))
      return "decoding weights pays from " + std::to_string(kMinPanelInputs) +
             " rows of activations on";
    return missing;
  }
  std::string checkLayout(MatmulOp op) const {
    if (op.getLayout() == getLayout())
      return "";
    return op.getLayout() == Layout::Rows ? "the weights are packed in rows"
                                          : "the weights are packed in tiles";
  }
};
} // namespace

static const KernelRow kernelTable[] = {
    {kTilePanel, checkTilePanel, nullptr},
    {kTileDot, checkTileDot, nullptr},
    {kTileFma, checkTileFma, nullptr},
    {kDecodeRows, nullptr, checkDecodeRows},
    {kReference, nullptr, checkReference},
};

KernelChoice mlir::sq::cpu::selectKernel(MatmulOp op,
                                         const KernelTarget &target) {
  std::string reasons;
  for (const KernelRow &row : kernelTable) {
    // Weights in tiles are for the kernels on tiles.
    if (op.getLayout() == Layout::Tiles && row.getLayout() == Layout::Rows)
      continue;
    // Of weights in rows: what kept them out of tiles.
    std::string missing = row.checkContents(op, target);
    if (missing.empty())
      missing = row.checkLayout(op);
    if (missing.empty())
      return {row.name, reasons};
    // Not a better kernel, but one for more rows; and what keeps integer
    // products away is said of the next.
    if (row.name == kTilePanel &&
        (op.getLayout() == Layout::Rows || hasFewInputs(op) ||
         !checkTiles(op, target, checkTileDot).empty()))
      continue;
    reasons +=
        (reasons.empty() ? "not " : "; not ") + row.name.str() + ": " + missing;
  }
  return {StringRef(), reasons};
}

Layout mlir::sq::cpu::selectLayout(const numerics::Format &weights,
                                   const numerics::Pattern *pattern,
                                   const numerics::Format *activations,
                                   int64_t rows, int64_t cols,
                                   const KernelTarget &target) {
  if (numerics::TileLayout::check(weights))
    return Layout::Rows;
  auto layout = numerics::TileLayout::get(weights, pattern, rows, cols);
  for (const KernelRow &row : kernelTable)
    if (row.checkTiles && row.checkTiles(layout, activations, target).empty())
      return Layout::Tiles;
  return Layout::Rows;
}

std::string mlir::sq::cpu::checkKernel(StringRef kernel, MatmulOp op,
                                       const KernelTarget &target) {
  std::string names;
  for (const KernelRow &row : kernelTable) {
    if (row.name == kernel) {
      std::string missing = row.checkLayout(op);
      return missing.empty() ? row.checkContents(op, target) : missing;
    }
    names += (names.empty() ? "'" : ", '") + row.name.str() + "'";
  }
  return "it is none of " + names;
}
