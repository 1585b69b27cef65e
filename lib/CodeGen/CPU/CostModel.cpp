//===- CostModel.cpp - What a kernel is expected to take ------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CostModel.h"
#include "ByteISA.h"
#include "KernelRow.h"
#include "SumGroups.h"
#include "sparse-quant/Numerics/Quantize.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

/// Starting threads, quantized sums, the tail of the last thread.
static constexpr double kOverheadNs = 1500;
/// What an unknown number of rows is decided by.
static constexpr int64_t kDecodeInputs = 1, kPrefillInputs = 128;
/// To expand a vector of 64 weights by a mask 16 lanes at a time, beyond what
/// the instruction for it takes (TileReaderBitmap.cpp); what nibbles add to
/// that.
static constexpr double kExpandParts = 6, kExpandNibbles = 4;
/// Kernels for many rows that pay later than that aren't worth their code.
static constexpr int64_t kMostFewInputs = 1024;

namespace {
/// How the weights are stored.
struct StoredWeights {
  double bytes;
  /// Vectors of 64 codes that are decoded, and that are multiplied.
  double stored, multiplied;
  unsigned bits;
  bool positions, bitmap;
  double groups;
};
} // namespace

static double countScaleBytes(const Product &product) {
  const numerics::Format &format = product.weights;
  double count = format.scope == numerics::GroupScope::Tensor
                     ? 1
                     : double(product.rows) * format.numGroups(product.cols);
  return count * double(numerics::scaleBytes(format.scaleType));
}

static StoredWeights describeTiles(const KernelRow &row, const Product &product,
                                   int64_t inputs) {
  bool inBlocks = row.layout == Layout::Blocks;
  // Blocks that can't be stored so are priced as if they could.
  bool fits = !inBlocks || !product.checkBlocks();
  TileLayout tiles =
      inBlocks && fits ? product.getBlocks() : product.getTiles();
  auto numTiles = double(tiles.numTiles());
  double dense = numTiles * double(tiles.paddedCols()) / TileLayout::kDepth;
  double kept = fits ? numTiles * double(tiles.vectorsPerTile())
                     : dense * product.getKept();
  double payload = numTiles * double(tiles.payloadBytes());
  if (tiles.hasBitmap())
    payload *= product.getKept();
  StoredWeights weights;
  weights.bytes = payload + numTiles * double(tiles.positionBytes()) +
                  countScaleBytes(product);
  weights.stored = kept;
  bool skips = row.cost.skipsDropped && inputs < row.cost.panelFrom;
  weights.multiplied = skips ? kept : dense;
  weights.bits = tiles.storedBits();
  weights.positions = tiles.hasPositions();
  weights.bitmap = tiles.hasBitmap() && !inBlocks;
  SumGroups sums = SumGroups::get(tiles, product.activations);
  weights.groups = sums.exist() ? double(sums.count(product.cols)) : 0;
  return weights;
}

static StoredWeights describeRows(const KernelRow &row,
                                  const Product &product) {
  double elements = double(product.rows) * double(product.cols);
  StoredWeights weights;
  weights.bytes = elements * product.getKept() * product.weights.bits / 8 +
                  (product.pattern ? elements / 8 : 0) +
                  countScaleBytes(product);
  weights.stored = weights.multiplied = elements / TileLayout::kVector;
  weights.bits = product.weights.bits <= 4 ? 4 : 8;
  weights.positions = false;
  weights.bitmap = product.pattern.has_value();
  weights.groups = 0;
  return weights;
}

