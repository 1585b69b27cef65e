//===- RelaxReductions.cpp - Let f32 sums be reassociated -------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_RELAXREDUCTIONS
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

namespace {
struct RelaxReductions : sq::impl::RelaxReductionsBase<RelaxReductions> {
  void runOnOperation() override {
    constexpr auto flags =
        arith::FastMathFlags::reassoc | arith::FastMathFlags::contract;
    getOperation().walk([&](linalg::GenericOp op) {
      if (op.getNumReductionLoops() == 0)
        return;
      for (Value yielded : op.getBody()->getTerminator()->getOperands()) {
        auto sum = yielded.getDefiningOp<arith::AddFOp>();
        if (!sum)
          continue;
        sum.setFastmath(flags);
        for (Value operand : sum->getOperands())
          if (auto product = operand.getDefiningOp<arith::MulFOp>())
            product.setFastmath(flags);
      }
    });
  }
};
} // namespace
