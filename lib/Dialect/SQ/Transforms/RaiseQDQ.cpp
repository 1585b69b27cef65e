//===- RaiseQDQ.cpp - Quantize and dequantize steps as arithmetic ---------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// codes = convert(clamp(roundeven(x / scale) + zero point))
// x'    = (convert(codes) - zero point) * scale
//
// Both are matched backwards from the op that yields the result. Between the
// two there may be codes, or, in a fake quantizer, only f32.
//
//===----------------------------------------------------------------------===//
#include "RaiseMatchers.h"
#include "RaiseScales.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::sq;

bool mlir::sq::isElementwiseRoot(Operation *op) {
  if (op->getNumResults() != 1 ||
      !isa<RankedTensorType>(op->getResult(0).getType()))
    return false;
  return isElementwiseLinalg(op) ||
         (OpTrait::hasElementwiseMappableTraits(op) &&
          isa<arith::ArithDialect, math::MathDialect>(op->getDialect()));
}

/// The op that computes the result of `root`, if it is `root` or in its body:
/// a copy of an element isn't one more step.
static Operation *getOwnOp(Operation *root) {
  Operation *op = Element::of(root->getResult(0)).getOp();
  return op && root->isAncestor(op) ? op : nullptr;
}

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What a chain of clamps leaves.
struct Range {
  double low = -kInfinity, high = kInfinity;
  bool isBounded() const { return low != -kInfinity || high != kInfinity; }
};

/// The steps from a code (integer or, in a fake quantizer, f32) back to x.
class EncodeChain {
public:
  explicit EncodeChain(std::string &reason) : reason(reason) {}

  /// Fails with a reason if there is a rounding step but something is amiss.
  LogicalResult match(Element codes);
  /// Picks the width for f32 codes; checks the range.
  LogicalResult matchRange(std::optional<unsigned> bits,
                           const RaiseOptions &options);

  std::optional<Element> input, scale, zeroPoint;
  unsigned bits = 0;
  bool isSigned = true;

private:
  LogicalResult step(Operation *op, Element &at);
  LogicalResult clamp(Operation *op, Element &at, bool isLow, bool isUnsigned);
  LogicalResult addZeroPoint(Operation *op, Element &at);
  LogicalResult fail(const Twine &why) {
    if (reason.empty())
      reason = why.str();
    return failure();
  }

  std::string &reason;
  /// After and before the zero point was added.
  Range outer, inner;
  bool rounded = false, converted = false, unsignedCodes = false;
};
} // namespace

static std::optional<double> getNumber(const Element &element,
                                       bool isUnsigned) {
  if (std::optional<APFloat> value = element.getFloat())
    return value->convertToDouble();
  if (std::optional<APInt> value = element.getInteger())
    return isUnsigned ? static_cast<double>(value->getZExtValue())
                      : static_cast<double>(value->getSExtValue());
  return std::nullopt;
}

LogicalResult EncodeChain::clamp(Operation *op, Element &at, bool isLow,
                                 bool isUnsigned) {
  for (unsigned side : {1u, 0u}) {
    std::optional<double> bound = getNumber(at.getOperand(side), isUnsigned);
    if (!bound)
      continue;
    Range &range = zeroPoint ? inner : outer;
    if (isLow)
      range.low = std::max(range.low, *bound);
    else
      range.high = std::min(range.high, *bound);
    at = at.getOperand(1 - side);
    return success();
  }
  return fail("a bound of the clamp isn't constant");
}

LogicalResult EncodeChain::addZeroPoint(Operation *op, Element &at) {
  if (zeroPoint)
    return fail("two additions where a quantizer has one zero point");
  // The constant, or what is converted from a tensor of integers.
  for (unsigned side : {1u, 0u}) {
    Element candidate = at.getOperand(side);
    Operation *def = candidate.getOp();
    bool isConversion = isa_and_present<arith::SIToFPOp, arith::UIToFPOp,
                                        arith::ExtSIOp, arith::ExtUIOp>(def) &&
                        !candidate.getOperand(0).getOp();
    if (!candidate.getFloat() && !candidate.getInteger() &&
        !candidate.getDense() && !isConversion)
      continue;
    zeroPoint = candidate;
    at = at.getOperand(1 - side);
    return success();
  }
  return fail("the zero point isn't constant");
}

