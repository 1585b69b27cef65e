//===- Compile.cpp - A module to an artifact --------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Pipelines/Compile.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "sparse-quant/CodeGen/Artifact/Emit.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Dialect/SQ/Transforms/Compress.h"
#include "sparse-quant/Dialect/SQ/Transforms/PackWeights.h"
#include "sparse-quant/Pipelines/CPU.h"
#include "sparse-quant/Pipelines/Header.h"
#include "sparse-quant/Target/TargetSpec.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace mlir::sq;

namespace {

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
  LogicalResult runStage(function_ref<void(OpPassManager &)> build) {
    PassManager pm(module.getContext(), ModuleOp::getOperationName());
    if (failed(applyPassManagerCLOptions(pm)))
      return failure();
    build(pm);
    return pm.run(module);
  }
  /// Opens `path` and lets `write` fill it; the file is removed on failure.
  LogicalResult
  writeFile(StringRef path,
            function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write);
  LogicalResult compressAndPack();
  void recordKernels();
  LogicalResult writeModule();
  LogicalResult emitMachineCode();
  LogicalResult link(StringRef object);

  ModuleOp module;
  const CompileOptions &options;
  TargetSpec target;
  std::unique_ptr<llvm::TargetMachine> machine;
  CPUPipelineOptions pipeline;
  ArtifactSignature signature;
  ArtifactInfo info;
  PackResult packed;
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
  if (file.os().has_error())
    return fail(llvm::createStringError(file.os().error(),
                                        "cannot write '" + path + "'"));
  file.keep();
  return success();
}

LogicalResult Compilation::writeModule() {
  return writeFile(options.output, [&](llvm::raw_pwrite_stream &out) {
    module.print(out);
    return llvm::Error::success();
  });
}

LogicalResult Compilation::run() {
  llvm::Expected<TargetSpec> spec = parseTarget(options.target);
  if (!spec)
    return fail(spec.takeError());
  target = *spec;
  auto targetMachine = createTargetMachine(target);
  if (!targetMachine)
    return fail(targetMachine.takeError());
  machine = std::move(*targetMachine);
  // Kernels are written for at least a byte of the bitmap a vector; narrower
  // registers take a vector in parts.
  pipeline.lanes = std::max(8u, target.f32Lanes);
  pipeline.openmp = options.openmp;

  info.producer = "sq-compile 0.1.0 (LLVM " LLVM_VERSION_STRING ")";
  info.modelName = options.modelName;
  if (info.modelName.empty())
    info.modelName = module.getName().value_or("model").str();

  FailureOr<ArtifactSignature> read = getSignature(module);
  if (failed(read))
    return failure();
  signature = std::move(*read);

  if (failed(compressAndPack()) || failed(runStage([&](OpPassManager &pm) {
        buildSchedulePipeline(pm, pipeline);
      })))
    return failure();
  recordKernels();
  if (!options.report.empty() &&
      failed(writeReport(module, packed, options.report)))
    return failure();
  if (options.emit == EmitKind::MLIRSQ)
    return writeModule();
  if (failed(runStage(
          [&](OpPassManager &pm) { buildReferencePipeline(pm, pipeline); })))
    return failure();
  if (options.emit == EmitKind::MLIRLinalg)
    return writeModule();
  if (failed(runStage([&](OpPassManager &pm) {
        buildBufferizePipeline(pm, pipeline);
        buildLowerToLLVMPipeline(pm, pipeline);
      })))
    return failure();
  return emitMachineCode();
}

/// Applies the recipe, puts sparsity before quantization, and writes the weight
/// file.
LogicalResult Compilation::compressAndPack() {
  if (!options.recipe.empty() && failed(compressLayers(module, options.recipe)))
    return failure();
  if (failed(runStage([](OpPassManager &pm) { buildOrderPipeline(pm); })))
    return failure();
  bool hasParameters = module
                           .walk([](ParameterOp op) {
                             return op.getSource() ? WalkResult::interrupt()
                                                   : WalkResult::advance();
                           })
                           .wasInterrupted();
  if (!hasParameters)
    return success();
  PackOptions pack;
  SmallString<128> path(options.output);
  llvm::sys::path::replace_extension(path, "sqw");
  pack.output = std::string(path);
  pack.weightsDir = options.weightsDir;
  pack.study = options.study;
  pack.measureErrors = options.measureErrors;
  if (failed(packWeights(module, pack, packed)))
    return failure();
  info.weightsSize = packed.size;
  info.weightsHeaderHash = packed.headerHash;
  info.weightsDataHash = packed.dataHash;
  return success();
}

/// The reports name the kernels that the layers' ops got.
void Compilation::recordKernels() {
  llvm::StringMap<StringRef> kernels;
  module.walk([&](MatmulOp op) {
    auto payload = op.getPayload().getDefiningOp<ParameterOp>();
    if (payload && op.getKernel())
      kernels[payload.getName().rsplit('.').first] = *op.getKernel();
  });
  for (LayerReport &layer : packed.layers) {
    auto it = kernels.find(layer.name);
    if (it != kernels.end())
      layer.kernel = it->second.str();
    LayerInfo row;
    row.name = layer.name;
    row.pattern = layer.pattern;
    row.format = layer.format;
    row.kernel = layer.kernel;
    row.order = layer.order;
    row.whyDense = layer.whyDense;
    row.rows = layer.rows;
    row.columns = layer.columns;
    row.denseBytes = layer.denseBytes;
    row.packedBytes = layer.storedBytes;
    row.relativeError = layer.getRelativeError();
    info.layers.push_back(std::move(row));
  }
}

LogicalResult Compilation::emitMachineCode() {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code =
      translateToLLVM(module, context, *machine);
  if (!code)
    return failure();
  if (llvm::Error error = addDescriptor(*code, signature, info, *machine))
    return fail(std::move(error));
  optimize(*code, *machine);
  if (options.emit == EmitKind::LLVMIR)
    return writeFile(options.output, [&](llvm::raw_pwrite_stream &out) {
      code->print(out, nullptr);
      return llvm::Error::success();
    });

  SmallString<128> objectPath(options.output);
  bool shared = options.emit == EmitKind::SharedLibrary;
  if (shared)
    objectPath += ".o";
  bool assembly = options.emit == EmitKind::Assembly;
  if (failed(writeFile(objectPath, [&](llvm::raw_pwrite_stream &out) {
        return emitCode(*code, *machine, assembly, out);
      })))
    return failure();
  if (assembly)
    return success();

  SmallString<128> headerPath(options.output);
  llvm::sys::path::replace_extension(headerPath, "h");
  if (failed(writeFile(headerPath, [&](llvm::raw_pwrite_stream &out) {
        writeHeader(signature, info, out);
        return llvm::Error::success();
      })))
    return failure();
  return shared ? link(objectPath) : success();
}

LogicalResult Compilation::link(StringRef object) {
  LinkOptions link;
  link.object = object.str();
  link.output = options.output;
  link.runtime = options.runtime;
  link.triple = target.triple;
  link.openmp = options.openmp;
  llvm::Error error = linkSharedLibrary(link);
  llvm::sys::fs::remove(object);
  if (error)
    return fail(std::move(error));
  return success();
}

LogicalResult mlir::sq::compile(ModuleOp module,
                                const CompileOptions &options) {
  return Compilation(module, options).run();
}
