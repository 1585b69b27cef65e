//===- SQOps.cpp - Verifiers and interfaces of the sq ops -------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/Layout.h"

using namespace mlir;
using namespace mlir::sq;
using numerics::FragmentLayout;
using numerics::TileLayout;

/// `custom<Bare>`: see detail::parseBareAttr.
template <typename AttrInterface>
static ParseResult parseBare(OpAsmParser &parser, AttrInterface &attr) {
  SMLoc loc = parser.getCurrentLocation();
  Attribute parsed;
  if (sq::detail::parseBareAttr(parser, parsed))
    return failure();
  attr = dyn_cast<AttrInterface>(parsed);
  if (!attr)
    return parser.emitError(loc, "expected another kind of attribute than ")
           << parsed;
  return success();
}

static void printBare(OpAsmPrinter &printer, Operation *, Attribute attr) {
  sq::detail::printBareAttr(printer, attr);
}

//===----------------------------------------------------------------------===//
// Custom assembly
//===----------------------------------------------------------------------===//

/// %p, bitmap(%b), scales(%s...) : payload, bitmap, scales...
/// Where there is no bitmap, or there are no scales, its parts are left out; a
/// declarative format can't tell one from the other, as both follow a comma.
static ParseResult
parseWeights(OpAsmParser &parser, OpAsmParser::UnresolvedOperand &payload,
             std::optional<OpAsmParser::UnresolvedOperand> &bitmap,
             SmallVectorImpl<OpAsmParser::UnresolvedOperand> &scales,
             Type &payloadType, Type &bitmapType,
             SmallVectorImpl<Type> &scaleTypes) {
  if (parser.parseOperand(payload))
    return failure();
  bool isNext = succeeded(parser.parseOptionalComma());
  if (isNext && succeeded(parser.parseOptionalKeyword("bitmap"))) {
    bitmap.emplace();
    if (parser.parseLParen() || parser.parseOperand(*bitmap) ||
        parser.parseRParen())
      return failure();
    isNext = succeeded(parser.parseOptionalComma());
  }
  if (isNext &&
      (parser.parseKeyword("scales") ||
       parser.parseOperandList(scales, OpAsmParser::Delimiter::Paren)))
    return failure();
  if (parser.parseColonType(payloadType))
    return failure();
  if (bitmap && (parser.parseComma() || parser.parseType(bitmapType)))
    return failure();
  while (succeeded(parser.parseOptionalComma()))
    if (parser.parseType(scaleTypes.emplace_back()))
      return failure();
  return success();
}

static void printWeights(OpAsmPrinter &printer, Operation *, Value payload,
                         Value bitmap, OperandRange scales, Type payloadType,
                         Type bitmapType, TypeRange scaleTypes) {
  printer << payload;
  if (bitmap)
    printer << ", bitmap(" << bitmap << ')';
  if (!scales.empty())
    printer << ", scales(" << scales << ')';
  printer << " : " << payloadType;
  if (bitmap)
    printer << ", " << bitmapType;
  for (Type type : scaleTypes)
    printer << ", " << type;
}

#define GET_OP_CLASSES
#include "sparse-quant/Dialect/SQ/IR/SQOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Helpers shared by the verifiers
//===----------------------------------------------------------------------===//

/// Fails with `rule` unless `axis` lies in the rank of `type`.
static FailureOr<int64_t> verifyAxis(Operation *op, int64_t axis,
                                     ShapedType type, StringRef rule) {
  if (std::optional<int64_t> normal = normalizeAxis(axis, type.getRank()))
    return *normal;
  return op->emitOpError("expected an axis within rank ")
         << type.getRank() << ", got " << axis << " [" << rule << "]";
}

/// Whether a value of type `actual` may stand where `expected` is asked for;
/// dynamic extents agree with every extent, tensors and memrefs alike.
static bool isCompatible(ShapedType actual, ShapedType expected) {
  return actual.getElementType() == expected.getElementType() &&
         succeeded(
             verifyCompatibleShape(actual.getShape(), expected.getShape()));
}