LogicalResult EncodeChain::step(Operation *op, Element &at) {
  // Integers on the way to the codes' type.
  if (isa<arith::TruncIOp>(op) && !rounded) {
    at = at.getOperand(0);
    return success();
  }
  if (isa<arith::FPToSIOp, arith::FPToUIOp>(op) && !rounded && !converted) {
    converted = true;
    unsignedCodes = isa<arith::FPToUIOp>(op);
    at = at.getOperand(0);
    return success();
  }
  if (isa<arith::MaximumFOp, arith::MaxNumFOp, arith::MaxSIOp>(op))
    return clamp(op, at, /*isLow=*/true, /*isUnsigned=*/false);
  if (isa<arith::MinimumFOp, arith::MinNumFOp, arith::MinSIOp>(op))
    return clamp(op, at, /*isLow=*/false, /*isUnsigned=*/false);
  if (isa<arith::MaxUIOp>(op))
    return clamp(op, at, /*isLow=*/true, /*isUnsigned=*/true);
  if (isa<arith::MinUIOp>(op))
    return clamp(op, at, /*isLow=*/false, /*isUnsigned=*/true);
  if (isa<arith::AddFOp, arith::AddIOp>(op)) {
    if (rounded)
      return fail("the zero point is added before rounding; sq rounds the "
                  "quotient alone");
    return addZeroPoint(op, at);
  }
  if (isa<math::RoundEvenOp>(op) && !rounded) {
    rounded = true;
    at = at.getOperand(0);
    return success();
  }
  if (isa<math::RoundOp>(op))
    return fail("math.round rounds ties away from zero; sq rounds them to "
                "even (math.roundeven)");
  if (isa<math::FloorOp, math::CeilOp, math::TruncOp>(op))
    return fail("'" + op->getName().getStringRef() +
                "' doesn't round to the nearest; sq does (math.roundeven)");
  if (isa<arith::DivFOp>(op)) {
    if (!rounded)
      return converted
                 ? fail("converting to an integer truncates; sq rounds to the "
                        "nearest even (math.roundeven)")
                 : failure();
    input = at.getOperand(0);
    scale = at.getOperand(1);
    return success();
  }
  if (isa<arith::MulFOp>(op) && rounded)
    return fail("a multiplication by the scale's reciprocal rounds differently "
                "from sq's division");
  return failure();
}

LogicalResult EncodeChain::match(Element codes) {
  Element at = codes;
  while (!input) {
    Operation *op = at.getOp();
    if (!op || failed(step(op, at))) {
      // A rounding that isn't part of a quantizer has nothing to say.
      if (!rounded && !converted)
        reason.clear();
      return failure();
    }
  }
  if (!input->getElementType().isF32())
    return fail("the input isn't f32, what sq quantizes");
  std::optional<Element> tensor = input->asTensor();
  if (!tensor)
    return fail("the input is computed inside of the same op; sq.quantize "
                "needs it as a tensor");
  if (!tensor->isIdentity())
    return fail("the input isn't read element by element in its own order");
  input = tensor;
  return success();
}

