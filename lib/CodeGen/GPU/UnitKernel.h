//===- UnitKernel.h - A warp for each unit of fragments ---------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels that write fragments of a whole layer to memory: each warp makes the
// lanes' words of one unit of a tile.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_CODEGEN_GPU_UNITKERNEL_H
#define SPARSE_QUANT_LIB_CODEGEN_GPU_UNITKERNEL_H

#include "DeviceBuilder.h"
#include "sparse-quant/Numerics/FragmentLayout.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::sq::cuda {

/// The base of a class that emits such a kernel.
class UnitBuilder : protected DeviceBuilder {
protected:
  using DeviceBuilder::DeviceBuilder;
  static constexpr int64_t kWarps = 8;

  /// Launches body(tile, unit, lane) for the lanes of all units.
  void launchUnits(const numerics::FragmentLayout &layout,
                   function_ref<void(Value, Value, Value)> body) {
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, value);
    };
    Value blocks = index(llvm::divideCeil(layout.numUnits(), kWarps));
    emitLaunch(b, {blocks, index(layout.numTiles())}, kWarps * kWarp,
               /*sharedBytes=*/0, [&] {
                 Value unit = add(mul(block(::mlir::gpu::Dimension::x), kWarps),
                                  div(thread(), kWarp));
                 Value tile = block(::mlir::gpu::Dimension::y);
                 emitIf(isLess(unit, constant(layout.numUnits())),
                        [&] { body(tile, unit, rem(thread(), kWarp)); });
               });
  }
};

} // namespace mlir::sq::cuda

#endif // SPARSE_QUANT_LIB_CODEGEN_GPU_UNITKERNEL_H
