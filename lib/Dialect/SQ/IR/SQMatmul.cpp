//===- SQMatmul.cpp - What sq.matmul may be -------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Verifiers.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::detail;
using numerics::FragmentLayout;
using numerics::TileLayout;

static RankedTensorType asTensor(ShapedType type) {
  return RankedTensorType::get(type.getShape(), type.getElementType());
}

TileLayout MatmulOp::getTileLayout() {
  std::optional<numerics::Pattern> pattern;
  if (SparsityPatternAttrInterface attr = getPatternAttr())
    pattern = attr.getPattern();
  if (getLayout() == Layout::Blocks)
    return TileLayout::getBlocks(getFormat().getFormat(), *pattern,
                                 getNumRows(), getReductionExtent());
  // Without a bitmap, dropped weights are stored as zeros.
  if (!getBitmap())
    pattern = std::nullopt;
  return TileLayout::get(getFormat().getFormat(), pattern ? &*pattern : nullptr,
                         getNumRows(), getReductionExtent());
}

/// Of weights and of activations.
static int64_t getMultiplierBytes(MatmulOp op) {
  return FragmentLayout::getMultiplierBytes(
      op.getActivationFormatAttr() &&
      !getElementTypeOrSelf(op.getInput().getType()).isF16());
}

FragmentLayout MatmulOp::getFragmentLayout() {
  std::optional<numerics::Pattern> pattern;
  if (getBitmap())
    pattern = SparsityPatternAttrInterface(getPatternAttr()).getPattern();
  return FragmentLayout::get(
      getFormat().getFormat(), pattern ? &*pattern : nullptr,
      getMultiplierBytes(*this), getNumRows(), getReductionExtent());
}

/// Whether an operand is that of tiles, or of fragments.
static LogicalResult expectTiled(MatmulOp op, StringRef what, Value value,
                                 int64_t tiles, int64_t size, Type element) {
  ShapedType type = typeOrNull(value);
  SmallVector<int64_t> shape = {tiles, size};
  if (type && type.getShape() == ArrayRef(shape) &&
      type.getElementType() == element)
    return success();
  InFlightDiagnostic diag = op.emitOpError("expected ");
  diag << what << " of type " << RankedTensorType::get(shape, element) << " in "
       << (op.getLayout() == Layout::Fragments ? "fragments" : "tiles")
       << ", got ";
  if (type)
    diag << type;
  else
    diag << "none";
  return diag << " [SQ-MM-9]";
}

/// With bitmaps: one row, which holds `most` bytes and the slack at most.
static LogicalResult expectPayloadRow(MatmulOp op, int64_t most,
                                      int64_t slack) {
  auto payload = cast<ShapedType>(op.getPayload().getType());
  int64_t size = payload.getDimSize(1);
  if (payload.getDimSize(0) == 1 && !ShapedType::isDynamic(size) &&
      size >= slack && size <= most + slack)
    return success();
  return op.emitOpError("expected a payload of one row with ")
         << slack << " to " << most + slack << " bytes in "
         << (op.getLayout() == Layout::Fragments ? "fragments" : "tiles")
         << " with bitmaps, got " << payload << " [SQ-MM-9]";
}

