//===- OrderProvenance.cpp - Which values are quantized -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Analysis/OrderProvenance.h"
#include "mlir/Analysis/DataFlow/DeadCodeAnalysis.h"
#include "mlir/Analysis/DataFlow/SparseAnalysis.h"
#include "mlir/Analysis/DataFlow/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
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

/// What can hold quantized data: not sizes and positions.
static bool holdsData(Value value) {
  return isa<ShapedType, FloatType, IntegerType>(value.getType());
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
             linalg::FillOp, linalg::PackOp, linalg::UnPackOp, arith::SelectOp,
             bufferization::ToTensorOp, bufferization::ToBufferOp>(op) ||
         (isa<tensor::TensorDialect>(op->getDialect()) &&
          !isa<tensor::GenerateOp>(op));
}

bool mlir::sq::isCastOp(Operation *op) {
  return isa<arith::ExtFOp, arith::TruncFOp, arith::ExtSIOp, arith::ExtUIOp,
             arith::TruncIOp, arith::SIToFPOp, arith::UIToFPOp, arith::FPToSIOp,
             arith::FPToUIOp, arith::BitcastOp>(op);
}

/// A sum of products over what the two operands share: new real values. With
/// nothing of its own on either side it is a norm, or a reduction like one.
static bool isContraction(Operation *op) {
  if (isa<MatmulOp>(op))
    return true;
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return false;
  if (linalg::isaContractionOpInterface(linalgOp)) {
    FailureOr<linalg::ContractionDimensions> dims =
        linalg::inferContractionDims(linalgOp);
    return succeeded(dims) && !(dims->m.empty() && dims->n.empty());
  }
  // Pooling has the form of a convolution, but its window is only a shape.
  return linalg::isaConvolutionOpInterface(linalgOp) &&
         linalgOp.payloadUsesValueFromOperand(linalgOp.getDpsInputOperand(1));
}

static Provenance fromType(Value value) {
  Provenance state;
  state.facts = isa<ShapedType>(value.getType()) && hasCodeType(value)
                    ? Provenance::Codes
                    : Provenance::Real;
  return state;
}

/// What flows from `operand` into the results: not the destination of a linalg
/// op that never reads it.
static bool carriesData(OpOperand &operand) {
  if (!holdsData(operand.get()))
    return false;
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(operand.getOwner()))
    return !linalgOp.isDpsInit(&operand) ||
           linalgOp.payloadUsesValueFromOperand(&operand);
  return true;
}

/// x * scale and x / scale, with a scale that is no quantized value itself.
static bool isScaling(Operation *op, ArrayRef<Provenance> operands) {
  if (isa<arith::MulFOp>(op))
    return operands[0].isQuantized() != operands[1].isQuantized();
  return isa<arith::DivFOp>(op) && !operands[1].isQuantized();
}

/// code - zero point.
static bool isShift(Operation *op, ArrayRef<Provenance> operands) {
  return isa<arith::AddIOp, arith::SubIOp, arith::AddFOp, arith::SubFOp>(op) &&
         operands[0].isQuantized() != operands[1].isQuantized();
}

/// Elementwise work on codes that gives wider integers: a zero point again.
static bool widensCodes(Operation *op, Value result) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  Type element = getElementTypeOrSelf(result.getType());
  return generic && generic.getNumParallelLoops() == generic.getNumLoops() &&
         isa<IntegerType>(element) && !element.isInteger(1);
}

/// The facts about what `op` computes, not merely moves, from `sources`.
static unsigned computedFacts(Operation *op, Value result, unsigned sources,
                              ArrayRef<Provenance> operands) {
  auto decode = [&] {
    return (sources & ~Provenance::Codes) |
           (sources & Provenance::Codes ? unsigned(Provenance::Decoded) : 0);
  };
  if (isCastOp(op))
    return hasCodeType(result) ? unsigned(Provenance::Codes) : sources;
  if (operands.size() == 2 && !(sources & Provenance::Derived)) {
    if (isScaling(op, operands))
      return decode();
    if ((sources & Provenance::Codes) && isShift(op, operands))
      return sources;
  }
  bool hasCodes = sources & Provenance::Codes;
  if (hasCodes && widensCodes(op, result))
    return Provenance::Codes;
  if (hasCodes && isa<FloatType>(getElementTypeOrSelf(result.getType())) &&
      !hasCodeType(result))
    return Provenance::Decoded;
  return Provenance::Derived;
}

