//===- WriteWeights.cpp - Evaluate a plan into the weight file ------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "HalfWeights.h"
#include "WeightPlan.h"
#include "mlir/IR/Threading.h"
#include "mlir/IR/TypeUtilities.h"
#include "sparse-quant/Numerics/Layout.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"

#include <cstring>

using namespace mlir;
using namespace mlir::sq;

namespace {
class WeightWriter {
public:
  WeightWriter(ModuleOp module, const PackOptions &options, WeightFiles &files,
               WeightEvaluator &evaluator, WeightPlan &plan,
               SafetensorsWriter &writer)
      : module(module), options(options), files(files), evaluator(evaluator),
        plan(plan), writer(writer) {}

  LogicalResult run();

private:
  /// Calls work(evaluator, layer) for all layers, on several threads.
  LogicalResult forEachLayer(
      function_ref<LogicalResult(WeightEvaluator &, LayerPlan &)> work);
  LogicalResult forEachMask(WeightEvaluator &evaluator, LayerPlan &layer,
                            int64_t rows,
                            function_ref<void(ArrayRef<uint8_t>)> visit);
  LogicalResult planPayload(WeightEvaluator &evaluator, LayerPlan &layer);
  llvm::Error declarePacked(const LayerPlan &layer);
  LogicalResult declare();
  LogicalResult writePacked(WeightEvaluator &evaluator, LayerPlan &layer);
  LogicalResult writeDense(DenseEntry &entry);
  LogicalResult writeRaw(DenseEntry &entry);
  LogicalResult measureDense(WeightEvaluator &evaluator, LayerPlan &layer);

  LogicalResult fail(Operation *op, llvm::Error error) {
    return op->emitError() << llvm::toString(std::move(error));
  }

  ModuleOp module;
  const PackOptions &options;
  WeightFiles &files;
  WeightEvaluator &evaluator;
  WeightPlan &plan;
  SafetensorsWriter &writer;
};
} // namespace

/// Whether the scores of all of the layer's weights are in memory at once.
static bool needsWholeLayer(const LayerPlan &layer) {
  return layer.pattern && isWhole(layer.pattern.getPattern());
}

LogicalResult WeightWriter::forEachLayer(
    function_ref<LogicalResult(WeightEvaluator &, LayerPlan &)> work) {
  // Memory is bounded by a few blocks of rows for each thread, and one layer.
  SmallVector<LayerPlan *> byBlocks, whole;
  for (auto &[key, layer] : plan.layers)
    (needsWholeLayer(*layer) ? whole : byBlocks).push_back(&*layer);
  for (LayerPlan *layer : whole)
    if (failed(work(evaluator, *layer)))
      return failure();
  return failableParallelForEach(module.getContext(), byBlocks,
                                 [&](LayerPlan *layer) {
                                   WeightEvaluator own(files);
                                   return work(own, *layer);
                                 });
}

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

/// Calls visit(mask) for each block of rows of a sparse layer, blocks being
/// whole multiples of `rows`.
LogicalResult
WeightWriter::forEachMask(WeightEvaluator &evaluator, LayerPlan &layer,
                          int64_t rows,
                          function_ref<void(ArrayRef<uint8_t>)> visit) {
  Value mask = ApplyMaskOp(layer.chain.apply).getMask();
  std::vector<uint8_t> keep;
  for (RowRange range : evaluator.getBlocks(layer.chain.root, rows)) {
    if (failed(evaluator.evaluateMask(mask, range, keep)))
      return failure();
    visit(keep);
  }
  evaluator.release();
  return success();
}

LogicalResult WeightWriter::planPayload(WeightEvaluator &evaluator,
                                        LayerPlan &layer) {
  if (layer.layout != Layout::Rows) {
    auto count = [&](const auto &layout) {
      layer.payloadStride = layout.kSlack;
      return forEachMask(evaluator, layer, layout.kRows,
                         [&](ArrayRef<uint8_t> keep) {
                           layer.payloadStride += layout.countPayload(keep);
                         });
    };
    return layer.hasFragments() ? count(layer.getFragments())
                                : count(layer.getTiles());
  }
  WeightChain &chain = layer.chain;
  int64_t cols = layer.report.columns;
  int64_t widest = cols;
  if (chain.isSparse()) {
    numerics::Pattern pattern = layer.pattern.getPattern();
    if (pattern.kind == numerics::PatternKind::NM) {
      widest =
          cols / pattern.m * pattern.n + std::min(pattern.n, cols % pattern.m);
    } else {
      // Rows keep different numbers of elements: the mask has to be known.
      widest = 0;
      if (failed(forEachMask(evaluator, layer, 1, [&](ArrayRef<uint8_t> keep) {
            for (; !keep.empty(); keep = keep.drop_front(cols))
              widest = std::max<int64_t>(widest,
                                         llvm::count(keep.take_front(cols), 1));
          })))
        return failure();
    }
  }
  // A memref needs its byte even where nothing is kept.
  layer.payloadStride = std::max<int64_t>(
      1, numerics::payloadRowBytes(widest, chain.getFormat()->bits));
  return success();
}

