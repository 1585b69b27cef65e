//===- LowerLinearToGPU.cpp - sq-lower-linear-to-gpu ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "DenseMma.h"
#include "FragmentExpander.h"
#include "HostMemref.h"
#include "MemoryRoot.h"
#include "MmaKernel.h"
#include "PrepareActivations.h"
#include "sparse-quant/CodeGen/DenseProduct.h"
#include "sparse-quant/CodeGen/GPU/KernelTable.h"
#include "sparse-quant/Target/GPUTarget.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_LOWERLINEARTOGPU
#include "sparse-quant/CodeGen/GPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;
using namespace mlir::sq::cuda;

namespace {

/// One product, on the host.
class LinearLowering {
public:
  /// `prepared` is the memory of activations that have been prepared for an
  /// earlier product, or null; then it becomes what is prepared for this one.
  LinearLowering(MatmulOp op, int64_t sharedBytes, Value &prepared,
                 Epilogue &epilogue)
      : op(op), b(op.getLoc(), op), sharedBytes(sharedBytes),
        prepared(prepared) {
    product.epilogue = &epilogue;
  }

  void run();

private:
  Value addressOf(Value memref) { return cuda::addressOf(b, memref); }
  Value strideOf(Value memref) { return cuda::strideOf(b, memref); }
  void prepareActivations();
  void emitMany();
  void emitKernels();

  MatmulOp op;
  ImplicitLocOpBuilder b;
  int64_t sharedBytes;
  MmaProduct product;
  Value &prepared;
};

} // namespace

/// Of activations that are integers in disguise.
static std::optional<unsigned> getFraction(MatmulOp op) {
  QuantFormatAttrInterface format = op.getActivationFormatAttr();
  if (!format || op.hasWidenedInput())
    return std::nullopt;
  switch (format.getFormat().element) {
  case numerics::Element::E2M1FN:
    return 1;
  case numerics::Element::E2M3FN:
    return 3;
  default:
    return std::nullopt;
  }
}

/// Codes of 8 bits and halves whose rows are whole blocks are read where they
/// are.
void LinearLowering::prepareActivations() {
  const numerics::FragmentLayout &layout = product.layout;
  Value input = op.getInput();
  auto type = cast<MemRefType>(input.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  bool isContiguous = succeeded(type.getStridesAndOffset(strides, offset)) &&
                      strides == SmallVector<int64_t>{layout.cols, 1};
  bool isSplit = product.multiplier.planes > 1;
  unsigned bits = type.getElementTypeBitWidth();
  if (bits == 8 * layout.multiplierBytes && isContiguous &&
      layout.paddedCols() == layout.cols) {
    product.activations = addressOf(input);
    return;
  }
  if (prepared) {
    product.activations = addressOf(prepared);
    return;
  }
  Activations from = {addressOf(input), strideOf(input),     product.tokens,
                      layout.cols,      layout.paddedCols(), bits,
                      getFraction(op)};
  Type element = isSplit      ? Type(b.getBF16Type())
                 : bits == 16 ? type.getElementType()
                              : Type(b.getI8Type());
  auto room = MemRefType::get(
      {product.multiplier.planes, ShapedType::kDynamic, layout.paddedCols()},
      element);
  Value tokens =
      arith::IndexCastOp::create(b, b.getIndexType(), product.tokens);
  prepared = memref::AllocOp::create(b, room, ValueRange{tokens});
  product.activations = addressOf(prepared);
  if (isSplit)
    emitSplit(b, from, product.activations);
  else
    emitPad(b, from, product.activations);
}

/// Many tokens multiply dense weights: those with bitmaps are expanded first.
void LinearLowering::emitMany() {
  if (!product.compressed)
    return emitTileMma(b, product, sharedBytes);
  MmaProduct dense = product;
  dense.compressed = std::nullopt;
  dense.metadata = Value();
  const numerics::FragmentLayout &layout = product.layout;
  Value room = memref::AllocOp::create(
      b, MemRefType::get({layout.numTiles(), layout.payloadBytes()},
                         b.getI8Type()));
  dense.weights = addressOf(room);
  emitExpansion(b, *product.compressed, product.multiplier, product.weights,
                product.metadata, dense.weights);
  emitTileMma(b, dense, sharedBytes);
  memref::DeallocOp::create(b, room);
}

/// Up to 16 tokens reading weights is all; beyond, they are used again.
void LinearLowering::emitKernels() {
  int64_t tokens = cast<MemRefType>(op.getInput().getType()).getDimSize(0);
  auto emitFew = [&](int64_t most) { emitStreamMma(b, product, most); };
  if (!ShapedType::isDynamic(tokens)) {
    if (tokens <= kStreamTokens)
      return emitFew(tokens <= 8 ? 8 : 16);
    return emitMany();
  }
  auto isAtMost = [&](int64_t most) -> Value {
    Value limit =
        arith::ConstantOp::create(b, b.getI32IntegerAttr(int32_t(most)));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ule, product.tokens,
                                 limit);
  };
  auto emitIfElse = [&](Value condition, function_ref<void()> then,
                        function_ref<void()> otherwise) {
    auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    then();
    b.setInsertionPointToStart(branch.elseBlock());
    otherwise();
  };
  emitIfElse(
      isAtMost(8), [&] { emitFew(8); },
      [&] {
        emitIfElse(
            isAtMost(kStreamTokens), [&] { emitFew(kStreamTokens); },
            [&] { emitMany(); });
      });
}

