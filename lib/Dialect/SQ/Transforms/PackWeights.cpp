//===- PackWeights.cpp - sq-pack-weights: write the weight file -----------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plan, write, rewrite: the plan names every entry of the file and its size,
// then entries are evaluated into the mapped file one after the other, and the
// IR changes only when the file is complete.
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Dialect/SQ/Transforms/PackWeights.h"
#include "WeightChain.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Pass/Pass.h"
#include "sparse-quant/Dialect/SQ/Transforms/Linear.h"
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h"
#include "sparse-quant/Dialect/SQ/Transforms/Recipe.h"
#include "sparse-quant/Numerics/Layout.h"
#include "sparse-quant/Support/SafetensorsWriter.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/ToolOutputFile.h"

#include <cstring>

namespace mlir::sq {
#define GEN_PASS_DEF_SQPACKWEIGHTS
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir;
using namespace mlir::sq;

namespace {

template <typename T>
using KeyMap = llvm::MapVector<std::string, T, llvm::StringMap<unsigned>>;

/// One weight as linear layers use it.
struct Layer {
  WeightChain chain;
  SmallVector<LinearLayer> uses;
  LayerReport report;
  bool packed = false;
  /// Packed: bytes of a payload row, and what the mask promises.
  int64_t payloadStride = 0;
  SparsityPatternAttrInterface pattern;
  /// Packed: what the entries' names start with.
  std::string name;
};

/// A tensor that is stored as it is, or evaluated to f32.
struct DenseEntry {
  Value value;
  std::string name;
  DType dtype = DType::F32;
  /// Set in a study: what to store instead of `value`.
  const Layer *study = nullptr;
  /// Values of equal key that this entry replaces.
  SetVector<Value> values;
};

class WeightPacker {
public:
  WeightPacker(ModuleOp module, const PackOptions &options, PackResult &result)
      : module(module), options(options), result(result),
        files(options.weightsDir), evaluator(files),
        builder(module.getContext()) {}

  LogicalResult run();

private:
  // Plan.
  LogicalResult checkInput();
  LogicalResult collectLayers();
  void planPacked(Layer &layer);
  void collectDense();
  bool isInternal(OpOperand &use);
  LogicalResult addDense(Value value, const Layer *study = nullptr);
  LogicalResult planPayload(Layer &layer);
  LogicalResult declare();
  std::string makeName(StringRef name, ArrayRef<StringRef> suffixes);
  // Write.
  LogicalResult writePacked(Layer &layer);
  LogicalResult writeDense(DenseEntry &entry);
  LogicalResult measureDense(Layer &layer);
  LogicalResult write();
  // Rewrite.
  Value makeParameter(const Twine &name, RankedTensorType type, Location loc);
  void rewritePacked(Layer &layer);
  void rewriteDense(DenseEntry &entry);
  void eraseDead();
  void remarkOn(Layer &layer);

  LogicalResult fail(Operation *op, llvm::Error error) {
    return op->emitError() << llvm::toString(std::move(error));
  }

