//===- Signature.cpp - The interface of a compiled function -----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/Artifact/Signature.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "sparse-quant-c/runtime.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::sq;

namespace {

/// DLPack's name of an element type; nullopt if the ABI has none.
std::optional<uint8_t> getTypeCode(Type type) {
  return llvm::TypeSwitch<Type, std::optional<uint8_t>>(type)
      .Case<IndexType>([](auto) { return SQ_TYPE_INT; })
      .Case<IntegerType>([](IntegerType type) -> std::optional<uint8_t> {
        unsigned width = type.getWidth();
        if (width == 1)
          return SQ_TYPE_BOOL;
        if (width != 8 && width != 16 && width != 32 && width != 64)
          return std::nullopt;
        return type.isUnsigned() ? SQ_TYPE_UINT : SQ_TYPE_INT;
      })
      .Case<Float16Type, Float32Type, Float64Type>(
          [](auto) { return SQ_TYPE_FLOAT; })
      .Case<BFloat16Type>([](auto) { return SQ_TYPE_BFLOAT; })
      .Case<Float8E4M3FNType>([](auto) { return SQ_TYPE_FLOAT8_E4M3FN; })
      .Case<Float8E5M2Type>([](auto) { return SQ_TYPE_FLOAT8_E5M2; })
      .Case<Float8E8M0FNUType>([](auto) { return SQ_TYPE_FLOAT8_E8M0FNU; })
      .Default([](Type) { return std::nullopt; });
}

/// Reads one function; keeps its symbols and adds to the module's states.
class SignatureReader {
public:
  SignatureReader(func::FuncOp func, ArtifactSignature &artifact)
      : func(func), artifact(artifact) {
    signature.name = func.getName().str();
  }

  FailureOr<FunctionSignature> read() {
    for (unsigned i = 0, e = func.getNumArguments(); i < e; ++i)
      if (failed(readArgument(i)))
        return failure();
    SmallVector<std::optional<unsigned>> states = getStateResults(func);
    for (unsigned i = 0, e = func.getNumResults(); i < e; ++i)
      if (!states[i] && failed(readResult(i)))
        return failure();
    if (failed(readCapacity()))
      return failure();
    return std::move(signature);
  }

private:
  /// The symbol of extent `dim`; a symbol named "" is unnamed.
  FailureOr<int64_t> getSymbol(StringRef name, bool mayBind, Twine what) {
    for (auto [index, symbol] : llvm::enumerate(signature.symbols))
      if (symbol.name == name)
        return index;
    if (!mayBind)
      return func.emitError("dynamic extent of ")
             << what.str() << " of '" << signature.name
             << "' is bound by no argument: give it the name of an argument's "
                "extent with sq.dims";
    int64_t max = 0;
    if (auto limits = func->getAttrOfType<DictionaryAttr>("sq.symbol_max"))
      if (auto limit = limits.getAs<IntegerAttr>(name))
        max = limit.getInt();
    signature.symbols.push_back({name.str(), max});
    return signature.symbols.size() - 1;
  }

  FailureOr<TensorSignature> readTensor(Type type, DictionaryAttr attrs,
                                        std::string defaultName, bool isArg) {
    TensorSignature tensor;
    tensor.name = defaultName;
    if (attrs)
      if (auto name = attrs.getAs<StringAttr>("sq.name"))
        tensor.name = name.str();
    auto shaped = dyn_cast<ShapedType>(type);
    std::optional<uint8_t> code;
    if (shaped && shaped.hasRank())
      code = getTypeCode(shaped.getElementType());
    if (!code)
      return func.emitError("type ")
             << type << " of " << tensor.name << " of '" << signature.name
             << "' has no place in an artifact's interface: use a ranked "
                "tensor "
                "of f16, bf16, f32, f64, i1, i8, i16, i32 or i64";
    tensor.typeCode = *code;
    tensor.bits = shaped.getElementType().isIndex()
                      ? 64
                      : std::max(8u, shaped.getElementTypeBitWidth());
    ArrayAttr dims = attrs ? attrs.getAs<ArrayAttr>("sq.dims") : ArrayAttr();
    unsigned nextDynamic = 0;
    for (auto [i, extent] : llvm::enumerate(shaped.getShape())) {
      if (!ShapedType::isDynamic(extent)) {
        tensor.shape.push_back(extent);
        continue;
      }
      // sq.dims names each extent, or the dynamic ones only.
      std::string symbol = tensor.name + "." + std::to_string(i);
      if (dims) {
        unsigned index =
            dims.size() == unsigned(shaped.getRank()) ? i : nextDynamic;
        if (index < dims.size())
          if (auto text = dyn_cast<StringAttr>(dims[index]))
            if (!text.getValue().empty())
              symbol = text.str();
      }
      ++nextDynamic;
      FailureOr<int64_t> position =
          getSymbol(symbol, /*mayBind=*/isArg, tensor.name);
      if (failed(position))
        return failure();
      tensor.shape.push_back(-1 - *position);
    }
    return tensor;
  }

