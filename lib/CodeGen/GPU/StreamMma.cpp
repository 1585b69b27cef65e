//===- StreamMma.cpp - Few tokens: weights are read once, by one warp -----===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "FragmentExpander.h"
#include "MmaKernel.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cuda;
using numerics::FragmentLayout;

namespace {

class StreamMmaBuilder : MmaBuilder {
public:
  static constexpr int64_t kWarps = 8;

  StreamMmaBuilder(ImplicitLocOpBuilder &b, const MmaProduct &product,
                   int64_t maxTokens)
      : MmaBuilder(b, product), columns(maxTokens / 8) {}

  /// What a thread does.
  void emit();
  int64_t sharedBytes() const {
    return kWarps * columns * FragmentLayout::kRows * 8 * 4;
  }

private:
  using Sums = SmallVector<Fragment>;

  SmallVector<Value> loadActivations(Value block, int64_t plane, int64_t column,
                                     int64_t step);
  SmallVector<SmallVector<Value>> expandBlock(Value block);
  void emitBlock(Value block, Sums &sums, Sums &scaled);
  void emitGroup(Value group, Sums &sums, Sums &scaled);
  void emitSum(const Sums &sums);

  /// Of eight tokens.
  int64_t columns;
  Value tile;
};

} // namespace

/// Of lane l: four bytes at 4 * (l % 4) of each 16 of a step, of token l / 4.
SmallVector<Value> StreamMmaBuilder::loadActivations(Value block, int64_t plane,
                                                     int64_t column,
                                                     int64_t step) {
  int64_t rowBytes = layout.paddedCols() * layout.multiplierBytes;
  Value last = add(product.tokens, constant(int64_t(-1)));
  // What tokens that don't exist would give isn't stored.
  Value token = min(add(div(lane(), 4), 8 * column), last);
  Value row = add(mul(product.tokens, plane), token);
  Value pointer = atFar(globalPointer(product.activations), row, rowBytes);
  pointer = atFar(pointer, block, blockBytes());
  pointer = at(pointer, mul(rem(lane(), 4), 4));
  SmallVector<Value> registers;
  for (int64_t i = 0; i < numRegistersOfActivations(); ++i)
    registers.push_back(
        load(i32(), at(pointer, step * stepBytes() + 16 * i), 4));
  return registers;
}

/// The words of all units of a block, of weights with bitmaps.
SmallVector<SmallVector<Value>> StreamMmaBuilder::expandBlock(Value block) {
  FragmentExpander expander(b, *product.compressed, multiplier, product.weights,
                            product.metadata);
  SmallVector<SmallVector<Value>> words;
  int64_t units = product.compressed->unitsPerBlock();
  constexpr size_t perUnit = FragmentLayout::kLoadBytes / 4;
  for (int64_t unit = 0; unit < units; ++unit) {
    SmallVector<Value> expanded =
        expander.emitUnit(tile, add(mul(block, units), unit), lane());
    for (size_t first = 0; first < expanded.size(); first += perUnit)
      words.emplace_back(ArrayRef(expanded).slice(first, perUnit));
  }
  return words;
}

void StreamMmaBuilder::emitBlock(Value block, Sums &sums, Sums &scaled) {
  // All weights of the block are asked for before the first is used.
  SmallVector<SmallVector<Value>> words, metadata;
  if (product.compressed)
    words = expandBlock(block);
  for (int64_t unit = 0; !product.compressed && unit < layout.unitsPerBlock();
       ++unit) {
    Value index = add(mul(block, layout.unitsPerBlock()), unit);
    auto unitOf = [&](Value base, int64_t tileBytes, int64_t laneBytes) {
      Value pointer = atFar(globalPointer(base), tile, tileBytes);
      pointer = atFar(pointer, index, kWarp * laneBytes);
      return at(pointer, mul(lane(), laneBytes));
    };
    words.push_back(loadWords(unitOf(product.weights, layout.payloadBytes(),
                                     FragmentLayout::kLoadBytes),
                              4));
    int64_t sharing = layout.unitsPerMetadata();
    if (!layout.isSparse() || unit % sharing != 0)
      continue;
    if (sharing != 1)
      index = add(mul(block, layout.unitsPerBlock() / sharing), unit / sharing);
    metadata.push_back(
        loadWords(unitOf(product.metadata, layout.metadataBytes(),
                         4 * layout.metadataWords()),
                  layout.metadataWords()));
  }
  for (int64_t step = 0; step < layout.stepsPerBlock(); ++step) {
    int64_t unit = step / layout.stepsPerUnit(),
            inUnit = step % layout.stepsPerUnit();
    Fragment weights = decode(words[unit], inUnit);
    Value positions;
    int64_t inMetadata = layout.inMetadata(step);
    if (layout.isSparse())
      positions = metadata[unit / layout.unitsPerMetadata()]
                          [layout.findPositions(inMetadata, 0, 0).word];
    SmallVector<SmallVector<Value>> activations;
    for (int64_t plane = 0; plane < multiplier.planes; ++plane)
      for (int64_t column = 0; column < columns; ++column)
        activations.push_back(loadActivations(block, plane, column, step));
    for (int64_t part = 0; part < layout.partsPerStep(); ++part) {
      Fragment ofPart = takePart(weights, part);
      for (int64_t i = 0; i < int64_t(activations.size()); ++i)
        sums[i % columns] = multiply(ofPart, activations[i], sums[i % columns],
                                     positions, layout.selectorOf(inMetadata));
      int64_t done = step * layout.partsPerStep() + part + 1;
      if (layout.hasGroups() && done % partsPerGroup() == 0)
        emitGroup(add(mul(block, groupsPerBlock()), done / partsPerGroup() - 1),
                  sums, scaled);
    }
  }
}

