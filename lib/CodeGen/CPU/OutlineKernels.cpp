//===- OutlineKernels.cpp - Equal ops on memrefs share a function ---------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

/// Layers have their own slices of a cache, which differ in a constant offset:
/// no reason for a function each.
static Type dropOffset(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref)
    return type;
  auto layout = dyn_cast<StridedLayoutAttr>(memref.getLayout());
  if (!layout)
    return type;
  return MemRefType::get(memref.getShape(), memref.getElementType(),
                         StridedLayoutAttr::get(memref.getContext(),
                                                ShapedType::kDynamic,
                                                layout.getStrides()),
                         memref.getMemorySpace());
}

/// The memory that `value` is a view of; null if that isn't known to be apart
/// from other memory.
static Value getMemory(Value value) {
  while (auto view = value.getDefiningOp<ViewLikeOpInterface>())
    value = view.getViewSource();
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
    return function && function.isPublic() ? value : nullptr;
  }
  return isa<memref::AllocOp, memref::AllocaOp, memref::GetGlobalOp,
             memref::DistinctObjectsOp>(value.getDefiningOp())
             ? value
             : nullptr;
}

/// "cpu.tile-dot" on a weight of 32 x 64 -> "tile_dot_nm2_4_int8_row_32x64":
/// the names that profilers and debuggers show.
static std::string makeName(DestinationStyleOpInterface op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto matmul = dyn_cast<MatmulOp>(*op)) {
    StringRef kernel = matmul.getKernel().value_or("matmul");
    kernel.consume_front("cpu.");
    os << kernel << "_";
    if (SparsityPatternAttrInterface pattern = matmul.getPatternAttr())
      os << pattern.getPattern().str() << "_";
    os << matmul.getFormat().getFormat().str() << "_" << matmul.getNumRows()
       << "x" << matmul.getReductionExtent();
  } else {
    os << op->getName().stripDialect();
    for (Value init : op.getDpsInits())
      if (auto type = dyn_cast<MemRefType>(init.getType())) {
        // "exp" alone is libm's.
        if (type.getRank() == 0)
          os << "_scalar";
        for (auto [i, extent] : llvm::enumerate(type.getShape())) {
          os << (i ? "x" : "_");
          if (ShapedType::isDynamic(extent))
            os << "n";
          else
            os << extent;
        }
      }
  }
  for (char &c : text)
    if (!llvm::isAlnum(c))
      c = '_';
  return text;
}

/// Whether `op` stands in a function that an earlier run made for it.
static bool isOutlined(Operation *op) {
  auto function = dyn_cast<func::FuncOp>(op->getParentOp());
  return function && function.isPrivate() && function->hasAttr("passthrough");
}

namespace {

/// What one op needs from around it.
struct Outlined {
  /// Arguments of the function: memrefs and what isn't constant.
  SmallVector<Value> arguments;
  /// Cloned into the function.
  SmallVector<Operation *> constants;
};

struct OutlineKernels : sq::impl::OutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override;

private:
  Outlined collect(DestinationStyleOpInterface op);
  func::FuncOp makeFunction(DestinationStyleOpInterface op,
                            const Outlined &outlined);
  void assumeDistinct(DestinationStyleOpInterface op, const Outlined &outlined,
                      OpBuilder &builder, IRMapping &mapping);
  /// A function that computes what `candidate` does, `candidate` itself if it
  /// is the first one.
  func::FuncOp getOrInsert(DestinationStyleOpInterface op,
                           func::FuncOp candidate, SymbolTable &symbols);

  llvm::DenseMap<llvm::hash_code, SmallVector<func::FuncOp, 1>> known;
  llvm::MapVector<func::FuncOp, int64_t> sites;
};

} // namespace

Outlined OutlineKernels::collect(DestinationStyleOpInterface op) {
  llvm::SetVector<Value> values(op->getOperands().begin(),
                                op->getOperands().end());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  Outlined outlined;
  for (Value value : values) {
    Operation *source = value.getDefiningOp();
    if (source && (source->hasTrait<OpTrait::ConstantLike>() ||
                   isa<memref::GetGlobalOp>(source)))
      outlined.constants.push_back(source);
    else
      outlined.arguments.push_back(value);
  }
  return outlined;
}