void LinearLowering::run() {
  product.layout = op.getFragmentLayout();
  if (product.layout.hasBitmap()) {
    product.compressed = product.layout;
    product.layout = product.layout.getExpanded();
  }
  product.multiplier = Multiplier::get(op);
  product.weights = addressOf(op.getPayload());
  if (op.getBitmap())
    product.metadata = addressOf(op.getBitmap());
  if (!op.getScales().empty())
    product.scales = addressOf(op.getScales().front());
  product.tokens = rowsOf(b, op.getInput());
  if (!op.getInputScales().empty()) {
    Value scales = op.getInputScales().front();
    product.activationScales = addressOf(scales);
    numerics::Format format = op.getActivationFormatAttr().getFormat();
    product.hasScalePerToken = format.scope == numerics::GroupScope::Row;
    product.hasScalePerGroup = format.scope == numerics::GroupScope::Group;
    // Widened to f16, codes are values, not integers that stand for them.
    bool areIntegers = !getElementTypeOrSelf(op.getInput().getType()).isF16();
    product.activationFactor =
        areIntegers ? format.integerFactor().value_or(1) : 1;
  }
  product.out = addressOf(op.getInit());
  product.outStride = strideOf(op.getInit());
  product.overwrites = op.getOverwrites();
  prepareActivations();
  emitKernels();
}

//===----------------------------------------------------------------------===//
// Products of the same activations
//===----------------------------------------------------------------------===//

/// Whether `op` leaves the memory `root` as it is.
static bool leaves(Operation *op, Value root) {
  if (isMemoryEffectFree(op) || isa<memref::AllocOp>(op))
    return true;
  if (auto dealloc = dyn_cast<memref::DeallocOp>(op))
    return getRoot(dealloc.getMemref()) != root;
  auto destination = dyn_cast<DestinationStyleOpInterface>(op);
  return destination &&
         llvm::all_of(destination.getDpsInits(), [&](Value init) {
           Value written = getRoot(init);
           return written && written != root;
         });
}

/// Whether what is prepared for `first` serves `second`, which is behind it.
static bool canShare(MatmulOp first, MatmulOp second) {
  Value root = getRoot(first.getInput());
  if (!root || first.getInput() != second.getInput() ||
      first->getBlock() != second->getBlock() ||
      first.getFragmentLayout().paddedCols() !=
          second.getFragmentLayout().paddedCols() ||
      Multiplier::get(first).planes != Multiplier::get(second).planes)
    return false;
  for (Operation *op = first; op != second; op = op->getNextNode())
    if (!leaves(op, root))
      return false;
  return true;
}

/// The products, in order, with those together that share activations.
static SmallVector<SmallVector<MatmulOp>> group(ArrayRef<MatmulOp> products) {
  SmallVector<SmallVector<MatmulOp>> groups;
  for (MatmulOp op : products) {
    if (groups.empty() || !canShare(groups.back().back(), op))
      groups.emplace_back();
    groups.back().push_back(op);
  }
  return groups;
}

static void lowerGroup(ArrayRef<MatmulOp> products, int64_t sharedBytes,
                       RewriterBase &rewriter) {
  Value prepared;
  for (MatmulOp op : products) {
    Epilogue epilogue = Epilogue::take(op, rewriter);
    LinearLowering(op, sharedBytes, prepared, epilogue).run();
    epilogue.erase(rewriter);
    if (prepared && op == products.back()) {
      OpBuilder b(op);
      memref::DeallocOp::create(b, op.getLoc(), prepared);
    }
    op.erase();
  }
}

namespace {
struct LowerLinearToGPU : sq::impl::LowerLinearToGPUBase<LowerLinearToGPU> {
  void runOnOperation() override {
    SmallVector<MatmulOp> products;
    SmallVector<linalg::MatmulOp> dense;
    getOperation().walk([&](Operation *op) {
      if (auto packed = dyn_cast<MatmulOp>(op))
        products.push_back(packed);
      if (auto matmul = dyn_cast<linalg::MatmulOp>(op);
          matmul && isDenseProduct(matmul))
        dense.push_back(matmul);
    });
    if (products.empty() && dense.empty())
      return;
    auto targets = readGPUTargets(getOperation());
    if (failed(targets))
      return signalPassFailure();
    int64_t sharedBytes = std::numeric_limits<int64_t>::max();
    for (const GPUTarget *target : *targets)
      sharedBytes = std::min(sharedBytes, target->sharedBytes);
    std::unique_ptr<KernelTable> table = createKernelTable(*targets);
    for (MatmulOp op : products) {
      if (!op.getKernel()) {
        op.emitError("no kernel was selected: run sq-select-kernels");
        return signalPassFailure();
      }
      std::string reason = op.getKernel() == kGeneric
                               ? "it is convert-sq-to-linalg's, in front of "
                                 "bufferization"
                               : table->check({*op.getKernel(), {}}, op);
      if (!reason.empty()) {
        op.emitError("kernel '")
            << *op.getKernel() << "' can't compute this op: " << reason;
        return signalPassFailure();
      }
    }
    IRRewriter rewriter(&getContext());
    for (ArrayRef<MatmulOp> products : group(products))
      lowerGroup(products, sharedBytes, rewriter);
    for (linalg::MatmulOp op : dense)
      lowerDenseProduct(op, sharedBytes);
  }
};
} // namespace
