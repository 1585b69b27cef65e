//===- InitAll.cpp - Register everything the tools need -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/InitAll.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "sparse-quant/CodeGen/Artifact/Passes.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"
#include "sparse-quant/CodeGen/GPU/Passes.h"
#include "sparse-quant/CodeGen/Passes.h"
#include "sparse-quant/Conversion/QuantToSQ/QuantToSQ.h"
#include "sparse-quant/Conversion/SQToLinalg/SQToLinalg.h"
#include "sparse-quant/Conversion/SQToQuant/SQToQuant.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Dialect/SQ/Transforms/BufferizableOpInterfaceImpl.h"
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h"
#include "sparse-quant/Dialect/SQ/Transforms/TilingInterfaceImpl.h"
#include "sparse-quant/Pipelines/CPU.h"
#include "sparse-quant/Pipelines/GPU.h"
#include "sparse-quant/Target/Passes.h"

void mlir::sq::registerDialect(DialectRegistry &registry) {
  registry.insert<SQDialect>();
  registerBufferizableOpInterfaceExternalModels(registry);
  registerTilingInterfaceExternalModels(registry);
}

void mlir::sq::registerPasses() {
  registerSQTransformsPasses();
  registerSQArtifactPasses();
  registerSQCodeGenPasses();
  registerSQCPUPasses();
  registerSQGPUPasses();
  registerPipelines();
  registerGPUPipelines();
  registerSQTargetPasses();
  registerQuantToSQPasses();
  registerSQToLinalgPasses();
  registerSQToQuantPasses();
}

void mlir::sq::registerAllDialects(DialectRegistry &registry) {
  ::mlir::registerAllDialects(registry);
  ::mlir::registerAllExtensions(registry);
  // For gpu-module-to-binary.
  registerAllGPUToLLVMIRTranslations(registry);
  registerDialect(registry);
}

void mlir::sq::registerAllPasses() {
  ::mlir::registerAllPasses();
  registerPasses();
}
