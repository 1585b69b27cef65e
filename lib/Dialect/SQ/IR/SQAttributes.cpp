//===- SQAttributes.cpp - Patterns and formats as attributes ----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "llvm/ADT/TypeSwitch.h"

#include <charconv>

using namespace mlir;
using namespace mlir::sq;

//===----------------------------------------------------------------------===//
// Parsing and printing of the pieces that attributes share
//===----------------------------------------------------------------------===//

static ParseResult parseFraction(AsmParser &parser, FailureOr<APFloat> &value) {
  double number;
  if (parser.parseFloat(number))
    return failure();
  value = APFloat(number);
  return success();
}

/// The shortest decimal that reads back as `value`.
static void printFraction(AsmPrinter &printer, const APFloat &value) {
  char buffer[32];
  auto [end, status] =
      std::to_chars(buffer, buffer + sizeof(buffer), value.convertToDouble());
  StringRef text(buffer, end - buffer);
  // A float literal of MLIR needs its point, in front of an exponent too.
  size_t exponent = std::min(text.find('e'), text.size());
  printer << text.take_front(exponent) << (text.contains('.') ? "" : ".0")
          << text.drop_front(exponent);
}

static ParseResult parseBlockDims(AsmParser &parser, int64_t &rows,
                                  int64_t &cols) {
  SmallVector<int64_t> dims;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseDimensionList(dims, /*allowDynamic=*/false,
                                /*withTrailingX=*/false))
    return failure();
  if (dims.size() != 2)
    return parser.emitError(loc, "expected block extents such as 16x4");
  rows = dims[0];
  cols = dims[1];
  return success();
}

static void printBlockDims(AsmPrinter &printer, int64_t rows, int64_t cols) {
  printer << rows << 'x' << cols;
}

static ParseResult parseGrouping(AsmParser &parser, Scope &scope,
                                 int64_t &groupSize) {
  StringRef keyword;
  SMLoc loc = parser.getCurrentLocation();
  groupSize = 0;
  if (parser.parseKeyword(&keyword))
    return failure();
  std::optional<Scope> parsed = symbolizeScope(keyword);
  if (!parsed)
    return parser.emitError(loc, "expected 'tensor', 'row' or 'group = N'");
  scope = *parsed;
  if (scope == Scope::Group)
    return failure(parser.parseEqual() || parser.parseInteger(groupSize));
  return success();
}

static void printGrouping(AsmPrinter &printer, Scope scope, int64_t groupSize) {
  printer << stringifyScope(scope);
  if (scope == Scope::Group)
    printer << " = " << groupSize;
}

static ParseResult parseScaleOption(AsmParser &parser, Type &scaleType) {
  scaleType = parser.getBuilder().getF32Type();
  if (failed(parser.parseOptionalComma()))
    return success();
  return failure(parser.parseKeyword("scale") || parser.parseEqual() ||
                 parser.parseType(scaleType));
}

static void printScaleOption(AsmPrinter &printer, Type scaleType) {
  if (!scaleType.isF32())
    printer << ", scale = " << scaleType;
}

static ParseResult parseIntOptions(AsmParser &parser, Type &scaleType,
                                   bool &symmetric) {
  scaleType = parser.getBuilder().getF32Type();
  symmetric = true;
  while (succeeded(parser.parseOptionalComma())) {
    if (succeeded(parser.parseOptionalKeyword("asymmetric"))) {
      symmetric = false;
    } else if (parser.parseKeyword("scale") || parser.parseEqual() ||
               parser.parseType(scaleType)) {
      return failure();
    }
  }
  return success();
}

static void printIntOptions(AsmPrinter &printer, Type scaleType,
                            bool symmetric) {
  printScaleOption(printer, scaleType);
  if (!symmetric)
    printer << ", asymmetric";
}

#define GET_ATTRDEF_CLASSES
#include "sparse-quant/Dialect/SQ/IR/SQAttrInterfaces.cpp.inc"
#include "sparse-quant/Dialect/SQ/IR/SQAttributes.cpp.inc"