  LogicalResult readArgument(unsigned i) {
    DictionaryAttr attrs = func.getArgAttrDict(i);
    FailureOr<TensorSignature> tensor =
        readTensor(func.getArgumentTypes()[i], attrs, "arg" + std::to_string(i),
                   /*isArg=*/true);
    if (failed(tensor))
      return failure();
    if (auto bound = func.getArgAttrOfType<IntegerAttr>(i, "sq.bound"))
      tensor->bound = bound.getInt();
    if (auto state = func.getArgAttrOfType<StringAttr>(i, "sq.state")) {
      tensor->name = state.str();
      FailureOr<unsigned> index = addState(*tensor);
      if (failed(index))
        return failure();
      tensor->state = *index;
    }
    signature.args.push_back(std::move(*tensor));
    return success();
  }

  LogicalResult readResult(unsigned i) {
    FailureOr<TensorSignature> tensor =
        readTensor(func.getResultTypes()[i], func.getResultAttrDict(i),
                   "result" + std::to_string(i), /*isArg=*/false);
    if (failed(tensor))
      return failure();
    signature.results.push_back(std::move(*tensor));
    return success();
  }

  FailureOr<unsigned> addState(const TensorSignature &state) {
    if (llvm::any_of(state.shape, [](int64_t extent) { return extent < 0; }))
      return func.emitError("state '")
             << state.name << "' of '" << signature.name
             << "' has a dynamic extent; a state's extents are fixed";
    for (auto [index, known] : llvm::enumerate(artifact.states)) {
      if (known.name != state.name)
        continue;
      if (known.shape != state.shape || known.typeCode != state.typeCode ||
          known.bits != state.bits)
        return func.emitError("state '")
               << state.name << "' of '" << signature.name
               << "' has another type than in an earlier function";
      return index;
    }
    artifact.states.push_back(state);
    return artifact.states.size() - 1;
  }

  LogicalResult readCapacity() {
    auto pos = func->getAttrOfType<StringAttr>("sq.pos_arg");
    auto capacity = func->getAttrOfType<IntegerAttr>("sq.capacity");
    if (!pos || !capacity)
      return success();
    signature.capacity = capacity.getInt();
    for (auto [i, arg] : llvm::enumerate(signature.args))
      if (arg.name == pos.getValue() && arg.shape.empty())
        signature.posArg = i;
    if (signature.posArg < 0)
      return func.emitError("sq.pos_arg of '")
             << signature.name << "' names no scalar argument: " << pos;
    if (auto fixed = func->getAttrOfType<IntegerAttr>("sq.fixed_len"))
      signature.fixedLen = fixed.getInt();
    if (auto symbol = func->getAttrOfType<StringAttr>("sq.len_symbol")) {
      FailureOr<int64_t> index =
          getSymbol(symbol.getValue(), /*mayBind=*/false, "sq.len_symbol");
      if (failed(index))
        return failure();
      signature.lenSymbol = *index;
    }
    return success();
  }

  func::FuncOp func;
  ArtifactSignature &artifact;
  FunctionSignature signature;
};

} // namespace

SmallVector<std::optional<unsigned>>
mlir::sq::getStateResults(func::FuncOp func) {
  llvm::StringMap<unsigned> states;
  for (unsigned i = 0, e = func.getNumArguments(); i < e; ++i)
    if (auto state = func.getArgAttrOfType<StringAttr>(i, "sq.state"))
      states[state.getValue()] = i;
  SmallVector<std::optional<unsigned>> results;
  for (unsigned i = 0, e = func.getNumResults(); i < e; ++i) {
    auto state = func.getResultAttrOfType<StringAttr>(i, "sq.state");
    auto it = state ? states.find(state.getValue()) : states.end();
    results.push_back(it == states.end() ? std::nullopt
                                         : std::optional(it->second));
  }
  return results;
}

FailureOr<ArtifactSignature> mlir::sq::getSignature(ModuleOp module) {
  ArtifactSignature artifact;
  for (auto func : module.getOps<func::FuncOp>()) {
    if (func.isPrivate() || func.isExternal())
      continue;
    FailureOr<FunctionSignature> signature =
        SignatureReader(func, artifact).read();
    if (failed(signature))
      return failure();
    artifact.functions.push_back(std::move(*signature));
  }
  if (artifact.functions.empty())
    return module.emitError("no public function to compile");
  return artifact;
}
