//===- CompileReport.cpp - What became of each layer ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Compilation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "sparse-quant/CodeGen/CPU/KernelTable.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Config/llvm-config.h"

using namespace mlir;
using namespace mlir::sq;

static LayerReport::Use describeUse(MatmulOp op) {
  LayerReport::Use use;
  if (auto function = op->getParentOfType<FunctionOpInterface>())
    use.function = function.getName().str();
  use.kernel = op.getKernel()->str();
  use.manyInputs = op.getManyInputs();
  if (ArrayAttr costs = op.getCostAttr())
    for (auto cost : costs.getAsRange<CostAttr>())
      use.predicted.push_back({cost.getInputs(), cost.getNs(),
                               stringifyBound(cost.getBound()).str()});
  return use;
}

/// "prefill: cpu.tile-dot, cpu.tile-panel from 48 rows of activations on, 9.4
/// us for 1, ...; decode: ..."
static std::string describeUses(const LayerReport &layer) {
  std::string text;
  for (const LayerReport::Use &use : layer.uses) {
    // Of GPUs nothing is predicted yet.
    if (use.predicted.empty())
      continue;
    SmallVector<KernelCost> costs;
    for (const LayerReport::Prediction &predicted : use.predicted)
      costs.push_back({predicted.inputs, double(predicted.ns)});
    text += (text.empty() ? "" : "; ") + use.function + ": " +
            cpu::describeDecision({use.kernel, use.manyInputs}) + ", " +
            describeCosts(costs);
  }
  return text;
}

/// Why an op has no better kernel than it has; "" if that was decided
/// elsewhere.
static std::string findMissed(MatmulOp op, const Variant &variant) {
  KernelChoice choice = variant.kernels->select(op);
  return choice.kernel == *op.getKernel() ? choice.whyNotBetter : "";
}

/// The reports name the kernels that the layers' ops got in each function, what
/// they are expected to take, and what kept them from better ones.
void Compilation::recordKernels(Variant &variant) {
  llvm::StringMap<SmallVector<MatmulOp>> products;
  variant.module.walk([&](MatmulOp op) {
    if (auto payload = op.getPayload().getDefiningOp<ParameterOp>())
      products[payload.getName().rsplit('.').first].push_back(op);
  });
  variant.reports.assign(packed.layers.begin(), packed.layers.end());
  for (LayerReport &layer : variant.reports) {
    SmallVector<StringRef> names;
    for (MatmulOp op : products.lookup(layer.name)) {
      if (!op.getKernel())
        continue;
      if (!llvm::is_contained(names, *op.getKernel()))
        names.push_back(*op.getKernel());
      layer.uses.push_back(describeUse(op));
      std::string missed = findMissed(op, variant);
      if (layer.whyNotFaster.empty())
        layer.whyNotFaster = std::move(missed);
    }
    if (!names.empty())
      layer.kernel = llvm::join(names, "+");
    LayerInfo row;
    row.name = layer.name;
    row.pattern = layer.pattern;
    row.format = layer.format;
    if (layer.activationFormat != "f32")
      row.format += " x " + layer.activationFormat;
    row.kernel = layer.kernel;
    row.order = layer.order;
    row.whyDense = layer.getNote();
    row.cost = describeUses(layer);
    row.rows = layer.rows;
    row.columns = layer.columns;
    row.denseBytes = layer.denseBytes;
    row.packedBytes = layer.getStoredBytes();
    row.relativeError = layer.getRelativeError();
    variant.layers.push_back(std::move(row));
  }
}

/// The interface says what a call costs in threads.
void Compilation::recordParallelRegions(Variant &variant) {
  variant.signature = signature;
  if (!options.openmp)
    return;
  for (FunctionSignature &function : variant.signature.functions) {
    auto func = variant.module.lookupSymbol<LLVM::LLVMFuncOp>(function.name);
    auto count = func ? func->getAttrOfType<IntegerAttr>(kParallelRegionsAttr)
                      : IntegerAttr();
    function.parallelRegions = count ? count.getInt() : -1;
  }
}

/// Kernels are those of the best target.
LogicalResult Compilation::writeLayerReport() {
  std::vector<std::string> names;
  for (const auto &variant : variants)
    names.push_back(variant->target.triple + ":" + variant->target.cpu);
  llvm::json::Object origin{{"producer", info.producer},
                            {"model", info.modelName},
                            {"target", llvm::join(names, ",")}};
  packed.layers.assign(variants.back()->reports.begin(),
                       variants.back()->reports.end());
  return writeReport(module, packed, reportPath, std::move(origin));
}
