//===- TileMma.cpp - Many tokens: weights and activations through shared memory
//===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MmaKernel.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cuda;
using numerics::FragmentLayout;

namespace {

/// How a block of threads shares its part of the result.
struct TilePlan {
  static constexpr int64_t kWarps = 8, kThreads = kWarps * kWarp, kTiles = 8,
                           kStages = 3;
  int64_t tokens = 0;
  /// Warps along rows of weights and along tokens.
  int64_t rowWarps = 0, tokenWarps = 0;
  /// Bytes of a stage's parts.
  int64_t payload = 0, metadata = 0, activations = 0;

  int64_t stageBytes() const { return payload + metadata + activations; }
  int64_t tilesOfWarp() const { return kTiles / rowWarps; }
  /// Of eight tokens.
  int64_t columnsOfWarp() const { return tokens / tokenWarps / 8; }

  static TilePlan get(const FragmentLayout &layout, int64_t planes,
                      int64_t sharedBytes) {
    TilePlan plan;
    int64_t units = kTiles * layout.unitsPerBlock();
    plan.payload = units * FragmentLayout::kUnitBytes;
    plan.metadata = units / layout.unitsPerMetadata() * FragmentLayout::kLanes *
                    layout.metadataWords() * 4;
    // Each warp has 16 tokens at least, which one ldmatrix of dense steps
    // needs.
    for (int64_t tokens : {128, 64, 32, 16}) {
      plan.tokens = tokens;
      plan.tokenWarps = std::min<int64_t>(4, tokens / 16);
      plan.rowWarps = kWarps / plan.tokenWarps;
      plan.activations =
          planes * tokens * layout.blockCols() * layout.multiplierBytes;
      // Registers hold a group's sums beside those of all, and the activations
      // of all planes.
      int64_t most = (layout.hasGroups() ? 64 : 128) / planes;
      if (tokens <= most && kStages * plan.stageBytes() <= sharedBytes)
        break;
    }
    return plan;
  }
};

class TileMmaBuilder : MmaBuilder {
public:
  TileMmaBuilder(ImplicitLocOpBuilder &b, const MmaProduct &product,
                 const TilePlan &plan)
      : MmaBuilder(b, product), plan(plan) {}

  /// What a thread does.
  void emit();

private:
  /// Sums of a warp: [tile][eight tokens].
  using Sums = SmallVector<Fragment>;
  Sums take(ValueRange &values);

  void copy(Value to, Value from, Value bytes);
  void emitLoads(Value block, Value stage);
  void emitTileLoads(Value base, int64_t tileBytes, int64_t strideBytes,
                     Value block, Value stage);
  void emitActivationLoads(Value block, Value stage);
  void loadActivations(Value stage, int64_t step,
                       SmallVectorImpl<SmallVector<Value>> &registers);
  void emitSteps(Value block, Value stage, Sums &sums, Sums &scaled);
  void loadWeights(Value stage, int64_t tile, int64_t unit,
                   SmallVector<Value> &words, SmallVector<Value> &metadata);
  void emitGroup(Value group, int64_t tile, Sums &sums, Sums &scaled);
  Value firstTokenOf(int64_t column);
  void emitResults(const Sums &sums);

  const TilePlan &plan;
  Value shared, rowWarp, tokenWarp, firstTile, firstToken;
};

} // namespace

/// 16 bytes on their way to shared memory; of `bytes` only these, and zeros.
void TileMmaBuilder::copy(Value to, Value from, Value bytes) {
  NVVM::CpAsyncOp::create(b, to, from, b.getI32IntegerAttr(16),
                          NVVM::LoadCacheModifierKindAttr::get(
                              b.getContext(), NVVM::LoadCacheModifierKind::CG),
                          bytes);
}

/// `tileBytes` of each of the tiles, in order.
void TileMmaBuilder::emitTileLoads(Value base, int64_t tileBytes,
                                   int64_t strideBytes, Value block,
                                   Value stage) {
  int64_t chunks = tileBytes / 16, total = chunks * TilePlan::kTiles;
  Value last = constant(layout.numTiles() - 1);
  for (int64_t done = 0; done < total; done += TilePlan::kThreads) {
    Value chunk = add(thread(), done);
    auto emit = [&] {
      // Rows behind the matrix compute what nobody stores.
      Value tile = min(add(firstTile, div(chunk, chunks)), last);
      Value from = atFar(globalPointer(base), tile, strideBytes);
      from = atFar(from, block, tileBytes);
      from = at(from, mul(rem(chunk, chunks), 16));
      copy(at(stage, mul(chunk, 16)), from, Value());
    };
    if (done + TilePlan::kThreads <= total)
      emit();
    else
      emitIf(isLess(chunk, constant(total)), emit);
  }
}

