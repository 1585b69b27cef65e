//===- Compile.cpp - A module to an artifact ------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Pipelines/Compile.h"
#include "CompileGPU.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Pass/PassManager.h"
#include "sparse-quant-c/artifact.h"
#include "sparse-quant/CodeGen/Artifact/Emit.h"
#include "sparse-quant/CodeGen/CPU/KernelTable.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"
#include "sparse-quant/CodeGen/GPU/KernelTable.h"
#include "sparse-quant/CodeGen/GPU/Passes.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Dialect/SQ/Transforms/Compress.h"
#include "sparse-quant/Dialect/SQ/Transforms/PackWeights.h"
#include "sparse-quant/Pipelines/CPU.h"
#include "sparse-quant/Pipelines/GPU.h"
#include "sparse-quant/Pipelines/Header.h"
#include "sparse-quant/Pipelines/OutputFiles.h"
#include "sparse-quant/Pipelines/Summary.h"
#include "sparse-quant/Target/TargetAttr.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace mlir::sq;

namespace {

/// What is made for one of the targets.
struct Variant {
  TargetSpec target;
  std::unique_ptr<llvm::TargetMachine> machine;
  CPUPipelineOptions pipeline;
  KernelTarget kernelTarget;
  /// The packed module, to be lowered in place. All variants but the last have
  /// a copy.
  ModuleOp module;
  OwningOpRef<ModuleOp> copy;
  ArtifactSignature signature;
  /// What became of the layers.
  std::vector<LayerInfo> layers;
  std::vector<LayerReport> reports;
};

/// One compilation; the members are what a later stage needs of an earlier one.
class Compilation {
public:
  Compilation(ModuleOp module, const CompileOptions &options)
      : module(module), options(options) {}

  LogicalResult run();

private:
  LogicalResult fail(llvm::Error error) {
    return emitError(UnknownLoc::get(module.getContext()))
           << llvm::toString(std::move(error));
  }
  LogicalResult runStage(ModuleOp module,
                         function_ref<void(OpPassManager &)> build) {
    PassManager pm(module.getContext(), ModuleOp::getOperationName());
    if (options.configurePasses && failed(options.configurePasses(pm)))
      return failure();
    build(pm);
    return pm.run(module);
  }
  /// The temporary path of what becomes `final`.
  LogicalResult addOutput(StringRef final, std::string &path);
  LogicalResult openOutputs();
  /// Opens `path` and lets `write` fill it.
  LogicalResult
  writeFile(StringRef path,
            function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write);
  LogicalResult openTargets();
  LogicalResult openGPUTargets();
  Variant &addVariant(TargetSpec target,
                      std::unique_ptr<llvm::TargetMachine> machine);
  LogicalResult lower();
  LogicalResult lowerForGPU();
  LogicalResult compressAndPack();
  LayoutChoice chooseLayout(const LayoutRequest &layer);
  std::string findMissed(MatmulOp op, const Variant &variant);
  void recordKernels(Variant &variant);
  void recordParallelRegions(Variant &variant);
  LogicalResult writeLayerReport();
  LogicalResult writeModule();
  std::unique_ptr<llvm::Module> generateCode(llvm::LLVMContext &context);
  LogicalResult emitMachineCode();
  LogicalResult link();

  ModuleOp module;
  const CompileOptions &options;
  /// One for each target, from the least to the best. Options don't move.
  std::vector<std::unique_ptr<Variant>> variants;
  /// With these, the one variant is for the CPU that launches.
  SmallVector<const GPUTarget *> gpuTargets;
  GPUCode gpuCode;
  ArtifactSignature signature;
  ArtifactInfo info;
  PackResult packed;
  OutputFiles files;
  /// Where `files` has us write; empty for what isn't written.
  std::string weightPath, headerPath, reportPath, objectPath, outputPath;
};

} // namespace

LogicalResult Compilation::writeFile(
    StringRef path,
    function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write) {
  std::error_code error;
  llvm::ToolOutputFile file(path, error, llvm::sys::fs::OF_None);
  if (error)
    return fail(llvm::createStringError(error, "cannot write '" + path +
                                                   "': " + error.message()));
  if (llvm::Error failure = write(file.os()))
    return fail(std::move(failure));
  file.os().flush();
  if (file.os().has_error()) {
    error = file.os().error();
    // Who destroys a stream with an error dies.
    file.os().clear_error();
    return fail(llvm::createStringError(error, "cannot write '" + path +
                                                   "': " + error.message()));
  }
  file.keep();
  return success();
}

LogicalResult Compilation::addOutput(StringRef final, std::string &path) {
  llvm::Expected<std::string> temporary = files.add(final);
  if (!temporary)
    return fail(temporary.takeError());
  path = std::move(*temporary);
  return success();
}