/// Checks the scales of a tensor of shape `shaped` against its format.
static LogicalResult verifyScales(Operation *op,
                                  QuantFormatAttrInterface format,
                                  RankedTensorType shaped, int64_t axis,
                                  TypeRange scales, StringRef rule) {
  SmallVector<RankedTensorType> expected = format.getScaleTypes(shaped, axis);
  if (expected.size() != scales.size())
    return op->emitOpError("expected ")
           << expected.size() << " scale tensors for " << format << ", got "
           << scales.size() << " [" << rule << "]";
  for (auto [want, got] : llvm::zip_equal(expected, scales))
    if (!isCompatible(cast<ShapedType>(got), want))
      return op->emitOpError("expected a scale of type ")
             << want << " for " << format << ", got " << got << " [" << rule
             << "]";
  return success();
}

static LogicalResult verifyCodes(Operation *op, QuantFormatAttrInterface format,
                                 ShapedType codes, ShapedType real,
                                 StringRef rule) {
  if (format.getFormat().isHalf())
    return op->emitOpError("expected a format with codes, got ")
           << format << ", whose values are stored themselves [" << rule << "]";
  if (codes.getElementType() == format.getCodeType() &&
      succeeded(verifyCompatibleShape(codes.getShape(), real.getShape())))
    return success();
  return op->emitOpError("expected codes of shape ")
         << real << " with element type " << format.getCodeType() << ", got "
         << codes << " [" << rule << "]";
}

/// The sizes of a packed matrix, shared by pack, unpack and matmul: `rows`,
/// `cols` is the matrix, `bits` the width of a code.
static LogicalResult verifyPacked(Operation *op, int64_t rows, int64_t cols,
                                  unsigned bits, ShapedType payload,
                                  ShapedType bitmap, StringRef payloadRule,
                                  StringRef bitmapRule) {
  if (payload.getRank() != 2 || payload.getDimSize(0) != rows)
    return op->emitOpError("expected a payload with ")
           << rows << " rows, got " << payload << " [" << payloadRule << "]";
  int64_t full = numerics::payloadRowBytes(cols, bits);
  int64_t stride = payload.getDimSize(1);
  if (ShapedType::isDynamic(stride) || stride > full ||
      (!bitmap && stride != full))
    return op->emitOpError("expected a payload row of ")
           << (bitmap ? "at most " : "") << full << " bytes for " << cols
           << " codes of " << bits << " bits, got " << payload << " ["
           << payloadRule << "]";
  if (!bitmap)
    return success();
  int64_t bytes = numerics::bitmapRowBytes(cols);
  if (bitmap.getRank() != 2 || bitmap.getDimSize(0) != rows ||
      bitmap.getDimSize(1) != bytes)
    return op->emitOpError("expected a bitmap of ")
           << rows << "x" << bytes << " bytes, got " << bitmap << " ["
           << bitmapRule << "]";
  return success();
}

//===----------------------------------------------------------------------===//
// ParameterOp
//===----------------------------------------------------------------------===//

LogicalResult ParameterOp::verify() {
  if (getName().empty())
    return emitOpError("expected a nonempty name [SQ-PARAM-1]");
  if (!cast<RankedTensorType>(getType()).hasStaticShape())
    return emitOpError("expected a static shape, got ")
           << getType() << " [SQ-PARAM-2]";
  // The accessor of a signless attribute is unsigned; the attribute isn't.
  if (IntegerAttr offset = getOffsetAttr(); offset && offset.getInt() < 0)
    return emitOpError("expected a nonnegative offset, got ")
           << offset.getInt() << " [SQ-PARAM-3]";
  return success();
}

void ParameterOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  // The last two parts of a dotted name tell weights apart: q_proj_weight.
  SmallVector<StringRef> parts;
  getName().split(parts, '.');
  std::string name;
  for (StringRef part : ArrayRef(parts).take_back(2))
    name += (name.empty() ? "" : "_") + part.str();
  for (char &c : name)
    if (!llvm::isAlnum(c))
      c = '_';
  setName(getResult(), name);
}

//===----------------------------------------------------------------------===//
// MaskOp
//===----------------------------------------------------------------------===//

LogicalResult MaskOp::verify() {
  auto type = cast<RankedTensorType>(getInput().getType());
  bool wanda = getCriterion() == Criterion::Wanda;
  if (wanda != static_cast<bool>(getNorms()))
    return emitOpError(wanda
                           ? "expected norms for the criterion wanda"
                           : "expected no norms unless the criterion is wanda")
           << " [SQ-MASK-1]";
  FailureOr<int64_t> axis = verifyAxis(*this, getAxis(), type, "SQ-MASK-3");
  if (failed(axis))
    return failure();
  if (Value norms = getNorms())
    if (failed(
            verifyCompatibleShape(cast<ShapedType>(norms.getType()).getShape(),
                                  type.getShape().slice(*axis, 1))))
      return emitOpError("expected one norm per element of axis ")
             << *axis << " of " << type << ", got " << norms.getType()
             << " [SQ-MASK-2]";
  if (getPattern().getPattern().kind == numerics::PatternKind::Block &&
      type.getRank() != 2)
    return emitOpError("expected rank 2 for a block pattern, got ")
           << type << " [SQ-MASK-4]";
  return success();
}

LogicalResult ApplyMaskOp::verify() {
  Type element = cast<RankedTensorType>(getType()).getElementType();
  auto floatType = dyn_cast<FloatType>(element);
  if (isa<IntegerType>(element) ||
      (floatType && APFloat::semanticsHasZero(floatType.getFloatSemantics())))
    return success();
  return emitOpError("expected integers, or floats that have a zero, got ")
         << element << " [SQ-APPLY-2]";
}

//===----------------------------------------------------------------------===//
// QuantizeOp, DequantizeOp, WidenOp
//===----------------------------------------------------------------------===//

void QuantizeOp::build(OpBuilder &builder, OperationState &state, Value input,
                       QuantFormatAttrInterface format, int64_t axis) {
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<Type> scales;
  std::optional<int64_t> normal = normalizeAxis(axis, type.getRank());
  for (RankedTensorType scale : format.getScaleTypes(type, *normal))
    scales.push_back(scale);
  build(builder, state, type.clone(format.getCodeType()), scales, input,
        /*staticScales=*/ValueRange(), format, axis);
}

LogicalResult QuantizeOp::verify() {
  auto type = cast<RankedTensorType>(getInput().getType());
  FailureOr<int64_t> axis = verifyAxis(*this, getAxis(), type, "SQ-QUANT-3");
  if (failed(axis) ||
      failed(verifyCodes(*this, getFormat(),
                         cast<ShapedType>(getValues().getType()), type,
                         "SQ-QUANT-1")))
    return failure();
  if (isStatic() && !getScales().empty())
    return emitOpError("expected no scale results beside static scales "
                       "[SQ-QUANT-2]");
  return verifyScales(*this, getFormat(), type, *axis,
                      getUsedScales().getTypes(), "SQ-QUANT-2");
}

LogicalResult DequantizeOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  FailureOr<int64_t> axis = verifyAxis(*this, getAxis(), type, "SQ-DEQUANT-3");
  if (failed(axis) ||
      failed(verifyCodes(*this, getFormat(),
                         cast<ShapedType>(getValues().getType()), type,
                         "SQ-DEQUANT-1")))
    return failure();
  return verifyScales(*this, getFormat(), type, *axis, getScales().getTypes(),
                      "SQ-DEQUANT-2");
}