/// Chunk c of token t lies at c ^ (t % 8), within eight chunks: eight tokens'
/// chunks of a column are in banks of their own.
void TileMmaBuilder::emitActivationLoads(Value block, Value stage) {
  int64_t chunks = blockBytes() / 16;
  int64_t total = multiplier.planes * plan.tokens * chunks;
  int64_t rowBytes = layout.paddedCols() * layout.multiplierBytes;
  for (int64_t done = 0; done < total; done += TilePlan::kThreads) {
    Value index = add(thread(), done);
    auto emit = [&] {
      Value row = div(index, chunks), chunk = rem(index, chunks);
      Value token = add(firstToken, rem(row, plan.tokens));
      Value exists = isLess(token, product.tokens);
      Value source =
          add(mul(div(row, plan.tokens), product.tokens),
              min(token, add(product.tokens, constant(int64_t(-1)))));
      Value from = atFar(globalPointer(product.activations), source, rowBytes);
      from = atFar(from, block, blockBytes());
      from = at(from, mul(chunk, 16));
      Value place = bitXor(chunk, rem(row, 8));
      Value to = at(stage, add(mul(row, blockBytes()), mul(place, 16)));
      copy(to, from,
           arith::SelectOp::create(b, exists, constant(int64_t(16)),
                                   constant(int64_t(0))));
    };
    if (done + TilePlan::kThreads <= total)
      emit();
    else
      emitIf(isLess(index, constant(total)), emit);
  }
}

/// Block `block` of columns on its way to `stage`.
void TileMmaBuilder::emitLoads(Value block, Value stage) {
  emitTileLoads(product.weights, plan.payload / TilePlan::kTiles,
                layout.payloadBytes(), block, stage);
  if (layout.isSparse())
    emitTileLoads(product.metadata, plan.metadata / TilePlan::kTiles,
                  layout.metadataBytes(), block, at(stage, plan.payload));
  emitActivationLoads(block, at(stage, plan.payload + plan.metadata));
}

/// Of each plane and eight tokens, plane by plane, the registers of a step.
void TileMmaBuilder::loadActivations(
    Value stage, int64_t step, SmallVectorImpl<SmallVector<Value>> &registers) {
  Value base = at(stage, plan.payload + plan.metadata);
  int64_t firstChunk = step * stepBytes() / 16;
  // Lanes give the addresses of the rows of four matrices, eight each.
  int64_t height = layout.isSparse() ? 8 : 16;
  Value row, chunk;
  if (layout.isSparse()) {
    row = rem(lane(), 8);
    chunk = div(lane(), 8);
  } else {
    row = add(rem(lane(), 8), mul(div(lane(), 16), 8));
    chunk = rem(div(lane(), 8), 2);
  }
  Value place = bitXor(add(chunk, firstChunk), rem(row, 8));
  int64_t width = plan.columnsOfWarp() * 8;
  for (int64_t plane = 0; plane < multiplier.planes; ++plane)
    for (int64_t column = 0; column < width; column += height) {
      Value token =
          add(add(mul(tokenWarp, width), row), plane * plan.tokens + column);
      Value pointer = at(base, add(mul(token, blockBytes()), mul(place, 16)));
      auto type = LLVM::LLVMStructType::getLiteral(b.getContext(),
                                                   SmallVector<Type>(4, i32()));
      Value matrices = NVVM::LdMatrixOp::create(
          b, type, pointer, 4, NVVM::MMALayout::row,
          NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8),
          NVVM::LdStMatrixEltType::B16);
      SmallVector<Value> values;
      for (int64_t i = 0; i < 4; ++i)
        values.push_back(LLVM::ExtractValueOp::create(b, matrices, i));
      if (layout.isSparse()) {
        registers.push_back(values);
      } else {
        registers.push_back({values[0], values[1]});
        registers.push_back({values[2], values[3]});
      }
    }
}

