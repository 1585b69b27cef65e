//===- TargetList.cpp - Several targets of one artifact -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Target/TargetSpec.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir::sq;

/// From the least to the best: AVX2 for what has been sold since 2015, the
/// first CPUs with dot products of bytes, the first that expand them.
static constexpr llvm::StringLiteral kDefaultList =
    "x86-64-v3,cascadelake,icelake-server";

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

llvm::Expected<std::vector<TargetSpec>>
mlir::sq::parseTargets(llvm::StringRef text) {
  llvm::StringRef list = text;
  bool isMulti = text == "multi" || list.consume_front("multi:");
  if (text == "multi") {
    llvm::Triple host(llvm::sys::getDefaultTargetTriple());
    if (host.getArch() != llvm::Triple::x86_64)
      return makeError("'multi' has no list of CPUs for " + host.getArchName() +
                       "; write one: multi:CPU,CPU");
    list = kDefaultList;
  }
  llvm::SmallVector<llvm::StringRef> names;
  if (isMulti)
    list.split(names, ',');
  else
    names.push_back(text);

  std::vector<TargetSpec> targets;
  for (llvm::StringRef name : names) {
    llvm::Expected<TargetSpec> target = parseTarget(name);
    if (!target)
      return target.takeError();
    for (const TargetSpec &other : targets) {
      if (other.triple != target->triple)
        return makeError("targets of one artifact differ in more than their "
                         "CPU: " +
                         other.triple + " and " + target->triple);
      if (other.cpu == target->cpu)
        return makeError("target '" + target->cpu + "' is listed twice");
    }
    targets.push_back(std::move(*target));
  }
  return targets;
}