/// Whether codes of a format can be widened to `type`: integers to bytes, what
/// f16 holds to f16.
static bool canBeWidened(const numerics::Format &format, Type type) {
  if (format.hasZeroPoint() || format.isHalf())
    return false;
  if (type.isF16())
    return format.element != numerics::Element::NF4;
  return type.isInteger(8) && format.integerFactor();
}

LogicalResult WidenOp::verify() {
  if (failed(verifyCodes(*this, getFormat(),
                         cast<ShapedType>(getValues().getType()),
                         cast<RankedTensorType>(getType()), "SQ-WIDEN-1")))
    return failure();
  Type element = cast<ShapedType>(getType()).getElementType();
  if (canBeWidened(getFormat().getFormat(), element))
    return success();
  return emitOpError("expected codes that stand for ")
         << (element.isF16() ? "values that f16 holds" : "integers")
         << ", without a zero point, got " << getFormat() << " [SQ-WIDEN-2]";
}

//===----------------------------------------------------------------------===//
// PackOp, UnpackOp
//===----------------------------------------------------------------------===//

static LogicalResult verifyPackedCodes(Operation *op, RankedTensorType codes,
                                       StringRef rule) {
  if (codes.getRank() == 2 && codes.hasStaticShape() &&
      codes.getElementType().isIntOrFloat() &&
      codes.getElementTypeBitWidth() <= 8)
    return success();
  return op->emitOpError("expected a static matrix of codes of at most 8 bits, "
                         "got ")
         << codes << " [" << rule << "]";
}

static ShapedType typeOrNull(Value value) {
  return value ? cast<ShapedType>(value.getType()) : ShapedType();
}

LogicalResult PackOp::verify() {
  auto codes = cast<RankedTensorType>(getValues().getType());
  if (failed(verifyPackedCodes(*this, codes, "SQ-PACK-1")))
    return failure();
  if (static_cast<bool>(getMask()) != static_cast<bool>(getBitmap()))
    return emitOpError("expected a bitmap with a mask, and only with it "
                       "[SQ-PACK-2]");
  if (ShapedType mask = typeOrNull(getMask()))
    if (mask.getShape() != codes.getShape())
      return emitOpError("expected a mask of shape ")
             << codes << ", got " << mask << " [SQ-PACK-5]";
  return verifyPacked(*this, codes.getDimSize(0), codes.getDimSize(1),
                      codes.getElementTypeBitWidth(),
                      cast<ShapedType>(getPayload().getType()),
                      typeOrNull(getBitmap()), "SQ-PACK-3", "SQ-PACK-4");
}

LogicalResult UnpackOp::verify() {
  auto codes = cast<RankedTensorType>(getType());
  if (failed(verifyPackedCodes(*this, codes, "SQ-UNPACK-1")))
    return failure();
  return verifyPacked(*this, codes.getDimSize(0), codes.getDimSize(1),
                      codes.getElementTypeBitWidth(),
                      cast<ShapedType>(getPayload().getType()),
                      typeOrNull(getBitmap()), "SQ-UNPACK-2", "SQ-UNPACK-3");
}

//===----------------------------------------------------------------------===//
// MatmulOp
//===----------------------------------------------------------------------===//

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

/// On tensors such an op is pure; on memrefs it reads its operands and updates
/// its destinations.
static void getDestinationStyleEffects(
    DestinationStyleOpInterface op,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    effects.emplace_back(MemoryEffects::Read::get(), &operand,
                         SideEffects::DefaultResource::get());
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand,
                           SideEffects::DefaultResource::get());
  }
}

void MatmulOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getDestinationStyleEffects(*this, effects);
}