  ModuleOp module;
  const PackOptions &options;
  PackResult &result;
  WeightFiles files;
  WeightEvaluator evaluator;
  SafetensorsWriter writer;
  OpBuilder builder;
  KeyMap<std::unique_ptr<Layer>> layers;
  KeyMap<DenseEntry> dense;
  llvm::StringSet<> names;
  /// Weight operands that get packed or studied values.
  DenseSet<OpOperand *> replaced;
};

} // namespace

static remark::RemarkOpts remarkOptions(Operation *op, StringRef name) {
  StringRef function;
  if (auto parent = op->getParentOfType<FunctionOpInterface>())
    function = parent.getName();
  return remark::RemarkOpts::name(name)
      .category("sq-pack-weights")
      .function(function);
}

/// The element types that raw entries have in a weight file.
static std::optional<DType> getStoredType(Type type) {
  if (type.isF32())
    return DType::F32;
  if (type.isF16())
    return DType::F16;
  if (type.isBF16())
    return DType::BF16;
  if (type.isF64())
    return DType::F64;
  if (type.isInteger(8))
    return DType::I8;
  if (type.isInteger(16))
    return DType::I16;
  if (type.isInteger(32))
    return DType::I32;
  if (type.isInteger(64))
    return DType::I64;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Plan
//===----------------------------------------------------------------------===//

LogicalResult WeightPacker::checkInput() {
  WalkResult walk = module.walk([&](ParameterOp op) {
    if (op.getSource())
      return WalkResult::advance();
    op.emitError() << "parameter '" << op.getName()
                   << "' has no source: the weights are packed already; run "
                      "sq-pack-weights once, on the model as imported";
    return WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}

std::string WeightPacker::makeName(StringRef name,
                                   ArrayRef<StringRef> suffixes) {
  auto isTaken = [&](const std::string &candidate) {
    return llvm::any_of(suffixes, [&](StringRef suffix) {
      return names.contains(candidate + suffix.str());
    });
  };
  std::string candidate = name.str();
  for (unsigned i = 1; isTaken(candidate); ++i)
    candidate = (name + "." + Twine(i)).str();
  for (StringRef suffix : suffixes)
    names.insert(candidate + suffix.str());
  return candidate;
}

/// The pattern that the mask of a packed layer may promise to kernels.
static SparsityPatternAttrInterface getPromise(const WeightChain &chain) {
  ApplyMaskOp apply = chain.apply;
  if (auto mask = apply.getMask().getDefiningOp<MaskOp>())
    return mask.getPattern();
  // Of a mask that was given, nothing is known.
  return getPatternAttr(
      apply.getContext(),
      numerics::Pattern::unstructured(0.0, numerics::SparsityScope::Tensor));
}

void WeightPacker::planPacked(Layer &layer) {
  WeightChain &chain = layer.chain;
  LayerReport &report = layer.report;
  report.name = getLayerName(getWeightName(chain.base)).str();
  report.rows = layer.uses.front().getRows();
  report.columns = layer.uses.front().getColumns();
  report.denseBytes = uint64_t(report.rows) * report.columns * 4;
  if (chain.isSparse()) {
    layer.pattern = getPromise(chain);
    ApplyMaskOp apply = chain.apply;
    report.pattern = apply.getMask().getDefiningOp<MaskOp>()
                         ? layer.pattern.getPattern().str()
                         : "given mask";
  }
  if (std::optional<numerics::Format> format = chain.getFormat()) {
    report.format = format->str();
    if (chain.isSparse())
      report.order = "given";
  }
  for (Operation *op :
       {chain.apply.getOperation(), chain.quantize.getOperation()})
    if (op)
      if (auto order = op->getAttrOfType<StringAttr>("sq.order"))
        report.order = order.str();
  if (auto why =
          layer.uses.front().op->getAttrOfType<StringAttr>(kWhyDenseAttr))
    report.whyDense = why.str();
  report.kernel = "cpu.f32";
  if (options.study != StudyOrder::None) {
    report.whyDense = "a study stores rounded weights as f32";
  } else if (chain.isQuantized() && !checkWeightFormat(*chain.getFormat())) {
    layer.packed = true;
    report.kernel = "cpu.reference";
  } else if (chain.isQuantized()) {
    report.whyDense = *checkWeightFormat(*chain.getFormat());
  } else if (chain.isSparse()) {
    report.whyDense = "f32 weights have no sparse kernel";
  } else if (report.whyDense.empty()) {
    report.whyDense = "nothing compresses it";
  }
}

LogicalResult WeightPacker::collectLayers() {
  module.walk([&](Operation *op) {
    std::optional<LinearLayer> use = matchLinear(op);
    if (!use)
      return;
    Value weight = use->weight->get();
    std::optional<std::string> key = evaluator.getKey(weight);
    Operation *def = weight.getDefiningOp();
    if (!key || !def || def->getName().getDialectNamespace() != "sq") {
      if (isa_and_present<DequantizeOp, ApplyMaskOp>(def))
        remark::missed(op->getLoc(), remarkOptions(op, "not-constant"))
            << "the weight isn't computed from constants along its last axis; "
               "left to run time";
      return;
    }
    auto &layer = layers[*key];
    if (!layer)
      layer.reset(new Layer{WeightChain(weight), {}, {}, {}, {}, {}, {}});
    layer->uses.push_back(*use);
  });
  for (auto &[key, layer] : layers)
    planPacked(*layer);
  return success();
}

/// The quantization that a linear layer's input goes through, if sq.matmul can
/// take its codes.
static QuantizeOp getInputQuantization(const LinearLayer &use) {
  auto dequantize = use.input->get().getDefiningOp<DequantizeOp>();
  if (!dequantize)
    return nullptr;
  auto quantize = dequantize.getValues().getDefiningOp<QuantizeOp>();
  if (!quantize || quantize.isStatic() ||
      quantize.getFormat() != dequantize.getFormat() ||
      !llvm::equal(quantize.getScales(), dequantize.getScales()) ||
      normalizeAxis(quantize.getAxis(), 2) != 1 ||
      normalizeAxis(dequantize.getAxis(), 2) != 1 ||
      checkActivationFormat(quantize.getFormat().getFormat()))
    return nullptr;
  return quantize;
}

bool WeightPacker::isInternal(OpOperand &use) {
  if (replaced.contains(&use))
    return true;
  Operation *owner = use.getOwner();
  return isa<MaskOp, ApplyMaskOp, QuantizeOp, DequantizeOp>(owner) &&
         evaluator.getKey(owner->getResult(0));
}

LogicalResult WeightPacker::addDense(Value value, const Layer *study) {
  std::string key = *evaluator.getKey(value);
  // In a study, what linear layers see differs from what others see.
  if (study)
    key = "study of " + key;
  DenseEntry &entry = dense[key];
  entry.values.insert(value);
  if (entry.value)
    return success();
  entry.value = value;
  entry.study = study;
  std::optional<DType> dtype = getStoredType(getElementTypeOrSelf(value));
  if (!dtype)
    return emitError(value.getLoc())
           << "parameter '" << getWeightName(value) << "' has type "
           << value.getType() << ", which the weight file can't hold";
  entry.dtype = *dtype;
  entry.name = makeName(getWeightName(value), {""});
  return success();
}

LogicalResult WeightPacker::planPayload(Layer &layer) {
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
      Value mask = ApplyMaskOp(chain.apply).getMask();
      std::vector<uint8_t> keep;
      for (RowRange range : evaluator.getBlocks(chain.root)) {
        if (failed(evaluator.evaluateMask(mask, range, keep)))
          return failure();
        for (int64_t row = 0; row < range.size(); ++row)
          widest = std::max<int64_t>(
              widest, std::count(keep.begin() + row * cols,
                                 keep.begin() + (row + 1) * cols, 1));
      }
      evaluator.release();
    }
  }
  // A memref needs its byte even where nothing is kept.
  layer.payloadStride = std::max<int64_t>(
      1, numerics::payloadRowBytes(widest, chain.getFormat()->bits));
  return success();
}

/// Of the entries of a format's scales, in the order of the op's operands.
static constexpr StringLiteral kScaleSuffixes[] = {".scale", ".tensor_scale"};

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

LogicalResult WeightPacker::declare() {
  llvm::json::Object described;
  for (auto &[key, owned] : layers) {
    Layer &layer = *owned;
    LayerReport &report = layer.report;
    if (!layer.packed)
      continue;
    if (failed(planPayload(layer)))
      return failure();
    numerics::Format format = *layer.chain.getFormat();
    layer.name = makeName(report.name,
                          {".payload", ".bitmap", ".scale", ".tensor_scale"});
    auto scaleType = cast<RankedTensorType>(
        layer.chain.quantize.getUsedScales()[0].getType());
    llvm::Error error = writer.declare(layer.name + ".payload", DType::U8,
                                       {report.rows, layer.payloadStride});
    if (!error && layer.chain.isSparse())
      error = writer.declare(
          layer.name + ".bitmap", DType::U8,
          {report.rows, numerics::bitmapRowBytes(report.columns)});
    if (!error)
      error =
          writer.declare(layer.name + ".scale", getScaleDType(format.scaleType),
                         scaleType.getShape());
    if (!error && format.hasTensorScale())
      error = writer.declare(layer.name + ".tensor_scale", DType::F32, {1, 1});
    if (error)
      return fail(layer.uses.front().op, std::move(error));
    described[layer.name] = llvm::json::Object{
        {"pattern", report.pattern},
        {"format", report.format},
        {"shape", llvm::json::Array{report.rows, report.columns}}};
  }
  for (auto &[key, entry] : dense)
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

void WeightPacker::collectDense() {
  for (auto &[key, layer] : layers)
    if (layer->packed || options.study != StudyOrder::None)
      for (LinearLayer &use : layer->uses)
        replaced.insert(use.weight);
}

//===----------------------------------------------------------------------===//
// Write
//===----------------------------------------------------------------------===//

/// Rows of `source`, `from` bytes each, to rows of `to` bytes, zero-padded.
static void copyRows(ArrayRef<uint8_t> source, int64_t from, uint8_t *target,
                     int64_t to, int64_t rows) {
  for (int64_t row = 0; row < rows; ++row)
    std::memcpy(target + row * to, source.data() + row * from,
                std::min(from, to));
}

LogicalResult WeightPacker::writePacked(Layer &layer) {
  WeightChain &chain = layer.chain;
  LayerReport &report = layer.report;
  numerics::Format format = *chain.getFormat();
  MutableArrayRef<uint8_t> payload = writer.getBytes(layer.name + ".payload");
  MutableArrayRef<uint8_t> scales = writer.getBytes(layer.name + ".scale");
  MutableArrayRef<uint8_t> bitmap;
  report.storedBytes = payload.size() + scales.size();
  if (chain.isSparse()) {
    bitmap = writer.getBytes(layer.name + ".bitmap");
    report.storedBytes += bitmap.size();
  }
  int64_t scaleRowBytes =
      format.numGroups(report.columns) * numerics::scaleBytes(format.scaleType);
  int64_t bitmapRow = numerics::bitmapRowBytes(report.columns);

  ErrorMeter meter(chain);
  for (RowRange range : evaluator.getBlocks(chain.root)) {
    numerics::Encoded encoded;
    std::vector<uint8_t> mask;
    if (failed(evaluator.encode(chain.quantize, range, encoded)) ||
        (chain.isSparse() &&
         failed(evaluator.evaluateMask(chain.apply.getMask(), range, mask))) ||
        (options.measureErrors && failed(meter.add(evaluator, range))))
      return failure();
    numerics::Packed packed;
    numerics::pack(format.bits, encoded.codes, mask, range.size(),
                   report.columns, packed);
    copyRows(packed.payload, packed.payloadStride,
             payload.data() + range.begin * layer.payloadStride,
             layer.payloadStride, range.size());
    if (chain.isSparse())
      std::memcpy(bitmap.data() + range.begin * bitmapRow, packed.bitmap.data(),
                  packed.bitmap.size());
    std::memcpy(scales.data() + range.begin * scaleRowBytes,
                encoded.scales.data(), encoded.scales.size());
    if (format.hasTensorScale()) {
      MutableArrayRef<uint8_t> bytes =
          writer.getBytes(layer.name + ".tensor_scale");
      std::memcpy(bytes.data(), &encoded.tensorScale, bytes.size());
      report.storedBytes += bytes.size();
    }
  }
  if (options.measureErrors)
    meter.finish(report);
  evaluator.release();
  return success();
}

LogicalResult WeightPacker::writeDense(DenseEntry &entry) {
  MutableArrayRef<uint8_t> target = writer.getBytes(entry.name);
  auto type = cast<RankedTensorType>(entry.value.getType());
  if (!type.getElementType().isF32()) {
    auto parameter = entry.value.getDefiningOp<ParameterOp>();
    auto stored =
        files.readBytes(parameter.getName(), *parameter.getSource(),
                        parameter.getOffset(), type.getShape(), entry.dtype);
    if (!stored)
      return fail(parameter, stored.takeError());
    if (stored->bytes.size() != target.size())
      return parameter.emitError()
             << "tensor '" << parameter.getName() << "' is stored as "
             << getDTypeName(stored->dtype) << ", which isn't "
             << type.getElementType();
    std::memcpy(target.data(), stored->bytes.data(), target.size());
    return success();
  }
  int64_t rowBytes = getMatrixShape(entry.value).cols * sizeof(float);
  StudyOrder order = entry.study ? options.study : StudyOrder::None;
  std::optional<WeightChain> own;
  if (!entry.study)
    own.emplace(entry.value);
  const WeightChain &chain = entry.study ? entry.study->chain : *own;
  std::vector<float> values;
  for (RowRange range : evaluator.getBlocks(entry.value)) {
    if (failed(evaluateStudy(evaluator, chain, order, range, values)))
      return failure();
    std::memcpy(target.data() + range.begin * rowBytes, values.data(),
                values.size() * sizeof(float));
  }
  evaluator.release();
  return success();
}

LogicalResult WeightPacker::measureDense(Layer &layer) {
  layer.report.storedBytes = layer.report.denseBytes;
  // An untouched layer has no error; zeros are a measurement, too.
  if (!options.measureErrors)
    return success();
  ErrorMeter meter(layer.chain);
  for (RowRange range : evaluator.getBlocks(layer.chain.root))
    if (failed(meter.add(evaluator, range)))
      return failure();
  meter.finish(layer.report);
  evaluator.release();
  return success();
}

LogicalResult WeightPacker::write() {
  for (auto &[key, layer] : layers)
    if (failed(layer->packed ? writePacked(*layer) : measureDense(*layer)))
      return failure();
  for (auto &[key, entry] : dense)
    if (failed(writeDense(entry)))
      return failure();
  auto summary = writer.commit();
  if (!summary)
    return fail(module, summary.takeError());
  result.size = summary->size;
  result.headerHash = summary->headerHash;
  result.dataHash = summary->dataHash;
  return success();
}

//===----------------------------------------------------------------------===//
// Rewrite
//===----------------------------------------------------------------------===//

Value WeightPacker::makeParameter(const Twine &name, RankedTensorType type,
                                  Location loc) {
  std::string text = name.str();
  return ParameterOp::create(builder, loc, type, builder.getStringAttr(text),
                             /*source=*/StringAttr(),
                             builder.getI64IntegerAttr(writer.getOffset(text)));
}

void WeightPacker::rewritePacked(Layer &layer) {
  Type i8 = builder.getI8Type();
  const LayerReport &report = layer.report;
  for (LinearLayer &use : layer.uses) {
    WeightChain chain(use.weight->get());
    Location loc = use.op->getLoc();
    builder.setInsertionPoint(use.op);
    Value payload = makeParameter(
        layer.name + ".payload",
        RankedTensorType::get({report.rows, layer.payloadStride}, i8), loc);
    Value bitmap;
    if (chain.isSparse())
      bitmap = makeParameter(
          layer.name + ".bitmap",
          RankedTensorType::get(
              {report.rows, numerics::bitmapRowBytes(report.columns)}, i8),
          loc);
    SmallVector<Value> scales;
    for (auto [scale, suffix] :
         llvm::zip(chain.quantize.getUsedScales(), kScaleSuffixes))
      scales.push_back(makeParameter(
          layer.name + suffix, cast<RankedTensorType>(scale.getType()), loc));
    Value input = use.input->get();
    SmallVector<Value> inputScales;
    QuantFormatAttrInterface activationFormat;
    if (QuantizeOp quantize = getInputQuantization(use)) {
      input = quantize.getValues();
      llvm::append_range(inputScales, quantize.getScales());
      activationFormat = quantize.getFormat();
    }
    auto product = MatmulOp::create(
        builder, loc, use.op->getResult(0).getType(), input, inputScales,
        payload, bitmap, scales, use.init->get(), chain.quantize.getFormat(),
        activationFormat, layer.pattern, /*kernel=*/StringAttr());
    use.op->getResult(0).replaceAllUsesWith(product.getResult());
    use.op->erase();
  }
}

void WeightPacker::rewriteDense(DenseEntry &entry) {
  for (Value value : entry.values) {
    builder.setInsertionPointAfterValue(value);
    Value parameter = makeParameter(
        entry.name, cast<RankedTensorType>(value.getType()), value.getLoc());
    if (entry.study) {
      value.replaceUsesWithIf(
          parameter, [&](OpOperand &use) { return replaced.contains(&use); });
      continue;
    }
    // What evaluates the value further goes away with it.
    value.replaceUsesWithIf(parameter,
                            [&](OpOperand &use) { return !isInternal(use); });
  }
}

void WeightPacker::eraseDead() {
  SmallVector<Operation *> candidates;
  module.walk([&](Operation *op) {
    if (isa<ParameterOp, MaskOp, ApplyMaskOp, QuantizeOp, DequantizeOp>(op))
      candidates.push_back(op);
    op->removeDiscardableAttr(kWhyDenseAttr);
  });
  for (Operation *op : llvm::reverse(candidates))
    if (op->use_empty())
      op->erase();
}

void WeightPacker::remarkOn(Layer &layer) {
  const LayerReport &report = layer.report;
  for (LinearLayer &use : layer.uses) {
    if (layer.packed)
      remark::passed(use.op->getLoc(), remarkOptions(use.op, "packed"))
          << remark::add("layer '{0}': {1}, {2}, {3} bytes instead of {4}, "
                         "{5:f2} bits a weight",
                         report.name, report.pattern, report.format,
                         report.storedBytes, report.denseBytes,
                         report.getBitsPerWeight());
    else
      remark::analysis(use.op->getLoc(), remarkOptions(use.op, "dense"))
          << remark::add("layer '{0}' is stored as dense f32: {1}", report.name,
                         report.whyDense);
  }
}

LogicalResult WeightPacker::run() {
  if (options.output.empty())
    return module.emitError(
        "sq-pack-weights needs a file to write; set the option "
        "output=<file.sqw>");
  if (failed(checkInput()) || failed(collectLayers()))
    return failure();
  collectDense();

  // What is used as it is, or after evaluation, by ops of other kinds.
  if (options.study != StudyOrder::None)
    for (auto &[key, layer] : layers)
      for (LinearLayer &use : layer->uses)
        if (failed(addDense(use.weight->get(), layer.get())))
          return failure();
  SmallVector<Value> roots;
  module.walk([&](Operation *op) {
    for (OpOperand &operand : op->getOpOperands()) {
      Value value = operand.get();
      Operation *def = value.getDefiningOp();
      if (isa_and_present<ParameterOp, ApplyMaskOp, DequantizeOp>(def) &&
          evaluator.getKey(value) && !isInternal(operand))
        roots.push_back(value);
      // Codes, scales and masks that others read are computed at run time.
      if (isa_and_present<MaskOp, QuantizeOp>(def) && evaluator.getKey(value) &&
          !isInternal(operand))
        for (Value input : def->getOperands())
          roots.push_back(input);
    }
  });
  for (Value root : roots)
    if (isa_and_present<ParameterOp, ApplyMaskOp, DequantizeOp>(
            root.getDefiningOp()) &&
        failed(addDense(root)))
      return failure();

  if (failed(declare()) || failed(write()))
    return failure();
  for (auto &[key, layer] : layers) {
    for (LinearLayer &use : layer->uses)
      if (QuantizeOp quantize = getInputQuantization(use))
        layer->report.activationFormat = quantize.getFormat().getFormat().str();
    remarkOn(*layer);
    result.layers.push_back(layer->report);
  }
  // A study of sparsity alone leaves activations as they are, too.
  if (options.study == StudyOrder::Sparsity)
    for (auto &[key, layer] : layers)
      for (LinearLayer &use : layer->uses)
        if (QuantizeOp quantize = getInputQuantization(use))
          use.input->set(quantize.getInput());
  for (auto &[key, entry] : dense)
    rewriteDense(entry);
  for (auto &[key, layer] : layers)
    if (layer->packed)
      rewritePacked(*layer);
  eraseDead();
  return success();
}

LogicalResult mlir::sq::packWeights(ModuleOp module, const PackOptions &options,
                                    PackResult &result) {
  return WeightPacker(module, options, result).run();
}

//===----------------------------------------------------------------------===//
// Report and pass
//===----------------------------------------------------------------------===//

LogicalResult mlir::sq::writeReport(ModuleOp module, const PackResult &result,
                                    StringRef path) {
  std::error_code code;
  llvm::ToolOutputFile file(path, code, llvm::sys::fs::OF_None);
  if (code)
    return module.emitError()
           << "cannot write the report '" << path << "': " << code.message();
  llvm::json::Array layers;
  for (const LayerReport &layer : result.layers)
    layers.push_back(toJSON(layer));
  llvm::json::Value report = llvm::json::Object{
      {"version", 1},
      {"weights",
       llvm::json::Object{
           {"bytes", int64_t(result.size)},
           {"header_hash", llvm::utohexstr(result.headerHash, true, 16)},
           {"data_hash", llvm::utohexstr(result.dataHash, true, 16)}}},
      {"layers", std::move(layers)}};
  file.os() << llvm::formatv("{0:2}\n", report);
  file.keep();
  return success();
}

namespace {
struct PackWeights : sq::impl::SQPackWeightsBase<PackWeights> {
  using SQPackWeightsBase::SQPackWeightsBase;

  void runOnOperation() override {
    PackOptions options;
    options.output = output;
    options.weightsDir = weightsDir;
    options.study = studyOrder;
    options.measureErrors = !report.empty();
    PackResult result;
    if (failed(packWeights(getOperation(), options, result)) ||
        (!report.empty() &&
         failed(writeReport(getOperation(), result, report))))
      signalPassFailure();
  }
};
} // namespace
