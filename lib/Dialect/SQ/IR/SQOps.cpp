//===- SQOps.cpp - Verifiers and interfaces of the sq ops -------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Verifiers.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/Layout.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::detail;

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

LogicalResult sq::detail::verifyScales(Operation *op,
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

LogicalResult sq::detail::verifyPacked(Operation *op, int64_t rows,
                                       int64_t cols, unsigned bits,
                                       ShapedType payload, ShapedType bitmap,
                                       StringRef payloadRule,
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

void sq::detail::getDestinationStyleEffects(
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

bool sq::detail::canBeWidened(const numerics::Format &format, Type type) {
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
