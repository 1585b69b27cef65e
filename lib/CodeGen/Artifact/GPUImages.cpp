//===- GPUImages.cpp - Kernels as part of an artifact ---------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/Artifact/GPUImages.h"
#include "sparse-quant-c/artifact.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Module.h"

using namespace mlir;
using namespace mlir::sq;

namespace {
/// Constants of one module.
class Constants {
public:
  explicit Constants(llvm::Module &module)
      : module(module), context(module.getContext()) {}

  llvm::Constant *integer(unsigned bits, uint64_t value) {
    return llvm::ConstantInt::get(llvm::IntegerType::get(context, bits), value);
  }
  llvm::Constant *structure(ArrayRef<llvm::Constant *> fields) {
    return llvm::ConstantStruct::getAnon(context, fields);
  }
  llvm::GlobalVariable *global(llvm::Constant *value) {
    return new llvm::GlobalVariable(module, value->getType(),
                                    /*isConstant=*/true,
                                    llvm::GlobalValue::PrivateLinkage, value,
                                    "sq_gpu_data");
  }
  /// Aligned as the driver likes machine code, and zero at the end, which it
  /// needs behind PTX.
  llvm::Constant *bytes(StringRef data) {
    llvm::GlobalVariable *result =
        global(llvm::ConstantDataArray::getString(context, data));
    result->setAlignment(llvm::Align(64));
    return result;
  }
  llvm::Constant *table(ArrayRef<llvm::Constant *> rows) {
    if (rows.empty())
      return llvm::ConstantPointerNull::get(
          llvm::PointerType::getUnqual(context));
    auto *type = llvm::ArrayType::get(rows.front()->getType(), rows.size());
    return global(llvm::ConstantArray::get(type, rows));
  }
  uint64_t sizeOf(llvm::Constant *value) {
    return module.getDataLayout().getTypeAllocSize(value->getType());
  }

private:
  llvm::Module &module;
  llvm::LLVMContext &context;
};
} // namespace

llvm::Error mlir::sq::addGPUImages(llvm::Module &module,
                                   ArrayRef<GPUImage> images,
                                   ArrayRef<std::string> kernels) {
  Constants c(module);
  SmallVector<llvm::Constant *> rows, names;
  for (const GPUImage &image : images) {
    uint32_t flags = (image.isPTX ? SQ_GPU_IMAGE_PTX : 0) |
                     (image.target->isExact() ? SQ_GPU_IMAGE_EXACT : 0);
    rows.push_back(c.structure(
        {c.bytes(image.target->arch),
         c.integer(32, image.target->getCapability()), c.integer(32, flags),
         c.integer(32, image.target->cuda), c.integer(32, 0),
         c.bytes(image.data), c.integer(64, image.data.size())}));
  }
  for (const std::string &kernel : kernels)
    names.push_back(c.bytes(kernel));
  llvm::Constant *desc = c.structure(
      {c.integer(32, SQ_ABI_VERSION), c.integer(32, rows.size()), c.table(rows),
       c.table(names), c.integer(32, names.size()), c.integer(32, 0)});
  if (c.sizeOf(desc) != sizeof(sq_gpu_desc) ||
      (!rows.empty() && c.sizeOf(rows.front()) != sizeof(sq_gpu_image)))
    return llvm::createStringError(
        "the layout of the kernels' table differs from artifact.h");
  auto *global = new llvm::GlobalVariable(
      module, desc->getType(), /*isConstant=*/true,
      llvm::GlobalValue::ExternalLinkage, desc, SQ_GPU_SYMBOL);
  global->setVisibility(llvm::GlobalValue::HiddenVisibility);
  return llvm::Error::success();
}
