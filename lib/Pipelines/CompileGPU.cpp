//===- CompileGPU.cpp - A packed module to kernels and host code ----------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CompileGPU.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "sparse-quant/CodeGen/GPU/Passes.h"

using namespace mlir;
using namespace mlir::sq;

static LogicalResult writePTX(ModuleOp module) {
  DialectRegistry registry;
  NVVM::registerNVVMTargetInterfaceExternalModels(registry);
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);
  PassManager pm(module.getContext(), ModuleOp::getOperationName());
  GpuModuleToBinaryPassOptions options;
  options.compilationTarget = "isa";
  pm.addPass(createGpuModuleToBinaryPass(options));
  return pm.run(module);
}

FailureOr<GPUCode> mlir::sq::takeGPUCode(ModuleOp module,
                                         ArrayRef<const GPUTarget *> targets) {
  GPUCode code;
  if (auto kernels = module->getAttrOfType<ArrayAttr>(kKernelsAttr))
    for (auto name : kernels.getAsRange<StringAttr>())
      code.kernels.push_back(name.str());
  module->removeAttr(kKernelsAttr);
  if (failed(writePTX(module)))
    return failure();
  std::optional<std::string> assembler = findPTXAssembler();
  if (!assembler)
    emitRemark(module.getLoc(),
               "no ptxas on the path or in CUDA_ROOT: the artifact has PTX "
               "alone, which the driver compiles when the model is opened");
  for (auto binary :
       llvm::make_early_inc_range(module.getOps<gpu::BinaryOp>())) {
    // One object for each target, in their order.
    for (auto [attr, target] :
         llvm::zip_equal(binary.getObjectsAttr(), targets)) {
      StringRef ptx = cast<gpu::ObjectAttr>(attr).getObject().getValue();
      while (ptx.consume_back(StringRef("\0", 1)))
        ;
      code.images.push_back({target, /*isPTX=*/true, ptx.str()});
      if (!assembler)
        continue;
      llvm::Expected<std::string> cubin = assemblePTX(*assembler, ptx, *target);
      if (!cubin)
        return emitError(module.getLoc()) << llvm::toString(cubin.takeError());
      code.images.push_back({target, /*isPTX=*/false, std::move(*cubin)});
    }
    binary.erase();
  }
  return code;
}
