//===- Pack.cpp - sq.pack and sq.unpack to linalg and scf -----------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Internal.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::sq;
using IPred = arith::CmpIPredicate;

static Value constantIndex(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

static Value toIndex(ImplicitLocOpBuilder &b, Value value) {
  return arith::IndexCastOp::create(b, b.getIndexType(), value);
}

static Value toI32(ImplicitLocOpBuilder &b, Value value) {
  return arith::IndexCastOp::create(b, b.getI32Type(), value);
}

/// Set bits of an i8, as i32.
static Value countBits(ElementCodec &codec, Value byte) {
  return codec.zeroExtend(math::CtPopOp::create(codec.builder(), byte));
}

//===----------------------------------------------------------------------===//
// Unpack
//===----------------------------------------------------------------------===//

/// For each byte of the bitmap, how many kept elements of the row lie before
/// it: tensor<N x B x i32>. One step a byte, so that the rank of an element is
/// one population count away.
static Value createRankDirectory(OpBuilder &b, Location loc, Value bitmap) {
  auto type = cast<RankedTensorType>(bitmap.getType());
  Value zero = constantIndex(b, loc, 0), one = constantIndex(b, loc, 1);
  Value rows = constantIndex(b, loc, type.getDimSize(0));
  Value bytes = constantIndex(b, loc, type.getDimSize(1));
  Value noRank = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
  Value empty =
      tensor::EmptyOp::create(b, loc, type.getShape(), b.getI32Type());
  auto rowLoop = scf::ForOp::create(
      b, loc, zero, rows, one, ValueRange{empty},
      [&](OpBuilder &nested, Location loc, Value row, ValueRange args) {
        auto byteLoop = scf::ForOp::create(
            nested, loc, zero, bytes, one, ValueRange{args[0], noRank},
            [&](OpBuilder &nested, Location loc, Value byte, ValueRange args) {
              ElementCodec codec(nested, loc);
              Value directory = tensor::InsertOp::create(
                  nested, loc, args[1], args[0], ValueRange{row, byte});
              Value bits = tensor::ExtractOp::create(nested, loc, bitmap,
                                                     ValueRange{row, byte});
              Value rank = arith::AddIOp::create(nested, loc, args[1],
                                                 countBits(codec, bits));
              scf::YieldOp::create(nested, loc, ValueRange{directory, rank});
            });
        scf::YieldOp::create(nested, loc, byteLoop.getResult(0));
      });
  return rowLoop.getResult(0);
}

/// Reads `bits` bits at bit `position` (i32) of row `row`, as i32. Bytes beyond
/// the row are not read, whatever the position.
static Value readBits(ElementCodec &codec, Value payload, Value row,
                      Value position, unsigned bits) {
  ImplicitLocOpBuilder &b = codec.builder();
  int64_t lastByte = cast<ShapedType>(payload.getType()).getDimSize(1) - 1;
  auto readByte = [&](Value byte) {
    byte = arith::MinUIOp::create(b, byte, codec.i32(lastByte));
    return codec.zeroExtend(tensor::ExtractOp::create(
        b, payload, ValueRange{row, toIndex(b, byte)}));
  };
  Value byte = arith::ShRUIOp::create(b, position, codec.i32(3));
  Value value = readByte(byte);
  if (bits == 8)
    return value;
  // Codes of three, five, six and seven bits straddle bytes.
  if (8 % bits != 0) {
    Value next = readByte(arith::AddIOp::create(b, byte, codec.i32(1)));
    next = arith::ShLIOp::create(b, next, codec.i32(8));
    value = arith::OrIOp::create(b, value, next);
  }
  Value shift = arith::AndIOp::create(b, position, codec.i32(7));
  return arith::ShRUIOp::create(b, value, shift);
}

namespace {

struct UnpackLowering : OpRewritePattern<UnpackOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(UnpackOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    Type codeType = type.getElementType();
    auto bits = static_cast<int64_t>(codeType.getIntOrFloatBitWidth());
    Value payload = op.getPayload(), bitmap = op.getBitmap();
    SmallVector<OpFoldResult> sizes =
        getAsIndexOpFoldResult(rewriter.getContext(), type.getShape());
    if (cast<ShapedType>(payload.getType()).getDimSize(1) == 0) {
      // Nothing is kept.
      Value zero = arith::ConstantOp::create(
          rewriter, loc, cast<TypedAttr>(rewriter.getZeroAttr(codeType)));
      rewriter.replaceOp(op, createFilled(rewriter, loc, sizes, zero));
      return success();
    }

    SmallVector<Indexed> inputs;
    AffineExpr row = rewriter.getAffineDimExpr(0);
    AffineExpr col = rewriter.getAffineDimExpr(1);
    if (bitmap) {
      AffineMap byteMap = getMap(rewriter, 2, {row, col.floorDiv(8)});
      inputs = {{bitmap, byteMap},
                {createRankDirectory(rewriter, loc, bitmap), byteMap}};
    } else if (bits == 8) {
      inputs = {{payload, getIdentity(rewriter, 2)}};
    }
    Value codes = createElementwise(
        rewriter, loc, sizes, {codeType}, inputs,
        [&](ElementCodec &codec, ValueRange args) {
          if (!bitmap && bits == 8)
            return SmallVector<Value>{
                codec.truncate(codec.zeroExtend(args[0]), codeType)};
          ImplicitLocOpBuilder &b = codec.builder();
          Value row = linalg::IndexOp::create(b, 0);
          Value element = toI32(b, linalg::IndexOp::create(b, 1));
          Value keep;
          if (bitmap) {
            Value bit = arith::AndIOp::create(b, element, codec.i32(7));
            Value selected = arith::ShLIOp::create(b, codec.i32(1), bit);
            Value below = arith::SubIOp::create(b, selected, codec.i32(1));
            Value byte = codec.zeroExtend(args[0]);
            keep = codec.compare(IPred::ne,
                                 arith::AndIOp::create(b, byte, selected),
                                 codec.i32(0));
            Value inByte =
                math::CtPopOp::create(b, arith::AndIOp::create(b, byte, below));
            element = arith::AddIOp::create(b, args[1], inByte);
          }
          Value position = arith::MulIOp::create(b, element, codec.i32(bits));
          Value code = readBits(codec, payload, row, position, bits);
          if (keep)
            code = arith::SelectOp::create(b, keep, code, codec.i32(0));
          return SmallVector<Value>{codec.truncate(code, codeType)};
        })[0];
    rewriter.replaceOp(op, codes);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Pack
//===----------------------------------------------------------------------===//

/// tensor[at] |= value (i32, its low byte).
Value orInto(ElementCodec &codec, Value tensor, ValueRange at, Value value) {
  ImplicitLocOpBuilder &b = codec.builder();
  Value old = tensor::ExtractOp::create(b, tensor, at);
  Value bits = codec.truncate(value, b.getI8Type());
  return tensor::InsertOp::create(b, arith::OrIOp::create(b, old, bits), tensor,
                                  at);
}

struct PackLowering : OpRewritePattern<PackOp> {
  using OpRewritePattern::OpRewritePattern;

  /// Appends element [row, col] to `state`: payload, bit position (i32) and,
  /// with a mask, bitmap.
  static SmallVector<Value> append(OpBuilder &builder, Location loc, PackOp op,
                                   Value row, Value col, ValueRange state) {
    ElementCodec codec(builder, loc);
    ImplicitLocOpBuilder &b = codec.builder();
    auto codes = cast<RankedTensorType>(op.getValues().getType());
    auto payloadType = cast<RankedTensorType>(op.getPayload().getType());
    int64_t bits = codes.getElementTypeBitWidth();
    int64_t stride = payloadType.getDimSize(1);

    Value payload = state[0], position = state[1];
    Value code = codec.zeroExtend(
        tensor::ExtractOp::create(b, op.getValues(), ValueRange{row, col}));
    Value advance = codec.i32(bits);
    SmallVector<Value> bitmap;
    if (op.getMask()) {
      Value keep =
          tensor::ExtractOp::create(b, op.getMask(), ValueRange{row, col});
      // A row that keeps too much is undefined; it must not write elsewhere.
      Value fits =
          codec.compare(IPred::sle, position, codec.i32(8 * stride - bits));
      Value write = arith::AndIOp::create(b, keep, fits);
      code = arith::SelectOp::create(b, write, code, codec.i32(0));
      advance = arith::SelectOp::create(b, keep, advance, codec.i32(0));
      Value index = toI32(b, col);
      Value byte = arith::ShRUIOp::create(b, index, codec.i32(3));
      Value bit = arith::AndIOp::create(b, index, codec.i32(7));
      bitmap.push_back(
          orInto(codec, state[2], ValueRange{row, toIndex(b, byte)},
                 arith::ShLIOp::create(b, codec.zeroExtend(keep), bit)));
    }
    if (stride != 0) {
      Value shift = arith::AndIOp::create(b, position, codec.i32(7));
      Value shifted = arith::ShLIOp::create(b, code, shift);
      Value byte = arith::ShRUIOp::create(b, position, codec.i32(3));
      auto orByte = [&](Value at, Value value) {
        at = arith::MinUIOp::create(b, at, codec.i32(stride - 1));
        payload =
            orInto(codec, payload, ValueRange{row, toIndex(b, at)}, value);
      };
      orByte(byte, shifted);
      if (8 % bits != 0)
        orByte(arith::AddIOp::create(b, byte, codec.i32(1)),
               arith::ShRUIOp::create(b, shifted, codec.i32(8)));
    }
    position = arith::AddIOp::create(b, position, advance);
    SmallVector<Value> next{payload, position};
    next.append(bitmap);
    return next;
  }

  LogicalResult matchAndRewrite(PackOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto codes = cast<RankedTensorType>(op.getValues().getType());
    Value zero = constantIndex(rewriter, loc, 0);
    Value one = constantIndex(rewriter, loc, 1);
    Value rows = constantIndex(rewriter, loc, codes.getDimSize(0));
    Value cols = constantIndex(rewriter, loc, codes.getDimSize(1));
    Value noByte =
        arith::ConstantOp::create(rewriter, loc, rewriter.getI8IntegerAttr(0));
    Value noBit =
        arith::ConstantOp::create(rewriter, loc, rewriter.getI32IntegerAttr(0));
    SmallVector<Value> initial;
    for (Value result : op->getResults())
      initial.push_back(
          createFilled(rewriter, loc,
                       getAsIndexOpFoldResult(
                           rewriter.getContext(),
                           cast<RankedTensorType>(result.getType()).getShape()),
                       noByte));
    auto rowLoop = scf::ForOp::create(
        rewriter, loc, zero, rows, one, initial,
        [&](OpBuilder &b, Location loc, Value row, ValueRange tensors) {
          SmallVector<Value> state(tensors);
          state.insert(state.begin() + 1, noBit);
          auto colLoop = scf::ForOp::create(
              b, loc, zero, cols, one, state,
              [&](OpBuilder &b, Location loc, Value col, ValueRange state) {
                scf::YieldOp::create(b, loc,
                                     append(b, loc, op, row, col, state));
              });
          SmallVector<Value> results(colLoop.getResults());
          results.erase(results.begin() + 1);
          scf::YieldOp::create(b, loc, results);
        });
    rewriter.replaceOp(op, rowLoop.getResults());
    return success();
  }
};

} // namespace

void mlir::sq::populatePackPatterns(RewritePatternSet &patterns) {
  patterns.add<PackLowering, UnpackLowering>(patterns.getContext());
}
