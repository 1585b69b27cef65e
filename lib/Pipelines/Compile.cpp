//===- Compile.cpp - A module to an artifact ------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Pipelines/Compile.h"
#include "Compilation.h"
#include "sparse-quant/CodeGen/CPU/KernelTable.h"
#include "sparse-quant/CodeGen/GPU/KernelTable.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace mlir::sq;

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
  variant.kernels = cpu::createKernelTable(variant.kernelTarget);
  return variant;
}

/// The CPU only launches: the least of the host's architecture will do.
LogicalResult Compilation::openGPUTargets() {
  if (!options.preferKernel.empty())
    return fail(llvm::createStringError(
        "--prefer-kernel chooses among kernels for CPUs; on a GPU, formats "
        "decide: leave it out"));
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
  addVariant(std::move(*host), std::move(*machine)).kernels =
      cuda::createKernelTable(gpuTargets);
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

LogicalResult mlir::sq::compile(ModuleOp module,
                                const CompileOptions &options) {
  return Compilation(module, options).run();
}
