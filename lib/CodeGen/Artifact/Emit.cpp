//===- Emit.cpp - LLVM IR to an object --------------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/Artifact/Emit.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/OpenMP/OpenMPToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/CGSCCPassManager.h"
#include "llvm/Analysis/LoopAnalysisManager.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Instrumentation/AddressSanitizer.h"

using namespace mlir;
using namespace mlir::sq;

/// Temporaries come from the runtime, which keeps them from call to call. LLVM
/// is told what it knows of aligned_alloc and free.
static void useRuntimeAllocator(llvm::Module &module) {
  llvm::LLVMContext &context = module.getContext();
  auto family = llvm::Attribute::get(context, "alloc-family", "sq_allocate");
  if (llvm::Function *allocate = module.getFunction("aligned_alloc")) {
    allocate->setName("sq_allocate");
    allocate->addRetAttr(llvm::Attribute::NoAlias);
    allocate->addParamAttr(0, llvm::Attribute::AllocAlign);
    allocate->addFnAttr(llvm::Attribute::getWithAllocSizeArgs(
        context, /*ElemSizeArg=*/1, /*NumElemsArg=*/std::nullopt));
    allocate->addFnAttr(llvm::Attribute::get(
        context, llvm::Attribute::AllocKind,
        uint64_t(llvm::AllocFnKind::Alloc | llvm::AllocFnKind::Uninitialized |
                 llvm::AllocFnKind::Aligned)));
    allocate->addFnAttr(family);
  }
  if (llvm::Function *release = module.getFunction("free")) {
    release->setName("sq_release");
    release->addParamAttr(0, llvm::Attribute::AllocatedPointer);
    release->addFnAttr(llvm::Attribute::get(context, llvm::Attribute::AllocKind,
                                            uint64_t(llvm::AllocFnKind::Free)));
    release->addFnAttr(family);
  }
}

std::unique_ptr<llvm::Module>
mlir::sq::translateToLLVM(ModuleOp module, llvm::LLVMContext &context,
                          llvm::TargetMachine &machine, bool useWorkspace) {
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerOpenMPDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);
  // The OpenMP translation reads the layout while it builds outlined functions.
  module->setAttr(
      LLVM::LLVMDialect::getDataLayoutAttrName(),
      StringAttr::get(module.getContext(),
                      machine.createDataLayout().getStringRepresentation()));
  module->setAttr(
      LLVM::LLVMDialect::getTargetTripleAttrName(),
      StringAttr::get(module.getContext(), machine.getTargetTriple().str()));
  std::unique_ptr<llvm::Module> result = translateModuleToLLVMIR(
      module, context, module.getName().value_or("model"));
  if (!result)
    return nullptr;
  if (useWorkspace)
    useRuntimeAllocator(*result);
  result->setDataLayout(machine.createDataLayout());
  result->setTargetTriple(machine.getTargetTriple());
  return result;
}

/// What the functions are compiled for. All of them, the entries of the
/// descriptor too: a small function is inlined there before it is vectorized.
static void setTarget(llvm::Module &module, llvm::TargetMachine &machine) {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    function.addFnAttr("target-features", machine.getTargetFeatureString());
    // 512-bit registers are worth their clock where a kernel asks for them.
    function.addFnAttr("prefer-vector-width", "512");
  }
}

/// AddressSanitizer on what is left after optimization: it is the vectorized
/// accesses that may go wrong.
static void addSanitizer(llvm::Module &module, llvm::PassBuilder &builder) {
  for (llvm::Function &function : module)
    if (!function.isDeclaration())
      function.addFnAttr(llvm::Attribute::SanitizeAddress);
  builder.registerOptimizerLastEPCallback([](llvm::ModulePassManager &passes,
                                             llvm::OptimizationLevel,
                                             llvm::ThinOrFullLTOPhase) {
    passes.addPass(llvm::AddressSanitizerPass(llvm::AddressSanitizerOptions()));
  });
}

void mlir::sq::optimize(llvm::Module &module, llvm::TargetMachine &machine,
                        bool sanitizeAddresses) {
  setTarget(module, machine);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = true;
  tuning.SLPVectorization = true;
  // Unrolling a short inner loop altogether hides it from the vectorizer, which
  // then gathers along an outer one: attention's dot products over a head.
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  if (sanitizeAddresses)
    addSanitizer(module, builder);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3)
      .run(module, modules);
}

llvm::Error mlir::sq::emitCode(llvm::Module &module,
                               llvm::TargetMachine &machine, bool assembly,
                               llvm::raw_pwrite_stream &out) {
  llvm::legacy::PassManager passes;
  auto type = assembly ? llvm::CodeGenFileType::AssemblyFile
                       : llvm::CodeGenFileType::ObjectFile;
  if (machine.addPassesToEmitFile(passes, out, nullptr, type))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "target %s can't write this kind of file",
                                   machine.getTargetTriple().str().c_str());
  passes.run(module);
  return llvm::Error::success();
}
