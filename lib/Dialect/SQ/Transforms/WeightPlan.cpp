//===- WeightPlan.cpp - Decide what the weight file holds -----------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "WeightPlan.h"
#include "HalfWeights.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "sparse-quant/Dialect/SQ/Transforms/Order.h"
#include "sparse-quant/Dialect/SQ/Transforms/Recipe.h"
#include "sparse-quant/Numerics/Layout.h"

using namespace mlir;
using namespace mlir::sq;

std::optional<numerics::Pattern> LayerPlan::getPattern() const {
  if (!pattern)
    return std::nullopt;
  return SparsityPatternAttrInterface(pattern).getPattern();
}

numerics::TileLayout LayerPlan::getTiles() const {
  std::optional<numerics::Pattern> mask;
  if (hasMetadata())
    mask = getPattern();
  if (layout == Layout::Blocks)
    return numerics::TileLayout::getBlocks(*chain.getFormat(), *mask,
                                           report.rows, report.columns);
  return numerics::TileLayout::get(*chain.getFormat(), mask ? &*mask : nullptr,
                                   report.rows, report.columns);
}

numerics::FragmentLayout LayerPlan::getFragments() const {
  std::optional<numerics::Pattern> mask;
  if (hasMetadata())
    mask = getPattern();
  return numerics::FragmentLayout::get(
      *chain.getFormat(), mask ? &*mask : nullptr,
      numerics::FragmentLayout::getMultiplierBytes(
          /*areCodes=*/getInputQuantization(uses.front()) && !widensInput),
      report.rows, report.columns);
}

StringRef LayerPlan::getBitmapSuffix() const {
  if (hasFragments())
    return ".metadata";
  return hasVaryingPayload() ? ".bitmap" : ".positions";
}

std::array<int64_t, 2> LayerPlan::getPayloadShape() const {
  if (layout != Layout::Rows && hasVaryingPayload())
    return {1, payloadStride};
  if (hasFragments())
    return {getFragments().numTiles(), getFragments().payloadBytes()};
  if (layout != Layout::Rows)
    return {getTiles().numTiles(), getTiles().payloadBytes()};
  return {report.rows, payloadStride};
}

std::array<int64_t, 2> LayerPlan::getBitmapShape() const {
  if (hasFragments())
    return {getFragments().numTiles(), getFragments().metadataBytes()};
  if (layout != Layout::Rows)
    return {getTiles().numTiles(), getTiles().positionBytes()};
  return {report.rows, numerics::bitmapRowBytes(report.columns)};
}

SmallVector<int64_t> LayerPlan::getScaleShape() const {
  if (hasFragments())
    return {getFragments().numTiles(), getFragments().numScales()};
  if (layout != Layout::Rows)
    return {getTiles().numTiles(), getTiles().numScales()};
  QuantizeOp quantize = chain.quantize;
  Value scale = quantize.getUsedScales().front();
  return SmallVector<int64_t>(
      cast<RankedTensorType>(scale.getType()).getShape());
}

bool DenseEntry::isHalf() const {
  return getElementTypeOrSelf(value).isF32() && dtype != DType::F32;
}

uint64_t DenseEntry::getSize() const {
  return cast<RankedTensorType>(value.getType()).getNumElements() *
         getBitWidth(dtype) / 8;
}

namespace {
class WeightPlanner {
public:
  WeightPlanner(ModuleOp module, const PackOptions &options,
                WeightEvaluator &evaluator, WeightPlan &plan)
      : module(module), options(options), evaluator(evaluator), plan(plan) {}

  LogicalResult run();

private:
  LogicalResult checkInput();
  void collectLayers();
  void planLayer(LayerPlan &layer);
  void planStorage(LayerPlan &layer);
  void planLayout(LayerPlan &layer);
  void planHalf(LayerPlan &layer);
  void collectRuntimeOps();
  LogicalResult collectDense();
  LogicalResult addDense(Value value, const LayerPlan *study = nullptr);
  void narrow(DenseEntry &entry);
  void describeDense();
  /// `name`, or with a number where an entry `name` + suffix exists already.
  std::string makeName(StringRef name, ArrayRef<StringRef> suffixes);

