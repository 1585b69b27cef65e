//===- VectorISA.cpp - Names of vector instruction sets -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Target/VectorISA.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

using namespace mlir::sq;

namespace {
/// Collects what `getVectorISAValues` gives to an option.
struct Names {
  llvm::SmallVector<std::pair<llvm::StringRef, VectorISA>> values;

  Names() { getVectorISAValues().apply(*this); }
  Names &getParser() { return *this; }
  void addLiteralOption(llvm::StringRef name, int value, llvm::StringRef) {
    values.emplace_back(name, static_cast<VectorISA>(value));
  }
};
} // namespace

static const Names &getNames() {
  static const Names names;
  return names;
}

llvm::StringRef mlir::sq::stringifyVectorISA(VectorISA isa) {
  for (auto [name, value] : getNames().values)
    if (value == isa)
      return name;
  return "";
}

std::optional<VectorISA> mlir::sq::parseVectorISA(llvm::StringRef name) {
  for (auto [known, value] : getNames().values)
    if (known == name)
      return value;
  return std::nullopt;
}

std::string mlir::sq::listVectorISAs() {
  std::string list;
  for (auto [name, value] : getNames().values)
    list += (list.empty() ? "'" : ", '") + name.str() + "'";
  return list;
}
