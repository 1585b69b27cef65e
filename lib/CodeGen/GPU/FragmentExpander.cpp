//===- FragmentExpander.cpp - Zeros between what is kept ------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FragmentExpander.h"
#include "UnitKernel.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cuda;
using numerics::FragmentLayout;

/// The sum of `own` over the lanes before this one.
Value FragmentExpander::countBefore(Value own, Value lane) {
  Value before = constant(int64_t(0)), total = own;
  for (int64_t width = 1; width < kWarp; width *= 2) {
    Value others =
        ::mlir::gpu::ShuffleOp::create(b, total, int32_t(width), int32_t(kWarp),
                                       ::mlir::gpu::ShuffleMode::XOR)
            .getShuffleResult();
    // Lanes of the upper half have those of the lower one before them.
    Value isUpper = arith::CmpIOp::create(
        b, arith::CmpIPredicate::ne, bitAnd(lane, width), constant(int64_t(0)));
    before = arith::SelectOp::create(b, isUpper, add(before, others), before);
    total = add(total, others);
  }
  return before;
}

/// For the codes 8 * eight and on, four each, the selectors that take the next
/// kept byte where a bit is set, and a zero, a byte of the second word,
/// elsewhere.
SmallVector<Value> FragmentExpander::makeSelectors(Value bitmap,
                                                   int64_t eight) {
  // A nibble for each bit.
  Value bits = bitAnd(shiftRight(bitmap, 8 * eight), 0xFF);
  for (auto [by, mask] : {std::pair(12, 0x000F000F), std::pair(6, 0x03030303),
                          std::pair(3, 0x11111111)})
    bits = bitAnd(arith::OrIOp::create(b, bits, shiftLeft(bits, by)), mask);
  SmallVector<Value> selectors;
  for (int64_t half : {0, 16}) {
    Value four = half ? shiftRight(bits, half) : bits;
    // How many of those before it are kept: at most three, so nothing carries.
    Value kept = mul(four, int64_t(0x1110));
    Value dropped = shiftLeft(bitXor(four, constant(int64_t(0x1111))), 2);
    selectors.push_back(arith::OrIOp::create(b, kept, dropped));
  }
  return selectors;
}

/// 32 bits from bit `bit` behind `pointer` on, which is a multiple of 4 bytes.
Value FragmentExpander::loadBits(Value pointer, Value bit) {
  Value word = at(pointer, mul(shiftRight(bit, 5), 4));
  auto extend = [&](Value value) -> Value {
    return arith::ExtUIOp::create(b, b.getI64Type(), value);
  };
  Value thirtyTwo = arith::ConstantOp::create(b, b.getI64IntegerAttr(32));
  Value both = arith::OrIOp::create(
      b, extend(load(i32(), word, 4)),
      arith::ShLIOp::create(b, extend(load(i32(), at(word, 4), 4)), thirtyTwo));
  Value shifted = arith::ShRUIOp::create(b, both, extend(bitAnd(bit, 31)));
  return arith::TruncIOp::create(b, i32(), shifted);
}

/// The lowest four codes as bytes.
Value FragmentExpander::toBytes(Value codes) {
  if (layout.storedBits() == 8)
    return codes;
  if (layout.hasTableCodes())
    return doubleE2M1(bitAnd(codes, 0xFFFF));
  Value spread = bitAnd(codes, 0xFFFF);
  for (auto [by, mask] : {std::pair(8, 0x00FF00FF), std::pair(4, 0x0F0F0F0F)})
    spread =
        bitAnd(arith::OrIOp::create(b, spread, shiftLeft(spread, by)), mask);
  // Nibbles in the upper half: 16 times the code.
  return shiftLeft(spread, 4);
}

SmallVector<Value> FragmentExpander::emitUnit(Value tile, Value unit,
                                              Value lane) {
  int64_t bits = layout.storedBits(), count = layout.codesPerLane();
  Value ofTile = atFar(globalPointer(metadata), tile, layout.metadataBytes());
  Value start = load(b.getI64Type(), ofTile, 8);
  Value offset =
      load(i32(), at(at(ofTile, layout.offsetAt(0)), mul(unit, 4)), 4);
  Value bitmapAt =
      add(mul(unit, FragmentLayout::kLanes * count / 8), mul(lane, count / 8));
  Type bitmapType = b.getIntegerType(unsigned(count));
  Value bitmap =
      load(bitmapType, at(at(ofTile, layout.bitmapAt(0)), bitmapAt), count / 8);
  if (count < 32)
    bitmap = arith::ExtUIOp::create(b, i32(), bitmap);
  // Bytes of the lane, then where its codes are.
  Value kept = math::CtPopOp::create(b, bitmap);
  if (bits == 4)
    kept = shiftRight(add(kept, 1), 1);
  Value first = mul(add(offset, countBefore(kept, lane)), 8);
  Value pointer = at(globalPointer(weights), start);
  SmallVector<Value> words;
  for (int64_t eight = 0; eight < count / 8; ++eight) {
    SmallVector<Value> selectors = makeSelectors(bitmap, eight);
    for (int64_t half = 0; half < 2; ++half) {
      int64_t from = eight * 8 + half * 4;
      Value bit = first;
      if (from) {
        Value before =
            math::CtPopOp::create(b, bitAnd(bitmap, (int64_t(1) << from) - 1));
        bit = add(first, mul(before, bits));
      }
      words.push_back(permute(toBytes(loadBits(pointer, bit)),
                              constant(int64_t(0)), selectors[half]));
    }
  }
  return words;
}

namespace {
class Expansion : UnitBuilder {
public:
  Expansion(ImplicitLocOpBuilder &b, const FragmentLayout &layout, Value to)
      : UnitBuilder(b), layout(layout), to(to) {}

  /// A warp expands a unit.
  void emit(FragmentExpander &expander) {
    FragmentLayout expanded = layout.getExpanded();
    launchUnits(layout, [&](Value tile, Value unit, Value lane) {
      SmallVector<Value> words = expander.emitUnit(tile, unit, lane);
      constexpr int64_t perUnit = FragmentLayout::kLoadBytes / 4;
      Value pointer = atFar(globalPointer(to), tile, expanded.payloadBytes());
      int64_t units = int64_t(words.size()) / perUnit;
      pointer = atFar(pointer, unit, units * FragmentLayout::kUnitBytes);
      for (int64_t u = 0; u < units; ++u) {
        Value ofLane = at(at(pointer, u * FragmentLayout::kUnitBytes),
                          mul(lane, FragmentLayout::kLoadBytes));
        for (int64_t w = 0; w < perUnit; ++w)
          store(words[u * perUnit + w], at(ofLane, 4 * w), 4);
      }
    });
  }

private:
  const FragmentLayout &layout;
  Value to;
};
} // namespace

void mlir::sq::cuda::emitExpansion(ImplicitLocOpBuilder &b,
                                   const FragmentLayout &layout,
                                   const Multiplier &multiplier, Value weights,
                                   Value metadata, Value to) {
  FragmentExpander expander(b, layout, multiplier, weights, metadata);
  Expansion(b, layout, to).emit(expander);
}