LogicalResult EncodeChain::matchRange(std::optional<unsigned> width,
                                      const RaiseOptions &options) {
  Range range = outer;
  if (inner.isBounded()) {
    // clamp(round(x / s)) + z: the same as a clamp that is moved by z.
    std::optional<double> shift;
    if (Operation *op = zeroPoint->getOp())
      shift = getNumber(zeroPoint->getOperand(0),
                        isa<arith::UIToFPOp, arith::ExtUIOp>(op));
    else
      shift = getNumber(*zeroPoint, unsignedCodes);
    if (!shift)
      return fail("the clamp comes before zero points that differ");
    range.low = std::max(range.low, inner.low + *shift);
    range.high = std::min(range.high, inner.high + *shift);
  }
  isSigned = range.low < 0.0 || (!range.isBounded() && !unsignedCodes);
  if (width) {
    bits = *width;
  } else {
    // The narrowest format that has the largest code.
    bits = 2;
    while (bits < 8 &&
           range.high > (isSigned ? (1 << (bits - 1)) - 1 : (1 << bits) - 1))
      ++bits;
  }
  return success(isFormatRange(bits, isSigned, range.low, range.high,
                               options.allowNarrowRange, reason));
}

/// The integer width of `type`; nullopt if it isn't one that codes have.
static std::optional<unsigned> getCodeBits(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer || !integer.isSignless() || integer.getWidth() < 2 ||
      integer.getWidth() > 8)
    return std::nullopt;
  return integer.getWidth();
}

//===----------------------------------------------------------------------===//
// Quantize
//===----------------------------------------------------------------------===//

