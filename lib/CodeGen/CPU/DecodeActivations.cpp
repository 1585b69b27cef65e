//===- DecodeActivations.cpp - Activations as kernels multiply them -------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "KernelRow.h"
#include "mlir/IR/Remarks.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_DECODEACTIVATIONS
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;
using namespace mlir::sq::cpu;

/// What another product has already made of the codes of `op`, if `isSame`
/// finds it to be the same.
template <typename OpTy>
static OpTy findShared(MatmulOp op, function_ref<bool(OpTy)> isSame) {
  for (Operation *user : op.getInput().getUsers())
    if (auto other = dyn_cast<OpTy>(user);
        other && other->getBlock() == op->getBlock() &&
        other->isBeforeInBlock(op) && other.getValues() == op.getInput() &&
        other.getFormat() == op.getActivationFormatAttr() && isSame(other))
      return other;
  return OpTy();
}

/// The activations of `op` in f32; products that share codes share these.
static Value decode(OpBuilder &b, MatmulOp op) {
  Value codes = op.getInput();
  QuantFormatAttrInterface format = op.getActivationFormatAttr();
  if (auto shared = findShared<DequantizeOp>(op, [&](DequantizeOp other) {
        return other.getAxis() == -1 &&
               llvm::equal(other.getScales(), op.getInputScales());
      }))
    return shared.getResult();
  auto type = cast<RankedTensorType>(codes.getType());
  return DequantizeOp::create(b, op.getLoc(), type.clone(b.getF32Type()), codes,
                              op.getInputScales(), format, /*axis=*/-1);
}

/// The codes of `op` as bytes of integers; products that share codes share
/// these.
static Value widen(OpBuilder &b, MatmulOp op) {
  Value codes = op.getInput();
  QuantFormatAttrInterface format = op.getActivationFormatAttr();
  if (auto shared = findShared<WidenOp>(op, [](WidenOp) { return true; }))
    return shared.getResult();
  auto type = cast<RankedTensorType>(codes.getType());
  return WidenOp::create(b, op.getLoc(), type.clone(b.getI8Type()), codes,
                         format);
}

/// Activations of f16 and bf16 in f32.
static void widenHalves(MatmulOp op) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  OpBuilder b(op);
  if (!type.getElementType().isF32())
    op.getInputMutable().assign(arith::ExtFOp::create(
        b, op.getLoc(), type.clone(b.getF32Type()), op.getInput()));
}

namespace {
struct DecodeActivations : sq::impl::DecodeActivationsBase<DecodeActivations> {
  void runOnOperation() override {
    getOperation()->walk([](MatmulOp op) {
      QuantFormatAttrInterface format = op.getActivationFormatAttr();
      const KernelRow *row = findKernel(op.getKernel().value_or(""));
      if (!op.getResult() || !row)
        return;
      if (!format) {
        if (row->multipliesFloats())
          widenHalves(op);
        return;
      }
      OpBuilder b(op);
      if (row->multipliesBytes()) {
        Type codes = getElementTypeOrSelf(op.getInput().getType());
        if (!codes.isInteger(8) && format.getFormat().integerFactor())
          op.getInputMutable().assign(widen(b, op));
        return;
      }
      if (!row->multipliesFloats())
        return;
      op.getInputMutable().assign(decode(b, op));
      op.getInputScalesMutable().clear();
      op.removeActivationFormatAttr();
      remark::analysis(op.getLoc(),
                       remark::RemarkOpts::name("ActivationsDecoded")
                           .category("sq-decode-activations"))
          << "activations in " << format.getFormat().str()
          << " are rounded and multiplied in f32";
    });
  }
};
} // namespace