namespace {
using State = dataflow::Lattice<Provenance>;

class Analysis : public dataflow::SparseForwardDataFlowAnalysis<State> {
public:
  Analysis(DataFlowSolver &solver, Operation *root)
      : SparseForwardDataFlowAnalysis(solver) {
    collectCallers(root);
  }

  LogicalResult initialize(Operation *top) override {
    if (failed(SparseForwardDataFlowAnalysis::initialize(top)))
      return failure();
    top->walk([&](Operation *op) { visitUnforwarded(op); });
    return success();
  }

  LogicalResult visit(ProgramPoint *point) override {
    if (failed(SparseForwardDataFlowAnalysis::visit(point)))
      return failure();
    if (!point->isBlockStart())
      visitUnforwarded(point->getPrevOp());
    return success();
  }

  LogicalResult visitOperation(Operation *op, ArrayRef<const State *> operands,
                               ArrayRef<State *> results) override {
    SmallVector<Provenance> states;
    for (const State *state : operands)
      states.push_back(state->getValue());
    for (auto [result, state] : llvm::zip_equal(op->getResults(), results))
      propagateIfChanged(state, state->join(transfer(op, result, states)));
    return success();
  }

  /// Callers within `root` count even if there may be others.
  void visitCallableOperation(
      CallableOpInterface callable,
      ArrayRef<dataflow::AbstractSparseLattice *> arguments) override {
    AbstractSparseForwardDataFlowAnalysis::visitCallableOperation(callable,
                                                                  arguments);
    ProgramPoint *point =
        getProgramPointBefore(&callable.getCallableRegion()->front());
    for (CallOpInterface call : callers.lookup(callable))
      for (auto [operand, argument] :
           llvm::zip(call.getArgOperands(), arguments))
        join(argument, *getLatticeElementFor(point, operand));
  }

  /// Where nothing is known of the flow into a value: what goes into its op.
  void setToEntryState(State *state) override {
    Value value = state->getAnchor();
    Provenance known;
    if (auto arg = dyn_cast<BlockArgument>(value)) {
      Operation *parent = arg.getOwner()->getParentOp();
      if (parent && !isa<CallableOpInterface>(parent) && holdsData(value))
        known = readBy(parent->getOperands(),
                       getProgramPointBefore(arg.getOwner()));
    } else {
      Operation *op = cast<OpResult>(value).getOwner();
      ProgramPoint *point = getProgramPointAfter(op);
      if (holdsData(value)) {
        known = readBy(op->getOperands(), point);
        for (Region &region : op->getRegions())
          for (Block &block : region)
            if (block.mightHaveTerminator())
              block.getTerminator()->walk([&](Operation *last) {
                known =
                    Provenance::join(known, readBy(last->getOperands(), point));
              });
      }
      // A callee that isn't seen computes something from its operands.
      if (known.isQuantized() && isa<CallOpInterface>(op))
        known.facts = Provenance::Derived;
    }
    if (!known.isQuantized())
      known = fromType(value);
    propagateIfChanged(state, state->join(known));
  }

private:
  /// The results of a region branch that no terminator forwards anything to, of
  /// scf.forall for one: the framework leaves them alone.
  void visitUnforwarded(Operation *op) {
    if (!isa<RegionBranchOpInterface>(op) || op->getNumResults() == 0)
      return;
    for (Region &region : op->getRegions())
      if (!region.empty() &&
          isa<RegionBranchTerminatorOpInterface>(region.back().getTerminator()))
        return;
    for (Value result : op->getResults())
      setToEntryState(getLatticeElement(result));
  }

