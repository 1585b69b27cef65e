//===- KernelRows.cpp - The kernel table ----------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ByteISA.h"
#include "FloatPanel.h"
#include "KernelRow.h"
#include "PanelPlan.h"
#include "RowKernel.h"
#include "TileBlocks.h"
#include "TileFma.h"
#include "TileKernel.h"
#include "TilePanel.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;
using numerics::TileStorage;

//===----------------------------------------------------------------------===//
// What targets have
//===----------------------------------------------------------------------===//

namespace {
struct NeedRow {
  Need need;
  bool (*isMet)(const KernelTarget &target);
  StringLiteral whyNot;
};
} // namespace

static const NeedRow needs[] = {
    {Need::FloatTables,
     [](const KernelTarget &target) {
       const ByteISA *isa = ByteISA::get(target.isa);
       return isa && isa->looksUpFloats();
     },
     "the target can't look floats up in a register (AVX2, or AArch64's "
     "DotProd)"},
    {Need::Bytes,
     [](const KernelTarget &target) {
       return ByteISA::get(target.isa) != nullptr;
     },
     "the target has no vectors of bytes that kernels know (AVX2, FMA and "
     "F16C, "
     "or AArch64's DotProd, are the least)"},
};

//===----------------------------------------------------------------------===//
// The rows
//===----------------------------------------------------------------------===//

static constexpr StorageSet kAllTiles =
    storages({TileStorage::Dense, TileStorage::Positions, TileStorage::Bitmap});

/// Every kernel on tiles of byte products has the sizes of these.
static std::string checkDotSizes(const Product &product, const KernelTarget &) {
  TileLayout tiles = product.getTiles();
  return checkTileProductSizes(tiles,
                               SumGroups::get(tiles, product.activations));
}

static std::string checkPanelSizes(const Product &product,
                                   const KernelTarget &target) {
  std::string reason = checkDotSizes(product, target);
  if (!reason.empty())
    return reason;
  TileLayout tiles = product.getTiles();
  return checkTilePanelSizes(tiles, SumGroups::get(tiles, product.activations),
                             *ByteISA::get(target.isa));
}

static double getPanelGain(const Product &product, const KernelTarget &target) {
  const ByteISA *isa = ByteISA::get(target.isa);
  // What isn't computed is priced all the same.
  if (!isa || !product.weights.integerFactor())
    return 1;
  TileLayout tiles = product.getTiles();
  return PanelPlan::getForm(tiles, SumGroups::get(tiles, product.activations),
                            *isa)
      .getGain();
}

static std::string checkFmaSizes(const Product &product, const KernelTarget &) {
  return checkTileFmaSizes(product.getTiles());
}

static std::string checkBlockSizes(const Product &product,
                                   const KernelTarget &) {
  return checkTileBlocksSizes(product.getBlocks());
}

/// A generator on tiles as a row has it.
template <void (*emit)(ImplicitLocOpBuilder &, MatmulOp,
                       const numerics::TileLayout &, const ByteISA &)>
static void onTiles(ImplicitLocOpBuilder &b, MatmulOp op,
                    const KernelTarget &target) {
  emit(b, op, op.getTileLayout(), *ByteISA::get(target.isa));
}

