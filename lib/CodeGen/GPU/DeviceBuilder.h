//===- DeviceBuilder.h - Code of a GPU's thread -----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels for tensor cores are written on addresses and 32-bit integers: what a
// thread computes an address from fits, and registers hold half as much.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_GPU_DEVICEBUILDER_H
#define SPARSE_QUANT_LIB_CODEGEN_GPU_DEVICEBUILDER_H

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "sparse-quant/CodeGen/GPU/Passes.h"

namespace mlir::sq::cuda {

inline constexpr int64_t kWarp = 32;

/// The base of a class that emits a kernel.
class DeviceBuilder {
protected:
  explicit DeviceBuilder(ImplicitLocOpBuilder &builder) : b(builder) {}

  Type i8() { return b.getI8Type(); }
  Type i32() { return b.getI32Type(); }
  Type f32() { return b.getF32Type(); }

  Value constant(int64_t value) {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(int32_t(value)));
  }
  Value constant(float value) {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
  }
  Value add(Value lhs, Value rhs) { return arith::AddIOp::create(b, lhs, rhs); }
  Value add(Value lhs, int64_t rhs) {
    return rhs ? add(lhs, constant(rhs)) : lhs;
  }
  Value mul(Value lhs, Value rhs) { return arith::MulIOp::create(b, lhs, rhs); }
  Value mul(Value lhs, int64_t rhs) {
    return rhs == 1 ? lhs : mul(lhs, constant(rhs));
  }
  /// Of values that aren't negative.
  Value div(Value lhs, int64_t rhs) {
    return arith::DivUIOp::create(b, lhs, constant(rhs));
  }
  Value rem(Value lhs, int64_t rhs) {
    return arith::RemUIOp::create(b, lhs, constant(rhs));
  }
  Value min(Value lhs, Value rhs) {
    return arith::MinUIOp::create(b, lhs, rhs);
  }
  Value bitAnd(Value lhs, int64_t rhs) {
    return arith::AndIOp::create(b, lhs, constant(rhs));
  }
  Value bitXor(Value lhs, Value rhs) {
    return arith::XOrIOp::create(b, lhs, rhs);
  }
  Value shiftLeft(Value lhs, int64_t rhs) {
    return arith::ShLIOp::create(b, lhs, constant(rhs));
  }
  Value shiftRight(Value lhs, int64_t rhs) {
    return arith::ShRUIOp::create(b, lhs, constant(rhs));
  }
  Value isLess(Value lhs, Value rhs) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, lhs, rhs);
  }
  Value toI32(Value value) {
    return arith::IndexCastOp::create(b, i32(), value);
  }

  Value thread() {
    return toI32(::mlir::gpu::ThreadIdOp::create(b, ::mlir::gpu::Dimension::x));
  }
  Value block(::mlir::gpu::Dimension dimension) {
    return toI32(::mlir::gpu::BlockIdOp::create(b, dimension));
  }

  LLVM::LLVMPointerType pointerType(NVVM::NVVMMemorySpace space) {
    return LLVM::LLVMPointerType::get(b.getContext(), unsigned(space));
  }
  /// An address, 64 bits, as a pointer to the device's memory.
  Value globalPointer(Value address) {
    return LLVM::IntToPtrOp::create(
        b, pointerType(NVVM::NVVMMemorySpace::Global), address);
  }
  /// The launch's shared memory.
  Value sharedPointer() {
    auto space = ::mlir::gpu::AddressSpaceAttr::get(
        b.getContext(), ::mlir::gpu::AddressSpace::Workgroup);
    auto type = MemRefType::get({ShapedType::kDynamic}, i8(),
                                MemRefLayoutAttrInterface(), space);
    Value memory = ::mlir::gpu::DynamicSharedMemoryOp::create(b, type);
    Value address = arith::IndexCastOp::create(
        b, b.getI64Type(),
        memref::ExtractAlignedPointerAsIndexOp::create(b, memory));
    return LLVM::IntToPtrOp::create(
        b, pointerType(NVVM::NVVMMemorySpace::Shared), address);
  }
  /// `bytes` behind `pointer`; 32 or 64 bits.
  Value at(Value pointer, Value bytes) {
    return LLVM::GEPOp::create(b, pointer.getType(), i8(), pointer,
                               LLVM::GEPArg(bytes));
  }
  Value at(Value pointer, int64_t bytes) {
    return bytes ? LLVM::GEPOp::create(b, pointer.getType(), i8(), pointer,
                                       LLVM::GEPArg(int32_t(bytes)))
                 : pointer;
  }
  /// `count` of `stride` bytes behind `pointer`, whose product may need more
  /// than 32 bits.
  Value atFar(Value pointer, Value count, int64_t stride) {
    Value wide = arith::ExtUIOp::create(b, b.getI64Type(), count);
    Value bytes = arith::ConstantOp::create(b, b.getI64IntegerAttr(stride));
    return at(pointer, arith::MulIOp::create(b, wide, bytes));
  }
  Value load(Type type, Value pointer, int64_t alignment) {
    return LLVM::LoadOp::create(b, type, pointer, unsigned(alignment));
  }
  void store(Value value, Value pointer, int64_t alignment) {
    LLVM::StoreOp::create(b, value, pointer, unsigned(alignment));
  }
  /// `count` words of 32 bits.
  SmallVector<Value> loadWords(Value pointer, int64_t count) {
    if (count == 1)
      return {load(i32(), pointer, 4)};
    Value words = load(VectorType::get({count}, i32()), pointer, 4 * count);
    SmallVector<Value> values;
    for (int64_t i = 0; i < count; ++i)
      values.push_back(vector::ExtractOp::create(b, words, i));
    return values;
  }

  void emitIf(Value condition, function_ref<void()> body) {
    auto branch = scf::IfOp::create(b, condition);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    body();
  }
  /// for (i = from; i < to; i += step), in 32 bits.
  SmallVector<Value>
  emitFor(Value from, Value to, Value step, ValueRange init,
          function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    auto loop = scf::ForOp::create(b, from, to, step, init);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next =
        body(loop.getInductionVar(), loop.getRegionIterArgs());
    // Without results there is a terminator already.
    if (!init.empty())
      scf::YieldOp::create(b, next);
    return SmallVector<Value>(loop.getResults());
  }

  ImplicitLocOpBuilder &b;
};

/// A launch of `threads` threads on `grid`, with so many bytes of shared
/// memory; `body` emits what a thread does.
inline void emitLaunch(ImplicitLocOpBuilder &b, ArrayRef<Value> grid,
                       int64_t threads, int64_t sharedBytes,
                       function_ref<void()> body) {
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  Value one = index(1);
  Value shared = sharedBytes ? arith::ConstantOp::create(
                                   b, b.getI32IntegerAttr(int32_t(sharedBytes)))
                                   .getResult()
                             : Value();
  auto launch =
      ::mlir::gpu::LaunchOp::create(b, grid[0], grid.size() > 1 ? grid[1] : one,
                                    one, index(threads), one, one, shared);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&launch.getBody().front());
  body();
  ::mlir::gpu::TerminatorOp::create(b);
}

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_DEVICEBUILDER_H
