//===- CompileLower.cpp - Compress, pack, and lower to LLVM ---------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Compilation.h"
#include "sparse-quant/CodeGen/GPU/KernelTable.h"
#include "sparse-quant/CodeGen/GPU/Passes.h"
#include "sparse-quant/CodeGen/Passes.h"
#include "sparse-quant/Dialect/SQ/Transforms/Compress.h"
#include "sparse-quant/Pipelines/GPU.h"

using namespace mlir;
using namespace mlir::sq;

/// As far as `emit` says.
LogicalResult Compilation::lower() {
  if (failed(compressAndPack()))
    return failure();
  for (const auto &variant : ArrayRef(variants).drop_back()) {
    variant->copy = module.clone();
    variant->module = *variant->copy;
  }
  variants.back()->module = module;
  if (!gpuTargets.empty())
    return lowerForGPU();
  for (const auto &variant : variants) {
    attachTarget(variant->module, variant->kernelTarget);
    if (failed(runStage(variant->module, [&](OpPassManager &pm) {
          buildSchedulePipeline(pm, variant->pipeline);
        })))
      return failure();
    recordKernels(*variant);
  }
  if (!reportPath.empty() && failed(writeLayerReport()))
    return failure();
  if (options.emit == EmitKind::MLIRSQ)
    return writeModule();
  for (const auto &variant : variants)
    if (failed(runStage(variant->module, [&](OpPassManager &pm) {
          buildReferencePipeline(pm, variant->pipeline);
        })))
      return failure();
  if (options.emit == EmitKind::MLIRLinalg)
    return writeModule();
  for (const auto &variant : variants) {
    if (failed(runStage(variant->module, [&](OpPassManager &pm) {
          buildBufferizePipeline(pm, variant->pipeline);
          buildLowerToLLVMPipeline(pm, variant->pipeline);
        })))
      return failure();
    recordParallelRegions(*variant);
  }
  return emitMachineCode();
}

LogicalResult Compilation::lowerForGPU() {
  Variant &variant = *variants.back();
  attachGPUTargets(module, gpuTargets);
  // Of those that are packed it is recorded below.
  for (LayerReport &layer : packed.layers)
    layer.kernel = cuda::kDense;
  if (failed(runStage(module, [](OpPassManager &pm) {
        pm.addPass(createSelectKernels());
      })))
    return failure();
  recordKernels(variant);
  if (!reportPath.empty() && failed(writeLayerReport()))
    return failure();
  if (options.emit == EmitKind::MLIRSQ)
    return writeModule();
  if (failed(runStage(module, buildGPUReferencePipeline)))
    return failure();
  if (options.emit == EmitKind::MLIRLinalg)
    return writeModule();
  if (failed(runStage(module, [&](OpPassManager &pm) {
        buildBufferizePipeline(pm, variant.pipeline);
        buildGPUOutlinePipeline(pm);
        buildGPUToNVVMPipeline(pm);
        buildGPUHostPipeline(pm);
      })))
    return failure();
  FailureOr<GPUCode> code = takeGPUCode(module, gpuTargets);
  if (failed(code))
    return failure();
  gpuCode = std::move(*code);
  variant.signature = signature;
  return emitMachineCode();
}

/// There is one copy of the weights, so where targets differ in the best
/// layout, it is in rows, which all can read; and dense only where that is the
/// best for all.
LayoutChoice Compilation::chooseLayout(const LayoutRequest &layer) {
  Product product;
  product.weights = layer.weights;
  product.pattern = layer.pattern;
  product.isDensityKnown = layer.isDensityKnown;
  product.activations = layer.activations;
  product.input = layer.input;
  product.rows = layer.rows;
  product.cols = layer.cols;
  std::optional<StorageChoice> first;
  bool isShared = true, isDense = true;
  for (const auto &variant : variants) {
    StorageChoice best = variant->kernels->selectStorage(product, layer.inputs);
    isShared &= !first || best.layout == first->layout;
    isDense &= !best.whyStoredDense.empty();
    if (!first)
      first = std::move(best);
  }
  LayoutChoice choice;
  choice.layout = isDense    ? first->denseLayout
                  : isShared ? first->layout
                             : Layout::Rows;
  if (isDense)
    choice.whyStoredDense = first->whyStoredDense;
  choice.whyNotPacked = first->whyNotPacked;
  choice.widensInput = first->widensInput;
  return choice;
}

/// Applies the recipe, puts sparsity before quantization, and writes the weight
/// file.
LogicalResult Compilation::compressAndPack() {
  if (!options.recipe.empty() && failed(compressLayers(module, options.recipe)))
    return failure();
  if (failed(
          runStage(module, [](OpPassManager &pm) { buildOrderPipeline(pm); })))
    return failure();
  if (weightPath.empty())
    return success();
  PackOptions pack;
  pack.output = weightPath;
  pack.weightsDir = options.weightsDir;
  pack.study = options.study;
  pack.measureErrors = options.measureErrors;
  pack.chooseLayout = [&](const LayoutRequest &layer) {
    return chooseLayout(layer);
  };
  if (failed(packWeights(module, pack, packed)))
    return failure();
  info.weightsSize = packed.size;
  info.weightsHeaderHash = packed.headerHash;
  info.weightsDataHash = packed.dataHash;
  return success();
}