/// Entries that don't fit a type that all readers of safetensors know are
/// bytes.
static DType getScaleDType(numerics::ScaleType type) {
  switch (type) {
  case numerics::ScaleType::F32:
    return DType::F32;
  case numerics::ScaleType::F16:
    return DType::F16;
  case numerics::ScaleType::E8M0:
  case numerics::ScaleType::E4M3FN:
    return DType::U8;
  }
  llvm_unreachable("unknown scale type");
}

llvm::Error WeightWriter::declarePacked(const LayerPlan &layer) {
  const LayerReport &report = layer.report;
  numerics::Format format = *layer.chain.getFormat();
  if (llvm::Error error = writer.declare(report.name + ".payload", DType::U8,
                                         layer.getPayloadShape()))
    return error;
  if (layer.hasMetadata())
    if (llvm::Error error =
            writer.declare(report.name + layer.getBitmapSuffix().str(),
                           DType::U8, layer.getBitmapShape()))
      return error;
  if (format.isHalf())
    return llvm::Error::success();
  if (llvm::Error error = writer.declare(report.name + ".scale",
                                         getScaleDType(format.scaleType),
                                         layer.getScaleShape()))
    return error;
  if (format.hasTensorScale())
    return writer.declare(report.name + ".tensor_scale", DType::F32, {1, 1});
  return llvm::Error::success();
}

LogicalResult WeightWriter::declare() {
  if (failed(forEachLayer([&](WeightEvaluator &evaluator, LayerPlan &layer) {
        return layer.packed && layer.hasVaryingPayload()
                   ? planPayload(evaluator, layer)
                   : success();
      })))
    return failure();
  llvm::json::Object described;
  for (auto &[key, layer] : plan.layers) {
    if (!layer->packed)
      continue;
    if (llvm::Error error = declarePacked(*layer))
      return fail(layer->uses.front().op, std::move(error));
    const LayerReport &report = layer->report;
    described[report.name] = llvm::json::Object{
        {"pattern", report.pattern},
        {"format", report.format},
        {"layout", stringifyLayout(layer->layout)},
        {"stored_dense", layer->storedDense},
        {"shape", llvm::json::Array{report.rows, report.columns}}};
  }
  for (auto &[key, entry] : plan.dense)
    if (llvm::Error error = writer.declare(
            entry.name, entry.dtype,
            cast<RankedTensorType>(entry.value.getType()).getShape()))
      return fail(entry.value.getDefiningOp(), std::move(error));
  writer.setMetadata("sq.format_version", "1");
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(described));
  writer.setMetadata("sq.layers", text);
  if (llvm::Error error = writer.open(options.output))
    return fail(module, std::move(error));
  return success();
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

namespace {
/// A packed layer's entries in the mapped file.
struct PackedBytes {
  MutableArrayRef<uint8_t> payload, bitmap, scales;
};
} // namespace

/// Rows of `source`, `from` bytes each, to rows of `to` bytes, zero-padded.
static void copyRows(ArrayRef<uint8_t> source, int64_t from, uint8_t *target,
                     int64_t to, int64_t rows) {
  for (int64_t row = 0; row < rows; ++row)
    std::memcpy(target + row * to, source.data() + row * from,
                std::min(from, to));
}

