//===- Descriptor.cpp - sq_artifact_desc as LLVM constants ------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Field order and widths are those of sparse-quant-c/artifact.h and runtime.h;
// the sizes are compared with the C compiler's, so that the two can't part.
//
//===----------------------------------------------------------------------===//
#include "sparse-quant-c/artifact.h"
#include "sparse-quant/CodeGen/Artifact/Emit.h"
#include "sparse-quant/Target/TargetSpec.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace mlir::sq;

namespace {

/// Builds nested constant structs; every table becomes a private global.
class DescriptorBuilder {
public:
  DescriptorBuilder(llvm::Module &module)
      : module(module), context(module.getContext()),
        pointer(llvm::PointerType::getUnqual(context)) {}

  llvm::Constant *i8(uint8_t v) { return integer(8, v); }
  llvm::Constant *i16(uint16_t v) { return integer(16, v); }
  llvm::Constant *i32(uint32_t v) { return integer(32, v); }
  llvm::Constant *i64(uint64_t v) { return integer(64, v); }
  llvm::Constant *f64(double v) {
    return llvm::ConstantFP::get(llvm::Type::getDoubleTy(context), v);
  }
  llvm::Constant *null() { return llvm::ConstantPointerNull::get(pointer); }

  llvm::Constant *string(llvm::StringRef text) {
    llvm::Constant *&known = strings[text];
    if (!known)
      known = global(llvm::ConstantDataArray::getString(context, text));
    return known;
  }

  llvm::Constant *structure(llvm::ArrayRef<llvm::Constant *> fields) {
    return llvm::ConstantStruct::getAnon(context, fields);
  }

  llvm::Constant *array(llvm::ArrayRef<llvm::Constant *> elements) {
    if (elements.empty())
      return null();
    auto *type =
        llvm::ArrayType::get(elements.front()->getType(), elements.size());
    return global(llvm::ConstantArray::get(type, elements));
  }

  llvm::Constant *extents(llvm::ArrayRef<int64_t> shape) {
    std::vector<llvm::Constant *> elements;
    for (int64_t extent : shape)
      elements.push_back(i64(extent));
    return array(elements);
  }

  uint64_t sizeOf(llvm::Constant *constant) {
    return module.getDataLayout().getTypeAllocSize(constant->getType());
  }

private:
  llvm::Constant *integer(unsigned bits, uint64_t value) {
    return llvm::ConstantInt::get(llvm::IntegerType::get(context, bits), value,
                                  /*IsSigned=*/false, /*ImplicitTrunc=*/true);
  }
  llvm::Constant *global(llvm::Constant *initializer) {
    return new llvm::GlobalVariable(
        module, initializer->getType(), /*isConstant=*/true,
        llvm::GlobalValue::PrivateLinkage, initializer, "sq_desc");
  }

  llvm::Module &module;
  llvm::LLVMContext &context;
  llvm::PointerType *pointer;
  llvm::StringMap<llvm::Constant *> strings;
};

llvm::Constant *buildTensor(DescriptorBuilder &b, const TensorSignature &tensor,
                            uint32_t kind) {
  return b.structure({b.string(tensor.name), b.i8(tensor.typeCode),
                      b.i8(tensor.bits), b.i16(1), b.i32(tensor.shape.size()),
                      b.extents(tensor.shape),
                      b.i32(tensor.state ? uint32_t(SQ_TENSOR_STATE) : kind),
                      b.i32(tensor.state.value_or(0)), b.i64(tensor.bound)});
}

llvm::Constant *buildFunction(DescriptorBuilder &b,
                              const FunctionSignature &function,
                              llvm::Function *entry) {
  std::vector<llvm::Constant *> args, results, symbols;
  for (const TensorSignature &arg : function.args)
    args.push_back(buildTensor(b, arg, SQ_TENSOR_INPUT));
  for (const TensorSignature &result : function.results)
    results.push_back(buildTensor(b, result, SQ_TENSOR_RESULT));
  for (const FunctionSignature::Symbol &symbol : function.symbols)
    symbols.push_back(
        b.structure({b.string(symbol.name), b.i64(1 /* the least extent */),
                     b.i64(symbol.max)}));
  return b.structure({b.string(function.name), b.i32(args.size()),
                      b.i32(results.size()), b.array(args), b.array(results),
                      b.i32(symbols.size()), b.i32(function.posArg),
                      b.array(symbols), b.i32(function.lenSymbol),
                      b.i32(function.parallelRegions), b.i64(function.fixedLen),
                      b.i64(function.capacity), entry});
}

llvm::Constant *buildState(DescriptorBuilder &b, const TensorSignature &state) {
  return b.structure({b.string(state.name), b.i8(state.typeCode),
                      b.i8(state.bits), b.i16(1), b.i32(state.shape.size()),
                      b.extents(state.shape)});
}

llvm::Constant *buildLayer(DescriptorBuilder &b, const LayerInfo &layer) {
  return b.structure({b.string(layer.name), b.string(layer.pattern),
                      b.string(layer.format), b.string(layer.kernel),
                      b.string(layer.order), b.string(layer.whyDense),
                      b.i64(layer.rows), b.i64(layer.columns),
                      b.i64(layer.denseBytes), b.i64(layer.packedBytes),
                      b.f64(layer.relativeError), b.string(layer.cost)});
}

/// void entry(void **args): unpacks the array for the C interface function.
llvm::Expected<llvm::Function *> buildEntry(llvm::Module &module,
                                            const FunctionSignature &function) {
  llvm::Function *callee = module.getFunction("_mlir_ciface_" + function.name);
  if (!callee || callee->isDeclaration())
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "no code was generated for function '%s'",
                                   function.name.c_str());
  callee->setLinkage(llvm::GlobalValue::InternalLinkage);
  if (llvm::Function *body = module.getFunction(function.name))
    body->setLinkage(llvm::GlobalValue::InternalLinkage);