KernelCost mlir::sq::cpu::predictCost(const KernelRow &row,
                                      const Product &product, int64_t inputs,
                                      const KernelTarget &target) {
  const CostParameters &cost = row.cost;
  const CPUFacts &cpu = target.facts;
  StoredWeights weights = row.layout == Layout::Rows
                              ? describeRows(row, product)
                              : describeTiles(row, product, inputs);
  auto m = double(inputs);
  double registers = std::max(1.0, 16.0 / target.lanes);

  double ops = 2 * weights.multiplied * TileLayout::kVector * m;
  double peak = cost.unit == Unit::Bytes    ? double(cpu.int8Ops)
                : cost.unit == Unit::Floats ? double(cpu.f32Ops)
                                            : 1.0;
  if (row.getGain)
    peak *= row.getGain(product, target);
  double decode = cost.decode + (weights.bits == 4 ? cost.nibbles : 0) +
                  (weights.bits == 6 ? cost.sixes : 0) +
                  (weights.positions ? cost.positions : 0) +
                  (weights.bitmap ? cost.bitmap : 0);
  if (weights.bitmap && row.layout == Layout::Tiles)
    decode += double(cpu.expandCycles) / (weights.bits == 4 ? 1 : 2);
  int64_t rowsPerDecode = cost.rowsPerDecode;
  const ByteISA *isa = ByteISA::get(target.isa);
  if (weights.bitmap && isa && !isa->expandsBytes() &&
      row.layout == Layout::Tiles)
    decode += kExpandParts + (weights.bits == 4 ? kExpandNibbles : 0);
  if (isa && cost.rowsFillRegisters)
    rowsPerDecode =
        std::max<int64_t>(1, rowsPerDecode * isa->numVectors() / 32);
  double times = inputs >= cost.panelFrom
                     ? 1.0
                     : double(llvm::divideCeil(inputs, rowsPerDecode));
  double select = weights.positions ? cost.select * weights.stored * m : 0;
  double groups = cost.group * weights.groups * m *
                  double(llvm::divideCeil(product.rows, TileLayout::kRows));
  double cycles =
      ops / (peak * cost.efficiency) +
      registers * (decode * weights.stored * times + select + groups);
  double computeNs = cycles * 1e3 / double(cpu.cores * cpu.frequencyMHz);

  double activationBytes = product.activations ? 1 : 4;
  double bytes = weights.bytes + m * double(product.cols) * activationBytes +
                 m * double(product.rows) * 4;
  double mbPerS = double(std::min(cpu.cores * cpu.coreReadMBs, cpu.readMBs));
  double memoryNs = bytes * 1e3 / mbPerS;
  // Activations and results come and go while products are computed.
  double weightNs = weights.bytes * 1e3 / mbPerS;

  KernelCost result;
  result.inputs = inputs;
  result.memoryBound = memoryNs >= computeNs;
  result.ns = std::max(memoryNs, computeNs) +
              (1 - cost.overlap) * std::min(weightNs, computeNs) + kOverheadNs;
  result.bytes = std::llround(bytes);
  result.ops = std::llround(ops);
  return result;
}

std::optional<int64_t>
mlir::sq::cpu::findManyInputs(const KernelRow &row, const Product &product,
                              const KernelTarget &target) {
  const KernelRow &few = *findKernel(row.kernelForFew);
  auto isFaster = [&](int64_t inputs) {
    return predictCost(row, product, inputs, target).ns <=
           predictCost(few, product, inputs, target).ns;
  };
  // Rows share decoding in blocks, so the difference isn't monotonous.
  for (int64_t inputs = 1; inputs <= kMostFewInputs;
       inputs += inputs < 16 ? 1 : 8)
    if (isFaster(inputs))
      return inputs;
  return std::nullopt;
}

SmallVector<KernelCost> mlir::sq::cpu::predictCosts(
    const KernelRow &row, std::optional<int64_t> manyInputs,
    const Product &product, const KernelTarget &target) {
  if (product.inputs)
    return {predictCost(row, product, *product.inputs, target)};
  SmallVector<KernelCost> costs;
  for (int64_t inputs : {kDecodeInputs, kPrefillInputs}) {
    bool isFew = manyInputs && inputs < *manyInputs;
    costs.push_back(predictCost(isFew ? *findKernel(row.kernelForFew) : row,
                                product, inputs, target));
  }
  return costs;
}

double mlir::sq::cpu::compareCosts(ArrayRef<KernelCost> lhs,
                                   ArrayRef<KernelCost> rhs) {
  double sum = 0;
  for (auto [left, right] : llvm::zip_equal(lhs, rhs))
    sum += std::log(left.ns / right.ns);
  return std::exp(sum / double(lhs.size()));
}