/// Rows [range) of a layer in tiles, which start at a tile. Blocks come in
/// order; with bitmaps `used` counts the bytes of the payload.
static void storeTiles(const LayerPlan &layer, RowRange range,
                       const numerics::Encoded &encoded, ArrayRef<uint8_t> mask,
                       PackedBytes to, int64_t &used) {
  numerics::TileLayout tiles = layer.getTiles();
  int64_t first = range.begin / numerics::TileLayout::kRows;
  int64_t scaleTile =
      tiles.numScales() * numerics::scaleBytes(tiles.format.scaleType);
  tiles.rows = range.size();
  numerics::PackedTiles packed;
  numerics::packTiles(tiles, encoded.codes, mask, encoded.scales, packed, used);
  llvm::copy(packed.payload,
             to.payload.begin() +
                 (tiles.hasBitmap() ? used : first * tiles.payloadBytes()));
  used += static_cast<int64_t>(packed.payload.size());
  llvm::copy(packed.positions,
             to.bitmap.begin() + first * tiles.positionBytes());
  llvm::copy(packed.scales, to.scales.begin() + first * scaleTile);
}

/// The same in fragments.
static void storeFragments(const LayerPlan &layer, RowRange range,
                           const numerics::Encoded &encoded,
                           ArrayRef<uint8_t> mask, PackedBytes to,
                           int64_t &used) {
  numerics::FragmentLayout fragments = layer.getFragments();
  int64_t first = range.begin / numerics::FragmentLayout::kRows;
  int64_t scaleTile =
      fragments.numScales() * numerics::scaleBytes(fragments.format.scaleType);
  fragments.rows = range.size();
  numerics::PackedFragments packed;
  numerics::packFragments(fragments, encoded.codes, mask, encoded.scales,
                          packed, used);
  llvm::copy(packed.payload,
             to.payload.begin() + (fragments.hasBitmap()
                                       ? used
                                       : first * fragments.payloadBytes()));
  used += static_cast<int64_t>(packed.payload.size());
  llvm::copy(packed.metadata,
             to.bitmap.begin() + first * fragments.metadataBytes());
  if (!packed.scales.empty())
    llvm::copy(packed.scales, to.scales.begin() + first * scaleTile);
}

/// Rows [range) of a layer in rows.
static void storeRows(const LayerPlan &layer, RowRange range,
                      const numerics::Encoded &encoded, ArrayRef<uint8_t> mask,
                      PackedBytes to) {
  numerics::Format format = *layer.chain.getFormat();
  int64_t cols = layer.report.columns;
  numerics::Packed packed;
  numerics::pack(format.bits, encoded.codes, mask, range.size(), cols, packed);
  copyRows(packed.payload, packed.payloadStride,
           to.payload.data() + range.begin * layer.payloadStride,
           layer.payloadStride, range.size());
  llvm::copy(packed.bitmap,
             to.bitmap.begin() + range.begin * numerics::bitmapRowBytes(cols));
  // A tensor's one scale comes with every block.
  int64_t firstScale = format.scope == numerics::GroupScope::Tensor
                           ? 0
                           : range.begin * format.numGroups(cols);
  llvm::copy(encoded.scales,
             to.scales.begin() +
                 firstScale * numerics::scaleBytes(format.scaleType));
}

/// Values that 16 bits hold.
static void storeHalves(DType half, ArrayRef<float> values, uint8_t *target) {
  for (auto [index, value] : llvm::enumerate(values))
    llvm::support::endian::write16le(target + 2 * index,
                                     roundToHalf(half, value));
}

/// Rows [range) as their format stores them.
static LogicalResult encode(WeightEvaluator &evaluator,
                            const WeightChain &chain, RowRange range,
                            numerics::Encoded &encoded) {
  if (!chain.half)
    return evaluator.encode(chain.quantize, range, encoded);
  std::vector<float> values;
  if (failed(evaluator.evaluate(chain.root, range, values)))
    return failure();
  encoded.codes.resize(2 * values.size());
  storeHalves(*chain.half, values, encoded.codes.data());
  return success();
}

