//===- OutputFiles.cpp - Files that appear together -----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Pipelines/OutputFiles.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"

using namespace mlir::sq;
using llvm::Expected;
using llvm::StringRef;
namespace fs = llvm::sys::fs;

/// Names of temporary files that others may have taken.
static constexpr unsigned kMaxAttempts = 16;

static llvm::Error cannotWrite(StringRef path, std::error_code code) {
  return llvm::createStringError(code, "cannot write '" + path +
                                           "': " + code.message());
}

OutputFiles::~OutputFiles() {
  for (const File &file : files) {
    fs::remove(file.temporary);
    llvm::sys::DontRemoveFileOnSignal(file.temporary);
  }
}

Expected<std::string> OutputFiles::create(StringRef path, StringRef final) {
  // Not createUniqueFile, to which any '%' of the path is a place for a digit.
  for (unsigned attempt = 0;; ++attempt) {
    int descriptor;
    std::string temporary = llvm::formatv(
        "{0}.{1:x-8}.tmp", path, llvm::sys::Process::GetRandomNumber());
    std::error_code code =
        fs::openFileForWrite(temporary, descriptor, fs::CD_CreateNew);
    if (code == std::errc::file_exists && attempt < kMaxAttempts)
      continue;
    if (code)
      return cannotWrite(path, code);
    llvm::sys::Process::SafelyCloseFileDescriptor(descriptor);
    llvm::sys::RemoveFileOnSignal(temporary);
    files.push_back({temporary, final.str()});
    return temporary;
  }
}

Expected<std::string> OutputFiles::add(StringRef path) {
  if (path == "-")
    return path.str();
  fs::file_status status;
  if (!fs::status(path, status)) {
    if (status.type() == fs::file_type::directory_file)
      return cannotWrite(path, std::make_error_code(std::errc::is_a_directory));
    if (status.type() != fs::file_type::regular_file)
      return path.str();
  }
  return create(path, path);
}

Expected<std::string> OutputFiles::addIntermediate(StringRef path) {
  return create(path, "");
}

llvm::Error OutputFiles::commit() {
  for (const File &file : files) {
    std::error_code code = file.final.empty()
                               ? fs::remove(file.temporary)
                               : fs::rename(file.temporary, file.final);
    if (code)
      return cannotWrite(file.final, code);
    llvm::sys::DontRemoveFileOnSignal(file.temporary);
  }
  files.clear();
  return llvm::Error::success();
}
