//===- CPU.cpp - From packed IR to the LLVM dialect, for CPUs ---*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Pipelines/CPU.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Affine/Transforms/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "sparse-quant/CodeGen/Artifact/Passes.h"
#include "sparse-quant/CodeGen/CPU/KernelTable.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"
#include "sparse-quant/CodeGen/GPU/KernelTable.h"
#include "sparse-quant/CodeGen/Passes.h"
#include "sparse-quant/Conversion/SQToLinalg/SQToLinalg.h"
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::sq;

void mlir::sq::buildOrderPipeline(OpPassManager &pm) {
  pm.addPass(createSQRaise());
  pm.addPass(createSQEnforceOrder());
  pm.addPass(createSQVerifyOrder());
}

void mlir::sq::buildSchedulePipeline(OpPassManager &pm,
                                     const CPUPipelineOptions &options) {
  pm.addPass(createSQVerifyOrder());
  pm.addPass(
      createSelectKernels({options.lanes, options.isa, options.preferKernel}));
}

void mlir::sq::buildReferencePipeline(OpPassManager &pm,
                                      const CPUPipelineOptions &options) {
  // Here the sq ops disappear, and with them what there was to prove.
  pm.addPass(createSQVerifyOrder());
  pm.addPass(createDecodeActivations());
  ConvertSQToLinalgPassOptions convert;
  convert.keepAttention = true;
  llvm::append_range(convert.keepKernels, cpu::getGeneratedKernels());
  pm.addPass(createConvertSQToLinalgPass(convert));
  pm.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createConvertTensorToLinalgPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void mlir::sq::buildBufferizePipeline(OpPassManager &pm,
                                      const CPUPipelineOptions &options) {
  pm.addPass(createSQVerifyOrder());
  pm.addPass(createLowerInterface());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createRelaxReductions());
  SplitDestinationsOptions split;
  llvm::append_range(split.kernels, cpu::getOverwritingKernels());
  llvm::append_range(split.kernels, cuda::getGeneratedKernels());
  pm.addNestedPass<func::FuncOp>(createSplitDestinations(split));
  pm.addPass(bufferization::createEmptyTensorEliminationPass());

  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(bufferize));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  bufferization::buildBufferDeallocationPipeline(pm);
  pm.addPass(createCanonicalizerPass());
  pm.addNestedPass<func::FuncOp>(
      bufferization::createOptimizeAllocationLivenessPass());
}

void mlir::sq::buildLowerToLLVMPipeline(OpPassManager &pm,
                                        const CPUPipelineOptions &options) {
  pm.addPass(createSQVerifyOrder());
  pm.addPass(createLowerAttention());
  pm.addNestedPass<func::FuncOp>(createLowerCopies());
  pm.addPass(createOutlineKernels());
  if (options.openmp) {
    pm.addNestedPass<func::FuncOp>(createParallelizeRows());
    // The parts: they tell LLVM what is apart, which it can't see in a thread's
    // function.
    pm.addPass(createOutlineKernels());
  }
  pm.addPass(createLowerLinear({options.lanes, options.isa}));
  pm.addNestedPass<func::FuncOp>(createPlanBuffers());
  pm.addPass(createApproximateMath());
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  // Before the canonicalizer, which drops a scope that is all of a loop's body:
  // on one thread the stack would grow with each iteration.
  pm.addNestedPass<func::FuncOp>(createLowerAllocaScope());
  // Extents that the kernels asked for become constants.
  pm.addPass(createCanonicalizerPass());
  if (options.openmp) {
    pm.addNestedPass<func::FuncOp>(createSerializeLoops());
    pm.addPass(createConvertSCFToOpenMPPass());
    pm.addPass(createCountParallelRegions());
    // Each parallel body has got a scope.
    pm.addNestedPass<func::FuncOp>(createLowerAllocaScope());
  }
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  // No library that is linked rounds to bf16.
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  pm.addPass(arith::createArithExpandOpsPass(expand));
  pm.addPass(createConvertVectorToLLVMPass());
  // LLVM knows that memory of aligned_alloc overlaps nothing; of malloc and an
  // addition that aligns its result it doesn't, and vectorizes fewer loops.
  // Before OpenMP's pass, which lowers memrefs too, by malloc.
  FinalizeMemRefToLLVMConversionPassOptions memory;
  memory.useAlignedAlloc = true;
  pm.addPass(createFinalizeMemRefToLLVMConversionPass(memory));
  if (options.openmp)
    pm.addPass(createConvertOpenMPToLLVMPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createUBToLLVMConversionPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void mlir::sq::buildCPUPipeline(OpPassManager &pm,
                                const CPUPipelineOptions &options) {
  buildSchedulePipeline(pm, options);
  buildReferencePipeline(pm, options);
  buildBufferizePipeline(pm, options);
  buildLowerToLLVMPipeline(pm, options);
}

void mlir::sq::registerPipelines() {
  static PassPipelineRegistration<CPUPipelineOptions> all(
      "sq-cpu-pipeline", "Packed IR to the LLVM dialect, for CPUs",
      buildCPUPipeline);
  static PassPipelineRegistration<CPUPipelineOptions> bufferize(
      "sq-bufferize-pipeline",
      "linalg on tensors to memrefs with the artifact's calling convention",
      buildBufferizePipeline);
  static PassPipelineRegistration<CPUPipelineOptions> lower(
      "sq-lower-to-llvm-pipeline", "memrefs to the LLVM dialect",
      buildLowerToLLVMPipeline);
}
