//===- Compress.cpp - sq-compress: apply a recipe to a model's layers -----===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers are grouped by the bytes of their weight before anything is decided,
// so that functions which share a weight (prefill and decode) share its
// treatment. Everything is checked before the first op is rewritten.
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Dialect/SQ/Transforms/Compress.h"
#include "HalfWeights.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Pass/Pass.h"
#include "sparse-quant/Dialect/SQ/Transforms/Linear.h"
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h"
#include "sparse-quant/Support/SafetensorsFile.h"
#include "sparse-quant/Support/WeightFiles.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cmath>

namespace mlir::sq {
#define GEN_PASS_DEF_SQCOMPRESS
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir;
using namespace mlir::sq;

namespace {

/// All uses of one weight by linear layers.
struct Layer {
  ParameterOp weight;
  SmallVector<LinearLayer> uses;
  /// Look-ups of the same weight.
  SmallVector<tensor::ExtractOp> lookUps;
  const RecipeRule *rule = nullptr;

  StringRef getName() { return getLayerName(weight.getName()); }
};

class Compressor {
public:
  Compressor(ModuleOp module, const Recipe &recipe, StringRef recipePath)
      : module(module), recipe(recipe), recipePath(recipePath),
        builder(module.getContext()) {}

  LogicalResult run();

private:
  InFlightDiagnostic error(RecipePosition position);
  void collectLayers();
  void chooseRules();
  LogicalResult reportUnmatchedRules();
  /// Wanda's norms must be there and fit before the IR refers to them.
  LogicalResult checkNorms(Layer &layer);
  std::string resolveNorms(const SparsityChoice &choice);
  Value compressWeight(ParameterOp weight, const RecipeRule &rule);
  Value quantizeInput(Value input, const numerics::Format &format,
                      Location loc);
  Value roundInput(Value input, DType half, Location loc);
  void compress(Layer &layer);
  void remarkOnDense(Layer &layer, const Twine &why);

  ModuleOp module;
  const Recipe &recipe;
  StringRef recipePath;
  OpBuilder builder;
  llvm::MapVector<std::string, Layer, llvm::StringMap<unsigned>> layers;
  /// Norms are named by absolute paths.
  WeightFiles normFiles{""};
  /// A weight that is no layer's because of how it is stored, for messages.
  ParameterOp transposed;
  /// Several layers read one input, several products one weight.
  DenseMap<std::pair<Value, Attribute>, Value> quantizedInputs;
  DenseMap<Value, Value> compressedWeights;
};

} // namespace

static StringRef getFunctionName(Operation *op) {
  if (auto function = op->getParentOfType<FunctionOpInterface>())
    return function.getName();
  return "";
}

static remark::RemarkOpts remarkOptions(Operation *op, StringRef name) {
  return remark::RemarkOpts::name(name)
      .category("sq-compress")
      .function(getFunctionName(op));
}

InFlightDiagnostic Compressor::error(RecipePosition position) {
  return mlir::emitError(FileLineColLoc::get(module.getContext(), recipePath,
                                             position.line, position.column));
}

void Compressor::collectLayers() {
  module.walk([&](Operation *op) {
    if (ParameterOp weight = matchTransposedLinear(op)) {
      if (!transposed)
        transposed = weight;
      remark::missed(op->getLoc(), remarkOptions(op, "transposed-weight"))
          << remark::add("weight '{0}' is stored [K, N]; only [N, K] is "
                         "compressed",
                         weight.getName().str());
      return;
    }
    std::optional<LinearLayer> use = matchLinear(op);
    if (!use)
      return;
    auto weight = use->weight->get().getDefiningOp<ParameterOp>();
    if (!weight) {
      if (use->weight->get().getDefiningOp<DequantizeOp>() ||
          use->weight->get().getDefiningOp<ApplyMaskOp>())
        remark::analysis(op->getLoc(), remarkOptions(op, "already-compressed"))
            << "the weight is masked or quantized already; left as it is";
      return;
    }
    // Without a source, the weights were packed and are no longer at hand.
    if (!weight.getSource())
      return;
    Layer &layer = layers[getParameterKey(weight)];
    if (!layer.weight)
      layer.weight = weight;
    layer.uses.push_back(*use);
  });
  module.walk([&](tensor::ExtractOp op) {
    if (auto weight = op.getTensor().getDefiningOp<ParameterOp>())
      if (auto *it = layers.find(getParameterKey(weight)); it != layers.end())
        it->second.lookUps.push_back(op);
  });
}

void Compressor::chooseRules() {
  for (auto &[key, layer] : layers)
    layer.rule = recipe.find(layer.getName(), layer.weight.getName());
}

LogicalResult Compressor::reportUnmatchedRules() {
  LogicalResult result = success();
  for (const RecipeRule &rule : recipe.rules) {
    if (llvm::any_of(layers,
                     [&](auto &entry) { return entry.second.rule == &rule; }))
      continue;
    result = failure();
    auto *hidden = llvm::find_if(layers, [&](auto &entry) {
      return rule.matches(entry.second.getName(),
                          entry.second.weight.getName());
    });
    InFlightDiagnostic diagnostic = error(rule.position);
    if (hidden != layers.end()) {
      diagnostic << "rule '" << rule.match
                 << "' never decides: earlier rules take every layer that it "
                    "matches, such as '"
                 << hidden->second.getName() << "'; move it up or drop it";
      continue;
    }
    diagnostic << "rule '" << rule.match << "' matches no linear layer; ";
    if (layers.empty()) {
      diagnostic << "the model has none";
      if (transposed)
        diagnostic << ": it multiplies by '" << transposed.getName()
                   << "' stored as [K, N], and only [N, K] (outputs by "
                      "inputs) is compressed";
      continue;
    }
    diagnostic << "the model's layers are called";
    for (auto [index, entry] : llvm::enumerate(layers)) {
      if (index == 4) {
        diagnostic << ", ... (" << layers.size() << " in all)";
        break;
      }
      diagnostic << (index ? ", '" : " '") << entry.second.getName() << "'";
    }
  }
  return result;
}

std::string Compressor::resolveNorms(const SparsityChoice &choice) {
  SmallString<128> path(choice.norms);
  if (llvm::sys::path::is_absolute(path))
    return path.str().str();
  path = llvm::sys::path::parent_path(recipePath);
  llvm::sys::path::append(path, choice.norms);
  // Other sources are relative to the folder of the weights, which this is not.
  llvm::sys::fs::make_absolute(path);
  llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/false);
  return path.str().str();
}

