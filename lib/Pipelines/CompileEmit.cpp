//===- CompileEmit.cpp - Machine code, and the artifact -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Compilation.h"
#include "sparse-quant-c/artifact.h"
#include "sparse-quant/Pipelines/Header.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mlir::sq;

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