  ModuleOp module;
  const PackOptions &options;
  WeightEvaluator &evaluator;
  WeightPlan &plan;
};
} // namespace

remark::RemarkOpts mlir::sq::getPackRemark(Operation *op, StringRef name) {
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

QuantizeOp mlir::sq::getInputQuantization(const LinearLayer &use) {
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

static bool isWeightOp(Operation *op) {
  return isa<MaskOp, ApplyMaskOp, QuantizeOp, DequantizeOp, arith::TruncFOp,
             arith::ExtFOp>(op);
}

bool WeightPlan::isInternal(OpOperand &use, WeightEvaluator &evaluator) const {
  if (replaced.contains(&use))
    return true;
  Operation *owner = use.getOwner();
  return isWeightOp(owner) && !runtimeOps.contains(owner) &&
         evaluator.getKey(owner->getResult(0));
}

LogicalResult WeightPlanner::checkInput() {
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

std::string WeightPlanner::makeName(StringRef name,
                                    ArrayRef<StringRef> suffixes) {
  auto isTaken = [&](const std::string &candidate) {
    return llvm::any_of(suffixes, [&](StringRef suffix) {
      return plan.names.contains(candidate + suffix.str());
    });
  };
  std::string candidate = name.str();
  for (unsigned i = 1; isTaken(candidate); ++i)
    candidate = (name + "." + Twine(i)).str();
  for (StringRef suffix : suffixes)
    plan.names.insert(candidate + suffix.str());
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

/// Where the scores of a mask come from.
static std::string describeCriterion(const WeightChain &chain) {
  ApplyMaskOp apply = chain.apply;
  auto mask = apply.getMask().getDefiningOp<MaskOp>();
  return mask ? stringifyCriterion(mask.getCriterion()).str() : "given";
}

/// How sparsity came before quantization: as it was written, unless
/// sq-enforce-order left a note.
static std::string describeOrder(const WeightChain &chain) {
  if (!chain.isSparse() || !chain.isQuantized())
    return "";
  ApplyMaskOp apply = chain.apply;
  // A mask that was recomputed may have been moved, too.
  for (Operation *op : {apply.getMask().getDefiningOp(), apply.getOperation()})
    if (op)
      if (auto order = op->getAttrOfType<StringAttr>(kOrderAttr))
        return order.str();
  return "given";
}

void WeightPlanner::planLayer(LayerPlan &layer) {
  WeightChain &chain = layer.chain;
  const LinearLayer &use = layer.uses.front();
  LayerReport &report = layer.report;
  report.name = getLayerName(getWeightName(chain.base)).str();
  report.rows = use.getRows();
  report.columns = use.getColumns();
  report.denseBytes = uint64_t(report.rows) * report.columns * 4;
  if (chain.isSparse()) {
    layer.pattern = getPromise(chain);
    report.criterion = describeCriterion(chain);
    report.pattern = report.criterion == "given"
                         ? "given mask"
                         : layer.pattern.getPattern().str();
  }
  if (std::optional<numerics::Format> format = chain.getFormat())
    report.format = format->str();
  report.order = describeOrder(chain);
  if (QuantizeOp quantize = getInputQuantization(use))
    report.activationFormat = quantize.getFormat().getFormat().str();
  else if (std::optional<DType> half = getRoundedDType(use.input->get()))
    report.activationFormat = getHalfName(*half).str();
  planStorage(layer);
}

/// All functions that use a weight read the same bytes, so they must agree on
/// what its activations are.
void WeightPlanner::planLayout(LayerPlan &layer) {
  if (!options.chooseLayout)
    return;
  auto getActivations = [](const LinearLayer &use) {
    QuantizeOp quantize = getInputQuantization(use);
    return std::pair(quantize ? quantize.getFormat()
                              : QuantFormatAttrInterface(),
                     getRoundedDType(use.input->get()));
  };
  auto [attr, half] = getActivations(layer.uses.front());
  if (!llvm::all_of(layer.uses, [&](const LinearLayer &use) {
        return getActivations(use) == std::pair(attr, half);
      }))
    return;
  LayoutRequest request;
  request.weights = *layer.chain.getFormat();
  request.pattern = layer.getPattern();
  request.isDensityKnown = layer.report.criterion != "given";
  if (attr)
    request.activations = attr.getFormat();
  request.input = half.value_or(DType::F32);
  request.rows = layer.report.rows;
  request.cols = layer.report.columns;
  for (const LinearLayer &use : layer.uses) {
    int64_t inputs = cast<ShapedType>(use.input->get().getType()).getDimSize(0);
    request.inputs.push_back(
        ShapedType::isDynamic(inputs) ? std::nullopt : std::optional(inputs));
  }
  LayoutChoice choice = options.chooseLayout(request);
  layer.layout = choice.layout;
  layer.widensInput = choice.widensInput;
  layer.storedDense = !choice.whyStoredDense.empty();
  layer.report.whyStoredDense = std::move(choice.whyStoredDense);
  if (request.weights.isHalf())
    layer.report.whyDense = std::move(choice.whyNotPacked);
}

/// Whether other ops than linear layers read the layer's weight as these do.
static bool isReadElsewhere(const LayerPlan &layer) {
  return llvm::any_of(layer.uses, [](const LinearLayer &use) {
    return llvm::any_of(use.weight->get().getUses(), [](OpOperand &other) {
      std::optional<LinearLayer> linear = matchLinear(other.getOwner());
      return !linear || linear->weight != &other;
    });
  });
}

/// Weights in 16 bits are packed where a kernel for them is all that reads
/// them; otherwise they are a dense entry.
void WeightPlanner::planHalf(LayerPlan &layer) {
  if (layer.chain.isSparse() || !isReadElsewhere(layer))
    planLayout(layer);
  layer.packed = layer.layout != Layout::Rows;
  if (!layer.packed && layer.chain.isSparse() && layer.report.whyDense.empty())
    layer.report.whyDense =
        layer.report.format + " weights have no sparse kernel";
}

void WeightPlanner::planStorage(LayerPlan &layer) {
  const WeightChain &chain = layer.chain;
  LayerReport &report = layer.report;
  report.kernel = "cpu.f32";
  if (options.study != StudyOrder::None) {
    report.whyDense = "a study stores rounded weights as f32";
  } else if (std::optional<numerics::Format> format = chain.getFormat()) {
    if (numerics::Error problem = checkWeightFormat(*format)) {
      report.whyDense = *problem;
      return;
    }
    if (format->isHalf())
      planHalf(layer);
    else
      planLayout(layer);
    layer.packed |= !format->isHalf();
    if (!layer.packed)
      return;
    report.kernel = "cpu.reference";
    report.name =
        makeName(report.name, {".payload", ".bitmap", ".positions", ".metadata",
                               ".scale", ".tensor_scale"});
  } else if (chain.isSparse()) {
    report.whyDense = report.format + " weights have no sparse kernel";
  } else if (auto why = layer.uses.front().op->getAttrOfType<StringAttr>(
                 kWhyDenseAttr)) {
    report.whyDense = why.str();
  } else {
    report.whyDense = "nothing compresses it";
  }
}

void WeightPlanner::collectLayers() {
  module.walk([&](Operation *op) {
    std::optional<LinearLayer> use = matchLinear(op);
    if (!use)
      return;
    Value weight = use->weight->get();
    std::optional<std::string> key = evaluator.getKey(weight);
    Operation *def = weight.getDefiningOp();
    if (!key || !def ||
        (def->getName().getDialectNamespace() != "sq" &&
         !getRounding(weight))) {
      if (isa_and_present<DequantizeOp, ApplyMaskOp>(def))
        remark::missed(op->getLoc(), getPackRemark(op, "not-constant"))
            << "the weight isn't computed from constants along its last axis; "
               "left to run time";
      return;
    }
    std::unique_ptr<LayerPlan> &layer = plan.layers[*key];
    if (!layer)
      layer = std::make_unique<LayerPlan>(weight);
    layer->uses.push_back(*use);
  });
  for (auto &[key, layer] : plan.layers) {
    planLayer(*layer);
    if (layer->packed || options.study != StudyOrder::None)
      for (LinearLayer &use : layer->uses)
        plan.replaced.insert(use.weight);
  }
}

void WeightPlanner::collectRuntimeOps() {
  module.walk([&](Operation *op) {
    if (!isa<MaskOp, QuantizeOp>(op) || !evaluator.getKey(op->getResult(0)))
      return;
    if (llvm::any_of(op->getUses(), [&](OpOperand &use) {
          return !plan.isInternal(use, evaluator);
        }))
      plan.runtimeOps.insert(op);
  });
}

LogicalResult WeightPlanner::addDense(Value value, const LayerPlan *study) {
  std::string key = *evaluator.getKey(value);
  // In a study, what linear layers see differs from what others see.
  if (study)
    key = "study of " + key;
  DenseEntry &entry = plan.dense[key];
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

/// Stores an entry in 16 bits where that changes no value and all its readers
/// widen what they read: a file's own f16 or bf16, and what was rounded.
void WeightPlanner::narrow(DenseEntry &entry) {
  if (entry.study || !getElementTypeOrSelf(entry.value).isF32())
    return;
  std::optional<DType> half = getRoundedDType(entry.value);
  if (auto parameter = entry.value.getDefiningOp<ParameterOp>()) {
    half = evaluator.getStoredDType(parameter);
    if (half != DType::F16 && half != DType::BF16)
      return;
  }
  bool areReaders = llvm::all_of(entry.values, [&](Value value) {
    return llvm::all_of(value.getUses(), [&](OpOperand &use) {
      return plan.isInternal(use, evaluator) || canReadHalf(use);
    });
  });
  if (half && areReaders)
    entry.dtype = *half;
}

/// What the entries say about layers that stay dense.
void WeightPlanner::describeDense() {
  for (auto &[key, layer] : plan.layers) {
    // A tied weight is stored twice: packed, and as others read it.
    if (layer->chain.base != layer->chain.root)
      if (auto base = evaluator.getKey(layer->chain.base))
        if (auto *entry = plan.dense.find(*base); entry != plan.dense.end())
          layer->report.copyBytes = entry->second.getSize();
    if (auto *entry = plan.dense.find(key); entry != plan.dense.end()) {
      layer->entry = &entry->second;
      if (entry->second.isHalf())
        layer->report.format = getHalfName(entry->second.dtype).str();
    }
  }
}

LogicalResult WeightPlanner::collectDense() {
  if (options.study != StudyOrder::None)
    for (auto &[key, layer] : plan.layers)
      for (LinearLayer &use : layer->uses)
        if (failed(addDense(use.weight->get(), layer.get())))
          return failure();
  // What is used as it is, or after evaluation, by ops of other kinds.
  WalkResult walk = module.walk([&](Operation *op) {
    for (OpOperand &operand : op->getOpOperands()) {
      Operation *def = operand.get().getDefiningOp();
      if (isa_and_present<ParameterOp, ApplyMaskOp, DequantizeOp,
                          arith::ExtFOp>(def) &&
          evaluator.getKey(operand.get()) &&
          !plan.isInternal(operand, evaluator) &&
          failed(addDense(operand.get())))
        return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  if (walk.wasInterrupted())
    return failure();
  for (auto &[key, entry] : plan.dense)
    narrow(entry);
  describeDense();
  return success();
}

LogicalResult WeightPlanner::run() {
  if (failed(checkInput()))
    return failure();
  collectLayers();
  collectRuntimeOps();
  return collectDense();
}

LogicalResult mlir::sq::planWeights(ModuleOp module, const PackOptions &options,
                                    WeightEvaluator &evaluator,
                                    WeightPlan &plan) {
  return WeightPlanner(module, options, evaluator, plan).run();
}