static const KernelRow kernelRows[] = {
    {.name = kTileBlocks,
     .layout = Layout::Blocks,
     .storage = storages({TileStorage::Blocks}),
     .needs = Need::Bytes,
     .wantsIntegers = true,
     .activations = ActivationClass::Bytes,
     .checkSizes = checkBlockSizes,
     .emit = onTiles<emitTileBlocks>,
     .cost = {.unit = Unit::Bytes,
              .efficiency = 0.75,
              .overlap = 0.8,
              .skipsDropped = true,
              .rowsPerDecode = 8,
              .decode = 1.0,
              .nibbles = 0.5,
              .sixes = 0,
              .positions = 0,
              .bitmap = 0,
              .select = 0,
              .group = 2.0},
     .overwrites = true},
    {.name = kTilePanel,
     .layout = Layout::Tiles,
     .storage = kAllTiles,
     .needs = Need::Bytes,
     .wantsIntegers = true,
     .activations = ActivationClass::GroupedBytes,
     .kernelForFew = kTileDot,
     .checkSizes = checkPanelSizes,
     .emit = onTiles<emitTilePanel>,
     .getGain = getPanelGain,
     .cost = {.unit = Unit::Bytes,
              .efficiency = 0.95,
              .overlap = 0.6,
              .skipsDropped = false,
              .rowsPerDecode = 512,
              .decode = 1.0,
              .nibbles = 2.5,
              .sixes = 3.0,
              .positions = 1.3,
              .bitmap = 1.2,
              .select = 0,
              .group = 0.9},
     .overwrites = true},
    {.name = kTileDot,
     .layout = Layout::Tiles,
     .storage = kAllTiles,
     .needs = Need::Bytes,
     .wantsIntegers = true,
     .activations = ActivationClass::GroupedBytes,
     .checkSizes = checkDotSizes,
     .emit = onTiles<emitTileProduct>,
     .cost = {.unit = Unit::Bytes,
              .efficiency = 0.78,
              .overlap = 0.85,
              .skipsDropped = true,
              .rowsPerDecode = 8,
              .decode = 0.4,
              .nibbles = 0.3,
              .sixes = 0.8,
              .positions = 0.4,
              .bitmap = 0.9,
              .select = 0.3,
              .group = 0.6,
              .rowsFillRegisters = true},
     .overwrites = true},
    {.name = kTileFma,
     .layout = Layout::Tiles,
     .storage = kAllTiles,
     .needs = Need::FloatTables,
     .wantsIntegers = false,
     .activations = ActivationClass::Any,
     .checkSizes = checkFmaSizes,
     .emit = onTiles<emitTileFma>,
     .cost = {.unit = Unit::Floats,
              .efficiency = 0.85,
              .overlap = 0.8,
              .skipsDropped = true,
              .rowsPerDecode = 8,
              .decode = 2.4,
              .nibbles = -0.8,
              .sixes = 1.0,
              .positions = 3.5,
              .bitmap = 2.0,
              .select = 0,
              .group = 2.0,
              .panelFrom = kMinPanelRows}},
    {.name = kDecodeRows,
     .layout = Layout::Rows,
     .storage = 0,
     .needs = Need::None,
     .wantsIntegers = false,
     .activations = ActivationClass::Any,
     .checkSizes = checkRowProductSizes,
     .emit = emitRowProduct,
     .cost = {.unit = Unit::Floats,
              .efficiency = 0.35,
              .overlap = 0.5,
              .skipsDropped = false,
              .rowsPerDecode = INT64_MAX,
              .decode = 16.0,
              .nibbles = 2.0,
              .sixes = 0,
              .positions = 0,
              .bitmap = 8.0,
              .select = 0,
              .group = 0}},
    {.name = kReference,
     .layout = Layout::Rows,
     .storage = 0,
     .needs = Need::None,
     .wantsIntegers = false,
     .activations = ActivationClass::Any,
     .checkSizes = nullptr,
     .emit = nullptr,
     .cost = {.unit = Unit::Scalar,
              .efficiency = 0.5,
              .overlap = 0.5,
              .skipsDropped = false,
              .rowsPerDecode = 1,
              .decode = 128.0,
              .nibbles = 64.0,
              .sixes = 0,
              .positions = 0,
              .bitmap = 128.0,
              .select = 0,
              .group = 0}},
};

ArrayRef<KernelRow> mlir::sq::cpu::getKernelRows() { return kernelRows; }

const KernelRow *mlir::sq::cpu::findKernel(StringRef name) {
  const KernelRow *row = llvm::find_if(
      kernelRows, [&](const KernelRow &row) { return row.name == name; });
  return row == std::end(kernelRows) ? nullptr : row;
}

//===----------------------------------------------------------------------===//
// Legality
//===----------------------------------------------------------------------===//

static std::string checkActivations(ActivationClass wanted,
                                    const Product &product) {
  if (wanted == ActivationClass::Any)
    return "";
  if (!product.activations)
    return "activations in f32 have no integer kernel";
  const numerics::Format *format = &*product.activations;
  if (format->scope == numerics::GroupScope::Group &&
      format->hasPowerOfTwoScale() && format->integerFactor()) {
    if (wanted == ActivationClass::GroupedBytes)
      return SumGroups::check(product.weights, *format);
    return "scales of activations change along K, in " + format->str();
  }
  if (format->family == numerics::Family::Int &&
      format->scope != numerics::GroupScope::Group && format->symmetric)
    return "";
  return "activations in " + format->str() +
         " have no integer kernel; int8.row has";
}

std::string KernelRow::check(const Product &product,
                             const KernelTarget &target) const {
  if (layout == Layout::Blocks) {
    if (numerics::Error error = product.checkBlocks())
      return *error;
  } else if (layout == Layout::Tiles) {
    if (numerics::Error error = numerics::TileLayout::check(product.weights))
      return *error;
    TileStorage stored = product.getTiles().storage;
    if (!(storage & storages({stored})))
      return "it doesn't read weights that are stored so";
  }
  for (const NeedRow &row : ::needs)
    if ((needs & row.need) != Need::None && !row.isMet(target))
      return row.whyNot.str();
  if (wantsIntegers && !product.weights.integerFactor())
    return "elements of " + product.weights.str() +
           " are not integers in disguise";
  if (product.areWidened && product.input == DType::F16)
    return "activations were widened for tensor cores";
  if (product.areWidened && multipliesFloats())
    return "activations were widened for a kernel that multiplies bytes";
  if (std::string reason = checkActivations(activations, product);
      !reason.empty())
    return reason;
  if (checkSizes)
    if (std::string reason = checkSizes(product, target); !reason.empty())
      return reason;
  return "";
}