/// All products of block `block`, which is in `stage`.
void TileMmaBuilder::emitSteps(Value block, Value stage, Sums &sums,
                               Sums &scaled) {
  int64_t tiles = plan.tilesOfWarp(), columns = plan.columnsOfWarp();
  SmallVector<SmallVector<Value>> words(tiles), metadata(tiles);
  for (int64_t step = 0; step < layout.stepsPerBlock(); ++step) {
    int64_t unit = step / layout.stepsPerUnit(),
            inUnit = step % layout.stepsPerUnit();
    SmallVector<SmallVector<Value>> activations;
    loadActivations(stage, step, activations);
    for (int64_t tile = 0; tile < tiles; ++tile) {
      if (inUnit == 0)
        loadWeights(stage, tile, unit, words[tile], metadata[tile]);
      Fragment weights = decode(words[tile], inUnit);
      Value positions;
      int64_t inMetadata = layout.inMetadata(step);
      if (layout.isSparse())
        positions = metadata[tile][layout.findPositions(inMetadata, 0, 0).word];
      for (int64_t part = 0; part < layout.partsPerStep(); ++part) {
        Fragment ofPart = takePart(weights, part);
        for (int64_t i = 0; i < int64_t(activations.size()); ++i) {
          Fragment &sum = sums[tile * columns + i % columns];
          sum = multiply(ofPart, activations[i], sum, positions,
                         layout.selectorOf(inMetadata));
        }
        int64_t done = step * layout.partsPerStep() + part + 1;
        if (layout.hasGroups() && done % partsPerGroup() == 0)
          emitGroup(
              add(mul(block, groupsPerBlock()), done / partsPerGroup() - 1),
              tile, sums, scaled);
      }
    }
  }
}

/// A lane's words of a unit of one of the warp's tiles.
void TileMmaBuilder::loadWeights(Value stage, int64_t tile, int64_t unit,
                                 SmallVector<Value> &words,
                                 SmallVector<Value> &metadata) {
  Value inStage = add(mul(rowWarp, plan.tilesOfWarp()), tile);
  Value index = add(mul(inStage, layout.unitsPerBlock()), unit);
  Value ofLane = add(mul(index, kWarp), lane());
  words = loadWords(at(stage, mul(ofLane, FragmentLayout::kLoadBytes)), 4);
  int64_t count = layout.metadataWords(), sharing = layout.unitsPerMetadata();
  if (count == 0 || unit % sharing != 0)
    return;
  if (sharing != 1) {
    index = add(mul(inStage, layout.unitsPerBlock() / sharing), unit / sharing);
    ofLane = add(mul(index, kWarp), lane());
  }
  metadata =
      loadWords(at(at(stage, plan.payload), mul(ofLane, 4 * count)), count);
}

/// The sums of a scale group of one of the warp's tiles, scaled, to those of
/// all groups.
void TileMmaBuilder::emitGroup(Value group, int64_t tile, Sums &sums,
                               Sums &scaled) {
  Value last = constant(layout.numTiles() - 1);
  Value index = add(add(firstTile, mul(rowWarp, plan.tilesOfWarp())), tile);
  std::array<Value, 2> scales = loadScales(min(index, last), group);
  for (int64_t column = 0; column < plan.columnsOfWarp(); ++column) {
    int64_t i = tile * plan.columnsOfWarp() + column;
    scaled[i] = addScaled(scaled[i], sums[i], scales,
                          loadTokenScales(firstTokenOf(column), group));
    sums[i] = zeros();
  }
}

/// Of eight tokens of the warp.
Value TileMmaBuilder::firstTokenOf(int64_t column) {
  Value first = mul(tokenWarp, plan.columnsOfWarp() * 8);
  return add(add(firstToken, first), column * 8);
}

