//===- Header.cpp - The C header of an artifact -----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Pipelines/Header.h"
#include "RuntimeHeaderText.h"
#include "sparse-quant-c/runtime.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir::sq;

static std::string getIdentifier(llvm::StringRef text) {
  std::string name = text.upper();
  for (char &c : name)
    if (!llvm::isAlnum(c))
      c = '_';
  if (name.empty() || llvm::isDigit(name[0]))
    name = "_" + name;
  return name;
}

static llvm::StringRef getTypeName(uint8_t code) {
  switch (code) {
  case SQ_TYPE_INT:
    return "int";
  case SQ_TYPE_UINT:
    return "uint";
  case SQ_TYPE_FLOAT:
    return "float";
  case SQ_TYPE_BFLOAT:
    return "bfloat";
  case SQ_TYPE_BOOL:
    return "bool";
  default:
    return "float8_";
  }
}

static void writeTensor(const FunctionSignature &function,
                        const TensorSignature &tensor, llvm::StringRef role,
                        llvm::raw_ostream &out) {
  out << "///   " << role << ' ' << tensor.name << ": "
      << getTypeName(tensor.typeCode) << unsigned(tensor.bits) << '[';
  llvm::interleave(
      tensor.shape, out,
      [&](int64_t extent) {
        if (extent < 0)
          out << function.symbols[-1 - extent].name;
        else
          out << extent;
      },
      ", ");
  out << "]\n";
}

void mlir::sq::writeHeader(const ArtifactSignature &signature,
                           const ArtifactInfo &info, llvm::raw_ostream &out) {
  std::string model = getIdentifier(info.modelName);
  out << "// " << info.modelName << ", compiled by " << info.producer << ".\n"
      << "// The runtime's API comes first; the model's functions are at the "
         "end.\n"
      << kRuntimeHeader << "\n#ifndef SQ_MODEL_" << model
      << "_H\n#define SQ_MODEL_" << model << "_H\n\n";
  for (const FunctionSignature &function : signature.functions) {
    out << "/// Inputs and outputs of sq_api::call, in order:\n";
    for (const TensorSignature &arg : function.args)
      if (!arg.state)
        writeTensor(function, arg, "input ", out);
    for (const TensorSignature &result : function.results)
      writeTensor(function, result, "output", out);
    std::string prefix = "SQ_" + model + "_" + getIdentifier(function.name);
    out << "#define " << prefix << " \"" << function.name << "\"\n";
    if (function.capacity)
      out << "/// Positions that the states hold.\n#define " << prefix
          << "_CAPACITY " << function.capacity << "\n";
    out << '\n';
  }
  out << "#endif // SQ_MODEL_" << model << "_H\n";
}