static bool hasParameters(ModuleOp module) {
  return module
      .walk([](ParameterOp op) {
        return op.getSource() ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Makes all files first: nobody should wait for a compilation whose result has
/// no place. The library comes last, as it needs the others.
LogicalResult Compilation::openOutputs() {
  auto besideOutput = [&](StringRef extension) {
    SmallString<128> path(options.output);
    llvm::sys::path::replace_extension(path, extension);
    return std::string(path);
  };
  if (hasParameters(module)) {
    if (options.output == "-")
      return fail(llvm::createStringError(
          "the weight file is named after the output, and '-' is no name: use "
          "-o with a file"));
    if (failed(addOutput(besideOutput("sqw"), weightPath)))
      return failure();
  }
  bool shared = options.emit == EmitKind::SharedLibrary;
  if (shared || options.emit == EmitKind::Object) {
    if (options.output == "-")
      return fail(llvm::createStringError(
          "the C header is named after the output, and '-' is no name: use -o "
          "with a file"));
    if (failed(addOutput(besideOutput("h"), headerPath)))
      return failure();
  }
  if (!options.report.empty() && failed(addOutput(options.report, reportPath)))
    return failure();
  if (failed(addOutput(options.output, outputPath)))
    return failure();
  objectPath = outputPath;
  if (!shared)
    return success();
  llvm::Expected<std::string> object = files.addIntermediate(besideOutput("o"));
  if (!object)
    return fail(object.takeError());
  objectPath = std::move(*object);
  return success();
}

LogicalResult Compilation::writeModule() {
  return writeFile(outputPath, [&](llvm::raw_pwrite_stream &out) {
    module.print(out);
    return llvm::Error::success();
  });
}

Variant &Compilation::addVariant(TargetSpec target,
                                 std::unique_ptr<llvm::TargetMachine> machine) {
  Variant &variant = *variants.emplace_back(std::make_unique<Variant>());
  variant.target = std::move(target);
  variant.machine = std::move(machine);
  variant.kernelTarget = KernelTarget(variant.target);
  return variant;
}

/// The CPU only launches: the least of the host's architecture will do. It has
/// no kernels, so weights are in rows, which the generic lowering reads.
LogicalResult Compilation::openGPUTargets() {
  if (!options.preferKernel.empty())
    return fail(llvm::createStringError(
        "--prefer-kernel chooses among kernels for CPUs; there is one way to "
        "compute a layer on a GPU: leave it out"));
  auto targets = parseGPUTargets(options.target);
  if (!targets)
    return fail(targets.takeError());
  gpuTargets = std::move(*targets);
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  llvm::Expected<TargetSpec> host =
      parseTarget(triple.isX86() ? "x86-64" : "generic");
  if (!host)
    return fail(host.takeError());
  auto machine = createTargetMachine(*host);
  if (!machine)
    return fail(machine.takeError());
  addVariant(std::move(*host), std::move(*machine));
  return success();
}

LogicalResult Compilation::openTargets() {
  if (isGPUTarget(options.target))
    return openGPUTargets();
  llvm::Expected<std::vector<TargetSpec>> targets =
      parseTargets(options.target);
  if (!targets)
    return fail(targets.takeError());
  bool isText =
      options.emit == EmitKind::MLIRSQ || options.emit == EmitKind::MLIRLinalg;
  if (isText && targets->size() > 1)
    return fail(llvm::createStringError(
        "each target has a module of its own, and --emit=mlir-... writes one: "
        "name one target"));
  for (TargetSpec &target : *targets) {
    auto machine = createTargetMachine(target);
    if (!machine)
      return fail(machine.takeError());
    Variant &variant = addVariant(std::move(target), std::move(*machine));
    variant.pipeline.openmp = options.openmp;
    variant.pipeline.preferKernel = options.preferKernel;
  }
  return success();
}

LogicalResult Compilation::run() {
  if (failed(openTargets()))
    return failure();

  info.producer = "sq-compile 0.1.0 (LLVM " LLVM_VERSION_STRING ")";
  info.modelName = options.modelName;
  if (info.modelName.empty())
    info.modelName = module.getName().value_or("model").str();

  FailureOr<ArtifactSignature> read = getSignature(module);
  if (failed(read))
    return failure();
  signature = std::move(*read);

  if (failed(openOutputs()) || failed(lower()))
    return failure();
  if (llvm::Error error = files.commit())
    return fail(std::move(error));
  if (!options.summary)
    return success();
  for (const auto &variant : variants) {
    if (variants.size() > 1 && !variant->reports.empty())
      *options.summary << "on " << variant->target.cpu << ":\n";
    printSummary(variant->reports, *options.summary);
  }
  return success();
}

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
  for (LayerReport &layer : packed.layers)
    layer.kernel = cuda::kGeneric;
  if (failed(runStage(module, [](OpPassManager &pm) {
        pm.addPass(createSelectGPUKernels());
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
  if (!gpuTargets.empty()) {
    cuda::StorageChoice choice =
        cuda::selectStorage({layer.weights, layer.pattern, layer.activations,
                             layer.rows, layer.cols},
                            gpuTargets);
    return {choice.layout, choice.whyStoredDense};
  }
  cpu::Product product;
  product.weights = layer.weights;
  product.pattern = layer.pattern;
  product.activations = layer.activations;
  product.rows = layer.rows;
  product.cols = layer.cols;
  LayoutChoice choice;
  bool isShared = true, isDense = layer.isDensityKnown;
  for (const auto &variant : variants) {
    cpu::StorageChoice best =
        cpu::selectStorage(product, layer.inputs, variant->kernelTarget);
    bool isFirst = variant == variants.front();
    isShared &= isFirst || best.layout == choice.layout;
    isDense &= !best.whyStoredDense.empty();
    if (isFirst)
      choice = {best.layout, best.whyStoredDense};
  }
  if (isDense) {
    choice.layout = Layout::Tiles;
    return choice;
  }
  return {isShared ? choice.layout : Layout::Rows, ""};
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
    SmallVector<cpu::KernelCost> costs;
    for (const LayerReport::Prediction &predicted : use.predicted)
      costs.push_back({predicted.inputs, double(predicted.ns)});
    text += (text.empty() ? "" : "; ") + use.function + ": " +
            cpu::describeDecision({use.kernel, use.manyInputs}) + ", " +
            cpu::describeCosts(costs);
  }
  return text;
}

/// Why an op has no better kernel than it has; "" if that was decided
/// elsewhere.
std::string Compilation::findMissed(MatmulOp op, const Variant &variant) {
  if (!gpuTargets.empty()) {
    cuda::KernelChoice choice = cuda::selectKernel(op, gpuTargets);
    return choice.kernel == *op.getKernel() ? choice.missed : "";
  }
  cpu::KernelChoice choice = cpu::selectKernel(op, variant.kernelTarget);
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

/// The code for all targets; null after an emitted error.
std::unique_ptr<llvm::Module>
Compilation::generateCode(llvm::LLVMContext &context) {
  std::unique_ptr<llvm::Module> all;
  std::vector<std::string> descriptors;
  for (const auto &variant : variants) {
    llvm::TargetMachine &machine = *variant->machine;
    std::unique_ptr<llvm::Module> code = translateToLLVM(
        variant->module, context, machine, !options.sanitizeAddresses);
    if (!code)
      return nullptr;
    info.layers = variant->layers;
    if (variants.size() > 1)
      info.symbol = SQ_ARTIFACT_SYMBOL "." + std::to_string(descriptors.size());
    llvm::Error error = addDescriptor(*code, variant->signature, info, machine);
    if (!error && !gpuTargets.empty())
      error = addGPUImages(*code, gpuCode.images, gpuCode.kernels);
    if (!error) {
      optimize(*code, machine, options.sanitizeAddresses);
      if (variants.size() == 1)
        return code;
      error = mlir::sq::addVariant(all, std::move(code), info.symbol);
    }
    if (error)
      return (void)fail(std::move(error)), nullptr;
    descriptors.push_back(info.symbol);
  }
  addVariantTable(*all, descriptors);
  return all;
}

LogicalResult Compilation::emitMachineCode() {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = generateCode(context);
  if (!code)
    return failure();
  if (options.emit == EmitKind::LLVMIR)
    return writeFile(outputPath, [&](llvm::raw_pwrite_stream &out) {
      code->print(out, nullptr);
      return llvm::Error::success();
    });

  bool assembly = options.emit == EmitKind::Assembly;
  // Functions say what CPU they are for; the machine is for what is common.
  if (failed(writeFile(objectPath, [&](llvm::raw_pwrite_stream &out) {
        return emitCode(*code, *variants.front()->machine, assembly, out);
      })))
    return failure();
  if (!headerPath.empty() &&
      failed(writeFile(headerPath, [&](llvm::raw_pwrite_stream &out) {
        writeHeader(variants.back()->signature, info, out);
        return llvm::Error::success();
      })))
    return failure();
  return options.emit == EmitKind::SharedLibrary ? link() : success();
}

LogicalResult Compilation::link() {
  LinkOptions link;
  link.object = objectPath;
  link.output = outputPath;
  link.runtime = options.runtime;
  link.runtimeIsHosts = options.runtimeIsHosts;
  link.triple = variants.front()->target.triple;
  link.openmp = options.openmp && gpuTargets.empty();
  if (llvm::Error error = linkSharedLibrary(link))
    return fail(std::move(error));
  return success();
}

LogicalResult mlir::sq::compile(ModuleOp module,
                                const CompileOptions &options) {
  return Compilation(module, options).run();
}
