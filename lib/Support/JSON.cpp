//===- JSON.cpp - JSON from files that nobody has checked -----------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Support/JSON.h"

using namespace mlir::sq;
using llvm::StringRef;

static bool nestsDeeperThan(StringRef text, unsigned maxDepth) {
  unsigned depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
    } else if (c == '"') {
      inString = true;
    } else if (c == '{' || c == '[') {
      if (++depth > maxDepth)
        return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

llvm::Expected<llvm::json::Value> mlir::sq::parseJSON(StringRef text,
                                                      unsigned maxDepth) {
  if (nestsDeeperThan(text, maxDepth))
    return llvm::createStringError("it nests more than " +
                                   llvm::Twine(maxDepth) + " levels deep");
  return llvm::json::parse(text);
}
