//===- LlamaBuilder.cpp - The frame of a Llama function -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LlamaBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

using namespace mlir;
using namespace mlir::sq;

LlamaBuilder::LlamaBuilder(ModuleOp module, const LlamaModel &model,
                           const ImportOptions &options)
    : module(module), model(model), config(model.config),
      capacity(options.maxSeq), cacheType(options.kvCache),
      b(module.getLoc(), module.getBodyRegion()) {}

//===----------------------------------------------------------------------===//
// Building blocks
//===----------------------------------------------------------------------===//

Value LlamaBuilder::constant(float value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
}

Value LlamaBuilder::empty(Sizes sizes) {
  return tensor::EmptyOp::create(b, sizes, b.getF32Type());
}

Value LlamaBuilder::filled(Sizes sizes, float value) {
  return linalg::FillOp::create(b, constant(value), empty(sizes)).getResult(0);
}

Value LlamaBuilder::generic(ArrayRef<Access> ins, Access out, unsigned numLoops,
                            Body body) {
  SmallVector<utils::IteratorType> iterators(numLoops,
                                             utils::IteratorType::reduction);
  for (unsigned loop : out.loops)
    iterators[loop] = utils::IteratorType::parallel;
  SmallVector<AffineMap> maps;
  SmallVector<Value> inputs;
  auto addMap = [&](ArrayRef<unsigned> loops) {
    SmallVector<AffineExpr> exprs;
    for (unsigned loop : loops)
      exprs.push_back(b.getAffineDimExpr(loop));
    maps.push_back(AffineMap::get(numLoops, 0, exprs, b.getContext()));
  };
  for (const Access &in : ins) {
    inputs.push_back(in.value);
    addMap(in.loops);
  }
  addMap(out.loops);
  auto op = linalg::GenericOp::create(
      b, out.value.getType(), inputs, out.value, maps, iterators,
      [&](OpBuilder &builder, Location loc, ValueRange args) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(builder.getInsertionBlock(),
                            builder.getInsertionPoint());
        linalg::YieldOp::create(b, body(args));
      });
  return op.getResult(0);
}

Value LlamaBuilder::map(ArrayRef<Access> ins, Sizes sizes, Body body) {
  SmallVector<unsigned> loops = llvm::to_vector(
      llvm::seq<unsigned>(0, static_cast<unsigned>(sizes.size())));
  return generic(ins, {empty(sizes), loops}, sizes.size(),
                 [&](ValueRange args) { return body(args.drop_back()); });
}

Value LlamaBuilder::parameter(const WeightRef &weight,
                              ArrayRef<int64_t> shape) {
  return ParameterOp::create(
      b, RankedTensorType::get(shape, b.getF32Type()),
      b.getStringAttr(weight.name), b.getStringAttr(weight.source),
      weight.offset ? b.getI64IntegerAttr(*weight.offset) : IntegerAttr());
}