LogicalResult WeightWriter::writePacked(WeightEvaluator &evaluator,
                                        LayerPlan &layer) {
  WeightChain &chain = layer.chain;
  LayerReport &report = layer.report;
  numerics::Format format = *chain.getFormat();
  PackedBytes bytes;
  bytes.payload = writer.getBytes(report.name + ".payload");
  if (!format.isHalf())
    bytes.scales = writer.getBytes(report.name + ".scale");
  MutableArrayRef<uint8_t> tensorScale;
  if (layer.hasMetadata())
    bytes.bitmap = writer.getBytes(report.name + layer.getBitmapSuffix().str());
  if (format.hasTensorScale())
    tensorScale = writer.getBytes(report.name + ".tensor_scale");
  report.payloadBytes = bytes.payload.size();
  report.bitmapBytes = bytes.bitmap.size();
  report.scaleBytes = bytes.scales.size() + tensorScale.size();

  bool inTiles = layer.layout != Layout::Rows;
  int64_t used = 0;
  ErrorMeter meter(evaluator, chain);
  for (RowRange range : evaluator.getBlocks(
           chain.root, inTiles ? numerics::TileLayout::kRows : 1)) {
    numerics::Encoded encoded;
    std::vector<uint8_t> mask;
    if (failed(encode(evaluator, chain, range, encoded)) ||
        (chain.isSparse() &&
         failed(evaluator.evaluateMask(chain.apply.getMask(), range, mask))) ||
        (options.measureErrors && failed(meter.add(range))))
      return failure();
    if (layer.hasFragments())
      storeFragments(layer, range, encoded, mask, bytes, used);
    else if (inTiles)
      storeTiles(layer, range, encoded, mask, bytes, used);
    else
      storeRows(layer, range, encoded, mask, bytes);
    if (!tensorScale.empty())
      std::memcpy(tensorScale.data(), &encoded.tensorScale, tensorScale.size());
  }
  if (options.measureErrors)
    meter.finish(report);
  evaluator.release();
  return success();
}

LogicalResult WeightWriter::writeRaw(DenseEntry &entry) {
  MutableArrayRef<uint8_t> target = writer.getBytes(entry.name);
  auto type = cast<RankedTensorType>(entry.value.getType());
  auto parameter = entry.value.getDefiningOp<ParameterOp>();
  auto stored =
      files.readBytes(parameter.getName(), *parameter.getSource(),
                      parameter.getOffset(), type.getShape(), entry.dtype);
  if (!stored)
    return fail(parameter, stored.takeError());
  if (stored->dtype != entry.dtype)
    return parameter.emitError()
           << "tensor '" << parameter.getName() << "' is stored as "
           << getDTypeName(stored->dtype) << ", which isn't "
           << type.getElementType();
  std::memcpy(target.data(), stored->bytes.data(), target.size());
  evaluator.release();
  return success();
}

LogicalResult WeightWriter::writeDense(DenseEntry &entry) {
  if (!getElementTypeOrSelf(entry.value).isF32())
    return writeRaw(entry);
  MutableArrayRef<uint8_t> target = writer.getBytes(entry.name);
  int64_t cols = getMatrixShape(entry.value).cols;
  StudyOrder order = entry.study ? options.study : StudyOrder::None;
  std::optional<WeightChain> own;
  if (!entry.study)
    own.emplace(entry.value);
  OrderStudy study(evaluator, entry.study ? entry.study->chain : *own);
  std::vector<float> values;
  for (RowRange range : evaluator.getBlocks(entry.value)) {
    if (failed(study.evaluate(order, range, values)))
      return failure();
    if (entry.isHalf())
      storeHalves(entry.dtype, values, target.data() + range.begin * cols * 2);
    else
      std::memcpy(target.data() + range.begin * cols * sizeof(float),
                  values.data(), values.size() * sizeof(float));
  }
  evaluator.release();
  return success();
}

LogicalResult WeightWriter::measureDense(WeightEvaluator &evaluator,
                                         LayerPlan &layer) {
  layer.report.payloadBytes =
      layer.entry ? layer.entry->getSize() : layer.report.denseBytes;
  // An untouched layer has no error; zeros are a measurement, too.
  if (!options.measureErrors)
    return success();
  ErrorMeter meter(evaluator, layer.chain);
  for (RowRange range : evaluator.getBlocks(layer.chain.root))
    if (failed(meter.add(range)))
      return failure();
  meter.finish(layer.report);
  evaluator.release();
  return success();
}

LogicalResult WeightWriter::run() {
  if (failed(declare()))
    return failure();
  if (failed(forEachLayer([&](WeightEvaluator &evaluator, LayerPlan &layer) {
        return layer.packed ? writePacked(evaluator, layer)
                            : measureDense(evaluator, layer);
      })))
    return failure();
  for (auto &[key, entry] : plan.dense)
    if (failed(writeDense(entry)))
      return failure();
  return success();
}

LogicalResult
mlir::sq::writeWeights(ModuleOp module, const PackOptions &options,
                       WeightFiles &files, WeightEvaluator &evaluator,
                       WeightPlan &plan, SafetensorsWriter &writer) {
  return WeightWriter(module, options, files, evaluator, plan, writer).run();
}
