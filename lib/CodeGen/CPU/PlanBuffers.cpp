//===- PlanBuffers.cpp - One piece of memory for a function's temporaries -===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/Builders.h"
#include "sparse-quant/CodeGen/CPU/Passes.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace mlir::sq {
#define GEN_PASS_DEF_PLANBUFFERS
#include "sparse-quant/CodeGen/CPU/Passes.h.inc"
} // namespace mlir::sq

using namespace mlir::sq;

/// A cache line, and a vector.
static constexpr int64_t kAlignment = 64;

namespace {

/// A buffer, the ops of the block between which it lives, and its place.
struct Buffer {
  memref::AllocOp alloc;
  memref::DeallocOp dealloc;
  int64_t begin, end, bytes;
  int64_t offset = 0;
};

} // namespace

/// The size in bytes; nullopt if it isn't known or the layout isn't plain.
static std::optional<int64_t> getBytes(MemRefType type) {
  Type element = type.getElementType();
  if (!type.hasStaticShape() || !type.getLayout().isIdentity() ||
      type.getMemorySpace() || !(element.isIntOrFloat() || element.isIndex()))
    return std::nullopt;
  int64_t bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  return type.getNumElements() * llvm::divideCeil(bits, 8);
}

/// Buffers of a known size that are allocated and freed in `block`, in order.
static SmallVector<Buffer> collectBuffers(Block &block) {
  DenseMap<Operation *, int64_t> numbers;
  for (Operation &op : block)
    numbers[&op] = numbers.size();
  SmallVector<Buffer> buffers;
  for (auto alloc : block.getOps<memref::AllocOp>()) {
    std::optional<int64_t> bytes = getBytes(alloc.getType());
    if (!bytes || alloc.getAlignment().value_or(1) > kAlignment)
      continue;
    SmallVector<memref::DeallocOp> deallocs;
    for (Operation *user : alloc->getUsers())
      if (auto dealloc = dyn_cast<memref::DeallocOp>(user))
        deallocs.push_back(dealloc);
    if (deallocs.size() != 1 || deallocs[0]->getBlock() != &block)
      continue;
    buffers.push_back(
        {alloc, deallocs[0], numbers.lookup(alloc), numbers.lookup(deallocs[0]),
         static_cast<int64_t>(llvm::alignTo(*bytes, kAlignment))});
  }
  return buffers;
}

/// Gives each buffer the lowest place that is free while it lives; returns the
/// size of all.
static int64_t assignOffsets(MutableArrayRef<Buffer> buffers) {
  int64_t total = 0;
  // By offset.
  SmallVector<const Buffer *> live;
  for (Buffer &buffer : buffers) {
    llvm::erase_if(
        live, [&](const Buffer *other) { return other->end < buffer.begin; });
    auto *place = live.begin();
    for (; place != live.end(); ++place) {
      if (buffer.offset + buffer.bytes <= (*place)->offset)
        break;
      buffer.offset = (*place)->offset + (*place)->bytes;
    }
    live.insert(place, &buffer);
    total = std::max(total, buffer.offset + buffer.bytes);
  }
  return total;
}

namespace {
struct PlanBuffers : sq::impl::PlanBuffersBase<PlanBuffers> {
  using PlanBuffersBase::PlanBuffersBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal() || !func.getBody().hasOneBlock())
      return;
    Block &block = func.getBody().front();
    SmallVector<Buffer> buffers = collectBuffers(block);
    if (buffers.empty())
      return;
    int64_t total = assignOffsets(buffers);

    OpBuilder b = OpBuilder::atBlockBegin(&block);
    Location loc = func.getLoc();
    auto type = MemRefType::get({total}, b.getI8Type());
    IntegerAttr alignment = b.getI64IntegerAttr(kAlignment);
    Value arena;
    if (total <= static_cast<int64_t>(stackBytes)) {
      arena = memref::AllocaOp::create(b, loc, type, alignment);
    } else {
      arena = memref::AllocOp::create(b, loc, type, alignment);
      b.setInsertionPoint(block.getTerminator());
      memref::DeallocOp::create(b, loc, arena);
    }
    for (Buffer &buffer : buffers) {
      b.setInsertionPoint(buffer.alloc);
      Value offset = arith::ConstantIndexOp::create(b, buffer.alloc.getLoc(),
                                                    buffer.offset);
      Value view = memref::ViewOp::create(b, buffer.alloc.getLoc(),
                                          buffer.alloc.getType(), arena, offset,
                                          ValueRange());
      buffer.dealloc.erase();
      buffer.alloc.replaceAllUsesWith(view);
      buffer.alloc.erase();
    }
  }
};
} // namespace