Value LlamaBuilder::expand(Value value, Sizes sizes,
                           ArrayRef<ReassociationIndices> groups) {
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(sizes, dynamic, shape);
  return tensor::ExpandShapeOp::create(
      b, RankedTensorType::get(shape, b.getF32Type()), value, groups, sizes);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

SmallVector<std::pair<StringRef, Type>> LlamaBuilder::getCaches() {
  int64_t layers = config.numLayers, heads = config.numKVHeads,
          size = config.headDim, lanes = AttentionOp::kLanes,
          positions = llvm::alignTo(capacity, AttentionOp::kPositionBlock);
  Type element = b.getF32Type();
  if (cacheType == KVCacheType::F16)
    element = b.getF16Type();
  else if (cacheType == KVCacheType::Int8)
    element = b.getI8Type();
  SmallVector<std::pair<StringRef, Type>> caches = {
      {"k_cache",
       RankedTensorType::get({layers, heads, positions / lanes, size, lanes},
                             element)},
      {"v_cache",
       RankedTensorType::get({layers, heads, positions, size}, element)}};
  if (cacheType == KVCacheType::Int8)
    for (StringRef name : {"k_scale", "v_scale"})
      caches.push_back({name, RankedTensorType::get({layers, heads, positions},
                                                    b.getF32Type())});
  return caches;
}

/// The interface that LowerInterface and the runtime read; see
/// CodeGen/Artifact/Signature.h.
func::FuncOp LlamaBuilder::declare(StringRef name, int64_t numTokens) {
  MLIRContext *context = b.getContext();
  Type f32 = b.getF32Type();
  auto tokensType = RankedTensorType::get({numTokens}, b.getI32Type());
  auto posType = RankedTensorType::get({}, b.getI64Type());
  auto logitsType = RankedTensorType::get({numTokens, config.vocabSize}, f32);
  bool isDynamic = ShapedType::isDynamic(numTokens);

  auto named = [&](StringRef key, Attribute value) {
    return NamedAttribute(StringAttr::get(context, key), value);
  };
  NamedAttrList tokensAttrs, posAttrs, logitsAttrs;
  tokensAttrs.append(named("sq.name", b.getStringAttr("tokens")));
  tokensAttrs.append(named("sq.bound", b.getI64IntegerAttr(config.vocabSize)));
  posAttrs.append(named("sq.name", b.getStringAttr("pos")));
  logitsAttrs.append(named("sq.name", b.getStringAttr("logits")));
  if (isDynamic) {
    tokensAttrs.append(named("sq.dims", b.getStrArrayAttr({"T"})));
    logitsAttrs.append(named("sq.dims", b.getStrArrayAttr({"T", ""})));
  }
  SmallVector<Type> inputs = {tokensType, posType}, results = {logitsType};
  SmallVector<DictionaryAttr> argAttrs = {tokensAttrs.getDictionary(context),
                                          posAttrs.getDictionary(context)},
                              resultAttrs = {
                                  logitsAttrs.getDictionary(context)};
  for (auto [state, type] : getCaches()) {
    NamedAttrList attrs;
    attrs.append(named("sq.state", b.getStringAttr(state)));
    inputs.push_back(type);
    results.push_back(type);
    argAttrs.push_back(attrs.getDictionary(context));
    resultAttrs.push_back(attrs.getDictionary(context));
  }
  auto func = func::FuncOp::create(b, name, b.getFunctionType(inputs, results));
  func.setAllArgAttrs(argAttrs);
  func.setAllResultAttrs(resultAttrs);
  func->setAttr("sq.pos_arg", b.getStringAttr("pos"));
  func->setAttr("sq.capacity", b.getI64IntegerAttr(capacity));
  if (isDynamic) {
    func->setAttr("sq.len_symbol", b.getStringAttr("T"));
    func->setAttr("sq.symbol_max", b.getDictionaryAttr(named(
                                       "T", b.getI64IntegerAttr(capacity))));
  } else {
    func->setAttr("sq.fixed_len", b.getI64IntegerAttr(numTokens));
  }
  return func;
}

void LlamaBuilder::addFunction(StringRef name, int64_t numTokens) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(module.getBody());
  func::FuncOp func = declare(name, numTokens);
  Block *entry = func.addEntryBlock();
  b.setInsertionPointToStart(entry);
  tokens = entry->getArgument(0);
  caches.assign(std::next(entry->args_begin(), 2), entry->args_end());

  Value position = tensor::ExtractOp::create(b, entry->getArgument(1));
  pos = arith::IndexCastOp::create(b, b.getIndexType(), position);
  length = ShapedType::isDynamic(numTokens)
               ? OpFoldResult(tensor::DimOp::create(b, tokens, 0).getResult())
               : OpFoldResult(index(numTokens));

  Value x = embed();
  makeRotations();
  for (auto [layer, weights] : llvm::enumerate(model.layers)) {
    x = attend(normalize(x, weights.attentionNorm), x, weights, layer);
    x = feedForward(normalize(x, weights.mlpNorm), x, weights);
  }
  x = normalize(x, model.finalNorm);
  Value logits = linear(x, model.head, config.vocabSize);
  SmallVector<Value> results = {logits};
  llvm::append_range(results, caches);
  func::ReturnOp::create(b, results);
}

OwningOpRef<ModuleOp> mlir::sq::buildLlama(MLIRContext &context,
                                           const LlamaModel &model,
                                           const ImportOptions &options) {
  context.loadDialect<arith::ArithDialect, func::FuncDialect,
                      linalg::LinalgDialect, math::MathDialect,
                      tensor::TensorDialect, SQDialect>();
  OwningOpRef<ModuleOp> module =
      ModuleOp::create(UnknownLoc::get(&context), StringRef(model.name));
  LlamaBuilder builder(*module, model, options);
  if (options.prefill)
    builder.addFunction("prefill", ShapedType::kDynamic);
  if (options.decode)
    builder.addFunction("decode", 1);
  return module;
}