void TileMmaBuilder::emitResults(const Sums &sums) {
  int64_t tiles = plan.tilesOfWarp(), columns = plan.columnsOfWarp();
  for (int64_t tile = 0; tile < tiles; ++tile)
    for (int64_t column = 0; column < columns; ++column)
      for (int64_t c = 0; c < 4; ++c) {
        Value tileIndex = add(add(firstTile, mul(rowWarp, tiles)), tile);
        Value row =
            add(add(mul(tileIndex, FragmentLayout::kRows), div(lane(), 4)),
                8 * (c / 2));
        Value token =
            add(add(firstTokenOf(column), c % 2), mul(rem(lane(), 4), 2));
        emitResult(sums[tile * columns + column][c], row, token);
      }
}

TileMmaBuilder::Sums TileMmaBuilder::take(ValueRange &values) {
  Sums sums;
  for (int64_t i = 0; i < plan.tilesOfWarp() * plan.columnsOfWarp(); ++i) {
    sums.emplace_back(values.take_front(4));
    values = values.drop_front(4);
  }
  return sums;
}

void TileMmaBuilder::emit() {
  shared = sharedPointer();
  rowWarp = div(warp(), plan.tokenWarps);
  tokenWarp = rem(warp(), plan.tokenWarps);
  firstToken = mul(block(::mlir::gpu::Dimension::x), plan.tokens);
  firstTile = mul(block(::mlir::gpu::Dimension::y), TilePlan::kTiles);
  int64_t numSums = plan.tilesOfWarp() * plan.columnsOfWarp();
  Value numBlocks = constant(layout.numBlocks());
  auto stageAt = [&](Value slot) {
    return at(shared, mul(slot, plan.stageBytes()));
  };
  for (int64_t i = 0; i < TilePlan::kStages - 1; ++i) {
    if (i < layout.numBlocks())
      emitLoads(constant(i), stageAt(constant(i)));
    NVVM::CpAsyncCommitGroupOp::create(b);
  }
  SmallVector<Value> init = {constant(int64_t(0))};
  for (int64_t i = 0; i < numSums; ++i)
    llvm::append_range(init, zeros());
  if (layout.hasGroups())
    for (int64_t i = 0; i < numSums; ++i)
      llvm::append_range(init, floatZeros());
  auto nextSlot = [&](Value slot, int64_t by) {
    return rem(add(slot, by), TilePlan::kStages);
  };
  SmallVector<Value> results = emitFor(
      constant(int64_t(0)), numBlocks, constant(int64_t(1)), init,
      [&](Value block, ValueRange values) {
        Value slot = values.front();
        values = values.drop_front();
        Sums sums = take(values);
        Sums scaled = layout.hasGroups() ? take(values) : Sums();
        NVVM::CpAsyncWaitGroupOp::create(b, TilePlan::kStages - 2);
        // All see the stage, and nobody reads the one that is filled next.
        ::mlir::gpu::BarrierOp::create(b);
        Value ahead = add(block, TilePlan::kStages - 1);
        emitIf(isLess(ahead, numBlocks), [&] {
          emitLoads(ahead, stageAt(nextSlot(slot, TilePlan::kStages - 1)));
        });
        NVVM::CpAsyncCommitGroupOp::create(b);
        emitSteps(block, stageAt(slot), sums, scaled);
        SmallVector<Value> next = {nextSlot(slot, 1)};
        for (const Sums &all : {sums, scaled})
          for (const Fragment &fragment : all)
            llvm::append_range(next, fragment);
        return next;
      });
  ValueRange values = ValueRange(results).drop_front();
  Sums sums = take(values);
  emitResults(layout.hasGroups() ? take(values) : sums);
}

void mlir::sq::cuda::emitTileMma(ImplicitLocOpBuilder &b,
                                 const MmaProduct &product,
                                 int64_t sharedBytes) {
  TilePlan plan =
      TilePlan::get(product.layout, product.multiplier.planes, sharedBytes);
  auto blocks = [&](Value count, int64_t size) -> Value {
    Value divisor = arith::ConstantIndexOp::create(b, size);
    return arith::CeilDivUIOp::create(b, count, divisor);
  };
  Value tokens =
      arith::IndexCastOp::create(b, b.getIndexType(), product.tokens);
  Value rows = arith::ConstantIndexOp::create(b, product.layout.numTiles());
  emitLaunch(b, {blocks(tokens, plan.tokens), blocks(rows, TilePlan::kTiles)},
             TilePlan::kThreads, TilePlan::kStages * plan.stageBytes(),
             [&] { TileMmaBuilder(b, product, plan).emit(); });
}
