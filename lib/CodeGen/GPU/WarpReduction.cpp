//===- WarpReduction.cpp - Sums of rows, by warps -------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "WarpReduction.h"
#include "DeviceBuilder.h"
#include "LoopBody.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;
using namespace mlir::sq;

scf::ParallelOp cuda::reduceByWarps(linalg::GenericOp op, int64_t threads,
                                    RewriterBase &rewriter) {
  ImplicitLocOpBuilder b(op.getLoc(), rewriter);
  b.setInsertionPoint(op);
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  SmallVector<Value> extents;
  for (OpFoldResult extent : getExtents(op, b))
    extents.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), extent));
  Value columns = extents.pop_back_val();
  Value count = multiply(b, extents);
  Value zero = constant(0), one = constant(1), warp = constant(kWarp);
  Value size = constant(threads), warps = constant(threads / kWarp);
  auto blocks = scf::ParallelOp::create(b, zero, count, warps);
  b.setInsertionPointToStart(blocks.getBody());
  auto lanes = scf::ParallelOp::create(b, zero, size, one);
  b.setInsertionPointToStart(lanes.getBody());
  Value thread = lanes.getInductionVars()[0];
  Value index = arith::AddIOp::create(b, blocks.getInductionVars()[0],
                                      arith::DivUIOp::create(b, thread, warp));
  Value exists =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, index, count);
  // The same for all lanes of a warp.
  b.setInsertionPointToStart(scf::IfOp::create(b, exists).thenBlock());
  SmallVector<Value> element = getElement(b, index, extents);
  Value lane = arith::RemUIOp::create(b, thread, warp);
  LoopBody body(op, b);
  Value sum = body.reduceWarp(body.reduce(element, lane, columns, warp));
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, zero);
  b.setInsertionPointToStart(scf::IfOp::create(b, isFirst).thenBlock());
  // Of a loop that the map of the result doesn't have, any index does.
  element.push_back(zero);
  body.addToResult(sum, element);
  rewriter.eraseOp(op);
  return blocks;
}
