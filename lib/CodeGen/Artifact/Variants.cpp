//===- Variants.cpp - Code for several CPUs in one module -----------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each function carries the CPU that it is compiled for as attributes, so one
// module, and one object, may hold code for several. Every variant has a
// descriptor of its own; `sq_variants` lists them.
//
//===----------------------------------------------------------------------===//
#include "sparse-quant-c/artifact.h"
#include "sparse-quant/CodeGen/Artifact/Emit.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Module.h"
#include "llvm/Linker/Linker.h"

using namespace mlir;
using namespace mlir::sq;

llvm::Error mlir::sq::addVariant(std::unique_ptr<llvm::Module> &all,
                                 std::unique_ptr<llvm::Module> variant,
                                 llvm::StringRef descriptor) {
  // Variants define the same names; what is internal gets others.
  for (llvm::GlobalValue &value : variant->global_values())
    if (!value.isDeclaration() && value.getName() != descriptor &&
        !value.hasAppendingLinkage())
      value.setLinkage(llvm::GlobalValue::InternalLinkage);
  if (!all) {
    all = std::move(variant);
    return llvm::Error::success();
  }
  if (llvm::Linker::linkModules(*all, std::move(variant)))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "cannot put the code for several targets "
                                   "together");
  return llvm::Error::success();
}

void mlir::sq::addVariantTable(llvm::Module &module,
                               llvm::ArrayRef<std::string> descriptors) {
  llvm::LLVMContext &context = module.getContext();
  std::vector<llvm::Constant *> pointers;
  for (const std::string &name : descriptors) {
    llvm::GlobalVariable *descriptor = module.getNamedGlobal(name);
    descriptor->setLinkage(llvm::GlobalValue::InternalLinkage);
    // The runtime tells variants apart by their addresses.
    descriptor->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::None);
    pointers.push_back(descriptor);
  }
  auto *array = llvm::ConstantArray::get(
      llvm::ArrayType::get(pointers.front()->getType(), pointers.size()),
      pointers);
  auto *list = new llvm::GlobalVariable(
      module, array->getType(), /*isConstant=*/true,
      llvm::GlobalValue::InternalLinkage, array, "sq_variant_list");
  llvm::Type *i32 = llvm::Type::getInt32Ty(context);
  llvm::Constant *table = llvm::ConstantStruct::getAnon(
      context, {llvm::ConstantInt::get(i32, SQ_ABI_VERSION),
                llvm::ConstantInt::get(i32, pointers.size()), list});
  auto *global = new llvm::GlobalVariable(
      module, table->getType(), /*isConstant=*/true,
      llvm::GlobalValue::ExternalLinkage, table, SQ_VARIANTS_SYMBOL);
  global->setVisibility(llvm::GlobalValue::HiddenVisibility);
}