ParseResult mlir::sq::detail::parseBareAttr(AsmParser &parser,
                                            Attribute &attr) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef mnemonic;
  OptionalParseResult result =
      generatedAttributeParser(parser, &mnemonic, Type(), attr);
  if (result.has_value())
    return *result;
  return parser.emitError(loc, "expected a pattern or format of the sq dialect "
                               "such as nm<2:4> or int<8, row>");
}

void mlir::sq::detail::printBareAttr(AsmPrinter &printer, Attribute attr) {
  if (failed(generatedAttributePrinter(attr, printer)))
    printer << attr;
}

void SQDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "sparse-quant/Dialect/SQ/IR/SQAttributes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// To and from numerics
//===----------------------------------------------------------------------===//

// The two enums spell the same three cases; Numerics has no MLIR headers.
static numerics::GroupScope toNumerics(Scope scope) {
  return static_cast<numerics::GroupScope>(scope);
}
static Scope fromNumerics(numerics::GroupScope scope) {
  return static_cast<Scope>(scope);
}

static std::optional<numerics::Element> getFloatElement(Type type) {
  return llvm::TypeSwitch<Type, std::optional<numerics::Element>>(type)
      .Case<Float8E4M3FNType>([](auto) { return numerics::Element::E4M3FN; })
      .Case<Float8E5M2Type>([](auto) { return numerics::Element::E5M2; })
      .Case<Float6E2M3FNType>([](auto) { return numerics::Element::E2M3FN; })
      .Case<Float6E3M2FNType>([](auto) { return numerics::Element::E3M2FN; })
      .Case<Float4E2M1FNType>([](auto) { return numerics::Element::E2M1FN; })
      .Default([](Type) { return std::nullopt; });
}

static Type getElementType(MLIRContext *context,
                           const numerics::Format &format) {
  switch (format.element) {
  case numerics::Element::Int:
    return IntegerType::get(context, format.bits);
  case numerics::Element::E4M3FN:
    return Float8E4M3FNType::get(context);
  case numerics::Element::E5M2:
    return Float8E5M2Type::get(context);
  case numerics::Element::E2M3FN:
    return Float6E2M3FNType::get(context);
  case numerics::Element::E3M2FN:
    return Float6E3M2FNType::get(context);
  case numerics::Element::E2M1FN:
    return Float4E2M1FNType::get(context);
  case numerics::Element::NF4:
    return IntegerType::get(context, format.bits);
  case numerics::Element::F16:
    return Float16Type::get(context);
  case numerics::Element::BF16:
    return BFloat16Type::get(context);
  }
  llvm_unreachable("unknown element");
}

numerics::Pattern NMAttr::getPattern() const {
  return numerics::Pattern::nm(getN(), getM());
}
numerics::Pattern UnstructuredAttr::getPattern() const {
  return numerics::Pattern::unstructured(getSparsity().convertToDouble(),
                                         getScope() == Scope::Tensor
                                             ? numerics::SparsityScope::Tensor
                                             : numerics::SparsityScope::Row);
}
numerics::Pattern BlockAttr::getPattern() const {
  return numerics::Pattern::block(getRows(), getCols(),
                                  getSparsity().convertToDouble());
}

/// Of a format whose scale is real.
static numerics::ScaleType getRealScaleType(Type type) {
  return type.isF16() ? numerics::ScaleType::F16 : numerics::ScaleType::F32;
}
static Type getRealScaleType(MLIRContext *context, numerics::ScaleType type) {
  if (type == numerics::ScaleType::F16)
    return Float16Type::get(context);
  return Float32Type::get(context);
}

numerics::Format IntAttr::getFormat() const {
  numerics::Format format = numerics::Format::integer(
      getBits(), toNumerics(getScope()), getGroupSize(),
      getRealScaleType(getScaleType()));
  format.symmetric = getSymmetric();
  return format;
}
numerics::Format Fp8Attr::getFormat() const {
  // The verifier has seen to it that there is one.
  // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage)
  numerics::Format format = numerics::Format::fp8(
      *getFloatElement(getElement()), toNumerics(getScope()));
  format.groupSize = getGroupSize();
  return format;
}
numerics::Format MxAttr::getFormat() const {
  return numerics::Format::mx(
      getFloatElement(getElement()).value_or(numerics::Element::Int));
}
numerics::Format NvFp4Attr::getFormat() const {
  return numerics::Format::nvfp4();
}
numerics::Format HbfpAttr::getFormat() const {
  numerics::Format format =
      numerics::Format::hbfp(getMantissaBits(), getGroupSize());
  format.scope = toNumerics(getScope());
  return format;
}