  /// All calls of each function; an indirect one calls every function of its
  /// type whose address is taken.
  void collectCallers(Operation *root) {
    SymbolTableCollection symbols;
    SmallVector<CallOpInterface> indirect;
    SmallVector<FunctionOpInterface> addressTaken;
    root->walk([&](Operation *op) {
      if (auto call = dyn_cast<CallOpInterface>(op)) {
        // For an indirect call that is whatever op defines the callee.
        Operation *callee = call.resolveCallableInTable(&symbols);
        if (isa_and_present<FunctionOpInterface>(callee))
          callers[callee].push_back(call);
        else
          indirect.push_back(call);
      } else if (op->hasTrait<OpTrait::ConstantLike>()) {
        for (NamedAttribute attr : op->getAttrs())
          if (auto symbol = dyn_cast<SymbolRefAttr>(attr.getValue()))
            if (auto function =
                    symbols.lookupNearestSymbolFrom<FunctionOpInterface>(
                        op, symbol))
              addressTaken.push_back(function);
      }
    });
    for (FunctionOpInterface function : addressTaken)
      for (CallOpInterface call : indirect)
        if (llvm::equal(call.getArgOperands().getTypes(),
                        function.getArgumentTypes()))
          callers[function].push_back(call);
  }

  Provenance readBy(ValueRange values, ProgramPoint *point) {
    Provenance sources;
    for (Value value : values)
      if (holdsData(value))
        sources = Provenance::join(
            sources, getLatticeElementFor(point, value)->getValue());
    return sources;
  }

  /// Joins what flows into `op`; `known` tells whether control flow has reached
  /// any of it yet.
  Provenance joinSources(Operation *op, ArrayRef<Provenance> operands,
                         bool &known) {
    Provenance sources;
    bool any = false;
    if (isa<ApplyMaskOp, DequantizeOp>(op)) {
      // A mask zeroes elements; whether it may is asked of its own provenance.
      any = true;
      sources = operands.front();
    } else {
      for (auto [operand, state] :
           llvm::zip_equal(op->getOpOperands(), operands))
        if (carriesData(operand)) {
          any = true;
          sources = Provenance::join(sources, state);
        }
      llvm::SetVector<Value> captured;
      getUsedValuesDefinedAbove(op->getRegions(), captured);
      Provenance read =
          readBy(captured.getArrayRef(), getProgramPointAfter(op));
      any |= read.facts != 0;
      sources = Provenance::join(sources, read);
    }
    known = !any || sources.facts != 0;
    return sources;
  }

  Provenance transfer(Operation *op, OpResult result,
                      ArrayRef<Provenance> operands) {
    if (auto quantize = dyn_cast<QuantizeOp>(op)) {
      Provenance state;
      state.facts = Provenance::Real;
      if (result == quantize.getValues()) {
        state.facts = Provenance::Codes;
        state.addOrigin(op);
      }
      return state;
    }
    if (isa<MaskOp, PackOp, UnpackOp, ParameterOp>(op) || isContraction(op))
      return fromType(result);

    bool known = false;
    Provenance sources = joinSources(op, operands, known);
    if (!known)
      return {};
    if (isa<DequantizeOp>(op))
      sources.facts = Provenance::Decoded;
    else if (!sources.isQuantized() || !holdsData(result))
      return fromType(result);
    else if (!isCarrierOp(op) && !isa<ApplyMaskOp>(op))
      sources.facts = computedFacts(op, result, sources.facts, operands);
    // Codes that came from outside turn into numbers here.
    if (sources.origins.empty() &&
        isa<FloatType>(getElementTypeOrSelf(result.getType())) &&
        !hasCodeType(result))
      sources.addOrigin(op);
    return sources;
  }

  DenseMap<Operation *, SmallVector<CallOpInterface>> callers;
};
} // namespace

OrderProvenance::OrderProvenance(Operation *root) {
  dataflow::loadBaselineAnalyses(solver);
  solver.load<Analysis>(root);
  valid = succeeded(solver.initializeAndRun(root));
}

const Provenance &OrderProvenance::get(Value value) const {
  const State *state = solver.lookupState<State>(value);
  return state ? state->getValue() : unknown;
}

bool OrderProvenance::isReachable(Operation *op) const {
  const auto *state = solver.lookupState<dataflow::Executable>(
      solver.getProgramPointBefore(op->getBlock()));
  return state && state->isLive();
}