LogicalResult mlir::sq::raiseQuantize(Operation *op,
                                      const RaiseOptions &options,
                                      PatternRewriter *rewriter,
                                      std::string &reason) {
  if (!isElementwiseRoot(op) || !getOwnOp(op))
    return failure();
  Value root = op->getResult(0);
  auto type = cast<RankedTensorType>(root.getType());
  std::optional<unsigned> bits = getCodeBits(type.getElementType());
  if (!bits)
    return failure();
  EncodeChain chain(reason);
  if (failed(chain.match(Element::of(root))) ||
      failed(chain.matchRange(bits, options)))
    return failure();
  ForeignScales scales(type, *chain.scale, chain.zeroPoint);
  if (failed(scales.match(chain.bits, chain.isSigned, reason)))
    return failure();
  if (rewriter) {
    StaticQuantization quantization = scales.build(*rewriter, op->getLoc());
    rewriter->replaceOp(op,
                        createStaticQuantize(*rewriter, op->getLoc(),
                                             chain.input->value, quantization));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Dequantize, and both in one
//===----------------------------------------------------------------------===//

namespace {
/// The steps from x' back to codes, or to the f32 codes of a fake quantizer.
struct DecodeChain {
  /// `factor` is the side of the multiplication by the scale that isn't it.
  LogicalResult match(Element factor, std::string &reason);

  std::optional<Element> codes, zeroPoint;
  bool isSigned = true, isInteger = false;
};
} // namespace

LogicalResult DecodeChain::match(Element factor, std::string &reason) {
  Element at = factor;
  Operation *op = at.getOp();
  if (!op)
    return failure();
  if (isa<arith::SubFOp>(op)) {
    zeroPoint = at.getOperand(1);
    at = at.getOperand(0);
    op = at.getOp();
  }
  if (!isa_and_present<arith::SIToFPOp, arith::UIToFPOp>(op)) {
    codes = at;
    return success();
  }
  isSigned = isa<arith::SIToFPOp>(op);
  isInteger = true;
  at = at.getOperand(0);
  op = at.getOp();
  if (isa_and_present<arith::SubIOp>(op) && !zeroPoint) {
    if (getCodeBits(at.getElementType())) {
      reason = "the zero point is subtracted in the codes' own type, which "
               "wraps around";
      return failure();
    }
    zeroPoint = at.getOperand(1);
    at = at.getOperand(0);
    op = at.getOp();
  }
  if (isa_and_present<arith::ExtSIOp, arith::ExtUIOp>(op)) {
    isSigned = isa<arith::ExtSIOp>(op);
    at = at.getOperand(0);
  }
  codes = at;
  return success();
}

/// Zero points are equal if the integers are.
static bool isSameZeroPoint(Element a, Element b) {
  auto strip = [](Element element) {
    while (isa_and_present<arith::SIToFPOp, arith::UIToFPOp, arith::ExtSIOp,
                           arith::ExtUIOp>(element.getOp()))
      element = element.getOperand(0);
    return element;
  };
  return strip(a) == strip(b);
}

static LogicalResult raiseFake(Operation *op, const DecodeChain &decode,
                               const Element &scale,
                               const RaiseOptions &options,
                               PatternRewriter *rewriter, std::string &reason) {
  EncodeChain encode(reason);
  if (failed(encode.match(*decode.codes)))
    return failure();
  std::optional<unsigned> bits;
  if (decode.isInteger)
    bits = getCodeBits(decode.codes->getElementType());
  if (failed(encode.matchRange(bits, options)))
    return failure();
  if (!(*encode.scale == scale)) {
    reason = "the values are divided by one scale and multiplied by another";
    return failure();
  }
  if (encode.zeroPoint.has_value() != decode.zeroPoint.has_value() ||
      (encode.zeroPoint &&
       !isSameZeroPoint(*encode.zeroPoint, *decode.zeroPoint))) {
    reason = "the zero point that is added isn't the one that is subtracted";
    return failure();
  }
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  ForeignScales scales(type, scale, encode.zeroPoint);
  if (failed(scales.match(encode.bits, encode.isSigned, reason)))
    return failure();
  if (rewriter) {
    StaticQuantization quantization = scales.build(*rewriter, op->getLoc());
    Value codes = createStaticQuantize(*rewriter, op->getLoc(),
                                       encode.input->value, quantization);
    rewriter->replaceOp(op, createStaticDequantize(*rewriter, op->getLoc(),
                                                   codes, quantization));
  }
  return success();
}

static LogicalResult raiseDecode(Operation *op, const DecodeChain &decode,
                                 const Element &scale,
                                 PatternRewriter *rewriter,
                                 std::string &reason) {
  std::optional<unsigned> bits = getCodeBits(decode.codes->getElementType());
  if (!bits)
    return failure();
  Element codes = *decode.codes->asTensor();
  if (!codes.isIdentity()) {
    reason = "the codes aren't read element by element in their own order";
    return failure();
  }
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  ForeignScales scales(type, scale, decode.zeroPoint);
  if (failed(scales.match(*bits, decode.isSigned, reason)))
    return failure();
  if (rewriter) {
    StaticQuantization quantization = scales.build(*rewriter, op->getLoc());
    rewriter->replaceOp(op, createStaticDequantize(*rewriter, op->getLoc(),
                                                   codes.value, quantization));
  }
  return success();
}

LogicalResult mlir::sq::raiseDequantize(Operation *op,
                                        const RaiseOptions &options,
                                        PatternRewriter *rewriter,
                                        std::string &reason) {
  if (!isElementwiseRoot(op) || !getElementTypeOrSelf(op->getResult(0)).isF32())
    return failure();
  Operation *own = getOwnOp(op);
  if (!isa_and_present<arith::MulFOp>(own))
    return failure();
  Element product = Element::of(op->getResult(0));
  for (unsigned side : {0u, 1u}) {
    std::string why;
    DecodeChain decode;
    Element scale = product.getOperand(1 - side);
    if (succeeded(decode.match(product.getOperand(side), why))) {
      bool stored = getCodeBits(decode.codes->getElementType()) &&
                    decode.codes->asTensor();
      if (succeeded(stored
                        ? raiseDecode(op, decode, scale, rewriter, why)
                        : raiseFake(op, decode, scale, options, rewriter, why)))
        return success();
    }
    if (reason.empty())
      reason = why;
  }
  return failure();
}

void mlir::sq::populateRaiseQDQPatterns(RewritePatternSet &patterns,
                                        const RaiseOptions &options) {
  patterns.add<RaisePattern>(patterns.getContext(), raiseQuantize, options);
  patterns.add<RaisePattern>(patterns.getContext(), raiseDequantize, options);
}