/// SQ-MM-9 and 10.
static LogicalResult verifyFragments(MatmulOp op) {
  std::optional<numerics::Pattern> pattern;
  if (op.getBitmap())
    pattern = SparsityPatternAttrInterface(op.getPatternAttr()).getPattern();
  if (numerics::Error error = FragmentLayout::check(
          op.getFormat().getFormat(), pattern ? &*pattern : nullptr,
          getMultiplierBytes(op)))
    return op.emitOpError("expected weights that can be stored as fragments: ")
           << *error << " [SQ-MM-10]";
  FragmentLayout layout = op.getFragmentLayout();
  Type i8 = IntegerType::get(op.getContext(), 8);
  auto weights = RankedTensorType::get({layout.rows, layout.cols},
                                       op.getFormat().getCodeType());
  SmallVector<RankedTensorType> scales =
      op.getFormat().getScaleTypes(weights, 1);
  // Formats with two have no fragments.
  if (op.getScales().size() != scales.size())
    return op.emitOpError("expected ")
           << (scales.empty() ? "no" : "one") << " tensor of scales, got "
           << op.getScales().size() << " [SQ-MM-9]";
  if (layout.hasBitmap()) {
    if (failed(expectPayloadRow(op, layout.numTiles() * layout.payloadBytes(),
                                FragmentLayout::kSlack)))
      return failure();
  } else if (failed(expectTiled(op, "a payload", op.getPayload(),
                                layout.numTiles(), layout.payloadBytes(),
                                i8))) {
    return failure();
  }
  if ((op.getBitmap() &&
       failed(expectTiled(op, "metadata", op.getBitmap(), layout.numTiles(),
                          layout.metadataBytes(), i8))))
    return failure();
  if (scales.empty())
    return success();
  return expectTiled(op, "scales", op.getScales().front(), layout.numTiles(),
                     layout.numScales(), scales.front().getElementType());
}

/// SQ-MM-9 and 10.
static LogicalResult verifyTiles(MatmulOp op) {
  if (op.getLayout() == Layout::Blocks) {
    std::optional<numerics::Pattern> pattern;
    if (SparsityPatternAttrInterface attr = op.getPatternAttr())
      pattern = attr.getPattern();
    if (numerics::Error error = TileLayout::checkBlocks(
            op.getFormat().getFormat(), pattern ? &*pattern : nullptr,
            op.getReductionExtent()))
      return op.emitOpError("expected weights that can be stored as blocks: ")
             << *error << " [SQ-MM-10]";
  }
  TileLayout layout = op.getTileLayout();
  auto expect = [&](StringRef what, Value value, int64_t size, Type element) {
    return expectTiled(op, what, value, layout.numTiles(), size, element);
  };
  Type i8 = IntegerType::get(op.getContext(), 8);
  if (layout.hasBitmap()) {
    if (failed(expectPayloadRow(op, layout.numTiles() * layout.payloadBytes(),
                                TileLayout::kSlack)))
      return failure();
  } else if (failed(expect("a payload", op.getPayload(), layout.payloadBytes(),
                           i8))) {
    return failure();
  }
  if ((op.getBitmap() || layout.hasBlocks()) &&
      failed(expect(layout.hasBitmap()   ? "masks and offsets"
                    : layout.hasBlocks() ? "indices"
                                         : "positions",
                    op.getBitmap(), layout.positionBytes(), i8)))
    return failure();
  auto weights = RankedTensorType::get({layout.rows, layout.cols},
                                       op.getFormat().getCodeType());
  SmallVector<RankedTensorType> scales =
      op.getFormat().getScaleTypes(weights, 1);
  if (scales.size() != op.getScales().size())
    return op.emitOpError("expected ")
           << scales.size() << " tensors of scales, got "
           << op.getScales().size() << " [SQ-MM-9]";
  if (scales.size() > 1 && asTensor(typeOrNull(op.getScales()[1])) != scales[1])
    return op.emitOpError("expected a tensor scale of type ")
           << scales[1] << ", got " << op.getScales()[1].getType()
           << " [SQ-MM-9]";
  return expect("scales", op.getScales().front(), layout.numScales(),
                scales.front().getElementType());
}