/// The sums of a scale group, scaled, to those of all.
void StreamMmaBuilder::emitGroup(Value group, Sums &sums, Sums &scaled) {
  std::array<Value, 2> scales = loadScales(tile, group);
  for (int64_t column = 0; column < columns; ++column) {
    SmallVector<Value> tokenScales =
        loadTokenScales(constant(column * 8), group);
    scaled[column] =
        addScaled(scaled[column], sums[column], scales, tokenScales);
    sums[column] = zeros();
  }
}

/// Adds up what the warps have, and stores it.
void StreamMmaBuilder::emitSum(const Sums &sums) {
  Type type = sums.front().front().getType();
  int64_t perWarp = columns * FragmentLayout::kRows * 8;
  Value shared = sharedPointer();
  for (int64_t column = 0; column < columns; ++column) {
    Value index = add(add(mul(warp(), perWarp), mul(lane(), 4)), column * 128);
    for (int64_t c = 0; c < 4; ++c)
      store(sums[column][c], at(shared, mul(add(index, c), 4)), 4);
  }
  ::mlir::gpu::BarrierOp::create(b);
  emitIf(isLess(thread(), constant(perWarp)), [&] {
    Value pointer = at(shared, mul(thread(), 4));
    Value sum = load(type, pointer, 4);
    for (int64_t w = 1; w < kWarps; ++w) {
      Value part = load(type, at(pointer, w * perWarp * 4), 4);
      sum = isa<FloatType>(type)
                ? arith::AddFOp::create(b, sum, part).getResult()
                : add(sum, part);
    }
    // The fragment's element that this is: lane 32 bits wide, then c.
    Value element = rem(thread(), 128);
    Value ofLane = div(element, 4), c = rem(element, 4);
    Value row = add(mul(tile, FragmentLayout::kRows),
                    add(div(ofLane, 4), mul(div(c, 2), 8)));
    Value token =
        add(mul(div(thread(), 128), 8), add(mul(rem(ofLane, 4), 2), rem(c, 2)));
    emitResult(sum, row, token);
  });
}

void StreamMmaBuilder::emit() {
  tile = block(::mlir::gpu::Dimension::x);
  SmallVector<Value> init;
  for (int64_t i = 0; i < columns; ++i)
    llvm::append_range(init, zeros());
  if (layout.hasGroups())
    for (int64_t i = 0; i < columns; ++i)
      llvm::append_range(init, floatZeros());
  auto take = [&](ValueRange &values) {
    Sums sums;
    for (int64_t i = 0; i < columns; ++i) {
      sums.emplace_back(values.take_front(4));
      values = values.drop_front(4);
    }
    return sums;
  };
  SmallVector<Value> results =
      emitFor(warp(), constant(layout.numBlocks()), constant(kWarps), init,
              [&](Value block, ValueRange values) {
                Sums sums = take(values);
                Sums scaled = layout.hasGroups() ? take(values) : Sums();
                emitBlock(block, sums, scaled);
                SmallVector<Value> next;
                for (const Sums &all : {sums, scaled})
                  for (const Fragment &fragment : all)
                    llvm::append_range(next, fragment);
                return next;
              });
  ValueRange values(results);
  Sums sums = take(values);
  emitSum(layout.hasGroups() ? take(values) : sums);
}

void mlir::sq::cuda::emitStreamMma(ImplicitLocOpBuilder &b,
                                   const MmaProduct &product,
                                   int64_t maxTokens) {
  StreamMmaBuilder builder(b, product, maxTokens);
  Value tiles = arith::ConstantIndexOp::create(b, product.layout.numTiles());
  emitLaunch(b, {tiles}, StreamMmaBuilder::kWarps * kWarp,
             builder.sharedBytes(), [&] { builder.emit(); });
}
