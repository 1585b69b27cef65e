//===- PanelDecoder.cpp - Panels of weights as dense bytes ----------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "PanelDecoder.h"
#include "ByteISA.h"
#include "TileReader.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::sq;
using namespace mlir::sq::cpu;
using numerics::TileLayout;

/// Of two vectors of four columns, eight columns of rows 0 to 7 and the same of
/// the others.
static SmallVector<Value> pairColumns(ImplicitLocOpBuilder &b, Value left,
                                      Value right) {
  constexpr int64_t bytes = TileLayout::kVector, depth = TileLayout::kDepth;
  SmallVector<Value> halves;
  for (int64_t first : {int64_t(0), bytes / 2}) {
    SmallVector<int64_t> order;
    for (int64_t lane = 0; lane < bytes; ++lane)
      order.push_back(first + lane / (2 * depth) * depth + lane % depth +
                      (lane / depth % 2 ? bytes : 0));
    halves.push_back(vector::ShuffleOp::create(b, left, right, order));
  }
  return halves;
}

void PanelDecoder::decodeRun(TileReader &reader, Value panelStart, Value v,
                             int64_t count, int64_t t) {
  reader.startDense(panelStart ? add(panelStart, v) : v);
  const PanelForm &form = plan.form;
  Value bias = splat(bytes, b.getI8IntegerAttr(-128));
  Value lane = index(t * TileLayout::kVector);
  for (int64_t from = 0; from < count; from += plan.group) {
    // The group of vector v + from: v is the start of one if a run has many.
    Value group = groups.exist()
                      ? add(arith::DivUIOp::create(b, v, index(plan.group)),
                            from / plan.group)
                      : index(0);
    SmallVector<Value> slot = {group, index(t), index(0)};
    Value sum;
    if (form.isBiased)
      sum = vector::LoadOp::create(b, i32s, buffers.corrections, slot);
    SmallVector<Value> vectors;
    auto addCorrections = [&] {
      vectors.resize(form.steps, zeros(bytes));
      SmallVector<Value> biases(form.steps, bias);
      sum = isa.dotPanel(b, form, sum, biases, vectors);
      vectors.clear();
    };
    int64_t end = std::min(count, from + plan.group);
    if (form.kind == PanelForm::Kind::Matrix) {
      for (int64_t i = from; i < end; i += 2) {
        Value left = reader.readDense(i);
        Value right = i + 1 < end ? reader.readDense(i + 1) : zeros(bytes);
        for (auto [half, vector] : llvm::enumerate(pairColumns(b, left, right)))
          vector::StoreOp::create(b, vector, buffers.weights,
                                  ValueRange{add(v, i + int64_t(half)), lane});
      }
      continue;
    }
    for (int64_t i = from; i < end; ++i) {
      for (auto [w, vector] : llvm::enumerate(
               isa.makePanelWeights(b, form, reader.readDense(i)))) {
        vector::StoreOp::create(
            b, vector, buffers.weights,
            ValueRange{add(mul(add(v, i), form.words), int64_t(w)), lane});
        vectors.push_back(vector);
      }
      if (form.isBiased && int64_t(vectors.size()) == form.steps)
        addCorrections();
    }
    if (!form.isBiased)
      continue;
    if (!vectors.empty())
      addCorrections();
    vector::StoreOp::create(b, sum, buffers.corrections, slot);
  }
}

void PanelDecoder::emit(const PanelPlace &place, int64_t t) {
  TileReader reader(b, op, layout, isa, add(place.firstTile, t));
  Value panelStart = place.panel ? mul(place.panel, plan.panel) : Value();
  Value zero = index(0);
  Value firstGroup = place.panel ? mul(place.panel, plan.numGroups()) : Value();
  emitLoop(b, zero, place.numGroups, 1, [&](Value g) {
    SmallVector<Value> at = {g, index(t), zero};
    if (buffers.corrections)
      vector::StoreOp::create(b, splat(i32s, b.getI32IntegerAttr(0)),
                              buffers.corrections, at);
    Value group = zero;
    if (groups.perWeightScale)
      group = arith::DivUIOp::create(b, firstGroup ? add(firstGroup, g) : g,
                                     index(groups.perWeightScale));
    Value scales = reader.readScales(group);
    vector::StoreOp::create(b, scales, buffers.scales, at);
    if (buffers.anchors)
      vector::StoreOp::create(
          b,
          arith::MulFOp::create(
              b, scales, splat(cast<VectorType>(scales.getType()), 0x3p22f)),
          buffers.anchors, at);
  });

  int64_t lastSize = plan.lastPanel();
  Value whole = index(lastSize / plan.run * plan.run);
  if (place.panel)
    whole = arith::SelectOp::create(b, isEqual(place.panel, plan.numPanels - 1),
                                    whole, index(plan.panel));
  emitLoop(b, zero, whole, plan.run,
           [&](Value v) { decodeRun(reader, panelStart, v, plan.run, t); });
  // Beyond the last column, zeros up to where products stop.
  int64_t rest = lastSize % plan.run;
  int64_t end = groups.exist()
                    ? llvm::alignTo(lastSize, plan.group)
                    : llvm::alignTo(lastSize, PanelPlan::kProductUnroll);
  if (end == lastSize && rest == 0)
    return;
  auto finish = [&] {
    if (rest)
      decodeRun(reader, panelStart, index(lastSize - rest), rest, t);
    int64_t words = plan.form.words;
    int64_t stored = plan.form.kind == PanelForm::Kind::Matrix
                         ? llvm::alignTo(lastSize, 2)
                         : lastSize;
    emitLoop(b, index(stored * words), index(end * words), 1, [&](Value v) {
      vector::StoreOp::create(b, splat(bytes, b.getI8IntegerAttr(0)),
                              buffers.weights,
                              ValueRange{v, index(t * TileLayout::kVector)});
    });
  };
  if (place.panel)
    emitIf(isEqual(place.panel, plan.numPanels - 1), finish);
  else
    finish();
}