  llvm::LLVMContext &context = module.getContext();
  auto *pointer = llvm::PointerType::getUnqual(context);
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context),
                                       {pointer}, /*isVarArg=*/false);
  llvm::Function *entry =
      llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage,
                             "sq_entry_" + function.name, module);
  llvm::IRBuilder<> builder(llvm::BasicBlock::Create(context, "", entry));
  std::vector<llvm::Value *> arguments;
  for (unsigned i = 0, e = callee->arg_size(); i < e; ++i)
    arguments.push_back(builder.CreateLoad(
        pointer, builder.CreateConstGEP1_32(pointer, entry->getArg(0), i)));
  builder.CreateCall(callee, arguments);
  builder.CreateRetVoid();
  return entry;
}

} // namespace

llvm::Error mlir::sq::addDescriptor(llvm::Module &module,
                                    const ArtifactSignature &signature,
                                    const ArtifactInfo &info,
                                    llvm::TargetMachine &machine) {
  DescriptorBuilder b(module);
  std::vector<llvm::Constant *> functions, states, layers;
  for (const FunctionSignature &function : signature.functions) {
    llvm::Expected<llvm::Function *> entry = buildEntry(module, function);
    if (!entry)
      return entry.takeError();
    functions.push_back(buildFunction(b, function, *entry));
  }
  for (const TensorSignature &state : signature.states)
    states.push_back(buildState(b, state));
  for (const LayerInfo &layer : info.layers)
    layers.push_back(buildLayer(b, layer));

  llvm::Constant *artifact = b.structure(
      {b.i32(SQ_ABI_VERSION), b.i32(0), b.string(info.producer),
       b.string(info.modelName), b.string(machine.getTargetTriple().str()),
       b.string(machine.getTargetCPU()),
       b.string(llvm::join(getRequiredFeatures(machine), ",")),
       b.i64(info.weightsSize), b.i64(info.weightsHeaderHash),
       b.i64(info.weightsDataHash), b.null(), b.i32(functions.size()),
       b.i32(states.size()), b.i32(layers.size()), b.i32(0), b.array(functions),
       b.array(states), b.array(layers)});

  auto agrees = [&](llvm::ArrayRef<llvm::Constant *> table, size_t size) {
    return table.empty() || b.sizeOf(table.front()) == size;
  };
  if (b.sizeOf(artifact) != sizeof(sq_artifact_desc) ||
      !agrees(functions, sizeof(sq_function_desc)) ||
      !agrees(states, sizeof(sq_state_desc)) ||
      !agrees(layers, sizeof(sq_layer_desc)))
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "the descriptor's layout for '%s' differs from artifact.h; only 64-bit "
        "targets are supported",
        machine.getTargetTriple().str().c_str());

  auto *global = new llvm::GlobalVariable(
      module, artifact->getType(), /*isConstant=*/true,
      llvm::GlobalValue::ExternalLinkage, artifact, info.symbol);
  if (info.symbol == SQ_ARTIFACT_SYMBOL)
    global->setVisibility(llvm::GlobalValue::HiddenVisibility);
  return llvm::Error::success();
}
