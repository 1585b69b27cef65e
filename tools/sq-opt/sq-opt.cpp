//===- sq-opt.cpp - Run passes on sq IR -----------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "sparse-quant/InitAll.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::sq::registerAllDialects(registry);
  mlir::sq::registerAllPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv,
      "runs passes on IR: those of sparse-quant (sq-*, convert-sq-to-linalg) "
      "and upstream's\n\n"
      "  sq-opt model.mlir --sq-enforce-order --remark-policy=all "
      "--remarks-filter='sq.*'\n",
      registry));
}