LogicalResult MatmulOp::verify() {
  bool onTensors = isa<RankedTensorType>(getInit().getType());
  if (llvm::any_of(getOperation()->getOperandTypes(),
                   [&](Type type) {
                     return isa<RankedTensorType>(type) != onTensors;
                   }) ||
      static_cast<bool>(getResult()) != onTensors)
    return emitOpError("expected tensors and a result, or memrefs and none "
                       "[SQ-MM-8]");
  auto input = cast<ShapedType>(getInput().getType());
  auto payload = cast<ShapedType>(getPayload().getType());
  auto init = cast<ShapedType>(getInit().getType());
  if (input.getRank() != 2 || init.getRank() != 2 || payload.getRank() != 2 ||
      ShapedType::isDynamic(input.getDimSize(1)) ||
      ShapedType::isDynamic(init.getDimSize(1)) ||
      (getLayout() == Layout::Rows &&
       init.getDimSize(1) != payload.getDimSize(0)) ||
      failed(verifyCompatibleShape(input.getShape().take_front(1),
                                   init.getShape().take_front(1))))
    return emitOpError("expected [M, K], N rows of weights and [M, N] with "
                       "static N and K, got ")
           << input << ", " << payload << " and " << init << " [SQ-MM-1]";
  if (!init.getElementType().isF32() || !payload.getElementType().isInteger(8))
    return emitOpError("expected an f32 init and an i8 payload, got ")
           << init << " and " << payload << " [SQ-MM-1]";

  numerics::Format format = getFormat().getFormat();
  if (!format.symmetric)
    return emitOpError("expected symmetric weights, got ")
           << getFormat() << " [SQ-MM-7]";
  if (getBitmap() && !getPattern())
    return emitOpError("expected a pattern with a bitmap [SQ-MM-4]");
  if (format.isHalf() && getLayout() != Layout::Fragments)
    return emitOpError("expected weights of ")
           << getFormat() << " in the layout 'fragments' [SQ-MM-10]";
  if (std::optional<int64_t> many = getManyInputs();
      many && (*many < 1 || !getKernel() || !input.isDynamicDim(0)))
    return emitOpError("expected manyInputs above zero, and only where a "
                       "kernel is for a dynamic M, got ")
           << *many << " for " << input << " [SQ-MM-11]";
  if (getLayout() != Layout::Rows) {
    if (failed(getLayout() == Layout::Fragments ? verifyFragments(*this)
                                                : verifyTiles(*this)))
      return failure();
  } else {
    int64_t rows = getNumRows(), cols = input.getDimSize(1);
    if (failed(verifyPacked(*this, rows, cols, format.bits, payload,
                            typeOrNull(getBitmap()), "SQ-MM-2", "SQ-MM-2")))
      return failure();
    auto weights =
        RankedTensorType::get({rows, cols}, getFormat().getCodeType());
    if (failed(verifyScales(*this, getFormat(), weights, 1,
                            getScales().getTypes(), "SQ-MM-3")))
      return failure();
  }

  QuantFormatAttrInterface activation = getActivationFormatAttr();
  if (!activation) {
    Type element = input.getElementType();
    if ((!element.isF32() && !element.isF16() && !element.isBF16()) ||
        !getInputScales().empty())
      return emitOpError("expected an f32, f16 or bf16 input without scales, "
                         "got ")
             << input << " [SQ-MM-5]";
    return success();
  }
  if (activation.getFormat().isHalf())
    return emitOpError("expected activations with codes, got ")
           << activation << "; an input of f16 or bf16 needs no format "
           << "[SQ-MM-5]";
  bool mayBeWidened =
      canBeWidened(activation.getFormat(), input.getElementType());
  if (hasWidenedInput() && !mayBeWidened)
    return emitOpError("expected input codes of type ")
           << activation.getCodeType() << ", got " << input << " [SQ-MM-5]";
  if (activation.getFormat().scope == numerics::GroupScope::Group &&
      !activation.getFormat().hasPowerOfTwoScale())
    return emitOpError("expected activation scales that do not vary along K, "
                       "got ")
           << activation << " [SQ-MM-6]";
  return verifyScales(*this, activation, asTensor(input), 1,
                      getInputScales().getTypes(), "SQ-MM-5");
}

void MatmulOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getDestinationStyleEffects(*this, effects);
}
