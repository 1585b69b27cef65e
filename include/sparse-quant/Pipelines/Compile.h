//===- Compile.h - A module to an artifact ----------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What sq-compile does, as a library: the stages in order, and the files that
// each `--emit` writes.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_PIPELINES_COMPILE_H
#define SPARSE_QUANT_PIPELINES_COMPILE_H

#include "mlir/IR/BuiltinOps.h"
#include "sparse-quant/Dialect/SQ/Transforms/PackWeights.h"
#include <functional>
#include <string>

namespace mlir {
class PassManager;
} // namespace mlir

namespace mlir::sq {

/// Where compilation stops.
enum class EmitKind {
  /// After compression and packing, the kernels selected.
  MLIRSQ,
  /// After the reference lowering.
  MLIRLinalg,
  /// Optimized LLVM IR.
  LLVMIR,
  Assembly,
  Object,
  SharedLibrary,
};

struct CompileOptions {
  EmitKind emit = EmitKind::SharedLibrary;
  /// Path of what `emit` writes; the weight file and the header are named
  /// after it.
  std::string output;
  std::string target = "native";
  /// Recipe of sq-compress; "" leaves the layers as they are in the module.
  std::string recipe;
  /// Fake-quantized dense weights in one of the orders, for measurements.
  StudyOrder study = StudyOrder::None;
  /// Measure what masking and quantizing cost, for the report and the artifact.
  bool measureErrors = true;
  /// What the sources of parameters are relative to; "" is the working folder.
  std::string weightsDir;
  /// JSON report a layer; "" for none.
  std::string report;
  /// Where to print what became of the layers; null for nowhere.
  llvm::raw_ostream *summary = nullptr;
  /// Name in the artifact; "" takes the module's.
  std::string modelName;
  bool openmp = true;
  /// Kernel to take wherever it fits, as in sq-select-kernels; "" for the one
  /// that is expected to be the fastest.
  std::string preferKernel;
  /// Check each access of generated code (AddressSanitizer).
  bool sanitizeAddresses = false;
  /// libSQRuntime.a, and whether it is that of this machine whatever the
  /// target.
  std::string runtime;
  bool runtimeIsHosts = false;
  /// Called on each pass manager before it runs: for timing, for printing IR.
  std::function<LogicalResult(PassManager &)> configurePasses;
};

/// Compiles `module` in place and writes the files: all of them, or none.
/// Errors go to the context's diagnostic engine.
LogicalResult compile(ModuleOp module, const CompileOptions &options);

} // namespace mlir::sq

#endif // SPARSE_QUANT_PIPELINES_COMPILE_H