//===----------------------------------------------------------------------===//
// sq.attention
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::verify() {
  SmallVector<Value> inits = {getInit()};
  llvm::append_range(inits, getCaches());
  bool onTensors = isa<RankedTensorType>(getInit().getType());
  if (llvm::any_of(getOperation()->getOperandTypes(),
                   [&](Type type) {
                     return isa<ShapedType>(type) &&
                            isa<RankedTensorType>(type) != onTensors;
                   }) ||
      (onTensors ? !llvm::equal(getResultTypes(), TypeRange(ValueRange(inits)))
                 : !getResults().empty()))
    return emitOpError("expected tensors and a result for outs and each cache, "
                       "or memrefs and none [SQ-ATT-6]");
  auto typeOf = [](Value value) { return cast<ShapedType>(value.getType()); };
  ShapedType query = typeOf(getQuery()), out = typeOf(getInit());
  if (query.getRank() != 4 ||
      failed(verifyCompatibleShape(query.getShape(), out.getShape())) ||
      !query.getElementType().isF32() || !out.getElementType().isF32() ||
      llvm::any_of(query.getShape().drop_front(), ShapedType::isDynamic))
    return emitOpError("expected an f32 query and outs of one shape [T, H, G, "
                       "D] with static H, G and D, got ")
           << query << " and " << out << " [SQ-ATT-1]";
  int64_t numTokens = query.getDimSize(0), heads = getNumHeads(),
          size = getHeadDim();
  Type element = getCacheType(), f32 = query.getElementType();
  if (!element.isF32() && !element.isF16() && !element.isInteger(8))
    return emitOpError("expected keys in f32, f16 or i8, got ")
           << getKey().getType() << " [SQ-ATT-2]";
  auto expect = [&](StringRef what, Value value, ArrayRef<int64_t> shape,
                    Type type, StringRef rule) -> LogicalResult {
    ShapedType actual = typeOf(value);
    if (succeeded(verifyCompatibleShape(actual.getShape(), shape)) &&
        actual.getElementType() == type)
      return success();
    return emitOpError("expected ")
           << what << " of type " << RankedTensorType::get(shape, type)
           << ", got " << actual << " [" << rule << "]";
  };
  if (failed(expect("keys", getKey(), {numTokens, heads, size}, element,
                    "SQ-ATT-2")) ||
      failed(expect("values", getValue(), {numTokens, heads, size}, element,
                    "SQ-ATT-2")))
    return failure();

  size_t numScales = element.isInteger(8) ? 2 : 0;
  if (getScales().size() != numScales || getCaches().size() != 2 + numScales)
    return emitOpError("expected ")
           << numScales << " tensors of scales and " << 2 + numScales
           << " caches with keys in " << element << ", got "
           << getScales().size() << " and " << getCaches().size()
           << " [SQ-ATT-4]";
  ShapedType values = typeOf(getCaches()[1]);
  if (values.getRank() != 4 || !values.hasStaticShape() ||
      values.getDimSize(2) % kPositionBlock != 0)
    return emitOpError("expected a value cache [L, H, C, D] with C a multiple "
                       "of ")
           << kPositionBlock << ", got " << values << " [SQ-ATT-3]";
  int64_t layers = values.getDimSize(0), capacity = values.getDimSize(2);
  if (failed(expect("a key cache", getCaches()[0],
                    {layers, heads, capacity / kLanes, size, kLanes}, element,
                    "SQ-ATT-3")) ||
      failed(expect("a value cache", getCaches()[1],
                    {layers, heads, capacity, size}, element, "SQ-ATT-3")))
    return failure();
  for (size_t i = 0; i < numScales; ++i)
    if (failed(expect("scales", getScales()[i], {numTokens, heads, 1}, f32,
                      "SQ-ATT-4")) ||
        failed(expect("a cache of scales", getCaches()[2 + i],
                      {layers, heads, capacity}, f32, "SQ-ATT-4")))
      return failure();
  auto layer = static_cast<int64_t>(getLayer());
  if (layer < 0 || layer >= layers)
    return emitOpError("expected a layer of the ")
           << layers << " that the caches have, got " << layer << " [SQ-ATT-5]";
  return success();
}

void AttentionOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  getDestinationStyleEffects(*this, effects);
}