LogicalResult Compressor::checkNorms(Layer &layer) {
  const SparsityChoice &choice = *layer.rule->sparsity;
  auto file = normFiles.getFile(resolveNorms(choice));
  if (!file)
    return error(choice.normsPosition) << llvm::toString(file.takeError());
  const SafetensorsFile::Entry *entry = (*file)->lookup(layer.getName());
  if (!entry)
    return error(choice.normsPosition)
           << "'" << choice.norms << "' has no norms for layer '"
           << layer.getName() << "'; record them or use 'criterion: magnitude'";
  int64_t columns = layer.uses.front().getColumns();
  if (entry->shape != ArrayRef<int64_t>(columns) ||
      !llvm::is_contained({DType::F32, DType::F16, DType::BF16}, entry->dtype))
    return error(choice.normsPosition)
           << "expected one float norm for each of the " << columns
           << " inputs of layer '" << layer.getName() << "', got "
           << describe(entry->dtype, entry->shape);
  auto norms = normFiles.readParameter(layer.getName(), (*file)->getPath(),
                                       /*offset=*/std::nullopt, entry->shape);
  if (!norms)
    return error(choice.normsPosition) << llvm::toString(norms.takeError());
  std::vector<float> values(norms->size());
  norms->read(0, values);
  for (auto [input, norm] : llvm::enumerate(values))
    if (!std::isfinite(norm) || norm < 0.0f) {
      std::string text;
      llvm::raw_string_ostream(text) << llvm::format("%g", norm);
      return error(choice.normsPosition)
             << "the norm of input " << input << " of layer '"
             << layer.getName() << "' is " << text
             << "; norms are finite and not negative";
    }

  return success();
}

Value Compressor::compressWeight(ParameterOp weight, const RecipeRule &rule) {
  Value &known = compressedWeights[weight];
  if (known)
    return known;
  builder.setInsertionPointAfter(weight);
  Location loc = weight.getLoc();
  Value value = weight;
  auto type = cast<RankedTensorType>(value.getType());
  if (rule.sparsity) {
    Value norms;
    if (rule.sparsity->isWanda())
      norms = ParameterOp::create(
          builder, loc, type.clone(type.getShape().take_back()),
          builder.getStringAttr(getLayerName(weight.getName())),
          builder.getStringAttr(resolveNorms(*rule.sparsity)),
          /*offset=*/IntegerAttr());
    Value mask = MaskOp::create(
        builder, loc, sq::detail::getMaskType(type),
        norms ? Criterion::Wanda : Criterion::Magnitude, value, norms,
        getPatternAttr(builder.getContext(), rule.sparsity->pattern));
    value = ApplyMaskOp::create(builder, loc, type, value, mask);
  }
  if (rule.half)
    value = createRounding(builder, loc, value, rule.half->dtype);
  if (rule.weights) {
    QuantFormatAttrInterface format =
        getFormatAttr(builder.getContext(), rule.weights->format);
    auto quantized = QuantizeOp::create(builder, loc, value, format);
    value = DequantizeOp::create(builder, loc, type, quantized.getValues(),
                                 quantized.getScales(), format);
  }
  return known = value;
}

