//===- AssemblePTX.cpp - PTX to machine code, by ptxas --------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/CodeGen/Artifact/GPUImages.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::sq;

std::optional<std::string> mlir::sq::findPTXAssembler() {
  if (auto found = llvm::sys::findProgramByName("ptxas"))
    return *found;
  SmallVector<std::string> roots;
  for (StringRef variable : {"CUDA_ROOT", "CUDA_HOME"})
    if (auto root = llvm::sys::Process::GetEnv(variable))
      roots.push_back(*root);
  if (roots.empty())
    roots.push_back("/usr/local/cuda");
  for (const std::string &root : roots) {
    SmallString<128> folder(root);
    llvm::sys::path::append(folder, "bin");
    if (auto found = llvm::sys::findProgramByName("ptxas", {folder.str()}))
      return *found;
  }
  return std::nullopt;
}

namespace {
/// A file of no content that goes away with the object.
struct TemporaryFile {
  SmallString<128> path;
  llvm::FileRemover remover;

  std::error_code create(StringRef extension) {
    std::error_code error =
        llvm::sys::fs::createTemporaryFile("sq-kernels", extension, path);
    if (!error)
      remover.setFile(path);
    return error;
  }
};
} // namespace

llvm::Expected<std::string> mlir::sq::assemblePTX(StringRef assembler,
                                                  StringRef ptx,
                                                  const GPUTarget &target) {
  TemporaryFile input, output, log;
  for (auto [file, extension] :
       {std::pair(&input, "ptx"), {&output, "cubin"}, {&log, "txt"}})
    if (std::error_code error = file->create(extension))
      return llvm::createStringError(error, "cannot make a temporary file: " +
                                                error.message());
  std::error_code error;
  {
    llvm::raw_fd_ostream stream(input.path, error);
    if (!error)
      stream << ptx;
    stream.close();
    if (!error)
      error = stream.error();
    stream.clear_error();
  }
  if (error)
    return llvm::createStringError(error, "cannot write '" + input.path.str() +
                                              "': " + error.message());
  std::string arch = ("-arch=" + target.arch).str(), message;
  int result = llvm::sys::ExecuteAndWait(
      assembler, {assembler, arch, input.path, "-o", output.path},
      /*Env=*/std::nullopt, {StringRef(""), log.path.str(), log.path.str()},
      /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  if (result != 0) {
    if (auto text = llvm::MemoryBuffer::getFile(log.path);
        text && message.empty())
      message = (*text)->getBuffer().split('\n').first.str();
    return llvm::createStringError("'" + assembler + "' fails for " +
                                   target.arch + ": " + message);
  }
  auto code = llvm::MemoryBuffer::getFile(output.path);
  if (!code)
    return llvm::createStringError(code.getError(),
                                   "cannot read what ptxas has written: " +
                                       code.getError().message());
  return (*code)->getBuffer().str();
}
