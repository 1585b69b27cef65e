//===- GPU.cpp - From packed IR to kernels and their host code ------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Pipelines/GPU.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "sparse-quant/CodeGen/GPU/KernelTable.h"
#include "sparse-quant/CodeGen/GPU/Passes.h"
#include "sparse-quant/CodeGen/Passes.h"
#include "sparse-quant/Conversion/SQToLinalg/SQToLinalg.h"
#include "sparse-quant/Dialect/SQ/Transforms/Passes.h"
#include "sparse-quant/Pipelines/CPU.h"

using namespace mlir;
using namespace mlir::sq;

void mlir::sq::buildGPUReferencePipeline(OpPassManager &pm) {
  // Here the sq ops disappear, and with them what there was to prove.
  pm.addPass(createSQVerifyOrder());
  pm.addPass(createSelectKernels());
  ConvertSQToLinalgPassOptions convert;
  llvm::append_range(convert.keepKernels, cuda::getGeneratedKernels());
  pm.addPass(createConvertSQToLinalgPass(convert));
  pm.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createConvertTensorToLinalgPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void mlir::sq::buildGPUOutlinePipeline(OpPassManager &pm) {
  pm.addPass(createLowerLinearToGPU());
  pm.addNestedPass<func::FuncOp>(createFuseRows());
  pm.addNestedPass<func::FuncOp>(createTileForGPU());
  pm.addNestedPass<func::FuncOp>(createGpuMapParallelLoopsPass());
  pm.addPass(createConvertParallelLoopToGpuPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Constants and extents: kernels know them, or read them off a memref.
  pm.addPass(createGpuLaunchSinkIndexComputationsPass());
  pm.addPass(createGpuKernelOutliningPass());
  pm.addPass(createMergeKernels());
}

void mlir::sq::buildGPUToNVVMPipeline(OpPassManager &pm) {
  pm.addPass(createAttachNVVM());
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(createExpandDeviceMath());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
  kernels.addPass(memref::createExpandStridedMetadataPass());
  kernels.addPass(createLowerAffinePass());
  kernels.addPass(createSCFToControlFlowPass());
  kernels.addPass(arith::createArithExpandOpsPass());
  kernels.addPass(createConvertGpuOpsToNVVMOps());
  kernels.addPass(createExportSharedMemory());
  kernels.addPass(createReplaceLibdevice());
  // What is left are counts of bits.
  kernels.addPass(createConvertMathToLLVMPass());
  kernels.addPass(createReconcileUnrealizedCastsPass());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
}

void mlir::sq::buildGPUHostPipeline(OpPassManager &pm) {
  pm.addPass(createLowerHostLoads());
  OpPassManager &host = pm.nest<func::FuncOp>();
  host.addPass(memref::createExpandStridedMetadataPass());
  host.addPass(createLowerAffinePass());
  host.addPass(createSCFToControlFlowPass());
  host.addPass(arith::createArithExpandOpsPass());
  FinalizeMemRefToLLVMConversionPassOptions memory;
  memory.useAlignedAlloc = true;
  pm.addPass(createFinalizeMemRefToLLVMConversionPass(memory));
  pm.addPass(createGpuToLLVMConversionPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createLowerLaunches());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void mlir::sq::buildGPUPipeline(OpPassManager &pm) {
  buildGPUReferencePipeline(pm);
  buildBufferizePipeline(pm, CPUPipelineOptions());
  buildGPUOutlinePipeline(pm);
  buildGPUToNVVMPipeline(pm);
  buildGPUHostPipeline(pm);
}

void mlir::sq::registerGPUPipelines() {
  static PassPipelineRegistration<> all(
      "sq-gpu-pipeline",
      "Packed IR to host code in the LLVM dialect and kernels in the NVVM "
      "dialect",
      buildGPUPipeline);
  static PassPipelineRegistration<> outline(
      "sq-gpu-outline-pipeline", "memrefs to host functions and gpu.func ops",
      buildGPUOutlinePipeline);
  static PassPipelineRegistration<> lower("sq-gpu-to-nvvm-pipeline",
                                          "gpu.func ops to the NVVM dialect",
                                          buildGPUToNVVMPipeline);
  static PassPipelineRegistration<> host(
      "sq-gpu-host-pipeline",
      "functions that launch to the LLVM dialect and calls of the runtime",
      buildGPUHostPipeline);
}
