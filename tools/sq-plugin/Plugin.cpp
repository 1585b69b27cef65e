//===- Plugin.cpp - The dialect and its passes in other people's tools ----===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One file is both plugins: the dialect with its external models, and the
// passes. Upstream's dialects and passes are the host's, so only ours are
// registered.
//
//===----------------------------------------------------------------------===//
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "sparse-quant/InitAll.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Compiler.h"

extern "C" LLVM_ATTRIBUTE_WEAK ::mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "sparse-quant", LLVM_VERSION_STRING,
          [](mlir::DialectRegistry *registry) {
            mlir::sq::registerDialect(*registry);
          }};
}

extern "C" LLVM_ATTRIBUTE_WEAK ::mlir::PassPluginLibraryInfo
mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "sparse-quant", LLVM_VERSION_STRING,
          [] { mlir::sq::registerPasses(); }};
}