numerics::Format Nf4Attr::getFormat() const {
  return numerics::Format::nf4(toNumerics(getScope()), getGroupSize(),
                               getRealScaleType(getScaleType()));
}

numerics::Format HalfAttr::getFormat() const {
  return numerics::Format::half(getElement().isF16() ? numerics::Element::F16
                                                     : numerics::Element::BF16);
}

#define SQ_CODE_TYPE(Attr)                                                     \
  Type Attr::getCodeType() const {                                             \
    return getElementType(getContext(), getFormat());                          \
  }
SQ_CODE_TYPE(IntAttr)
SQ_CODE_TYPE(Fp8Attr)
SQ_CODE_TYPE(MxAttr)
SQ_CODE_TYPE(NvFp4Attr)
SQ_CODE_TYPE(HbfpAttr)
SQ_CODE_TYPE(Nf4Attr)
SQ_CODE_TYPE(HalfAttr)
#undef SQ_CODE_TYPE

//===----------------------------------------------------------------------===//
// Verifiers: what Numerics' own check can't see
//===----------------------------------------------------------------------===//

using EmitError = function_ref<InFlightDiagnostic()>;

/// Numerics says what is wrong; `rule` is where the attribute's description
/// says what is right.
static LogicalResult report(EmitError emitError, const numerics::Error &error,
                            StringRef rule) {
  if (!error)
    return success();
  return emitError() << *error << " [" << rule << "]";
}

LogicalResult CostAttr::verify(EmitError emitError, int64_t inputs, int64_t ns,
                               int64_t bytes, int64_t ops, Bound) {
  if (inputs > 0 && ns >= 0 && bytes >= 0 && ops >= 0)
    return success();
  return emitError() << "expected inputs above zero and no negative numbers, "
                        "got inputs = "
                     << inputs << ", ns = " << ns << ", bytes = " << bytes
                     << ", ops = " << ops << " [SQ-COST-1]";
}

LogicalResult NMAttr::verify(EmitError emitError, int64_t n, int64_t m) {
  return report(emitError, numerics::Pattern::nm(n, m).verify(), "SQ-NM-1");
}

LogicalResult UnstructuredAttr::verify(EmitError emitError, APFloat sparsity,
                                       Scope scope) {
  if (scope == Scope::Group)
    return emitError()
           << "expected scope 'row' or 'tensor' [SQ-UNSTRUCTURED-2]";
  return report(emitError,
                numerics::Pattern::unstructured(sparsity.convertToDouble(),
                                                numerics::SparsityScope::Row)
                    .verify(),
                "SQ-UNSTRUCTURED-1");
}

LogicalResult BlockAttr::verify(EmitError emitError, int64_t rows, int64_t cols,
                                APFloat sparsity) {
  using numerics::Pattern;
  if (failed(report(emitError, Pattern::block(rows, cols, 0.0).verify(),
                    "SQ-BLOCK-1")))
    return failure();
  return report(emitError,
                Pattern::block(1, 1, sparsity.convertToDouble()).verify(),
                "SQ-BLOCK-2");
}

LogicalResult IntAttr::verify(EmitError emitError, unsigned bits, Scope scope,
                              int64_t groupSize, Type scaleType,
                              bool symmetric) {
  using numerics::Format;
  using numerics::GroupScope;
  // One part after the other, the others harmless, so that each has its rule.
  if (failed(report(emitError, Format::integer(bits, GroupScope::Row).verify(),
                    "SQ-INT-1")) ||
      failed(report(emitError,
                    Format::integer(8, toNumerics(scope), groupSize).verify(),
                    "SQ-INT-2")))
    return failure();
  if (!scaleType.isF32() && !scaleType.isF16())
    return emitError() << "expected scale type f32 or f16, got " << scaleType
                       << " [SQ-INT-3]";
  Format format = Format::integer(bits, toNumerics(scope), groupSize,
                                  getRealScaleType(scaleType));
  format.symmetric = symmetric;
  return report(emitError, format.verify(), "SQ-INT-4");
}