Value Compressor::quantizeInput(Value input, const numerics::Format &format,
                                Location loc) {
  QuantFormatAttrInterface attr = getFormatAttr(builder.getContext(), format);
  Value &known = quantizedInputs[{input, attr}];
  if (known)
    return known;
  builder.setInsertionPointAfterValue(input);
  auto quantized = QuantizeOp::create(builder, loc, input, attr);
  return known = DequantizeOp::create(builder, loc, input.getType(),
                                      quantized.getValues(),
                                      quantized.getScales(), attr);
}

Value Compressor::roundInput(Value input, DType half, Location loc) {
  Type type = getHalfType(builder.getContext(), half);
  Value &known = quantizedInputs[{input, TypeAttr::get(type)}];
  if (known)
    return known;
  builder.setInsertionPointAfterValue(input);
  return known = createRounding(builder, loc, input, half);
}

void Compressor::remarkOnDense(Layer &layer, const Twine &why) {
  for (LinearLayer &use : layer.uses) {
    use.op->setAttr(kWhyDenseAttr, builder.getStringAttr(why));
    remark::analysis(use.op->getLoc(), remarkOptions(use.op, "dense"))
        << remark::add("layer '{0}' stays dense: {1}", layer.getName().str(),
                       why.str());
  }
}

void Compressor::compress(Layer &layer) {
  if (!layer.rule)
    return remarkOnDense(layer, "no rule matches it");
  const RecipeRule &rule = *layer.rule;
  if (rule.dense)
    return remarkOnDense(layer, "rule '" + rule.match + "' says dense");
  // A tied embedding in 16 bits is one copy; what a mask drops, it keeps.
  if (rule.half && !rule.sparsity)
    for (tensor::ExtractOp op : layer.lookUps) {
      auto weight = op.getTensor().getDefiningOp<ParameterOp>();
      op.getTensorMutable().assign(compressWeight(weight, rule));
    }
  for (LinearLayer &use : layer.uses) {
    auto weight = use.weight->get().getDefiningOp<ParameterOp>();
    use.weight->set(compressWeight(weight, rule));
    if (rule.activations)
      use.input->set(quantizeInput(use.input->get(), rule.activations->format,
                                   use.op->getLoc()));
    if (rule.halfActivations)
      use.input->set(roundInput(use.input->get(), rule.halfActivations->dtype,
                                use.op->getLoc()));
    std::string pattern =
        rule.sparsity ? rule.sparsity->pattern.str() : "dense";
    if (rule.sparsity && rule.sparsity->isWanda())
      pattern += " by wanda";
    remark::passed(use.op->getLoc(), remarkOptions(use.op, "compressed"))
        << remark::add("layer '{0}' of {1}x{2}: pattern {3}, weights {4}, "
                       "activations {5} (rule '{6}')",
                       layer.getName().str(), use.getRows(), use.getColumns(),
                       pattern, rule.getWeightFormat(),
                       rule.getActivationFormat(), rule.match);
  }
}

LogicalResult Compressor::run() {
  collectLayers();
  chooseRules();
  LogicalResult result = reportUnmatchedRules();
  // One error a rule: a file that is missing is missing for all its layers.
  llvm::SmallPtrSet<const RecipeRule *, 4> broken;
  for (auto &[key, layer] : layers)
    if (layer.rule && layer.rule->sparsity && layer.rule->sparsity->isWanda() &&
        !broken.contains(layer.rule) && failed(checkNorms(layer)))
      broken.insert(layer.rule);
  if (!broken.empty())
    result = failure();
  if (failed(result))
    return failure();
  for (auto &[key, layer] : layers)
    compress(layer);
  return success();
}

LogicalResult mlir::sq::compressLayers(ModuleOp module, const Recipe &recipe,
                                       StringRef recipePath) {
  return Compressor(module, recipe, recipePath).run();
}

LogicalResult mlir::sq::compressLayers(ModuleOp module, StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return mlir::emitError(module.getLoc())
           << "cannot open the recipe '" << path
           << "': " << buffer.getError().message();
  auto onError = [&](RecipePosition position, const std::string &message) {
    mlir::emitError(FileLineColLoc::get(module.getContext(), path,
                                        position.line, position.column))
        << message;
  };
  std::optional<Recipe> recipe =
      parseRecipe((*buffer)->getMemBufferRef(), onError);
  return recipe ? compressLayers(module, *recipe, path) : failure();
}

namespace {
struct Compress : sq::impl::SQCompressBase<Compress> {
  using SQCompressBase::SQCompressBase;

  void runOnOperation() override {
    if (recipe.empty()) {
      emitError(getOperation().getLoc())
          << "sq-compress needs a recipe; set the option recipe=<file.yaml>";
      return signalPassFailure();
    }
    if (failed(compressLayers(getOperation(), recipe)))
      signalPassFailure();
  }
};
} // namespace
