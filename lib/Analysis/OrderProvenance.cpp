//===- OrderProvenance.cpp - Which values are quantized -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Analysis/OrderProvenance.h"
#include "mlir/Analysis/DataFlow/SparseAnalysis.h"
#include "mlir/Analysis/DataFlow/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::sq;

//===----------------------------------------------------------------------===//
// The lattice
//===----------------------------------------------------------------------===//

void Provenance::addOrigin(Operation *op) {
  if (!llvm::is_contained(origins, op))
    origins.push_back(op);
}

Provenance Provenance::join(const Provenance &lhs, const Provenance &rhs) {
  Provenance result = lhs;
  result.facts |= rhs.facts;
  for (Operation *op : rhs.origins)
    result.addOrigin(op);
  return result;
}

bool Provenance::operator==(const Provenance &rhs) const {
  // Sets, although they keep an order for the sake of stable messages.
  return facts == rhs.facts && origins.size() == rhs.origins.size() &&
         llvm::all_of(origins, [&](Operation *op) {
           return llvm::is_contained(rhs.origins, op);
         });
}

void Provenance::print(raw_ostream &os) const {
  static constexpr std::pair<Fact, StringRef> names[] = {{Real, "real"},
                                                         {Codes, "codes"},
                                                         {Decoded, "decoded"},
                                                         {Derived, "derived"}};
  StringRef separator = "";
  for (auto [fact, name] : names)
    if (facts & fact) {
      os << separator << name;
      separator = " or ";
    }
  if (!facts)
    os << "unreached";
}

//===----------------------------------------------------------------------===//
// Transfer
//===----------------------------------------------------------------------===//

bool mlir::sq::isCodeElementType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.getWidth() >= 2 && integer.getWidth() <= 8;
  if (auto real = dyn_cast<FloatType>(type))
    return real.getWidth() <= 8 && !isa<Float8E8M0FNUType>(type);
  return false;
}

static bool hasCodeType(Value value) {
  return isCodeElementType(getElementTypeOrSelf(value.getType()));
}

/// A generic that yields one of its inputs unchanged: a transpose, broadcast or
/// copy that was generalized.
static bool yieldsInput(linalg::GenericOp op) {
  Operation *yield = op.getBody()->getTerminator();
  if (yield->getNumOperands() != 1 || op.getBody()->getOperations().size() != 1)
    return false;
  auto arg = dyn_cast<BlockArgument>(yield->getOperand(0));
  return arg && arg.getArgNumber() < op.getNumDpsInputs();
}

bool mlir::sq::isCarrierOp(Operation *op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return yieldsInput(generic);
  return isa<linalg::TransposeOp, linalg::BroadcastOp, linalg::CopyOp,
             linalg::PackOp, linalg::UnPackOp, arith::SelectOp>(op) ||
         (isa<tensor::TensorDialect>(op->getDialect()) &&
          !isa<tensor::GenerateOp>(op));
}

static bool isContraction(Operation *op) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return isa<MatmulOp>(op) ||
         (linalgOp && (linalg::isaContractionOpInterface(linalgOp) ||
                       linalg::isaConvolutionOpInterface(linalgOp)));
}

static Provenance fromType(Value value) {
  Provenance state;
  state.facts = hasCodeType(value) ? Provenance::Codes : Provenance::Real;
  return state;
}

/// What flows from `operand` into the results: not the destination of a linalg
/// op that never reads it.
static bool carriesData(OpOperand &operand) {
  if (!isa<RankedTensorType, UnrankedTensorType>(operand.get().getType()))
    return false;
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(operand.getOwner()))
    return !linalgOp.isDpsInit(&operand) ||
           linalgOp.payloadUsesValueFromOperand(&operand);
  return true;
}

namespace {
using State = dataflow::Lattice<Provenance>;

class Analysis : public dataflow::SparseForwardDataFlowAnalysis<State> {
public:
  using SparseForwardDataFlowAnalysis::SparseForwardDataFlowAnalysis;

  LogicalResult visitOperation(Operation *op, ArrayRef<const State *> operands,
                               ArrayRef<State *> results) override {
    for (auto [result, state] : llvm::zip_equal(op->getResults(), results))
      propagateIfChanged(state, state->join(transfer(op, result, operands)));
    return success();
  }

  void setToEntryState(State *state) override {
    propagateIfChanged(state, state->join(fromType(state->getAnchor())));
  }

private:
  Provenance transfer(Operation *op, OpResult result,
                      ArrayRef<const State *> operands) {
    if (auto quantize = dyn_cast<QuantizeOp>(op)) {
      Provenance state = fromType(result);
      if (result == quantize.getValues()) {
        state.facts = Provenance::Codes;
        state.addOrigin(op);
      } else {
        state.facts = Provenance::Real;
      }
      return state;
    }
    if (isa<PackOp, UnpackOp, ParameterOp>(op) || isContraction(op))
      return fromType(result);

    Provenance sources;
    // A mask zeroes elements; whether it may is asked of its own provenance.
    if (isa<ApplyMaskOp>(op))
      sources = operands.front()->getValue();
    else if (auto dequantize = dyn_cast<DequantizeOp>(op))
      sources = operands.front()->getValue();
    else
      for (auto [operand, state] :
           llvm::zip_equal(op->getOpOperands(), operands))
        if (carriesData(operand) && state->getValue().facts)
          sources = Provenance::join(sources, state->getValue());

    if (!sources.isQuantized() && !isa<DequantizeOp>(op))
      return fromType(result);
    bool decodes = isa<DequantizeOp>(op) ||
                   ((sources.facts & Provenance::Codes) &&
                    isa<FloatType>(getElementTypeOrSelf(result.getType())) &&
                    !hasCodeType(result));
    if (decodes) {
      sources.facts = Provenance::Decoded;
      if (sources.origins.empty())
        sources.addOrigin(op);
    } else if (!isCarrierOp(op) && !isa<ApplyMaskOp>(op)) {
      sources.facts = Provenance::Derived;
    }
    return sources;
  }
};
} // namespace

OrderProvenance::OrderProvenance(Operation *root) {
  dataflow::loadBaselineAnalyses(solver);
  solver.load<Analysis>();
  valid = succeeded(solver.initializeAndRun(root));
}

const Provenance &OrderProvenance::get(Value value) const {
  const State *state = solver.lookupState<State>(value);
  return state ? state->getValue() : unknown;
}