/// LLVM knows allocations apart from each other, and arguments of a function
/// not: without this it checks at run time, or leaves a loop scalar.
void OutlineKernels::assumeDistinct(DestinationStyleOpInterface op,
                                    const Outlined &outlined,
                                    OpBuilder &builder, IRMapping &mapping) {
  llvm::DenseSet<Value> written;
  for (Value init : op.getDpsInits())
    written.insert(getMemory(init));
  llvm::MapVector<Value, SmallVector<Value>> views;
  for (Value argument : outlined.arguments) {
    Value memory =
        isa<MemRefType>(argument.getType()) ? getMemory(argument) : nullptr;
    if (!memory)
      continue;
    // Arguments that are only read may overlap each other: they count as one.
    if (isa<BlockArgument>(memory) && !written.contains(memory))
      memory = nullptr;
    views[memory].push_back(argument);
  }
  size_t lists = 0;
  for (auto &[memory, list] : views)
    lists = std::max(lists, list.size());
  if (views.size() < 2)
    return;
  // A list has one view of each memory; views of the same one are in several.
  for (size_t i = 0; i < lists; ++i) {
    SmallVector<Value> distinct;
    for (auto &[memory, list] : views)
      distinct.push_back(list[std::min(i, list.size() - 1)]);
    SmallVector<Value> mapped = llvm::map_to_vector(
        distinct, [&](Value value) { return mapping.lookup(value); });
    auto assumption =
        memref::DistinctObjectsOp::create(builder, op.getLoc(), mapped);
    for (auto [value, result] :
         llvm::zip_equal(distinct, assumption.getResults()))
      mapping.map(value, result);
  }
}

func::FuncOp OutlineKernels::makeFunction(DestinationStyleOpInterface op,
                                          const Outlined &outlined) {
  SmallVector<Type> types;
  for (Value argument : outlined.arguments)
    types.push_back(dropOffset(argument.getType()));
  OpBuilder builder(&getContext());
  auto function = func::FuncOp::create(
      op.getLoc(), makeName(op), builder.getFunctionType(types, TypeRange()));
  function.setPrivate();
  function->setAttr(
      "llvm.linkage",
      LLVM::LinkageAttr::get(&getContext(), LLVM::linkage::Linkage::Internal));
  // For two reasons. LLVM takes a call with the forty words of some memrefs for
  // so expensive that it inlines most loops, and compiles each for each layer.
  // And what is said to be distinct often is two parts of one allocation
  // (sq-plan-buffers): true of accesses through the arguments, but LLVM would
  // read it as a statement about the allocation where it sees that.
  function->setAttr("passthrough",
                    builder.getArrayAttr(builder.getStringAttr("noinline")));
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToStart(block);
  IRMapping mapping;
  mapping.map(outlined.arguments, block->getArguments());
  for (Operation *constant : outlined.constants)
    builder.clone(*constant, mapping);
  assumeDistinct(op, outlined, builder, mapping);
  builder.clone(*op, mapping);
  func::ReturnOp::create(builder, op.getLoc());
  return function;
}

func::FuncOp OutlineKernels::getOrInsert(DestinationStyleOpInterface op,
                                         func::FuncOp candidate,
                                         SymbolTable &symbols) {
  llvm::hash_code hash =
      llvm::hash_combine(OperationEquivalence::computeHash(
                             op, OperationEquivalence::ignoreHashValue,
                             OperationEquivalence::ignoreHashValue,
                             OperationEquivalence::IgnoreLocations),
                         candidate.getFunctionType().getAsOpaquePointer());
  SmallVector<func::FuncOp, 1> &functions = known[hash];
  for (func::FuncOp function : functions)
    if (function.getFunctionType() == candidate.getFunctionType() &&
        OperationEquivalence::isRegionEquivalentTo(
            &function.getBody(), &candidate.getBody(),
            OperationEquivalence::IgnoreLocations)) {
      candidate.erase();
      return function;
    }
  symbols.insert(candidate);
  functions.push_back(candidate);
  return candidate;
}

void OutlineKernels::runOnOperation() {
  known.clear();
  sites.clear();
  SmallVector<DestinationStyleOpInterface> ops;
  getOperation().walk<WalkOrder::PreOrder>([&](DestinationStyleOpInterface op) {
    // Without results, on memrefs, and not all that a function does already.
    if (isOutlined(op))
      return WalkResult::skip();
    if (op->getNumResults() == 0 && op.hasPureBufferSemantics()) {
      ops.push_back(op);
      return WalkResult::skip();
    }
    return WalkResult::advance();
  });
  SymbolTable symbols(getOperation());
  for (DestinationStyleOpInterface op : ops) {
    Outlined outlined = collect(op);
    func::FuncOp function =
        getOrInsert(op, makeFunction(op, outlined), symbols);
    ++sites[function];
    OpBuilder builder(op);
    SmallVector<Value> operands;
    for (auto [argument, type] :
         llvm::zip_equal(outlined.arguments, function.getArgumentTypes()))
      operands.push_back(argument.getType() == type
                             ? argument
                             : Value(memref::CastOp::create(
                                   builder, op.getLoc(), type, argument)));
    func::CallOp::create(builder, op.getLoc(), function, operands);
    op->erase();
  }
  for (auto [function, count] : sites)
    remark::analysis(
        function.getLoc(),
        remark::RemarkOpts::name("Outlined").category("sq-outline-kernels"))
        << remark::metric("function", function.getSymName())
        << remark::metric("calls", count);
}