LogicalResult Fp8Attr::verify(EmitError emitError, Type element, Scope scope,
                              int64_t groupSize) {
  if (!isa<Float8E4M3FNType, Float8E5M2Type>(element))
    return emitError() << "expected element type f8E4M3FN or f8E5M2, got "
                       << element << " [SQ-FP8-1]";
  numerics::Format format =
      // Both types have one.
      // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage)
      numerics::Format::fp8(*getFloatElement(element), toNumerics(scope));
  format.groupSize = groupSize;
  return report(emitError, format.verify(), "SQ-FP8-2");
}

LogicalResult MxAttr::verify(EmitError emitError, Type element) {
  if (!element.isSignlessInteger(8) && !getFloatElement(element))
    return emitError() << "expected element type f8E4M3FN, f8E5M2, f6E2M3FN, "
                          "f6E3M2FN, f4E2M1FN or i8, got "
                       << element << " [SQ-MX-1]";
  return success();
}

LogicalResult HbfpAttr::verify(EmitError emitError, unsigned mantissaBits,
                               Scope scope, int64_t groupSize) {
  using numerics::Format;
  if (failed(
          report(emitError, Format::hbfp(mantissaBits).verify(), "SQ-HBFP-1")))
    return failure();
  Format format = Format::hbfp(7, groupSize);
  format.scope = toNumerics(scope);
  return report(emitError, format.verify(), "SQ-HBFP-2");
}

LogicalResult Nf4Attr::verify(EmitError emitError, Scope scope,
                              int64_t groupSize, Type scaleType) {
  if (!scaleType.isF32() && !scaleType.isF16())
    return emitError() << "expected scale type f32 or f16, got " << scaleType
                       << " [SQ-NF4-2]";
  return report(emitError,
                numerics::Format::nf4(toNumerics(scope), groupSize,
                                      getRealScaleType(scaleType))
                    .verify(),
                "SQ-NF4-1");
}

LogicalResult HalfAttr::verify(EmitError emitError, Type element) {
  if (!element.isF16() && !element.isBF16())
    return emitError() << "expected element type f16 or bf16, got " << element
                       << " [SQ-HALF-1]";
  return success();
}

//===----------------------------------------------------------------------===//
// Attributes from plain data
//===----------------------------------------------------------------------===//

QuantFormatAttrInterface
mlir::sq::getFormatAttr(MLIRContext *context, const numerics::Format &format) {
  Scope scope = fromNumerics(format.scope);
  Type element = getElementType(context, format);
  switch (format.family) {
  case numerics::Family::Int:
    return IntAttr::get(context, format.bits, scope, format.groupSize,
                        getRealScaleType(context, format.scaleType),
                        format.symmetric);
  case numerics::Family::Fp8:
    return Fp8Attr::get(context, element, scope, format.groupSize);
  case numerics::Family::Mx:
    return MxAttr::get(context, element);
  case numerics::Family::NvFp4:
    return NvFp4Attr::get(context);
  case numerics::Family::Hbfp:
    return HbfpAttr::get(context, format.bits - 1, scope, format.groupSize);
  case numerics::Family::Nf4:
    return Nf4Attr::get(context, scope, format.groupSize,
                        getRealScaleType(context, format.scaleType));
  case numerics::Family::Half:
    return HalfAttr::get(context, element);
  }
  llvm_unreachable("unknown family");
}

SparsityPatternAttrInterface
mlir::sq::getPatternAttr(MLIRContext *context,
                         const numerics::Pattern &pattern) {
  switch (pattern.kind) {
  case numerics::PatternKind::NM:
    return NMAttr::get(context, pattern.n, pattern.m);
  case numerics::PatternKind::Unstructured:
    return UnstructuredAttr::get(
        context, APFloat(pattern.sparsity),
        pattern.scope == numerics::SparsityScope::Tensor ? Scope::Tensor
                                                         : Scope::Row);
  case numerics::PatternKind::Block:
    return BlockAttr::get(context, pattern.blockRows, pattern.blockCols,
                          APFloat(pattern.sparsity));
  }
  llvm_unreachable("unknown pattern");
}
